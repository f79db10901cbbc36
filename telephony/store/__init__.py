"""Call records: kept in SQL or in memory, spooled when neither takes them, never dropped.

`keeper` is what calls use, `base` the contract, `sql` and `memory` the stores. Import `sql` only where a store is made:
it brings SQLAlchemy, which takes more than a second to import cold.
"""
