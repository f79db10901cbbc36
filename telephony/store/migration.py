"""From a database that an earlier version made to the tables of this one, inside somebody's transaction.

Columns are only ever added, with defaults: rows that are there stay readable, and a process of the earlier version that
still runs goes on writing its calls.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, select, text, update
from sqlalchemy.schema import CreateColumn

from telephony.store.schema import VERSION, calls, schema_version, turns

STEPS: dict[int, tuple[Column[object], ...]] = {
    2: (calls.c.findings, calls.c.cassette, turns.c.vad_at, turns.c.confirmed_at),
}
"""By version, the columns it added to those of the one before."""


def upgrade(connection: Connection) -> None:
    """Add what is missing. Several processes may do this at once: they wait for each other, and whoever comes late
    finds everything there."""
    version = connection.scalar(select(schema_version.c.version).with_for_update())
    for number in range((version or VERSION) + 1, VERSION + 1):
        for column in STEPS[number]:
            definition = CreateColumn(column).compile(dialect=connection.dialect)
            connection.execute(text(f"ALTER TABLE {column.table.name} ADD COLUMN {definition}"))
        connection.execute(update(schema_version).values(version=number))
