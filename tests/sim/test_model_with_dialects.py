"""Our own dialects against the simulated models: what one says, the other takes without a complaint."""

from __future__ import annotations

from typing import TypeVar

import pytest

from telephony.audio.format import MULAW_8K, PCM16_24K, AudioFormat
from telephony.commands import (
    AddMessage,
    AddToolCall,
    AppendAudio,
    CancelResponse,
    ConfigureSession,
    ForgetItem,
    ModelCommand,
    RequestResponse,
    SendToolOutput,
    SpeakVerbatim,
    Truncate,
)
from telephony.events import (
    CallerTranscript,
    Event,
    ItemTruncated,
    ModelAudio,
    ModelFault,
    ModelNoise,
    ResponseDone,
    SessionReady,
    SpeechStarted,
    ToolRequested,
)
from telephony.realtime.openai import OpenAI
from telephony.realtime.xai import XAI
from telephony.settings import SessionConfig, ToolSpec
from telephony.sim.model_client import ModelClient

E = TypeVar("E", bound=Event)

REPLIES = [
    {"on": "greeting", "say": "Hello, this is Acme."},
    {"on": "speech", "hears": "Where is my order?", "say": "I will look.", "call": {"name": "find"}},
    {"on": "tool", "expect": {"find": "shipped"}, "say": "It has shipped. " * 20},
    {"on": "speech", "hears": "Thanks.", "say": "Goodbye."},
]


class Pair:
    """A dialect and a simulated model, joined."""

    def __init__(self, profile: str, audio: AudioFormat, after: Pair | None = None) -> None:
        tool = ToolSpec("find", "Finds it.", {"type": "object", "properties": {}})
        config = SessionConfig("Be kind.", "eve" if profile == "xai" else "marin", audio, tools=(tool,), language="en")
        self.dialect = XAI(config) if profile == "xai" else OpenAI(config)
        script = {"profile": profile, "replies": REPLIES, "sessions": "continue"}
        self.client = ModelClient(script, audio=audio, after=after.client if after else None)
        self.events: list[Event] = []

    def do(self, command: ModelCommand) -> None:
        for message in self.dialect.encode(command):
            self.client.send_raw(message)
        self.read()

    def read(self) -> None:
        for message in self.client.raw:
            self.events += self.dialect.decode(message)
        self.client.forget()

    def wait(self, seconds: float) -> None:
        self.client.wait(seconds)
        self.read()

    def speak(self) -> None:
        self.client.speak(600)
        self.client.quiet(1500)
        self.read()

    def last(self, kind: type[E]) -> E:
        return [event for event in self.events if isinstance(event, kind)][-1]


@pytest.mark.parametrize("profile", ["xai", "openai"])
@pytest.mark.parametrize("audio", [PCM16_24K, MULAW_8K])
def test_a_call_in_our_own_words_leaves_no_fault_and_nothing_unknown(profile: str, audio: AudioFormat) -> None:
    pair = Pair(profile, audio)
    pair.do(ConfigureSession())
    pair.wait(0.1)
    ready = pair.last(SessionReady)
    assert (ready.input_audio, ready.output_audio, ready.turn_detection) == (audio, audio, True)
    pair.do(AppendAudio(audio.silence(20)))
    pair.do(SpeakVerbatim("Hello, this is Acme."))
    pair.wait(3)
    pair.speak()
    pair.do(SendToolOutput(pair.last(ToolRequested).call_id, "shipped"))
    pair.do(RequestResponse())
    pair.wait(1.5)
    speech = pair.last(ModelAudio)
    pair.do(Truncate(speech.item_id, 400))
    pair.do(CancelResponse(speech.response_id))
    pair.wait(1)
    pair.speak()
    pair.do(AddMessage("The caller pressed 1."))
    pair.do(RequestResponse("Say goodbye."))
    pair.wait(4)
    pair.do(ForgetItem(pair.last(ModelAudio).item_id))
    assert [event for event in pair.events if isinstance(event, ModelFault)] == []
    assert [event for event in pair.events if isinstance(event, ModelNoise) and not event.known] == []
    assert pair.client.model.faults == []
    assert pair.client.model.unmet == []
    assert pair.last(ItemTruncated).audio_end_ms == 400
    assert pair.last(SpeechStarted).at_ms
    assert pair.last(CallerTranscript).text == "Thanks."
    assert [event.status for event in pair.events if isinstance(event, ResponseDone)].count("cancelled") == 1


@pytest.mark.parametrize("profile", ["xai", "openai"])
@pytest.mark.parametrize("other", ["xai", "openai"])
def test_a_conversation_with_a_call_in_flight_moves_from_any_provider_to_any(profile: str, other: str) -> None:
    lost = Pair(profile, PCM16_24K)
    lost.do(ConfigureSession())
    lost.do(SpeakVerbatim("Hello, this is Acme."))
    lost.wait(3)
    lost.speak()
    call = lost.last(ToolRequested)
    pair = Pair(other, PCM16_24K, after=lost)
    pair.do(ConfigureSession())
    pair.wait(0.1)
    for role, text in (("assistant", "Hello, this is Acme."), ("user", "Where is my order?")):
        pair.do(AddMessage(text, role))
    pair.do(AddToolCall(call.call_id, call.name, call.arguments))
    pair.do(SendToolOutput(call.call_id, "shipped"))
    pair.do(RequestResponse())
    pair.wait(8)
    assert [item.type for item in pair.client.model.items] == [
        "message", "message", "function_call", "function_call_output", "message",
    ]  # fmt: skip
    assert pair.client.model.faults == []
    assert pair.client.model.unmet == ["replies[3] (on speech) was never reached"]
