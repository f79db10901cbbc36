"""No request to call somebody is forgotten: the store locked, the disk unwritable, the asker cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from telephony.errors import StoreError
from telephony.records import AuditRow
from telephony.store import audit_keeper as module
from telephony.store.audit_keeper import AuditKeeper
from telephony.store.keeper import RecordKeeper
from telephony.store.sql import SqlStore

Locked = Callable[[], AbstractContextManager[None]]

ROW = AuditRow("row-1", datetime(2026, 11, 22, tzinfo=UTC), "CA1", "frontdesk", "transfer", "x", "refused", "unknown")
ALLOWED = msgspec.structs.replace(ROW, verdict="allowed", code=None, number="+14155552671")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


@pytest.fixture
def audits(store: SqlStore, folder: Path) -> AuditKeeper:
    return AuditKeeper(store, folder)


@pytest.fixture
def diskless(store: SqlStore, tmp_path: Path) -> AuditKeeper:
    blocked = tmp_path / "a file where the folder should be"
    blocked.touch()
    return AuditKeeper(store, blocked)


async def test_a_row_goes_to_the_store(audits: AuditKeeper, store: SqlStore, folder: Path) -> None:
    assert await audits.keep(ROW) == "stored"
    assert await store.audits() == [ROW]
    assert files(folder) == []


async def test_what_the_store_does_not_take_waits_on_the_disk_and_the_next_round_stores_it(
    store: SqlStore, folder: Path, locked: Locked
) -> None:
    keeper = RecordKeeper(store, folder)
    with locked():
        assert await keeper.audits.keep(ROW) == "spooled"
        assert await keeper.audits.set_aside(ALLOWED) == "spooled"
        with pytest.raises(StoreError):
            await keeper.audits.offer()
    await keeper.round()
    assert await store.audits() == [ALLOWED]
    assert files(folder) == []


async def test_another_process_stores_what_this_one_left(store: SqlStore, folder: Path, locked: Locked) -> None:
    with locked():
        await AuditKeeper(store, folder).keep(ROW)
    await RecordKeeper(store, folder).open()
    assert await store.audits() == [ROW]


async def test_a_store_that_takes_too_long_is_not_waited_for(
    database: Path, store: SqlStore, folder: Path, locked: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PROMPT", 0.05)
    slow = SqlStore(f"sqlite:///{database}", busy=20, patience=20)
    await slow.open()
    audits = AuditKeeper(slow, folder)
    with locked():
        with pytest.raises(StoreError, match="longer than"):
            await audits.admit(ALLOWED, 1, ALLOWED.at - timedelta(days=1))
        assert await audits.keep(ROW) == "spooled"
    await slow.close()


async def test_without_store_and_disk_a_row_waits_in_memory_and_its_last_state_counts(
    diskless: AuditKeeper, store: SqlStore, locked: Locked
) -> None:
    with locked():
        assert await diskless.keep(ALLOWED) == "in memory"
        assert await diskless.keep(ROW) == "in memory"
    await diskless.offer()
    assert await store.audits() == [ROW]
    assert diskless.in_memory == {}


async def test_of_two_states_of_a_row_the_one_in_memory_is_the_later(
    audits: AuditKeeper, store: SqlStore, folder: Path
) -> None:
    await audits.set_aside(ALLOWED)
    audits.remember(ROW, "the disk is gone")
    await audits.offer()
    assert await store.audits() == [ROW]
    assert files(folder) == []


async def test_a_loss_is_counted_and_logged(
    diskless: AuditKeeper, locked: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 2)
    with locked(), capture_logs() as logs:
        for n in range(3):
            await diskless.keep(msgspec.structs.replace(ROW, id=f"row-{n}", call_id=f"CA{n}"))
        diskless.close()
    assert diskless.lost == 3
    assert [line["call_id"] for line in logs if line["event"] == "an audit row is lost"] == ["CA0", "CA1", "CA2"]


async def test_whoever_is_cancelled_leaves_the_row_on_the_disk(
    audits: AuditKeeper, store: SqlStore, folder: Path, locked: Locked
) -> None:
    with locked():
        async with asyncio.TaskGroup() as group:
            task = group.create_task(audits.keep(ROW), name="keep")
            await asyncio.sleep(0)
            task.cancel()
        assert files(folder) == ["row-1.audit.json"]
    await audits.offer()
    assert await store.audits() == [ROW]


async def test_closing_offers_what_waits_once_more_and_tells_what_is_lost(
    store: SqlStore, tmp_path: Path, locked: Locked
) -> None:
    blocked = tmp_path / "a file where the folder should be"
    blocked.touch()
    keeper = RecordKeeper(store, blocked)
    with locked():
        await keeper.audits.keep(ROW)
    await keeper.round()
    assert await store.audits() == [ROW]
    with locked():
        await keeper.audits.keep(ALLOWED)
        await keeper.close()
    assert keeper.audits.lost == 1
