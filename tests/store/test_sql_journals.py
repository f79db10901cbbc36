"""The journals of running calls, in a real database: taken once, and only from whoever has left them or is dead."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from telephony.errors import StoreError
from telephony.records import CallRecord
from telephony.store.base import PROCESS_DIED
from telephony.store.owner import Owner
from telephony.store.sql import SqlStore
from telephony.store.sql_journals import STALE, SqlJournals

DEAD = Owner("dead", "elsewhere", 1, "then")
LATER = timedelta(hours=1)


@pytest.fixture
async def here(store: SqlStore) -> SqlJournals:
    return SqlJournals(store)


@pytest.fixture
async def other(store: SqlStore, database: Path) -> AsyncIterator[SqlStore]:
    """That of a process on another machine."""
    made = SqlStore(f"sqlite:///{database}", owner=DEAD)
    await made.open()
    yield made
    await made.close()


def dead(database: Path) -> None:
    """The other process has not been heard of for long."""
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("UPDATE owners SET seen_at = '2020-01-01T00:00:00.000000Z' WHERE id = 'dead'")


async def test_what_another_process_has_left_is_taken_once(here: SqlJournals, other: SqlStore) -> None:
    there = SqlJournals(other)
    await there.keep("CA1", "call-1", "one", left=False)
    assert await here.take("CA1") is None
    await there.keep("CA1", "call-1", "two", left=True)
    assert await here.take("CA1") == ("two", True)
    assert await here.take("CA1") is None


async def test_that_of_a_process_that_died_is_there_for_anybody(
    here: SqlJournals, other: SqlStore, database: Path
) -> None:
    await SqlJournals(other).keep("CA1", "call-1", "one", left=False)
    dead(database)
    assert await here.take("CA1") == ("one", False)


async def test_of_many_who_ask_one_gets_it(other: SqlStore, database: Path) -> None:
    await SqlJournals(other).keep("CA1", "call-1", "one", left=True)
    patient = SqlStore(f"sqlite:///{database}")
    await patient.open()
    found = await asyncio.gather(*(SqlJournals(patient).take("CA1") for _ in range(8)))
    await patient.close()
    assert [each for each in found if each] == [("one", True)]


async def test_whoever_takes_it_has_the_call_and_its_record_runs_again(
    here: SqlJournals, other: SqlStore, store: SqlStore, database: Path, running: CallRecord
) -> None:
    await other.begin(running)
    await SqlJournals(other).keep("CA1", running.id, "one", left=False)
    dead(database)
    [closed] = await store.recover(datetime.now(UTC))
    assert closed.termination == PROCESS_DIED
    assert await here.take("CA1") == ("one", False)
    again = await store.get(running.id)
    assert again is not None
    assert again.termination is None
    assert await other.recover(datetime.now(UTC)) == []


async def test_one_that_has_really_ended_stays_ended(
    here: SqlJournals, other: SqlStore, store: SqlStore, ended: CallRecord
) -> None:
    await SqlJournals(other).keep("CA1", ended.id, "one", left=True)
    await other.finish(ended)
    await here.take("CA1")
    kept = await store.get(ended.id)
    assert kept is not None
    assert kept.termination == ended.termination


async def test_what_nobody_took_and_what_is_erased_does_not_stay(
    here: SqlJournals, store: SqlStore, database: Path, ended: CallRecord
) -> None:
    await here.keep("CA1", ended.id, "said", left=True)
    await store.finish(ended)
    await store.erase([ended.id])
    assert await here.take("CA1") is None
    await here.keep("CA2", "call-2", "said", left=True)
    with closing(sqlite3.connect(database)) as db, db:
        long_ago = (datetime.now(UTC) - STALE - LATER).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        db.execute("UPDATE journals SET kept_at = ?", (long_ago,))
    await here.keep("CA3", "call-3", "said", left=True)
    await here.drop("CA3")
    assert [await here.take(call) for call in ("CA2", "CA3")] == [None, None]


async def test_a_store_that_is_closed_says_so(running: CallRecord) -> None:
    with pytest.raises(StoreError):
        await SqlJournals(SqlStore("sqlite://")).keep("CA1", msgspec.structs.astuple(running)[0], "one", left=True)


async def test_what_was_to_be_kept_earlier_and_comes_late_takes_nothing_back(
    here: SqlJournals, other: SqlStore, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = SqlJournals(other)
    late: list[Any] = []
    write = other.write

    async def held_up(purpose: str, work: Any, *args: Any) -> Any:
        late.append((purpose, work, args))

    monkeypatch.setattr(other, "write", held_up)
    await there.keep("CA1", "call-1", "early", left=False)
    monkeypatch.setattr(other, "write", write)
    await there.keep("CA1", "call-1", "left", left=True)
    [(purpose, work, args)] = late
    await other.write(purpose, work, *args)
    assert await here.take("CA1") == ("left", True)
    await other.write(purpose, work, *args)
    assert await here.take("CA1") is None, "it is ours, and we live"
