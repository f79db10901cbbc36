"""One call of the load, without sockets: what its two ends say and when, and what they make of what they hear."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telephony.audio.format import PCM16_24K
from telephony.bench import messages, plain
from telephony.bench.frames import Client, Server
from telephony.bench.load import CYCLE, CallLoad, Flow, Latencies


def media(milliseconds: int) -> bytes:
    return plain.media(messages.STREAM_ID, b"\xff" * 8 * milliseconds).replace(" ", "").encode()


class Ends:
    """The two ends, with what was sent to each."""

    def __init__(self) -> None:
        self.carrier, self.model = Client("host", "/", {}), Server()
        self.from_caller: list[dict[str, Any]] = []
        self.from_model: list[dict[str, Any]] = []
        self.carrier.send = lambda message, opcode=1: self.from_caller.append(json.loads(message))  # type: ignore[method-assign]
        self.model.send = lambda message, opcode=1: self.from_model.append(json.loads(message))  # type: ignore[method-assign]

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.from_model]


@pytest.fixture
async def ends() -> Ends:
    return Ends()


@pytest.fixture
async def call(ends: Ends) -> CallLoad:
    return CallLoad(ends.carrier, ends.model, messages.STREAM_ID, PCM16_24K, Latencies())


async def test_a_cycle_has_every_frame_and_two_seconds_of_speech(ends: Ends, call: CallLoad) -> None:
    for _ in range(CYCLE):
        call._tick(0)
    assert [message["event"] for message in ends.from_caller] == ["media"] * CYCLE
    assert ends.kinds() == [
        "response.created",
        "response.output_audio_transcript.delta",
        *["response.output_audio.delta"] * 20,
        "input_audio_buffer.speech_started",
        "response.done",
        "input_audio_buffer.speech_stopped",
        "conversation.item.input_audio_transcription.completed",
    ]


async def test_a_cycle_entered_in_its_middle_waits_for_the_next_answer(ends: Ends, call: CallLoad) -> None:
    for _ in range(CYCLE // 2):
        call._tick(CYCLE // 2)
    assert ends.from_model == []
    call._tick(CYCLE // 2)
    assert ends.kinds()[0] == "response.created"


async def test_everything_that_arrives_is_told_from_what_is_missing(ends: Ends, call: CallLoad) -> None:
    for _ in range(CYCLE):
        call._tick(0)
    assert len(call.complaints) == 3
    append = plain.append(messages.noise(PCM16_24K, 20))
    for _ in range(CYCLE):
        assert ends.model.skip(len(append))
    ends.model.skip(len(append) * 5)  # made-up silence
    ends.model.skip(60)  # a control message
    for milliseconds in [100] * 18 + [60, 100, 40]:  # however a relay that was held up may cut them
        ends.carrier.on_text(media(milliseconds))
    assert call.complaints == ["Of 1 interruptions, 0 arrived."]
    ends.carrier.on_text(b'{"event":"clear","streamSid":"x"}')
    assert call.complaints == []


async def test_marks_return_when_they_are_due_and_all_at_once_when_cleared(ends: Ends, call: CallLoad) -> None:
    ends.carrier.on_text(media(100))
    ends.carrier.on_text(b'{"event":"mark","mark":{"name":"m1"}}')
    call._tick(CYCLE // 2)
    assert [message["event"] for message in ends.from_caller] == ["media"]
    ends.carrier.on_text(b'{"event":"clear"}')
    assert ends.from_caller[-1]["mark"] == {"name": "m1"}


async def test_audio_that_is_cleared_unheard_does_not_shift_what_follows(ends: Ends, call: CallLoad) -> None:
    for _ in range(CYCLE // 2):
        call._tick(0)
    ends.carrier.on_text(media(50))
    ends.carrier.on_text(b'{"event":"clear"}')
    for _ in range(CYCLE // 2 + 11):
        call._tick(0)
    ends.carrier.on_text(media(50))
    assert call.latencies.outward == []
    ends.carrier.on_text(media(50))
    assert len(call.latencies.outward) == 1
    assert call.latencies.outward[0] < 1000


def test_flow_measures_in_the_order_of_sending() -> None:
    taken: list[float] = []
    flow = Flow("things", taken)
    flow.go(1.0)
    flow.go(2.0)
    flow.come(3.0)
    assert flow.complaint == "Of 2 things, 1 arrived."
    flow.come(3.0)
    assert taken == [2000.0, 1000.0]
    assert not flow.complaint


def test_latencies_are_forgotten_when_taken() -> None:
    latencies = Latencies()
    latencies.inward.append(1.0)
    assert latencies.take() == ([1.0], [], [])
    assert latencies.take() == ([], [], [])
