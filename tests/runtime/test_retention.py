"""What calls leave behind is deleted in time: the files, then what is known of the call."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from telephony.errors import StoreError
from telephony.records import AuditRow, CallRecord, Termination
from telephony.runtime import retention
from telephony.runtime.retention import Erased, Retention, make_retention
from telephony.settings import CassetteSettings, Settings
from telephony.settings.retention import RetentionSettings
from telephony.store.memory import MemoryStore

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


class Shelf:
    """A store and two folders with calls in them."""

    def __init__(self, folder: Path, **terms: int) -> None:
        self.recordings, self.cassettes = folder / "recordings", folder / "cassettes"
        self.recordings.mkdir()
        self.cassettes.mkdir()
        self.store = MemoryStore()
        places: Any = {
            "recordings": str(self.recordings),
            "cassettes": CassetteSettings(folder=str(self.cassettes)),
        }
        self.settings = Settings(**places, retention=RetentionSettings(**terms))
        self.retention = Retention(self.store, self.settings)

    async def call(self, number: int, days: int, *, over: bool = True) -> str:
        """A call with a recording, a second part, a message and a cassette."""
        name = f"20261122-12000{number}-aaaaa{number}"
        for file in (f"{name}.wav", f"{name}-2.wav", f"{name}-errand-1.wav"):
            (self.recordings / file).touch()
        (self.cassettes / f"{name}.jsonl").touch()
        at = NOW - timedelta(days=days)
        record = CallRecord(name, "twilio", f"CA{number}", "desk", f"+1555014{number}", "+15550100", started_at=at)
        record.recording = str(self.recordings / f"{name}.wav")
        record.termination = Termination("completed", "caller", "caller hung up")
        await (self.store.finish(record) if over else self.store.begin(record))
        await self.store.audit(AuditRow(name, at, f"CA{number}", "desk", "transfer", "sales", "allowed"))
        return name

    @property
    def files(self) -> list[str]:
        return sorted(path.name for folder in (self.recordings, self.cassettes) for path in folder.iterdir())


async def test_recordings_go_and_the_record_stays(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, recordings_days=30)
    old, new = await shelf.call(1, 31), await shelf.call(2, 29)
    assert await shelf.retention.sweep(NOW) == Erased(files=4)
    assert all(new in file for file in shelf.files)
    assert len(shelf.files) == 4
    record = await shelf.store.get(old)
    assert record is not None
    assert record.recording == ""
    assert await shelf.retention.sweep(NOW) == Erased()


async def test_records_go_with_all_they_have(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, records_days=90)
    old, new = await shelf.call(1, 91), await shelf.call(2, 89)
    assert await shelf.retention.sweep(NOW) == Erased(calls=1, files=4)
    assert await shelf.store.get(old) is None
    assert await shelf.store.get(new) is not None
    assert [row.id for row in await shelf.store.audits()] == [new]


async def test_a_number_is_forgotten_but_for_what_goes_on(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    await shelf.call(1, 1)
    running = await shelf.call(2, 0, over=False)
    await shelf.store.audit(AuditRow("x", NOW, "CA9", "desk", "dial", "Ann", "allowed", number="+15550141"))
    assert await shelf.retention.erase("+15550141") == Erased(calls=1, files=4, requests=1)
    assert await shelf.retention.erase("+15550142") == Erased()
    assert all(running in file for file in shelf.files)


async def test_more_calls_than_fit_into_one_transaction_all_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    shelf = Shelf(tmp_path, records_days=1)
    for number in range(7):
        await shelf.call(number, 2)
    assert await shelf.retention.sweep(NOW) == Erased(calls=7, files=28)
    assert shelf.files == []


async def test_a_file_that_cannot_be_deleted_keeps_its_record_and_no_others(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, records_days=1)
    stuck, other = await shelf.call(1, 3), await shelf.call(2, 2)
    obstacle = shelf.recordings / f"{stuck}.wav"
    obstacle.unlink()
    obstacle.mkdir()
    done = await shelf.retention.sweep(NOW)
    assert (done.calls, done.kept) == (1, 1)
    assert await shelf.store.get(stuck) is not None
    assert await shelf.store.get(other) is None
    obstacle.rmdir()
    assert (await shelf.retention.sweep(NOW)).calls == 1


async def test_a_store_that_does_not_answer_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "FIRST", 0)
    monkeypatch.setattr(retention, "EVERY", 0)
    shelf = Shelf(tmp_path, records_days=1)
    await shelf.call(1, 2)
    answers = shelf.store.ended
    asked = asyncio.Event()

    async def fails(*args: Any, **more: Any) -> Any:
        if not asked.is_set():
            asked.set()
            raise StoreError("locked")
        return await answers(*args, **more)

    monkeypatch.setattr(shelf.store, "ended", fails)
    running = asyncio.get_running_loop().create_task(shelf.retention.run(), name="retention")
    async with asyncio.timeout(10):
        while shelf.files:  # noqa: ASYNC110  there is nothing to be told by
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])


def test_without_terms_everything_is_kept(tmp_path: Path) -> None:
    assert make_retention(Settings(), MemoryStore()) is None
    assert make_retention(Settings(retention=RetentionSettings(records_days=1)), MemoryStore())
