"""Ten minutes of telephone, recorded by the real reel: what is on it against what the caller's own buffer played."""

from __future__ import annotations

import functools
import json
import random
from typing import Any

import numpy as np
import pytest

from rehearsals import rehearse
from telephony.audio.format import MULAW_8K
from telephony.audio.g711 import mulaw_to_pcm
from telephony.audio.pcm import Samples
from telephony.bridge.callfile import PERIOD
from telephony.bridge.reel import Reel
from telephony.rehearsal import Rehearsal
from telephony.sim.caller_faults import CallerFaults
from telephony.sim.clockwork import Port

RATE = 8000
FRAME = RATE // 50
FAULTS = CallerFaults(seed=7, jitter_ms=80, marks_late_ms=150, marks_lost=0.1, marks_doubled=0.1, frames_doubled=0.02)


class Recorder:
    """Drives a reel as a tape does, on the rehearsal's clock, and notes when our clears reached the caller."""

    def __init__(self) -> None:
        self.reel = Reel(MULAW_8K)
        self.frames = bytearray()
        self.clears: list[float] = []

    def watch(self, call: Rehearsal) -> None:
        call.clock.listen(self._see)
        call.clock.at(PERIOD, functools.partial(self._write, call))

    def _see(self, now: float, origin: Port, to: Port, message: Any) -> None:
        if to.station == "caller" and isinstance(message, str) and json.loads(message)["event"] == "clear":
            self.clears.append(now)

    def _write(self, call: Rehearsal, now: float) -> list[str]:
        self.frames += self.reel.final(now)
        if call.ending is None:
            call.clock.at(now + PERIOD, functools.partial(self._write, call))
        return []


class Recorded:
    """What a rehearsal left: the two channels of the recording beside what was said and heard."""

    def __init__(self, minutes: float, seed: int, latency: float = 0.0) -> None:
        recorder = Recorder()
        steps, replies = conversation(minutes, seed)
        call = rehearse(
            steps, replies, faults=FAULTS, seed=seed, latency=latency, listener=recorder.reel, prepare=recorder.watch,
            until=minutes * 120,
        )  # fmt: skip
        self.call = call
        self.timeline = call.caller.playout.timeline
        recorder.frames += recorder.reel.rest(call.caller.playout.position(call.clock.now) / RATE)
        self.clears = [round(at * RATE) for at in recorder.clears]
        self.caller, self.agent = np.frombuffer(bytes(recorder.frames), "<i2").reshape(-1, 2).T
        self.said = decoded(call.caller.said)

    def shifts(self) -> list[int]:
        """For each stretch that the caller's buffer played, by how many samples its place in the recording is early.

        Of one that was cut the last two samples are left out: buffer and recording round the moment of the cut apart.
        """
        found = []
        for stretch in self.timeline:
            played = decoded(stretch.payload)[:-2]
            if not played.any():
                continue
            early = (n for n in range(-1, FRAME + 1) if self.is_at(stretch.start - n, played))
            shift = next(early, None)
            assert shift is not None, f"what was played at {stretch.start / RATE:.3f} s is not there within a frame"
            found.append(shift)
        return found

    def is_at(self, start: int, played: Samples) -> bool:
        return start >= 0 and np.array_equal(self.agent[start : start + len(played)], played)


def decoded(payload: bytes) -> Samples:
    return np.frombuffer(mulaw_to_pcm(payload), "<i2")


def conversation(minutes: float, seed: int) -> tuple[list[Any], list[dict[str, Any]]]:
    """Minutes of questions, long answers, and a caller who lets the agent finish or does not."""
    rng = random.Random(seed)
    steps: list[Any] = [{"wait": "agent"}]
    seconds = 0.0
    while seconds < minutes * 60:
        talks_over = rng.random() < 0.6
        steps += [
            {"say": "Where is my order?"},
            {"wait": {"agent_ms": rng.randrange(40, 5000)} if talks_over else "agent"},
        ]
        seconds += 5 if talks_over else 10
    replies = [{"on": "greeting", "say": "Thanks for calling."}]
    replies += [{"on": "speech", "hears": "…", "say": "word " * rng.randrange(18, 36)} for _ in steps]
    return [*steps, {"pause": 1}, "hang_up"], replies


@pytest.fixture(scope="module")
def ten_minutes() -> Recorded:
    return Recorded(10, seed=1)


def test_the_call_is_as_long_and_as_lively_as_it_should_be(ten_minutes: Recorded) -> None:
    assert ten_minutes.call.ending
    assert len(ten_minutes.agent) >= 600 * RATE
    assert len(ten_minutes.clears) >= 30
    assert not ten_minutes.call.caller.unmet
    assert not ten_minutes.call.caller.warnings


def test_the_callers_channel_is_what_the_caller_said_with_no_delay_to_the_last_sample(ten_minutes: Recorded) -> None:
    assert abs(len(ten_minutes.said) - len(ten_minutes.caller)) <= FRAME
    length = min(len(ten_minutes.said), len(ten_minutes.caller))
    assert np.array_equal(ten_minutes.caller[:length], ten_minutes.said[:length])


def test_the_agents_channel_carries_what_the_callers_buffer_played_and_nothing_else(ten_minutes: Recorded) -> None:
    assert {*ten_minutes.shifts()} <= {-1, 0, 1}
    unheard = ten_minutes.agent.copy()
    for stretch in ten_minutes.timeline:
        unheard[max(0, stretch.start - 1) : stretch.end + 1] = 0
    assert not unheard.any()


def test_after_every_clear_the_agent_is_silent_within_one_frame(ten_minutes: Recorded) -> None:
    for clear in ten_minutes.clears:
        until = min((s.start for s in ten_minutes.timeline if s.start >= clear), default=len(ten_minutes.agent))
        assert until - clear > FRAME
        assert not ten_minutes.agent[clear + FRAME : until - 1].any()


def test_over_a_line_with_delay_both_sides_stay_aligned_within_a_frame_to_the_end() -> None:
    """The agent is placed where it is sent, the caller where it is spoken: what is left between them is the way there
    and back, the same at the end as at the beginning."""
    call = Recorded(3, seed=2, latency=0.008)
    shifts = call.shifts()
    assert len(shifts) > 500
    assert max(shifts) - min(shifts) <= 2
    assert max(shifts) <= FRAME
    length = min(len(call.said), len(call.caller))
    assert np.array_equal(call.caller[:length], call.said[:length])
