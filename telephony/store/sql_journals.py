"""What outlives the processes of running calls, in the database of the call records.

SQLAlchemy takes more than a second to import: import this only where a store is made.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from telephony.store.owner import gone
from telephony.store.queries import owner_of
from telephony.store.rows import Row
from telephony.store.schema import calls, journals, owners
from telephony.store.sql import SqlStore

STALE = timedelta(hours=5)
"""How long a journal is kept that nobody changes: the longest that a call of Twilio's lasts, and an hour."""


class SqlJournals:
    """The journals in the database of a `SqlStore`, which must be open. Every method is bounded and raises `StoreError`
    when the database cannot do its part; see `telephony.bridge.journal.Journals`."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def keep(self, call_id: str, record_id: str, journal: str, *, left: bool) -> None:
        await self._store.register()
        row = {
            "call": record_id,
            "journal": journal,
            "left": left,
            "kept_at": datetime.now(UTC),
            "owner": self._store.owner.id,
        }
        await self._store.write("keep the journal of a call", _keep, call_id, row)

    async def take(self, call_id: str) -> tuple[str, bool] | None:
        found = await self._store.read("look for the journal of a call", _find, call_id)
        # Whether a process lives is asked outside of any transaction: nobody waits for a lock meanwhile.
        if found is None or not (found["left"] or gone(owner_of(found), found["seen_at"], datetime.now(UTC))):
            return None
        await self._store.register()
        return await self._store.write("take a call over", _take, found, self._store.owner.id)

    async def drop(self, call_id: str) -> None:
        await self._store.write("delete the journal of a call", _drop, call_id)


# -- blocking, in one transaction each -----------------------------------------------------------------------------


def _keep(connection: Connection, call_id: str, row: Row) -> None:
    """One that nobody waits for any more may come late: what was kept or taken after it stays."""
    same = journals.c.carrier_call_id == call_id
    kept = connection.execute(update(journals).where(same, journals.c.kept_at <= row["kept_at"]).values(row))
    if kept.rowcount == 0 and connection.execute(select(journals.c.call).where(same)).first() is None:
        connection.execute(delete(journals).where(journals.c.kept_at < row["kept_at"] - STALE))
        connection.execute(insert(journals).values(carrier_call_id=call_id, **row))


def _find(connection: Connection, call_id: str) -> Row | None:
    known = select(journals, owners.c.host, owners.c.pid, owners.c.born, owners.c.seen_at)
    joined = known.outerjoin(owners, journals.c.owner == owners.c.id)
    return connection.execute(joined.where(journals.c.carrier_call_id == call_id)).mappings().first()


def _take(connection: Connection, found: Row, owner: str) -> tuple[str, bool] | None:
    """Of several processes one gets it. A record that was ended because its process had died runs again."""
    same = (journals.c.carrier_call_id == found["carrier_call_id"], journals.c.kept_at == found["kept_at"])
    ours = {"owner": owner, "left": False, "kept_at": datetime.now(UTC)}
    if connection.execute(update(journals).where(*same).values(ours)).rowcount == 0:
        return None
    running = {"owner": owner, "presumed": False, "result": None, "ended_by": None, "reason": None}
    mine = (calls.c.id == found["call"], calls.c.result.is_(None) | calls.c.presumed)
    connection.execute(update(calls).where(*mine).values(running))
    return found["journal"], found["left"]


def _drop(connection: Connection, call_id: str) -> None:
    connection.execute(delete(journals).where(journals.c.carrier_call_id == call_id))
