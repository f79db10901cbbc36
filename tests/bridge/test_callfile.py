"""A file that grows beside a call: written by threads, bounded by a disk's patience, and never the call's undoing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from telephony.bridge import callfile
from telephony.bridge.callfile import PERIOD, CallFile

BRIEF = 0.05
"""Seconds of patience with a disk, where a test has it run out."""


class Notes(CallFile):
    """Writes down what it was asked, in a thread that the test holds up."""

    def __init__(self, path: Path, threads: ThreadPoolExecutor | None = None) -> None:
        super().__init__(path, threads)
        self.did: list[str] = []
        self.threads: set[str] = set()
        self.trouble: OSError | None = None
        self.disk = threading.Event()
        self.disk.set()
        self.appended = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def gather(self, now: float) -> None:
        self.did.append(f"gather {now:g}")

    def gather_rest(self, at: float) -> None:
        self.did.append(f"rest {at:g}")

    def append(self) -> None:
        self._work("append")

    def finish(self) -> None:
        self._work("finish")

    def _work(self, what: str) -> None:
        self.disk.wait(20)
        self.threads.add(threading.current_thread().name)
        if self.trouble:
            raise self.trouble
        self.did.append(what)
        self._loop.call_soon_threadsafe(self.appended.set)


class Still:
    """A clock that stands."""

    now = 1.5


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1, "disk") as threads:
        yield threads


async def test_what_there_is_is_gathered_by_the_loop_and_written_by_a_thread(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    notes = Notes(tmp_path / "a", pool)
    await notes.write(2.0)
    await notes.close(3.0)
    assert notes.did == ["gather 2", "append", "rest 3", "finish"]
    assert notes.threads == {"disk_0"}
    assert not notes.failed
    assert notes.over


async def test_it_is_written_again_and_again_until_it_is_closed(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callfile, "PERIOD", 0.001)
    notes = Notes(tmp_path / "a", pool)
    async with asyncio.TaskGroup() as group:
        group.create_task(notes.run(Still()), name="notes")
        for _ in range(3):
            await notes.appended.wait()
            notes.appended.clear()
        await notes.close(3.0)
    assert notes.did.count("append") >= 3
    assert notes.did[-2:] == ["rest 3", "finish"] or notes.did[-1] == "finish"
    assert notes.did.count("finish") == notes.did.count("rest 3") == 1


async def test_closing_ends_the_task_at_once_and_not_after_a_period(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callfile, "PERIOD", 3600.0)
    notes = Notes(tmp_path / "a", pool)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(notes.run(Still()), name="notes")
        await notes.appended.wait()
        await notes.close(3.0)
    assert notes.did == ["gather 1.5", "append", "rest 3", "finish"]


async def test_closing_twice_is_closing_once(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    notes = Notes(tmp_path / "a", pool)
    await notes.close(1.0)
    await notes.close(2.0)
    assert notes.did == ["rest 1", "finish"]


async def test_a_disk_that_fails_ends_the_file_with_one_warning_and_no_exception(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    notes = Notes(tmp_path / "a", pool)
    notes.trouble = OSError(28, "No space left on device")
    with capture_logs() as logs:
        await notes.run(Still())
        await notes.close(3.0)
    assert notes.failed == "No space left on device"
    assert [(log["log_level"], log["why"], log["file"]) for log in logs] == [
        ("warning", "No space left on device", str(tmp_path / "a"))
    ]
    assert notes.did == ["gather 1.5"], "what came later is not gathered: there would be a hole before it"


async def test_a_trouble_without_words_is_named_all_the_same(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    notes = Notes(tmp_path / "a", pool)
    notes.trouble = OSError("odd")
    await notes.write(0.0)
    assert notes.failed == "odd"


async def test_a_disk_that_does_not_answer_is_given_up_and_may_still_finish(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callfile, "SLOW", BRIEF)
    notes = Notes(tmp_path / "a", pool)
    notes.disk.clear()
    with capture_logs() as logs:
        await notes.run(Still())
        assert notes.over
        await notes.close(3.0)
    assert "did not answer" in notes.failed
    assert [log["log_level"] for log in logs] == ["warning"]
    notes.disk.set()
    pool.shutdown()
    assert notes.did == ["gather 1.5", "append", "finish"], "who waited for the thread has left, the work has not"


async def test_a_cancelled_close_still_finishes_the_file_though_every_thread_is_busy(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    busy = threading.Event()
    pool.submit(busy.wait, 20)
    notes = Notes(tmp_path / "a", pool)
    async with asyncio.TaskGroup() as group:
        closing = group.create_task(notes.close(3.0), name="close")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        assert notes.did == ["rest 3"]
        busy.set()
        pool.shutdown()
    assert notes.did == ["rest 3", "finish"]


async def test_without_threads_of_its_own_it_takes_the_loops(tmp_path: Path) -> None:
    notes = Notes(tmp_path / "a")
    await notes.write(0.0)
    await notes.close(0.0)
    assert notes.did == ["gather 0", "append", "rest 0", "finish"]
    assert not any(name.startswith("MainThread") for name in notes.threads)


def test_a_process_that_dies_loses_less_than_half_a_second() -> None:
    assert PERIOD < 0.5
