"""The calls that were asked for, in a real database: each kept once, and never taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from telephony.errors import StoreError
from telephony.store.intents import Intent, IntentState
from telephony.store.owner import Owner
from telephony.store.sql import SqlStore
from telephony.store.sql_intents import SqlIntents

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORDER = Intent("order-1", "+15550177", "+15550100", "frontdesk", created_at=NOW, metadata={"order": "Ä-1042"})
DEAD = Owner("dead", "elsewhere", 1, "then")


@pytest.fixture
async def intents(store: SqlStore) -> SqlIntents:
    return SqlIntents(store)


@pytest.fixture
async def of_the_dead(store: SqlStore, database: Path) -> AsyncIterator[SqlIntents]:
    """Those of a process on another machine, which is not heard of any more."""
    other = SqlStore(f"sqlite:///{database}", owner=DEAD)
    await other.open()
    yield SqlIntents(other)
    await other.close()


async def test_an_intent_is_kept_as_it_was(intents: SqlIntents) -> None:
    assert await intents.get("order-1") is None
    assert await intents.add(ORDER) is None
    assert await intents.get("order-1") == ORDER


async def test_they_are_listed_newest_first(intents: SqlIntents) -> None:
    assert await intents.list(10) == []
    orders = [msgspec.structs.replace(ORDER, id=f"order-{n}", created_at=NOW + timedelta(hours=n)) for n in (2, 0, 1)]
    for order in orders:
        await intents.add(order)
    assert [intent.id for intent in await intents.list(10)] == ["order-2", "order-1", "order-0"]
    assert [intent.id for intent in await intents.list(1)] == ["order-2"]


async def test_of_many_who_ask_with_one_key_one_is_the_first(database: Path) -> None:
    stores = [SqlStore(f"sqlite:///{database}") for _ in range(3)]
    for store in stores:
        await store.open()
    found = await asyncio.gather(*(SqlIntents(store).add(ORDER) for store in stores for _ in range(3)))
    for store in stores:
        await store.close()
    assert sorted(known is None for known in found) == [False] * 8 + [True]


async def test_what_is_found_out_is_added(intents: SqlIntents) -> None:
    await intents.add(ORDER)
    await intents.advance("order-1", "placed", carrier_call_id="CA1")
    changed = await intents.advance("order-1", "in-progress", answered_by="human")
    assert changed is not None
    assert changed == await intents.get("order-1")
    assert (changed.state, changed.carrier_call_id, changed.answered_by) == ("in-progress", "CA1", "human")
    assert await intents.advance("order-2", "placed") is None


@pytest.mark.parametrize(
    ("order", "last"),
    [
        (["placed", "ringing", "in-progress", "completed"], "completed"),
        (["completed", "in-progress", "ringing", "placed"], "completed"),
        (["ringing", "placed", "busy", "completed"], "busy"),
        (["in-progress", "ringing", "ringing"], "in-progress"),
        (["failed", "placed"], "failed"),
    ],
)
async def test_states_go_forward_only(intents: SqlIntents, order: list[IntentState], last: str) -> None:
    await intents.add(ORDER)
    for state in order:
        await intents.advance("order-1", state)
    known = await intents.get("order-1")
    assert known is not None
    assert known.state == last


async def test_the_first_call_that_an_intent_became_is_its_call(intents: SqlIntents) -> None:
    await intents.add(ORDER)
    await intents.advance("order-1", "placed", carrier_call_id="CA1")
    changed = await intents.advance("order-1", "ringing", carrier_call_id="CA2")
    assert changed is not None
    assert changed.carrier_call_id == "CA1"
    assert await intents.claimed("CA1")
    assert not await intents.claimed("CA2")


async def test_what_a_dead_process_was_placing_is_taken_over_once(
    intents: SqlIntents, of_the_dead: SqlIntents, store: SqlStore
) -> None:
    await of_the_dead.add(ORDER)
    await of_the_dead.add(Intent("order-2", "+15550178", "+15550100", "frontdesk", created_at=NOW - timedelta(hours=1)))
    await of_the_dead.add(Intent("order-3", "+15550179", "+15550100", "frontdesk", created_at=NOW))
    await of_the_dead.advance("order-3", "placed", carrier_call_id="CA3")
    later = datetime.now(UTC) + timedelta(minutes=5)
    assert await intents.abandoned(datetime.now(UTC)) == []
    assert [intent.id for intent in await intents.abandoned(later)] == ["order-2", "order-1"]
    assert await intents.abandoned(later) == []


async def test_what_this_process_is_placing_is_its_own_affair(intents: SqlIntents) -> None:
    await intents.add(ORDER)
    assert await intents.abandoned(datetime.now(UTC) + timedelta(days=2)) == []


async def test_a_database_that_does_not_answer_is_an_error(store: SqlStore) -> None:
    intents = SqlIntents(store)
    await store.close()
    with pytest.raises(StoreError):
        await intents.add(ORDER)
