"""The recording: aligned, as heard, playable at any moment, and never the reason why a call ends."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from disks import Stopwatch, files_no_longer_than
from telephony.audio import wav
from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, AudioFormat
from telephony.audio.g711 import mulaw_to_pcm
from telephony.bridge.callfile import PERIOD
from telephony.bridge.reel import MARGIN, SNAP
from telephony.bridge.tape import FRAME, HEADER, Tape, recover

LOUD = b"\x10"
"""A mu-law code far from silence."""
RATE = 8000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "call-1.wav"


def part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def size(path: Path) -> int:
    return path.stat().st_size


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The caller's and the agent's samples."""
    recording = wav.read(path.read_bytes())
    assert (recording.format, recording.channels) == (PCM16_8K, 2)
    left, right = wav.split(recording)
    return np.frombuffer(left, "<i2"), np.frombuffer(right, "<i2")


def loud_parts(samples: np.ndarray) -> list[tuple[int, int]]:
    """Where it is not silent: first sample and the one after the last, of each stretch."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (samples != 0).astype(int), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


# -- what is on it ---------------------------------------------------------------------------------------------------


async def test_both_sides_stand_where_they_sounded(path: Path) -> None:
    tape = Tape(path, MULAW_8K)
    tape.caller(0.5, LOUD * 1600)
    tape.agent(1.0, LOUD * 800)
    await tape.close(1.5)
    caller, agent = read(path)
    assert len(caller) == len(agent) == 12_000
    assert loud_parts(caller) == [(4000, 5600)]
    assert loud_parts(agent) == [(8000, 8800)]
    assert not part(path).exists()
    assert not tape.failed


async def test_the_caller_is_the_input_delayed_by_nothing_but_the_codec(path: Path) -> None:
    rng = np.random.default_rng(7)
    said = rng.integers(0, 256, 8000, np.uint8).tobytes()
    tape = Tape(path, MULAW_8K)
    for n in range(50):
        tape.caller(n * 0.02, said[160 * n : 160 * (n + 1)])
        await tape.write(n * 0.02)
    await tape.close(1.0)
    assert read(path)[0].tobytes() == mulaw_to_pcm(said)


async def test_after_a_barge_in_the_agent_is_silent_from_that_sample_on(path: Path) -> None:
    tape = Tape(path, MULAW_8K)
    tape.agent(1.0, LOUD * 8000)
    tape.cut(1.25)
    tape.agent(1.6, LOUD * 80)
    await tape.close(3.0)
    assert loud_parts(read(path)[1]) == [(8000, 10_000), (12_800, 12_880)]


async def test_what_was_queued_beyond_the_end_was_not_heard(path: Path) -> None:
    tape = Tape(path, MULAW_8K)
    tape.agent(0.9, LOUD * 8000)
    await tape.close(1.0)
    assert len(read(path)[1]) == 8000


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 1200), min_size=1, max_size=40), off=st.integers(-SNAP // 2, SNAP // 2))
def test_neighbours_whose_times_are_rounded_apart_join_without_a_click(path: Path, cuts: list[int], off: int) -> None:
    async def record() -> None:
        tape = Tape(path, MULAW_8K)
        at = 0
        for n, size in enumerate(cuts):
            tape.agent((at + off * (n % 2)) / RATE, LOUD * size)
            at += size
        await tape.close(at / RATE + 0.1)

    asyncio.run(record())
    assert loud_parts(read(path)[1]) == [(0, sum(cuts))]


async def test_ten_minutes_stay_aligned_to_the_sample(path: Path) -> None:
    """Every 10 s both sides sound at once; times are fractions that no float holds exactly."""
    tape = Tape(path, MULAW_8K)
    for second in range(600):
        now = second + 0.1
        payload = LOUD * 800 if second % 10 == 0 else b"\xff" * 800
        tape.caller(now, payload)
        tape.agent(now, payload)
        await tape.write(now)
    await tape.close(600.0)
    caller, agent = read(path)
    assert len(caller) == 600 * RATE
    assert loud_parts(caller) == loud_parts(agent) == [(s * RATE + 800, s * RATE + 1600) for s in range(0, 600, 10)]


@pytest.mark.parametrize("line", [MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K])
async def test_every_format_of_a_line_is_recorded(path: Path, line: AudioFormat) -> None:
    tape = Tape(path, line)
    tape.caller(0.0, line.silence(500))
    tape.agent(0.0, b"\x10" * line.bytes_in(500))
    await tape.close(0.5)
    caller, agent = read(path)
    assert len(caller) == 4000
    assert np.count_nonzero(agent) > 3900
    assert np.abs(caller).max() <= 8, "A-law has no zero; its silence is the smallest amplitude"


async def test_a_stream_that_lags_is_waited_for_and_one_that_stopped_is_not(path: Path) -> None:
    tape = Tape(path, MULAW_8K)
    tape.caller(0.0, LOUD * 8000)
    await tape.write(2.5)  # the loop was stalled: a second and a half of the caller's frames waits in the socket
    tape.caller(1.0, LOUD * 12_000)
    await tape.write(60.0)  # the stream stopped long ago
    assert len(read(part(path))[0]) == int((60 - MARGIN) * RATE)
    await tape.close(60.0)
    assert loud_parts(read(path)[0]) == [(0, 20_000)]


async def test_memory_holds_only_what_is_not_final(path: Path) -> None:
    tape = Tape(path, MULAW_8K)
    for second in range(30):
        tape.caller(float(second), LOUD * 8000)
        await tape.write(second + 1.0)
        written = size(part(path)) - HEADER
        assert written >= (second + 1.0 - MARGIN) * RATE * FRAME - FRAME
    await tape.close(30.0)


# -- as it goes ------------------------------------------------------------------------------------------------------


async def test_the_file_can_be_played_at_any_moment(path: Path) -> None:
    tape = Tape(path, MULAW_8K)
    for n in range(1, 5):
        tape.caller(float(n - 1), LOUD * 8000)
        await tape.write(float(n))
        data = part(path).read_bytes()
        assert data[:HEADER] == wav.header(PCM16_8K, 2, len(data) - HEADER), "the header says what is there"
        assert len(read(part(path))[0]) == int((n - MARGIN) * RATE)
    await tape.close(4.0)


async def test_the_task_ends_when_the_tape_is_closed(path: Path) -> None:
    clock = Stopwatch()
    async with asyncio.TaskGroup() as group:
        tape = Tape(path, MULAW_8K)
        group.create_task(tape.run(clock), name="tape")
        tape.caller(0.0, LOUD * 160)
        await asyncio.sleep(0)
        await tape.close(0.02)
    assert loud_parts(read(path)[0]) == [(0, 160)]


async def test_closing_needs_no_run_and_twice_is_once(path: Path) -> None:
    tape = Tape(path, MULAW_8K)
    await tape.close(0.0)
    await tape.close(5.0)
    tape.caller(0.0, LOUD * 160)
    assert len(read(path)[0]) == 0


async def test_a_cancelled_close_still_finishes_the_file(path: Path) -> None:
    tape = Tape(path, MULAW_8K)
    tape.caller(0.0, LOUD * 800)
    async with asyncio.TaskGroup() as group:
        closing = group.create_task(tape.close(0.1), name="close")
        await asyncio.sleep(0)
        closing.cancel()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert loud_parts(read(path)[0]) == [(0, 800)]


# -- disks -----------------------------------------------------------------------------------------------------------


async def test_a_disk_that_fills_up_ends_the_recording_with_one_warning_and_keeps_what_fitted(path: Path) -> None:
    tape = Tape(path, MULAW_8K)
    with capture_logs() as logs, files_no_longer_than(HEADER + 10_001):
        for second in range(3):
            tape.caller(float(second), LOUD * 8000)
            await tape.write(second + 1.0)
        await tape.close(3.0)
    assert tape.failed == "File too large"
    assert [line["why"] for line in logs if line["log_level"] == "warning"] == ["File too large"]
    caller, _ = read(path)
    assert loud_parts(caller) == [(0, 2500)], "10,000 bytes are 2,500 whole frames; the torn one is cut off"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
async def test_a_full_disk_at_the_start_is_named(path: Path) -> None:
    path.with_name(f".{path.name}.part.new").symlink_to("/dev/full")
    tape = Tape(path, MULAW_8K)
    await tape.run(Stopwatch())
    assert tape.failed == "No space left on device"


async def test_a_folder_that_is_not_there_stops_the_recording_and_nothing_else(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "nowhere" / "call-1.wav", MULAW_8K)
    tape.caller(0.0, LOUD * 160)
    await tape.run(Stopwatch())
    tape.agent(0.0, LOUD * 160)
    tape.cut(0.0)
    await tape.close(1.0)
    assert tape.failed == "No such file or directory"


# -- after a crash ---------------------------------------------------------------------------------------------------

RECORDER = """
import asyncio, sys
from pathlib import Path
from telephony.audio.format import MULAW_8K
from telephony.bridge.tape import Tape

async def main():
    loop = asyncio.get_running_loop()
    began = loop.time()
    class Clock:
        now = property(lambda self: loop.time() - began)
    tape, clock, sent = Tape(Path(sys.argv[1]), MULAW_8K), Clock(), 0
    async with asyncio.TaskGroup() as group:
        group.create_task(tape.run(clock), name="tape")
        while True:
            while sent < clock.now * 50:
                tape.caller(sent / 50, bytes([0x10]) * 160)
                tape.agent(sent / 50 + 0.4, bytes([0x20]) * 160)
                sent += 1
            print(clock.now, flush=True)
            await asyncio.sleep(0.02)

asyncio.run(main())
"""


def test_a_killed_process_loses_at_most_a_second(path: Path) -> None:
    command = [sys.executable, "-c", RECORDER, str(path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603
    assert child.stdout is not None
    reached = 0.0
    while reached < 1.6:
        reached = float(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert not path.exists()
    # The header alone is right already: any player shows what is there.
    data = part(path).read_bytes()
    assert len(wav.read(data).data) >= (reached - 1.0) * RATE * FRAME

    assert recover(path.parent) == [path]
    caller, agent = read(path)
    assert len(caller) / RATE >= reached - 1.0
    assert loud_parts(caller) == [(0, len(caller))]
    assert loud_parts(agent) == [(3200, len(agent))]
    assert MARGIN + PERIOD < 1.0


def orphan(path: Path, says: int, has: int) -> Path:
    """A `.part` of a process that died: its header tells of *says* bytes, *has* are there."""
    part(path).write_bytes(wav.header(PCM16_8K, 2, says) + b"\x01" * has)
    return path


def test_headers_are_made_from_what_is_there_and_a_torn_frame_is_cut_off(path: Path) -> None:
    orphan(path, says=0, has=4 * 100 + 3)
    assert recover(path.parent) == [path]
    assert path.read_bytes() == wav.header(PCM16_8K, 2, 400) + b"\x01" * 400
    assert recover(path.parent) == []


def test_a_file_that_was_barely_begun_becomes_an_empty_recording(path: Path) -> None:
    part(path).write_bytes(b"RIFF")
    assert recover(path.parent) == [path]
    assert wav.read(path.read_bytes()).frames == 0


async def test_a_file_that_a_live_process_holds_is_left_alone(path: Path) -> None:
    tape = Tape(path, MULAW_8K)
    await tape.write(1.0)
    dead = orphan(path.with_name("call-0.wav"), says=0, has=8)
    assert recover(path.parent) == [dead]
    tape.caller(1.0, LOUD * 160)
    await tape.close(1.1)
    assert len(read(path)[0]) == 8800


def test_what_cannot_be_finished_does_not_keep_the_others_from_it(path: Path) -> None:
    part(path).mkdir()
    fine = orphan(path.with_name("call-2.wav"), says=0, has=8)
    with capture_logs() as logs:
        assert recover(path.parent) == [fine]
    assert [line["log_level"] for line in logs] == ["warning"]


def test_other_files_are_not_touched_and_an_absent_folder_holds_none(tmp_path: Path) -> None:
    (tmp_path / "notes.part").write_text("mine")
    assert recover(tmp_path) == []
    assert recover(tmp_path / "nowhere") == []


async def test_a_recording_that_another_process_holds_under_this_name_is_not_overwritten(path: Path) -> None:
    first, second = Tape(path, MULAW_8K), Tape(path, MULAW_8K)
    first.caller(0.0, LOUD * 800)
    await first.write(1.0)
    await second.write(1.0)
    assert second.failed == "File exists"
    await first.close(1.0)
    await second.close(1.0)
    assert loud_parts(read(path)[0]) == [(0, 800)]
