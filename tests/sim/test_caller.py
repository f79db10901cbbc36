"""The simulated caller as a whole: one call, its streams, its timeline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telephony.errors import ScriptError
from telephony.sim.caller import SimulatedCaller
from telephony.sim.caller_line import StreamIds
from telephony.sim.noise import white_noise

SPEECH = white_noise(-20, 16_000)
STREAM = StreamIds().stream
SILENT = b"\xff" * 160


def test_the_caller_hangs_up_after_the_last_step_and_twilio_says_stop(dial: Any) -> None:
    call = dial({"pause": 0.1})
    call.until(9)
    at, last = call.log[-1]
    assert (at, last["event"]) == (0.1, "stop")
    assert last["stop"] == {"accountSid": StreamIds().account, "callSid": StreamIds().call}
    assert call.caller.ended
    assert call.caller.ended_by == "caller"
    assert call.caller.unmet == []
    assert call.caller.deadline() is None
    assert call.caller.receive(dial.media(SPEECH), call.now) == []


def test_marks_come_back_when_played_and_at_once_when_nothing_is_buffered(dial: Any) -> None:
    call = dial({"pause": 9})
    tenth = dial.media(SPEECH[:800])
    call.send(1.005, dial.mark("empty"), tenth, dial.mark("one"), tenth, dial.mark("two"))
    call.until(2)
    assert call.marks() == [(1.005, "empty"), (1.105, "one"), (1.205, "two")]


def test_clear_silences_the_earpiece_at_once_and_returns_every_outstanding_mark(dial: Any) -> None:
    call = dial({"pause": 9})
    call.send(1.0, dial.media(SPEECH), dial.mark("one"), dial.media(SPEECH), dial.mark("two"))
    call.send(1.25, dial.CLEAR)
    call.until(3)
    assert call.marks() == [(1.25, "one"), (1.25, "two")]
    heard = call.caller.heard(call.now)
    assert heard[8000:10_000] == SPEECH[:2000]
    assert heard[10_000:] == b"\xff" * (len(heard) - 10_000)
    assert [seen.text for seen in call.caller.observations if seen.kind == "cleared"] == ["3750 ms"]


def test_what_was_buffered_at_the_end_was_not_heard(dial: Any) -> None:
    call = dial({"pause": 1})
    call.send(0.9, dial.media(SPEECH))
    call.until(9)
    assert call.caller.heard(call.now) == b"\xff" * 7200 + SPEECH[:800]


def test_a_second_stream_of_the_same_call_goes_on_with_the_script_and_the_timeline(dial: Any) -> None:
    call = dial({"pause": 0.5}, {"say": "ab"}, {"pause": 0.3})
    call.send(0.6, dial.media(SPEECH), dial.mark("lost"))
    call.caller.detach(call.now)
    assert call.caller.deadline() is None
    assert not call.caller.ended
    call.until(1.6)
    again = StreamIds(stream="MZ" + "2" * 32)
    call.keep(call.caller.open(call.now, {"resume": "yes"}, again))
    assert call.of("start")[1]["sequenceNumber"] == "1"
    assert call.of("start")[1]["streamSid"] == again.stream
    call.until(9)
    later = [message for message in call.of("media") if message["streamSid"] == again.stream]
    assert [later[0]["media"][key] for key in ("chunk", "timestamp")] == ["1", "0"]
    assert call.marks() == []
    assert call.caller.heard(call.now)[:12_800] == b"\xff" * 12_800
    assert len(call.caller.said) == len(call.caller.heard(call.now))
    assert call.caller.said[12_800:13_600] == SPEECH[800:1600]


def test_a_recorded_caller_plays_its_recording_from_the_first_moment() -> None:
    caller = SimulatedCaller.recorded(SPEECH[:1600])
    now, frames = 5.0, []
    caller.open(now, {})
    while (deadline := caller.deadline()) is not None:
        frames += [json.loads(message) for message in caller.tick(deadline)]
    assert caller.said == SPEECH[:1600]
    assert frames[-1]["event"] == "stop"


def test_observers_are_told_as_it_happens(dial: Any) -> None:
    seen: list[str] = []
    call = dial({"say": "hi"}, observe=lambda observation: seen.append(observation.kind))
    call.until(9)
    assert seen == call.kinds() == ["stream opened", "caller speaks", "caller quiet", "stream closed", "ended"]


def test_opening_a_second_stream_beside_the_first_is_an_error(dial: Any) -> None:
    call = dial({"pause": 9})
    with pytest.raises(ScriptError, match="one stream at a time"):
        call.caller.open(call.now, {})
