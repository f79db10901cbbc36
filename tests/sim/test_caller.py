from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from telephony.errors import ScriptError
from telephony.sim.caller import SimulatedCaller
from telephony.sim.caller_faults import CallerFaults
from telephony.sim.caller_line import StreamIds
from telephony.sim.caller_script import CallerScript
from telephony.sim.noise import white_noise

SPEECH = white_noise(-20, 16_000)
STREAM = StreamIds().stream
SILENT = b"\xff" * 160


def voice(text: str) -> bytes:
    """A tenth of a second for every letter."""
    return SPEECH[: 800 * len(text)]


def script(*steps: object, patience: float = 5.0) -> CallerScript:
    return CallerScript.parse({"steps": list(steps), "patience": patience})


def media(payload: bytes) -> str:
    return json.dumps({"event": "media", "streamSid": STREAM, "media": {"payload": base64.b64encode(payload).decode()}})


def mark(name: str) -> str:
    return json.dumps({"event": "mark", "streamSid": STREAM, "mark": {"name": name}})


CLEAR = json.dumps({"event": "clear", "streamSid": STREAM})


class Call:
    """A caller driven on a virtual clock, with everything it sent."""

    def __init__(self, *steps: object, patience: float = 5.0, start: float = 1000.0, **options: Any) -> None:
        self.caller = SimulatedCaller(script(*steps, patience=patience), voice, **options)
        self.start = self.now = start
        self.log: list[tuple[float, dict[str, Any]]] = []
        self._keep(self.caller.open(start, {"session": "token"}))

    def _keep(self, messages: list[str]) -> None:
        self.log += [(round(self.now - self.start, 6), json.loads(message)) for message in messages]

    def until(self, seconds: float) -> None:
        while (deadline := self.caller.deadline()) is not None and deadline <= self.start + seconds:
            self.now = deadline
            self._keep(self.caller.tick(deadline))
        self.now = self.start + seconds

    def send(self, at: float, *messages: str | bytes) -> None:
        self.until(at)
        for message in messages:
            self._keep(self.caller.receive(message, self.now))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for _, message in self.log if message["event"] == event]

    def marks(self) -> list[tuple[float, str]]:
        return [(at, message["mark"]["name"]) for at, message in self.log if message["event"] == "mark"]

    def frames(self) -> list[bytes]:
        return [base64.b64decode(message["media"]["payload"]) for message in self.of("media")]

    def kinds(self) -> list[str]:
        return [observation.kind for observation in self.caller.observations]

    def when(self, kind: str) -> list[float]:
        return [round(seen.at, 3) for seen in self.caller.observations if seen.kind == kind]


def test_the_stream_begins_with_connected_and_start_as_twilio_writes_them() -> None:
    call = Call({"pause": 1})
    (_, connected), (_, start) = call.log
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start == {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": STREAM,
        "start": {
            "accountSid": StreamIds().account,
            "streamSid": STREAM,
            "callSid": StreamIds().call,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"session": "token"},
        },
    }


def test_frames_lie_on_an_exact_grid_and_are_numbered_in_strings() -> None:
    call = Call({"pause": 3600})
    call.until(600)
    frames = [(at, message) for at, message in call.log if message["event"] == "media"]
    assert len(frames) == 30_000
    assert [at for at, _ in frames] == [round((number + 1) * 0.02, 6) for number in range(30_000)]
    _, last = frames[-1]
    assert last["sequenceNumber"] == "30001"
    assert last["media"]["chunk"] == "30000"
    assert last["media"]["timestamp"] == "599980"
    assert last["media"]["track"] == "inbound"
    assert {len(frame) for frame in call.frames()} == {160}


def test_a_driver_that_was_late_gets_every_frame_it_missed() -> None:
    call = Call({"pause": 10})
    call.now += 1.01
    call._keep(call.caller.tick(call.now))
    assert [message["media"]["timestamp"] for message in call.of("media")] == [str(20 * number) for number in range(50)]
    assert call.caller.deadline() == pytest.approx(call.start + 1.02)


def test_what_is_said_goes_out_sample_for_sample_and_silence_otherwise() -> None:
    call = Call({"pause": 0.1}, {"say": "abc"}, {"pause": 0.1})
    call.until(9)
    audio = b"".join(call.frames())
    assert audio == SILENT * 5 + SPEECH[:2400] + SILENT * 5
    assert call.caller.said == audio


def test_the_caller_hangs_up_after_the_last_step_and_twilio_says_stop() -> None:
    call = Call({"pause": 0.1})
    call.until(9)
    at, last = call.log[-1]
    assert (at, last["event"]) == (0.1, "stop")
    assert last["stop"] == {"accountSid": StreamIds().account, "callSid": StreamIds().call}
    assert call.caller.ended
    assert call.caller.ended_by == "caller"
    assert call.caller.unmet == []
    assert call.caller.deadline() is None
    assert call.caller.receive(media(SPEECH), call.now) == []


def test_marks_come_back_when_played_and_at_once_when_nothing_is_buffered() -> None:
    call = Call({"pause": 9})
    call.send(1.005, mark("empty"), media(SPEECH[:800]), mark("one"), media(SPEECH[:800]), mark("two"))
    call.until(2)
    assert call.marks() == [(1.005, "empty"), (1.105, "one"), (1.205, "two")]


def test_clear_silences_the_earpiece_at_once_and_returns_every_outstanding_mark() -> None:
    call = Call({"pause": 9})
    call.send(1.0, media(SPEECH), mark("one"), media(SPEECH), mark("two"))
    call.send(1.25, CLEAR)
    call.until(3)
    assert call.marks() == [(1.25, "one"), (1.25, "two")]
    heard = call.caller.heard(call.now)
    assert heard[8000:10_000] == SPEECH[:2000]
    assert heard[10_000:] == b"\xff" * (len(heard) - 10_000)
    assert [seen.text for seen in call.caller.observations if seen.kind == "cleared"] == ["3750 ms"]


def test_waiting_for_the_agent_means_waiting_until_it_has_spoken_and_is_quiet() -> None:
    call = Call({"wait": "agent"}, {"say": "a"})
    call.send(1.0, media(SPEECH[:8000]))
    call.until(9)
    assert call.when("agent speaks") == [1.02]
    assert call.when("agent quiet") == [2.6]
    assert call.when("caller speaks") == [2.6]


def test_a_pause_within_speech_is_not_the_end_of_it() -> None:
    call = Call({"wait": "agent"}, {"say": "a"})
    call.send(1.0, media(SPEECH[:8000] + b"\xff" * 4000 + SPEECH[:8000]))
    call.until(9)
    assert call.when("caller speaks") == [4.1]


def test_comfort_noise_is_not_speech() -> None:
    call = Call({"wait": "agent"}, patience=3.0)
    call.send(1.0, media(white_noise(-60, 16_000)))
    call.until(9)
    assert call.caller.unmet == ["wait for the agent to have spoken (step 1 of 1): did not happen within 3 s"]


def test_the_caller_talks_over_the_agent_after_so_much_of_its_speech() -> None:
    call = Call({"wait": {"agent_ms": 1500}}, {"say": "stop"}, {"wait": "agent"})
    call.send(1.0, media(SPEECH * 4))
    call.until(2.8)
    assert call.when("caller speaks") == [2.5]


def test_the_rest_of_an_interrupted_sentence_is_not_taken_for_the_answer() -> None:
    call = Call({"wait": {"agent_ms": 1000}}, {"say": "x"}, {"wait": "agent"}, {"say": "y"})
    call.send(1.0, media(SPEECH * 4))
    call.send(2.5, CLEAR)
    call.send(4.0, media(SPEECH[:8000]))
    call.until(9)
    assert call.when("caller speaks") == [2.0, 5.6]
    assert call.caller.unmet == []


def test_speech_that_goes_on_after_the_caller_spoke_counts_as_the_answer() -> None:
    call = Call({"wait": {"agent_ms": 1000}}, {"say": "mhm"}, {"wait": "agent"}, {"say": "y"})
    call.send(1.0, media(SPEECH * 2))
    call.until(9)
    assert call.when("caller speaks") == [2.0, 5.6]


def test_two_waits_for_the_agent_wait_for_two_utterances() -> None:
    call = Call({"wait": "agent"}, {"wait": "agent"}, {"say": "y"})
    call.send(1.0, media(SPEECH[:8000]))
    call.send(4.0, media(SPEECH[:8000]))
    call.until(9)
    assert call.when("caller speaks") == [5.6]


def test_waiting_for_quiet_counts_from_the_step_or_the_last_sound() -> None:
    call = Call({"wait": {"quiet": 1}}, {"say": "a"}, {"wait": {"quiet": 1}}, {"say": "b"})
    call.send(0.5, media(SPEECH[:4000]))
    call.until(9)
    assert call.when("caller speaks") == [2.0, 3.1]


def test_keys_are_pressed_one_after_the_other() -> None:
    call = Call({"pause": 1}, {"press": "1#A"}, {"say": "a"})
    call.until(9)
    assert [(at, message["dtmf"]) for at, message in call.log if message["event"] == "dtmf"] == [
        (1.0, {"track": "inbound_track", "digit": "1"}),
        (1.2, {"track": "inbound_track", "digit": "#"}),
        (1.4, {"track": "inbound_track", "digit": "A"}),
    ]
    assert call.when("caller speaks") == [1.6]


def test_noise_has_the_loudness_asked_for_and_recordings_are_played() -> None:
    call = Call({"noise": {"level_dbfs": -30, "seconds": 0.2}}, {"play": "cough"}, sounds={"cough": SPEECH[:320]})
    call.until(9)
    assert b"".join(call.frames()) == white_noise(-30, 1600) + SPEECH[:320]


def test_a_recording_that_was_not_given_is_an_error_before_the_call() -> None:
    with pytest.raises(ScriptError, match=r"'cough'.*Known: \['sneeze'\]"):
        Call({"play": "cough"}, sounds={"sneeze": b""})


def test_every_wait_is_bounded_and_the_caller_then_hangs_up() -> None:
    call = Call({"wait": "end"}, {"say": "never"}, patience=2.0)
    call.until(9)
    assert call.caller.unmet == ["wait for the other side to hang up (step 1 of 2): did not happen within 2 s"]
    assert (call.log[-1][0], call.log[-1][1]["event"]) == (2.0, "stop")
    assert "unmet" in call.kinds()


@pytest.mark.parametrize("by", ["agent", "limit"])
def test_a_hang_up_from_elsewhere_says_stop_and_satisfies_waiting_for_the_end(by: Any) -> None:
    call = Call({"wait": "end"}, "hang_up")
    call.until(1)
    (stop,) = call.caller.hang_up(call.now, by)
    assert json.loads(stop)["event"] == "stop"
    assert call.caller.ended_by == by
    assert call.caller.unmet == []
    assert call.caller.hang_up(call.now) == []


def test_a_call_that_ends_too_early_leaves_the_rest_of_the_script_unmet() -> None:
    call = Call({"pause": 1}, {"say": "hello"}, "hang_up")
    call.until(0.5)
    assert call.caller.closed(call.now) == []
    assert call.caller.unmet == ["the call ended before the caller could say 'hello'"]
    assert call.caller.ended_by == "server"


def test_what_was_buffered_at_the_end_was_not_heard() -> None:
    call = Call({"pause": 1})
    call.send(0.9, media(SPEECH))
    call.until(9)
    assert call.caller.heard(call.now) == b"\xff" * 7200 + SPEECH[:800]


def test_a_second_stream_of_the_same_call_goes_on_with_the_script_and_the_timeline() -> None:
    call = Call({"pause": 0.5}, {"say": "ab"}, {"pause": 0.3})
    call.send(0.6, media(SPEECH), mark("lost"))
    call.caller.detach(call.now)
    assert call.caller.deadline() is None
    assert not call.caller.ended
    call.until(1.6)
    again = StreamIds(stream="MZ" + "2" * 32)
    call._keep(call.caller.open(call.now, {"resume": "yes"}, again))
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


def test_observers_are_told_as_it_happens() -> None:
    seen: list[str] = []
    call = Call({"say": "hi"}, observe=lambda observation: seen.append(observation.kind))
    call.until(9)
    assert seen == call.kinds() == ["stream opened", "caller speaks", "caller quiet", "stream closed", "ended"]


# -- strictness ----------------------------------------------------------------------------------------------------

GOOD = {"event": "media", "streamSid": STREAM, "media": {"payload": "/w=="}}


@pytest.mark.parametrize(
    ("message", "code", "says"),
    [
        (b"\x00\x01", 31950, "binary frame of 2 bytes"),
        ("{", 31951, "not JSON"),
        ('{"event":' * 100_000, 31951, "invalid message"),
        ('"\ud800"', 31951, "not JSON"),
        ("[]", 31951, "Expected `object`"),
        (json.dumps({"event": "dtmf", "streamSid": STREAM}), 31951, "dtmf"),
        (json.dumps({"streamSid": STREAM}), 31951, "event"),
        (json.dumps({"event": "clear"}), 31951, "streamSid"),
        (json.dumps({"event": "mark", "streamSid": STREAM}), 31951, "mark"),
        (json.dumps({**GOOD, "sequenceNumber": "1"}), 31951, "sequenceNumber"),
        (json.dumps({**GOOD, "media": {"payload": "/w==", "track": "outbound"}}), 31951, "track"),
        (json.dumps({**GOOD, "media": {"payload": "not base64!"}}), 31951, "base64"),
        (json.dumps({**GOOD, "media": "/w=="}), 31951, "Expected `object`"),
        (json.dumps({**GOOD, "streamSid": "MZ" + "9" * 32}), 31951, "not ours"),
        (media(b"RIFF....WAVEfmt "), 31951, "WAV header"),
    ],
)
def test_what_twilio_does_not_document_is_reported_with_its_number(message: str | bytes, code: int, says: str) -> None:
    call = Call({"pause": 9})
    call.send(1.5, message, message)
    (warning,) = call.caller.warnings
    assert warning.code == code
    assert says in warning.message
    assert warning.at == pytest.approx(1.5)


def test_the_documented_messages_raise_no_warning() -> None:
    call = Call({"pause": 9})
    call.send(1.0, json.dumps(GOOD), mark(""), CLEAR, media(SPEECH * 10))
    assert call.caller.warnings == []


def test_more_than_ten_minutes_of_buffered_audio_are_discarded_with_a_warning() -> None:
    call = Call({"pause": 9})
    call.send(1.0, *[media(SPEECH)] * 302)
    assert [warning.code for warning in call.caller.warnings] == [31931]
    assert call.caller.playout.buffered(call.now) == 600 * 8000


def test_a_flood_of_different_mistakes_does_not_fill_the_memory() -> None:
    call = Call({"pause": 9})
    call.send(1.0, *[json.dumps({"event": f"e{number}"}) for number in range(500)])
    assert len(call.caller.warnings) == 100


def test_opening_a_second_stream_beside_the_first_is_an_error() -> None:
    call = Call({"pause": 9})
    with pytest.raises(ScriptError, match="one stream at a time"):
        call.caller.open(call.now, {})


# -- faults --------------------------------------------------------------------------------------------------------


def faulty(*steps: object, **faults: Any) -> Call:
    return Call(*(steps or ({"pause": 9},)), faults=CallerFaults(**faults))


def numbered_marks(call: Call, count: int = 100) -> list[str]:
    call.send(1.0, *[mark(f"m{number}") for number in range(count)])
    call.until(5)
    return [name for _, name in call.marks()]


def test_marks_can_be_lost_doubled_unknown_and_late() -> None:
    assert 20 < len(numbered_marks(faulty(marks_lost=0.5))) < 80
    assert 120 < len(numbered_marks(faulty(marks_doubled=0.5))) < 180
    unknown = [name for name in numbered_marks(faulty(marks_unknown=0.5)) if name.startswith("unknown")]
    assert 20 < len(unknown) < 80
    late = faulty(marks_late_ms=300)
    names = numbered_marks(late)
    assert sorted(names) == sorted(f"m{number}" for number in range(100)) != names
    assert 1.2 < max(at for at, _ in late.marks()) < 1.3


def test_the_same_seed_is_the_same_misfortune() -> None:
    assert numbered_marks(faulty(marks_lost=0.5, seed=7)) == numbered_marks(faulty(marks_lost=0.5, seed=7))
    assert numbered_marks(faulty(marks_lost=0.5, seed=7)) != numbered_marks(faulty(marks_lost=0.5, seed=8))


def test_lost_frames_leave_a_gap_in_every_counter() -> None:
    call = faulty(frames_lost=0.3)
    call.until(4)
    chunks = [int(message["media"]["chunk"]) for message in call.of("media")]
    sequence = [int(message["sequenceNumber"]) for message in call.of("media")]
    assert 120 < len(chunks) < 160
    assert sequence == [chunk + 1 for chunk in chunks]
    assert [int(message["media"]["timestamp"]) for message in call.of("media")] == [
        20 * (chunk - 1) for chunk in chunks
    ]


def test_frames_can_come_twice() -> None:
    call = faulty(frames_doubled=0.5)
    call.until(2)
    chunks = [message["media"]["chunk"] for message in call.of("media")]
    assert len(chunks) > len(set(chunks)) == 100


def test_silence_can_be_suppressed_and_shows_in_the_timestamps() -> None:
    call = faulty({"pause": 1}, {"say": "a"}, silence_suppressed=True)
    call.until(9)
    assert [message["media"]["timestamp"] for message in call.of("media")] == ["1000", "1020", "1040", "1060", "1080"]
    assert [message["media"]["chunk"] for message in call.of("media")] == ["1", "2", "3", "4", "5"]


def test_frames_can_come_late_and_in_bursts_but_in_order() -> None:
    for faults in ({"jitter_ms": 150}, {"burst_ms": 200}):
        call = faulty({"pause": 2}, **faults)
        call.until(9)
        stamps = [int(message["media"]["timestamp"]) for message in call.of("media")]
        assert stamps == [20 * number for number in range(100)]
        assert len({at for at, message in call.log if message["event"] == "media"}) < 90
        assert call.log[-1][1]["event"] == "stop"


@pytest.mark.parametrize("counters", ["integers", "missing"])
def test_counters_can_be_integers_or_missing(counters: Any) -> None:
    call = faulty(counters=counters)
    call.until(0.02)
    (frame,) = call.of("media")
    expected = {"sequenceNumber": 2, "chunk": 1, "timestamp": 0} if counters == "integers" else {}
    found = {**frame, **frame["media"]}
    assert {key: found[key] for key in ("sequenceNumber", "chunk", "timestamp") if key in found} == expected


def test_somleng_puts_the_parameters_beside_start() -> None:
    (start,) = faulty(variant="somleng").of("start")
    assert start["customParameters"] == {"session": "token"}
    assert "customParameters" not in start["start"]
