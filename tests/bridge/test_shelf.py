"""Cassettes on disk: there as the call goes, whatever ends the process or fills the disk, and never too many."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from disks import Stopwatch, files_no_longer_than
from shelved import Made, replayed, shelf_in
from telephony.bridge.shelf import KEPT, CassetteFile, is_sampled, make_room
from telephony.events import CallEnded


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2, "disk") as threads:
        yield threads


# -- as it goes ------------------------------------------------------------------------------------------------------


async def test_a_cassette_is_a_whole_call_once_it_is_closed(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    made = Made(shelf_in(tmp_path, pool), "call-1")
    made.talk(0.0, 2.0)
    made.exchange.handle(CallEnded("caller", "caller hung up"), 2.0)
    await made.file.close(2.0)
    assert made.file.path == tmp_path / "call-1.jsonl"
    assert not made.file.failed
    result = replayed(made.file.path)
    assert result.recorded
    assert result.recorded.termination
    assert result.recorded.termination.by == "caller"
    assert result.steps == 1 + 2 + 100 + 1
    assert oct(made.file.path.stat().st_mode & 0o777) == "0o640"


async def test_what_is_on_disk_while_the_call_lasts_replays_up_to_there(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    made = Made(shelf_in(tmp_path, pool), "call-1")
    clock = Stopwatch()
    async with asyncio.TaskGroup() as group:
        group.create_task(made.file.run(clock), name="cassette")
        said = 0.0
        while said < 1.0:
            now = clock.now
            made.talk(said, now)
            said = now
            await asyncio.sleep(0.02)
            if said > 0.5:
                assert replayed(made.file.path).duration > 0.0
        before = replayed(made.file.path)
        await made.file.close(1.0)
    after = replayed(made.file.path)
    assert 0 < before.steps <= after.steps
    assert before.recorded is after.recorded is None, "nobody has ended the call"


async def test_every_write_leaves_whole_lines_to_the_last_one_that_was_added(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    made = Made(shelf_in(tmp_path, pool), "call-1")
    for second in range(5):
        made.talk(second, second + 1)
        await made.file.write(second + 1.0)
        data = made.file.path.read_bytes()
        assert data.endswith(b"\n")
        assert replayed(made.file.path).steps == 3 + 50 * (second + 1)
    await made.file.close(5.0)


async def test_closing_writes_what_is_left_and_nothing_after_it(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    file = CassetteFile(tmp_path / "a.jsonl", pool)
    file.add(b"one\n")
    await file.close(0.0)
    file.add(b"two\n")
    await file.close(1.0)
    await file.write(2.0)
    assert file.path.read_bytes() == b"one\n"


async def test_a_cancelled_close_still_finishes_the_file(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    file = CassetteFile(tmp_path / "a.jsonl", pool)
    file.add(b"one\n")
    async with asyncio.TaskGroup() as group:
        closing = group.create_task(file.close(0.1), name="close")
        await asyncio.sleep(0)
        closing.cancel()
    pool.shutdown()
    assert file.path.read_bytes() == b"one\n"


async def test_the_cassette_of_another_call_is_not_written_over(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    shelf = shelf_in(tmp_path, pool)
    first, second = shelf.file("call-1"), shelf.file("call-1")
    first.add(b"first\n")
    await first.write(0.0)
    second.add(b"second\n")
    await second.write(0.0)
    assert second.failed == "File exists"
    second.add(b"second\n")
    await second.close(1.0)
    await first.close(1.0)
    assert first.path.read_bytes() == b"first\n"
    assert not first.failed


# -- disks and processes that fail -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [9000, 20_001, 30_002, 40_003])
async def test_a_disk_that_fills_up_leaves_what_fitted_and_it_replays(
    tmp_path: Path, pool: ThreadPoolExecutor, size: int
) -> None:
    made = Made(shelf_in(tmp_path, pool), "call-1")
    with capture_logs() as logs, files_no_longer_than(size):
        for second in range(5):
            made.talk(second, second + 1)
            await made.file.write(second + 1.0)
        await made.file.close(5.0)
    assert made.file.failed == "File too large"
    assert [log["why"] for log in logs if log["log_level"] == "warning"] == ["File too large"]
    assert made.file.path.stat().st_size == size
    assert replayed(made.file.path).steps > 0


async def test_a_folder_that_is_not_there_stops_the_cassette_and_nothing_else(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    made = Made(shelf_in(tmp_path / "nowhere", pool), "call-1")
    await made.file.run(Stopwatch())
    made.talk(0.0, 1.0)
    await made.file.close(1.0)
    assert made.file.failed == "No such file or directory"


WRITER = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
sys.path.insert(0, "tests")
from shelved import Made, shelf_in

async def main():
    loop = asyncio.get_running_loop()
    began = loop.time()
    class Clock:
        now = property(lambda self: loop.time() - began)
    clock, said = Clock(), 0.0
    made = Made(shelf_in(Path(sys.argv[1]), ThreadPoolExecutor(2)), "call-1")
    async with asyncio.TaskGroup() as group:
        group.create_task(made.file.run(clock), name="cassette")
        while True:
            now = clock.now
            made.talk(said, now)
            said = now
            print(now, flush=True)
            await asyncio.sleep(0.02)

asyncio.run(main())
"""


def test_a_killed_process_leaves_a_cassette_that_replays_and_lacks_less_than_a_second(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    root = Path(__file__).parent.parent.parent
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root)  # noqa: S603
    assert child.stdout is not None
    reached = 0.0
    while reached < 1.6:
        reached = float(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.communicate()
    result = replayed(tmp_path / "call-1.jsonl")
    assert reached - 1.0 <= result.duration
    assert result.recorded is None
    assert make_room(tmp_path, 0) == [tmp_path / "call-1.jsonl"], "nobody holds it any more"


# -- how much room they take -----------------------------------------------------------------------------------------


async def test_one_call_takes_no_more_than_it_may(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    made = Made(shelf_in(tmp_path, pool, largest=20_000), "call-1")
    made.talk(0.0, 60.0)
    await made.file.close(60.0)
    assert not made.file.failed
    assert 19_000 < made.file.path.stat().st_size <= 20_000
    assert replayed(made.file.path).steps > 0


def old(folder: Path, name: str, size: int, age: float) -> Path:
    path = folder / f"{name}.jsonl"
    path.write_bytes(b"x" * size)
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_oldest_go_until_there_is_room(tmp_path: Path) -> None:
    paths = [old(tmp_path, name, 100, age) for name, age in [("c", 3), ("a", 9), ("b", 5)]]
    assert make_room(tmp_path, 300) == []
    assert make_room(tmp_path, 299) == [paths[1]]
    assert make_room(tmp_path, 100) == [paths[2]]
    assert names(tmp_path) == ["c.jsonl"]
    assert make_room(tmp_path, 0) == [paths[0]]
    assert make_room(tmp_path, 0) == []


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 99)), max_size=8), st.integers(0, 800))
def test_what_is_left_fits_and_is_younger_than_what_went(files: list[tuple[int, int]], keep: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ages = {old(folder, str(n), size, age): age for n, (size, age) in enumerate(files)}
        sizes = {path: path.stat().st_size for path in ages}
        removed = make_room(folder, keep)
        left = [path for path in ages if path.exists()]
        assert {*removed, *left} == {*ages}
        assert sum(sizes[path] for path in left) <= keep
        assert all(ages[gone] >= ages[path] for gone in removed for path in left)
        if removed:
            assert sum(sizes[path] for path in left) + sizes[removed[-1]] > keep, "one too many"


def test_only_cassettes_are_removed(tmp_path: Path) -> None:
    for name in ("notes.txt", "call.wav", "call.jsonl.part"):
        (tmp_path / name).write_bytes(b"x" * 1000)
    old(tmp_path, "a", 10, 1)
    make_room(tmp_path, 0)
    assert names(tmp_path) == ["call.jsonl.part", "call.wav", "notes.txt"]


async def test_a_cassette_that_is_being_written_is_never_removed(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    made = Made(shelf_in(tmp_path, pool), "call-1")
    await made.file.write(0.0)
    os.utime(made.file.path, (0, 0))
    others = [old(tmp_path, name, 100, 1) for name in "ab"]
    assert sorted(make_room(tmp_path, 0)) == others
    made.talk(0.0, 1.0)
    await made.file.close(1.0)
    assert replayed(made.file.path).steps == 3 + 50
    assert make_room(tmp_path, 0) == [made.file.path], "it is over"


async def test_after_a_failure_a_cassette_can_be_removed(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    made = Made(shelf_in(tmp_path, pool), "call-1")
    with capture_logs(), files_no_longer_than(100):
        await made.file.run(Stopwatch())
    assert make_room(tmp_path, 0) == []
    await made.file.close(1.0)
    assert make_room(tmp_path, 0) == [made.file.path]


async def test_all_of_them_together_stay_below_the_limit_however_many_calls_there_are(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    limit, most = 300_000, 0
    shelf = shelf_in(tmp_path, pool, largest=100_000, total=limit)
    last = ""
    for number in range(30):
        made = Made(shelf, last := f"call-{number:02}")
        for second in range(3):
            made.talk(second, second + 1)
            await made.file.write(second + 1.0)
            await asyncio.wrap_future(pool.submit(int))
        await made.file.close(3.0)
        os.utime(made.file.path, (1e9 + number, 1e9 + number))
        most = max(most, taken(tmp_path))
    assert most <= limit + 20_000, "a second of one call may be on its way while room is made"
    assert most > limit * KEPT / 2, "the room there is is made use of"
    left = names(tmp_path)
    assert left == [f"call-{n:02}.jsonl" for n in range(30 - len(left), 30)], "the newest"
    assert last + ".jsonl" in left


def taken(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


async def test_a_folder_that_cannot_be_looked_through_is_a_warning(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    (tmp_path / "a.jsonl").mkdir()
    with capture_logs() as logs:
        made = Made(shelf_in(tmp_path, pool, total=10), "call-1")
        await made.file.close(0.0)
        pool.shutdown()
    assert {log["event"] for log in logs} == {"old cassettes cannot be removed"}
    assert {log["log_level"] for log in logs} == {"warning"}


# -- which calls -----------------------------------------------------------------------------------------------------

IDS = [f"CA{number:032x}" for number in range(20_000)]


def test_all_calls_none_or_a_share_of_them_get_one() -> None:
    assert all(is_sampled(call, 1.0) for call in IDS)
    assert not any(is_sampled(call, 0.0) for call in IDS)
    for share in (0.01, 0.1, 0.5, 0.9):
        assert sum(is_sampled(call, share) for call in IDS) / len(IDS) == pytest.approx(share, rel=0.15)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(0, 1), st.floats(0, 1))
def test_a_call_with_a_cassette_has_one_on_every_process_and_at_every_larger_share(
    call: str, one: float, other: float
) -> None:
    assert is_sampled(call, one) == is_sampled(call, one)
    assert is_sampled(call, min(one, other)) <= is_sampled(call, max(one, other))
    assert is_sampled(call, 1.0)
    assert not is_sampled(call, 0.0)


def test_which_calls_these_are_does_not_change_from_release_to_release() -> None:
    assert [n for n in range(60) if is_sampled(IDS[n], 0.1)] == [2, 6, 12, 18, 22, 28]
