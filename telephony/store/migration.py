"""From a database that an earlier version made to the tables of this one, inside somebody's transaction.

Tables are only ever added, and columns with defaults: rows that are there stay readable, and a process of the earlier
version that still runs goes on writing its calls.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, Table, inspect, select, text, update
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from telephony.store.schema import VERSION, audits, calls, intents, journals, schema_version, turns

STEPS: dict[int, tuple[Column[object] | Table, ...]] = {
    2: (calls.c.findings, calls.c.cassette, turns.c.vad_at, turns.c.confirmed_at),
    3: (audits,),
    4: (intents,),
    5: (calls.c.cost, calls.c.currency),
    6: (intents.c.metadata,),
    7: (journals,),
}
"""By version, the columns and tables it added to those of the one before."""


def upgrade(connection: Connection) -> None:
    """Add what is missing. Several processes may do this at once: they wait for each other, and whoever comes late
    finds everything there."""
    version = connection.scalar(select(schema_version.c.version).with_for_update())
    for number in range((version or VERSION) + 1, VERSION + 1):
        for added in STEPS[number]:
            if isinstance(added, Table):
                create_table(connection, added)
                continue
            if any(known["name"] == added.name for known in inspect(connection).get_columns(added.table.name)):
                continue  # a step before this one has made the whole table, as it is today
            definition = CreateColumn(added).compile(dialect=connection.dialect)
            connection.execute(text(f"ALTER TABLE {added.table.name} ADD COLUMN {definition}"))
        connection.execute(update(schema_version).values(version=number))


def create_table(connection: Connection, table: Table) -> None:
    """Make *table* and its indexes, unless they are there."""
    connection.execute(CreateTable(table, if_not_exists=True))
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        connection.execute(CreateIndex(index, if_not_exists=True))
