"""The exchange: formats between the legs, what a listener is told, and the rewiring when a model wants it otherwise."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence

import numpy as np
import pytest

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from telephony.audio.transcode import Transcoder
from telephony.carriers.twilio import TwilioStream
from telephony.commands import EndCall, RunTool
from telephony.conversation.intake import DRIFT, RUSH
from telephony.events import CallerAudio, CallStarted, ModelLost, ServerStopping, SessionReady
from telephony.exchange import Exchange, Output, ToCarrier, ToModel
from telephony.realtime import dialect
from telephony.settings import CallSettings, SessionConfig, ToolSpec

LOOKUP = ToolSpec("lookup", "Looks something up.", {"type": "object", "properties": {}}, side_effects=False)


class Ear:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.callers: list[tuple[float, bytes]] = []
        self.agents: list[tuple[float, bytes]] = []
        self.cuts: list[float] = []

    def caller(self, at: float, payload: bytes) -> None:
        self.callers.append((at, payload))

    def agent(self, at: float, payload: bytes) -> None:
        self.agents.append((at, payload))

    def cut(self, at: float) -> None:
        self.cuts.append(at)


def tone(audio: AudioFormat, seconds: float, hertz: float = 440.0) -> bytes:
    samples = [int(9000 * math.sin(2 * math.pi * hertz * n / audio.rate)) for n in range(round(seconds * audio.rate))]
    pcm = np.array(samples, "<i2").tobytes()
    return Transcoder(AudioFormat("pcm16", audio.rate), audio).feed(pcm)


def exchange(audio: AudioFormat = PCM16_24K, ear: Ear | None = None) -> Exchange:
    """One call that streams, with no model yet."""
    session = SessionConfig(audio=audio, tools=(LOOKUP,))
    carrier = TwilioStream()
    started: list[CallStarted] = []
    for message in (
        {"event": "connected", "protocol": "Call", "version": "1.0.0"},
        {
            "event": "start",
            "streamSid": "MZ1",
            "start": {
                "accountSid": "AC1",
                "callSid": "CA1",
                "streamSid": "MZ1",
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            },
        },
    ):
        started += [event for event in carrier.decode(json.dumps(message)) if isinstance(event, CallStarted)]
    return Exchange(CallSettings("test", session, greeting="Hello."), started[0], carrier, ear)


def connected(audio: AudioFormat = PCM16_24K, ear: Ear | None = None, name: str = "xai") -> Exchange:
    """One call whose model has accepted the session."""
    call = exchange(audio, ear)
    call.model_connected(dialect(name, call.conversation.state.settings.session), "grok", 0.0)
    call.handle(SessionReady(audio, audio, turn_detection=True), 0.0)
    return call


def speak(call: Exchange, payload: bytes, now: float, response: str = "r1", item: str = "i1") -> list[Output]:
    """The model says *payload*; what does not go out at once goes out as time passes."""
    outputs: list[Output] = []
    for event in (
        {"type": "response.created", "response": {"id": response}},
        {
            "type": "response.output_audio.delta",
            "response_id": response,
            "item_id": item,
            "delta": base64.b64encode(payload).decode(),
        },
        {"type": "response.output_audio.done", "response_id": response, "item_id": item},
    ):
        outputs += call.from_model(json.dumps(event), now)
    return outputs


def pass_time(call: Exchange, until: float) -> list[Output]:
    outputs: list[Output] = []
    while (due := call.deadline()) is not None and due <= until:
        outputs += call.tick(due)
    return outputs


def media(outputs: Sequence[Output]) -> bytes:
    """What the carrier is given to play."""
    messages = [json.loads(output.message) for output in outputs if isinstance(output, ToCarrier)]
    return b"".join(base64.b64decode(m["media"]["payload"]) for m in messages if m["event"] == "media")


def appended(outputs: Sequence[Output]) -> bytes:
    """What the model is given to hear."""
    messages = [json.loads(output.message) for output in outputs if isinstance(output, ToModel)]
    return b"".join(base64.b64decode(m["audio"]) for m in messages if m["type"] == "input_audio_buffer.append")


def frames(call: Exchange, audio: bytes, start: float = 0.0) -> list[Output]:
    outputs: list[Output] = []
    for number in range(len(audio) // 160):
        payload = audio[160 * number : 160 * (number + 1)]
        at = start + number * 0.02
        outputs += call.handle(CallerAudio(payload, round(at * 1000)), at + 0.02)
    return outputs


# -- formats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("audio", [PCM16_24K, PCM16_16K, PCM16_8K, ALAW_8K, MULAW_8K])
def test_the_caller_is_transcoded_to_what_the_model_hears(audio: AudioFormat) -> None:
    said = tone(MULAW_8K, 1.0)
    heard = appended(frames(connected(audio), said))
    assert heard == Transcoder(MULAW_8K, audio).feed(said)
    assert audio.seconds(heard) == 1.0


@pytest.mark.parametrize("audio", [PCM16_24K, PCM16_16K, PCM16_8K, ALAW_8K, MULAW_8K])
def test_the_model_is_transcoded_to_what_the_carrier_plays(audio: AudioFormat) -> None:
    said = tone(audio, 1.0)
    call = connected(audio)
    heard = media([*speak(call, said, 0.0), *pass_time(call, 2.0)])
    assert heard == Transcoder(audio, MULAW_8K).feed(said)
    assert len(heard) == 8000


def test_where_both_sides_speak_mu_law_the_very_bytes_pass() -> None:
    every_byte = bytes(range(256)) * 10
    call = connected(MULAW_8K)
    assert appended(frames(call, every_byte)) == every_byte
    assert media([*speak(call, every_byte, 1.0), *pass_time(call, 3.0)]) == every_byte


def test_messages_say_how_much_audio_they_hold_and_control_messages_hold_none() -> None:
    call = connected()
    (frame,) = call.handle(CallerAudio(b"\xff" * 160, 0), 0.02)
    assert isinstance(frame, ToModel)
    assert frame.audio_ms == 20
    lengths = {}
    for output in speak(call, tone(PCM16_24K, 0.3), 0.1):
        if isinstance(output, ToCarrier):
            lengths.setdefault(json.loads(output.message)["event"], []).append(output.audio_ms)
    assert sum(lengths["media"]) == 300
    assert set(lengths["mark"]) == {0.0}


# -- a model that wants it otherwise ---------------------------------------------------------------------------------


def test_a_model_that_imposes_another_format_is_spoken_to_and_heard_in_it() -> None:
    call = exchange()
    call.model_connected(dialect("xai", call.conversation.state.settings.session), "grok", 0.0)
    said = tone(MULAW_8K, 0.5)
    early = frames(call, said)
    early += call.handle(SessionReady(PCM16_16K, MULAW_8K), 0.5)
    assert appended(early) == Transcoder(MULAW_8K, PCM16_16K).feed(said), "what was kept is already sent in it"
    assert media([*speak(call, said, 0.6), *pass_time(call, 2.0)]) == said
    assert len(call.conversation.state.tally.notes) == 2


def test_a_session_acknowledged_again_does_not_disturb_the_stream() -> None:
    said = tone(MULAW_8K, 1.0)
    call = connected()
    heard = appended(frames(call, said[:4000]))
    call.handle(SessionReady(PCM16_24K, PCM16_24K), 0.5)
    heard += appended(frames(call, said[4000:], start=0.5))
    assert heard == Transcoder(MULAW_8K, PCM16_24K).feed(said)


def test_a_format_told_too_late_to_be_true_of_what_was_heard_does_not_become_noise() -> None:
    call = exchange()
    call.model_connected(dialect("xai", call.conversation.state.settings.session), "grok", 0.0)
    pass_time(call, 4.1)
    said = tone(PCM16_24K, 0.5)
    heard = media(speak(call, said, 4.2))
    heard += media(call.handle(SessionReady(MULAW_8K, MULAW_8K), 4.3))
    heard += media(pass_time(call, 6.0))
    assert heard == Transcoder(PCM16_24K, MULAW_8K).feed(said)


# -- the listener ----------------------------------------------------------------------------------------------------


def test_a_clear_cuts_the_listener_and_the_next_sound_starts_from_silence() -> None:
    ear = Ear()
    call = connected(ear=ear)
    loud = tone(PCM16_24K, 2.0)
    speak(call, loud, 1.0)
    call.from_model(json.dumps({"type": "input_audio_buffer.speech_started", "item_id": "u1"}), 1.25)
    assert ear.cuts == [1.25]
    call.from_model(json.dumps({"type": "input_audio_buffer.speech_stopped", "item_id": "u1"}), 1.5)
    ear.agents.clear()
    speak(call, loud, 2.0, "r2", "i2")
    at, payload = ear.agents[0]
    assert at == 2.0
    assert payload == Transcoder(PCM16_24K, MULAW_8K).feed(loud)[: len(payload)], "no echo of the old sound"


def test_the_listener_hears_the_agent_where_the_caller_will() -> None:
    ear = Ear()
    call = connected(ear=ear)
    speak(call, tone(PCM16_24K, 1.0), 3.0)
    pass_time(call, 4.5)
    at = 3.0
    for began, payload in ear.agents:
        assert began == pytest.approx(at)
        at += len(payload) / 8000
    assert at == pytest.approx(4.0)


def test_the_caller_is_placed_by_the_carriers_clock_where_that_can_be_believed() -> None:
    ear = Ear()
    call = connected(ear=ear)
    for at_ms, now in ((0, 0.02), (20, 0.31), (100, 0.32), (10**9, 0.33), (-7, 0.34), (160, 0.35)):
        call.handle(CallerAudio(b"\x10" * 160, at_ms), now)
    assert [round(at, 3) for at, _ in ear.callers] == [0.0, 0.02, 0.1, 0.12, 0.14, 0.16]


def test_both_sides_stand_on_the_carriers_clock_when_the_start_of_the_stream_came_late() -> None:
    """A tenth of a second after its first moment: by then the first frames are there, and none is early later on."""
    ear = Ear()
    call = connected(ear=ear)
    late = 0.1
    for number in range(200):
        sent = 0.02 * (number + 1)
        now = max(0.001, sent - late) + (0.05 if number == 30 else 0.0)
        call.handle(CallerAudio(b"\x10" * 160, 20 * number), now)
    speak(call, tone(PCM16_24K, 1.0), 3.0)
    assert ear.agents[0][0] == pytest.approx(3.0 + late)
    call.from_model(json.dumps({"type": "input_audio_buffer.speech_started", "item_id": "u1"}), 3.25)
    assert ear.cuts == [pytest.approx(3.25 + late)]


def test_without_timestamps_frames_join_and_a_pause_is_a_pause() -> None:
    ear = Ear()
    call = connected(ear=ear)
    for now in (0.02, 0.04, 0.19, 0.2, 5.0, 5.02):
        call.handle(CallerAudio(b"\x10" * 160), now)
    assert [round(at, 3) for at, _ in ear.callers] == [0.0, 0.02, 0.04, 0.06, 4.98, 5.0]


# -- the rest --------------------------------------------------------------------------------------------------------


def test_what_is_for_the_world_is_handed_on_as_it_is() -> None:
    call = connected()
    outputs = call.from_model(
        json.dumps(
            {
                "type": "response.function_call_arguments.done",
                "response_id": "r1",
                "item_id": "i1",
                "call_id": "c1",
                "name": "lookup",
                "arguments": "{}",
            }
        ),
        1.0,
    )
    assert RunTool("c1", "lookup", "{}") in outputs
    (ending,) = [o for o in call.from_carrier('{"event":"stop","streamSid":"MZ1"}', 2.0) if isinstance(o, EndCall)]
    assert ending.by == "caller"
    assert call.ended
    assert call.deadline() is None
    assert call.from_carrier('{"event":"stop","streamSid":"MZ1"}', 2.1) == []


def test_a_call_that_ends_before_its_model_was_reached_never_speaks_to_one() -> None:
    call = exchange()
    call.handle(ServerStopping(), 1.0)
    assert not [o for o in frames(call, b"\xff" * 16_000, start=1.0) if isinstance(o, ToModel)]
    pass_time(call, 9.0)
    call.handle(ModelLost("too late"), 9.0)
    assert call.ended


def test_speaking_to_a_model_that_is_not_there_is_a_bug_and_says_so() -> None:
    call = exchange()
    with pytest.raises(RuntimeError, match="only after model_connected"):
        call.handle(SessionReady(), 0.0)


def test_what_a_session_says_that_was_closed_is_not_heard():
    assert exchange().from_model(json.dumps({"type": "session.updated"}), 0.0, 7) == []


def test_audio_that_comes_faster_than_anybody_speaks_reaches_neither_the_model_nor_a_listener() -> None:
    ear = Ear()
    call = connected(MULAW_8K, ear)
    out: list[Output] = []
    for number in range(1000):  # twenty seconds in two
        out += call.handle(CallerAudio(b"\x11" * 160, number * 20), number / 500)
    heard = sum(len(payload) for _, payload in ear.callers) / 8000
    assert RUSH + 2 - 0.1 <= heard <= RUSH + 2 * DRIFT
    assert sum(each.audio_ms for each in out if isinstance(each, ToModel)) / 1000 == pytest.approx(heard, abs=0.3)
    assert ["faster than anybody speaks" in note for note in call.conversation.state.tally.notes] == [True]
