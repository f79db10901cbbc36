"""Never a dropped record: the store locked, the disk unwritable, the process killed, the write cancelled."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from telephony.errors import ConfigurationError
from telephony.records import CallRecord, Turn
from telephony.store import keeper as keeper_module
from telephony.store.base import PROCESS_DIED, CallStore
from telephony.store.keeper import RecordKeeper
from telephony.store.memory import MemoryStore, Shelf
from telephony.store.owner import Owner
from telephony.store.spool import Spool, Spooled
from telephony.store.sql import SqlStore

Locked = Callable[[], AbstractContextManager[None]]

QUICK = (0.0, 0.0)
ELSEWHERE = Owner("there", "another host", 4711, "99")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
async def keeper(store: SqlStore, folder: Path) -> RecordKeeper:
    keeper = RecordKeeper(store, folder, retries=QUICK)
    await keeper.open()
    return keeper


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


async def logged(logs: list[MutableMapping[str, Any]], event: str) -> None:
    for _ in range(10_000):
        if any(line["event"] == event for line in logs):
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"never logged: {event}")


async def test_a_healthy_store_gets_every_record_and_the_spool_stays_empty(
    keeper: RecordKeeper, store: CallStore, folder: Path, running: CallRecord, ended: CallRecord
) -> None:
    assert await keeper.begin(running) == "stored"
    assert await keeper.save(running) == "stored"
    assert await keeper.finish(ended) == "stored"
    assert await keeper.finish(ended) == "ended already"
    assert await store.get("call-1") == ended
    assert files(folder) == []


async def test_while_the_store_is_locked_records_wait_in_the_spool_and_the_next_round_stores_them(
    keeper: RecordKeeper, store: CallStore, folder: Path, locked: Locked, ended: CallRecord
) -> None:
    with locked():
        assert await keeper.finish(ended) == "spooled"
        assert await keeper.round() == [], "a round against a locked store changes nothing"
        assert files(folder) == ["call-1.ended.json"]
    await keeper.round()
    assert await store.get("call-1") == ended
    assert files(folder) == []


async def test_the_end_is_written_again_before_it_is_spooled(
    store: SqlStore, folder: Path, locked: Locked, ended: CallRecord
) -> None:
    keeper = RecordKeeper(store, folder, retries=(0.0,) * 1000)
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            with locked():
                task = group.create_task(keeper.finish(ended), name="finish")
                await logged(logs, "a call record is written again")
            assert await task == "stored"


async def test_a_call_whose_begin_found_no_store_is_finished_in_it_all_the_same(
    keeper: RecordKeeper, store: CallStore, folder: Path, locked: Locked, running: CallRecord, ended: CallRecord
) -> None:
    with locked():
        assert await keeper.begin(running) == "spooled"
    assert await keeper.finish(ended) == "stored"
    assert await store.get("call-1") == ended
    assert files(folder) == []


async def test_a_late_word_of_a_running_call_never_covers_its_end(
    keeper: RecordKeeper, store: CallStore, locked: Locked, running: CallRecord, ended: CallRecord
) -> None:
    with locked():
        await keeper.finish(ended)
        await keeper.save(running)
    await keeper.round()
    assert await store.get("call-1") == ended


async def test_the_next_process_stores_what_this_one_spooled(
    keeper: RecordKeeper, database: Path, folder: Path, locked: Locked, ended: CallRecord
) -> None:
    with locked():
        await keeper.finish(ended)
    successor = SqlStore(f"sqlite:///{database}")
    await RecordKeeper(successor, folder).open()
    assert await successor.get("call-1") == ended
    await successor.close()


async def test_a_spooled_end_is_told_before_the_call_is_taken_for_abandoned(
    database: Path, folder: Path, locked: Locked, running: CallRecord, ended: CallRecord
) -> None:
    dead = SqlStore(f"sqlite:///{database}", owner=Owner("dead", Owner.current().host, os.getpid(), "1"), busy=0.02)
    predecessor = RecordKeeper(dead, folder, retries=())
    await predecessor.open()
    await predecessor.begin(running)
    with locked():
        await predecessor.finish(ended)
    await dead.close()

    store = SqlStore(f"sqlite:///{database}")
    assert await RecordKeeper(store, folder).open() == []
    assert await store.get("call-1") == ended
    await store.close()


async def test_a_running_call_spooled_by_a_dead_process_ends_as_its_process_did(
    folder: Path, running: CallRecord
) -> None:
    Spool(folder).put(Owner("dead", Owner.current().host, os.getpid(), "1"), running)
    store = MemoryStore()
    await RecordKeeper(store, folder).open()
    record = await store.get("call-1")
    assert record is not None
    assert record.termination == PROCESS_DIED
    assert files(folder) == []


async def test_a_running_call_of_a_live_neighbour_stays_in_the_spool(folder: Path, running: CallRecord) -> None:
    Spool(folder).put(Owner.current(), running)
    store = MemoryStore()
    await RecordKeeper(store, folder).open()
    assert await store.get("call-1") is None
    assert files(folder) == ["call-1.running.json"]


async def test_a_running_call_of_another_host_is_given_up_after_hours(folder: Path, running: CallRecord) -> None:
    Spool(folder).put(ELSEWHERE, running)
    store = MemoryStore()
    keeper = RecordKeeper(store, folder)
    await keeper.round()
    assert await store.get("call-1") is None
    await keeper.round(datetime.now(UTC) + timedelta(hours=7))
    assert await store.get("call-1") is not None


async def test_abandoned_calls_are_closed_and_reported_at_start(folder: Path, running: CallRecord) -> None:
    shelf = Shelf()
    dead = MemoryStore(shelf, owner=Owner("dead", Owner.current().host, os.getpid(), "1"))
    await dead.begin(running)
    with capture_logs() as logs:
        recovered = await RecordKeeper(MemoryStore(shelf), folder).open()
    assert [call.id for call in recovered] == ["call-1"]
    assert {"record": "call-1", "call_id": "CA1", "log_level": "warning"}.items() <= logs[-1].items()


async def test_a_cancelled_finish_leaves_the_record_on_disk(
    store: SqlStore, folder: Path, locked: Locked, ended: CallRecord
) -> None:
    keeper = RecordKeeper(store, folder, retries=(60.0,))
    with locked():
        async with asyncio.TaskGroup() as group:
            task = group.create_task(keeper.finish(ended), name="finish")
            await asyncio.sleep(0)
            task.cancel()
        assert files(folder) == ["call-1.ended.json"]
    await keeper.round()
    assert await store.get("call-1") == ended


async def test_without_store_and_disk_the_record_waits_in_memory(
    store: SqlStore, tmp_path: Path, locked: Locked, running: CallRecord, ended: CallRecord
) -> None:
    blocked = tmp_path / "a file where the folder should be"
    blocked.touch()
    keeper = RecordKeeper(store, blocked, retries=QUICK)
    with locked():
        assert await keeper.finish(ended) == "in memory"
        assert await keeper.save(running) == "in memory"
    await keeper.round()
    assert await store.get("call-1") == ended
    assert keeper.in_memory == {}
    assert keeper.lost == 0


async def test_a_loss_is_counted_and_logged_with_what_was_lost(
    store: SqlStore, tmp_path: Path, locked: Locked, ended: CallRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "IN_MEMORY", 2)
    blocked = tmp_path / "a file where the folder should be"
    blocked.touch()
    keeper = RecordKeeper(store, blocked, retries=())
    with locked(), capture_logs() as logs:
        for n in range(3):
            await keeper.finish(msgspec.structs.replace(ended, id=f"call-{n}"))
    assert list(keeper.in_memory) == ["call-1", "call-2"]
    assert keeper.lost == 1
    assert [line["record"] for line in logs if line["event"] == "a call record is lost"] == ["call-0"]


async def test_what_troubles_the_store_is_known_until_it_takes_records_again(
    keeper: RecordKeeper, locked: Locked, ended: CallRecord
) -> None:
    with locked():
        await keeper.finish(ended)
        assert "locked" in keeper.trouble
        await keeper.round()
        assert "locked" in keeper.trouble
        assert keeper.spooled == {ended.id}
    await keeper.round()
    assert (keeper.trouble, keeper.spooled) == ("", set())


async def test_a_store_that_does_not_answer_at_start_does_not_keep_the_telephone_from_ringing(
    database: Path, folder: Path, running: CallRecord, ended: CallRecord
) -> None:
    busy = SqlStore(f"sqlite:///{database}", busy=0.02)
    keeper = RecordKeeper(busy, folder, retries=())
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")  # a new database, and somebody else is about to fill it
        assert await keeper.open() == []
        assert await keeper.begin(running) == "spooled"
        assert await keeper.finish(ended) == "spooled"
        other.execute("ROLLBACK")
    await keeper.round()
    assert await busy.get("call-1") == ended
    await busy.close()


async def test_a_store_that_can_never_answer_is_a_mistake_of_the_configuration(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ConfigurationError):
        await RecordKeeper(SqlStore(f"sqlite:///{tmp_path}/nowhere/calls.db"), folder).open()


async def test_a_record_that_the_store_refuses_does_not_hold_up_the_others(
    keeper: RecordKeeper, store: CallStore, ended: CallRecord
) -> None:
    now = datetime.now(UTC)
    poison = msgspec.structs.replace(ended, id="poison", usage={"what JSON cannot hold": object()})
    keeper.in_memory["poison"] = Spooled(ELSEWHERE, poison, now)
    keeper.in_memory["call-1"] = Spooled(ELSEWHERE, ended, now)
    await keeper.round()
    assert await store.get("call-1") == ended
    assert list(keeper.in_memory) == ["poison"]


async def test_a_damaged_file_is_set_aside_and_never_deleted(folder: Path, ended: CallRecord) -> None:
    spool = Spool(folder)
    spool.put(ELSEWHERE, ended).write_text("{ torn")
    spool.put(ELSEWHERE, msgspec.structs.replace(ended, id="call-2"))
    store = MemoryStore()
    await RecordKeeper(store, folder).open()
    assert await store.get("call-2") is not None
    assert files(folder) == ["call-1.ended.json.broken"]


async def test_closing_offers_what_waits_once_more(
    keeper: RecordKeeper, store: SqlStore, database: Path, locked: Locked, running: CallRecord
) -> None:
    talking = msgspec.structs.replace(running, turns=[Turn("caller", heard="hello")])
    with locked():
        await keeper.save(talking)
    await keeper.close()
    reader = SqlStore(f"sqlite:///{database}")
    await reader.open()
    assert await reader.get("call-1") == talking
    await reader.close()
