"""The calls that were asked for, in the database of the call records.

SQLAlchemy takes more than a second to import: import this only where a store is made.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

import msgspec
from sqlalchemy import Connection, insert, select, update

from telephony.store.intents import FORWARD, LAST, Intent, IntentState
from telephony.store.owner import Owner, gone
from telephony.store.queries import owner_of
from telephony.store.rows import Row
from telephony.store.schema import intents, owners
from telephony.store.sql import SqlStore

Intents = list[Intent]  # by a name of its own: inside the class, `list` is the verb


class SqlIntents:
    """The intents in the database of a `SqlStore`, which must be open. Every method is bounded and raises `StoreError`
    when the database cannot do its part."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def add(self, intent: Intent) -> Intent | None:
        """Keep a new one, as ours. If there is one of its id already, nothing is done and that one is returned."""
        await self._store.register()
        return await self._store.write("keep a call that was asked for", _add, intent, self._store.owner.id)

    async def get(self, intent_id: str) -> Intent | None:
        return await self._store.read("look for a call that was asked for", _get, intent_id)

    async def list(self, limit: int) -> Intents:
        """The newest first."""
        return await self._store.read("list the calls that were asked for", _list, limit)

    async def claimed(self, carrier_call_id: str) -> bool:
        """Whether a call of the carrier's is known to be some intent's."""
        return await self._store.read("look for a call that was placed", _claimed, carrier_call_id)

    async def advance(
        self,
        intent_id: str,
        state: IntentState,
        *,
        carrier_call_id: str = "",
        answered_by: str = "",
        reason: str = "",
    ) -> Intent | None:
        """Note what is known now; the state never goes back, and what was known stays. None if there is no such
        intent."""
        found = {"carrier_call_id": carrier_call_id, "answered_by": answered_by, "reason": reason}
        return await self._store.write("note how a call goes", _advance, intent_id, state, found)

    async def abandoned(self, now: datetime) -> Intents:
        """Take over what dead processes were placing, the oldest first. Of several processes one gets each."""
        rows = await self._store.read("look for abandoned calls", _placing, self._store.owner.id)
        dead = [row["id"] for row in rows if gone(owner_of(row), row["seen_at"], now)]
        if not dead:
            return []
        return await self._store.write("take over abandoned calls", _take, dead, self._store.owner)


# -- blocking, in one transaction each -----------------------------------------------------------------------------


def _add(connection: Connection, intent: Intent, owner: str) -> Intent | None:
    if (known := _get(connection, intent.id)) is not None:
        return known
    connection.execute(insert(intents).values(owner=owner, **msgspec.structs.asdict(intent)))
    return None


def _get(connection: Connection, intent_id: str) -> Intent | None:
    row = connection.execute(select(intents).where(intents.c.id == intent_id)).mappings().first()
    return None if row is None else _intent(row)


def _list(connection: Connection, limit: int) -> Intents:
    newest_first = select(intents).order_by(intents.c.created_at.desc(), intents.c.id.desc()).limit(limit)
    return [_intent(row) for row in connection.execute(newest_first).mappings()]


def _claimed(connection: Connection, carrier_call_id: str) -> bool:
    found = select(intents.c.id).where(intents.c.carrier_call_id == carrier_call_id)
    return connection.execute(found).first() is not None


def _advance(connection: Connection, intent_id: str, state: IntentState, found: dict[str, str]) -> Intent | None:
    wanted = select(intents).where(intents.c.id == intent_id).with_for_update()
    row = connection.execute(wanted).mappings().first()
    if row is None:
        return None
    new = {name: value for name, value in found.items() if value and not row[name]}
    if FORWARD.get(state, LAST) > FORWARD.get(row["state"], LAST):
        new["state"] = state
    if new:
        connection.execute(update(intents).where(intents.c.id == intent_id).values(new))
    return _intent({**row, **new})


def _placing(connection: Connection, owner: str) -> list[Row]:
    known = select(intents, owners.c.host, owners.c.pid, owners.c.born, owners.c.seen_at)
    joined = known.outerjoin(owners, intents.c.owner == owners.c.id)
    return list(connection.execute(joined.where(intents.c.state == "placing", intents.c.owner != owner)).mappings())


def _take(connection: Connection, ids: list[str], owner: Owner) -> list[Intent]:
    wanted = select(intents).where(intents.c.id.in_(ids), intents.c.state == "placing", intents.c.owner != owner.id)
    rows = connection.execute(wanted.order_by(intents.c.created_at).with_for_update()).mappings().all()
    taken = [row["id"] for row in rows]
    connection.execute(update(intents).where(intents.c.id.in_(taken)).values(owner=owner.id))
    return [_intent(row) for row in rows]


def _intent(row: object) -> Intent:
    fields = cast("dict[str, object]", row)
    return Intent(**{name: fields[name] for name in Intent.__struct_fields__})  # type: ignore[arg-type]  # name for name
