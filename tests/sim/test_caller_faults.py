"""What the simulated network can do to a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from telephony.sim.caller_faults import CallerFaults
from telephony.sim.caller_line import StreamIds
from telephony.sim.noise import white_noise

SPEECH = white_noise(-20, 16_000)
STREAM = StreamIds().stream
SILENT = b"\xff" * 160


Faulty = Callable[..., Any]


@pytest.fixture
def faulty(dial: Any) -> Faulty:
    """`faulty(*steps, **faults)` begins a call over a bad line."""
    return lambda *steps, **faults: dial(*(steps or ({"pause": 9},)), faults=CallerFaults(**faults))


def numbered_marks(call: Any, count: int = 100) -> list[str]:
    call.send(1.0, *[call.mark(f"m{number}") for number in range(count)])
    call.until(5)
    return [name for _, name in call.marks()]


def test_marks_can_be_lost_doubled_unknown_and_late(faulty: Any) -> None:
    assert 20 < len(numbered_marks(faulty(marks_lost=0.5))) < 80
    assert 120 < len(numbered_marks(faulty(marks_doubled=0.5))) < 180
    unknown = [name for name in numbered_marks(faulty(marks_unknown=0.5)) if name.startswith("unknown")]
    assert 20 < len(unknown) < 80
    late = faulty(marks_late_ms=300)
    names = numbered_marks(late)
    assert sorted(names) == sorted(f"m{number}" for number in range(100)) != names
    assert 1.2 < max(at for at, _ in late.marks()) < 1.3


def test_the_same_seed_is_the_same_misfortune(faulty: Any) -> None:
    assert numbered_marks(faulty(marks_lost=0.5, seed=7)) == numbered_marks(faulty(marks_lost=0.5, seed=7))
    assert numbered_marks(faulty(marks_lost=0.5, seed=7)) != numbered_marks(faulty(marks_lost=0.5, seed=8))


def test_lost_frames_leave_a_gap_in_every_counter(faulty: Any) -> None:
    call = faulty(frames_lost=0.3)
    call.until(4)
    chunks = [int(message["media"]["chunk"]) for message in call.of("media")]
    sequence = [int(message["sequenceNumber"]) for message in call.of("media")]
    assert 120 < len(chunks) < 160
    assert sequence == [chunk + 1 for chunk in chunks]
    assert [int(message["media"]["timestamp"]) for message in call.of("media")] == [
        20 * (chunk - 1) for chunk in chunks
    ]


def test_frames_can_come_twice(faulty: Any) -> None:
    call = faulty(frames_doubled=0.5)
    call.until(2)
    chunks = [message["media"]["chunk"] for message in call.of("media")]
    assert len(chunks) > len(set(chunks)) == 100


def test_silence_can_be_suppressed_and_shows_in_the_timestamps(faulty: Any) -> None:
    call = faulty({"pause": 1}, {"say": "a"}, silence_suppressed=True)
    call.until(9)
    assert [message["media"]["timestamp"] for message in call.of("media")] == ["1000", "1020", "1040", "1060", "1080"]
    assert [message["media"]["chunk"] for message in call.of("media")] == ["1", "2", "3", "4", "5"]


def test_frames_can_come_late_and_in_bursts_but_in_order(faulty: Any) -> None:
    for faults in ({"jitter_ms": 150}, {"burst_ms": 200}):
        call = faulty({"pause": 2}, **faults)
        call.until(9)
        stamps = [int(message["media"]["timestamp"]) for message in call.of("media")]
        assert stamps == [20 * number for number in range(100)]
        assert len({at for at, message in call.log if message["event"] == "media"}) < 90
        assert call.log[-1][1]["event"] == "stop"


@pytest.mark.parametrize("counters", ["integers", "missing"])
def test_counters_can_be_integers_or_missing(faulty: Any, counters: Any) -> None:
    call = faulty(counters=counters)
    call.until(0.02)
    (frame,) = call.of("media")
    expected = {"sequenceNumber": 2, "chunk": 1, "timestamp": 0} if counters == "integers" else {}
    found = {**frame, **frame["media"]}
    assert {key: found[key] for key in ("sequenceNumber", "chunk", "timestamp") if key in found} == expected


def test_somleng_puts_the_parameters_beside_start(faulty: Any) -> None:
    (start,) = faulty(variant="somleng").of("start")
    assert start["customParameters"] == {"session": "token"}
    assert "customParameters" not in start["start"]
