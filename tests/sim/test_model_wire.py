"""What both wires owe their clients: every event typed, encodable, and its ids consistent."""

from __future__ import annotations

import msgspec
import pytest

from telephony.sim.model_openai import OpenAiWire
from telephony.sim.model_session import OpenAiSession, XaiSession
from telephony.sim.model_wire import Delta, Item, Message, Problem, Response, Spent, Wire
from telephony.sim.model_xai import XaiWire

WIRES: dict[str, tuple[Wire, Message]] = {
    "xai": (XaiWire(0), XaiSession("m").body()),
    "openai": (OpenAiWire(0), OpenAiSession("m").body()),
}


def everything(wire: Wire, session: Message) -> list[Message]:
    """One of each message."""
    caller = Item(wire.item_id(), "message", "user", spoken=True)
    speech = Item(wire.item_id(), "message", "assistant", text="Hello", spoken=True)
    call = Item(wire.item_id(), "function_call", "tool", call_id=wire.call_id(0), name="f", arguments="{}")
    output = Item(wire.item_id(), "function_call_output", "tool", call_id=call.call_id, output="1")
    note = Item(wire.item_id(), "message", "user", text="Key 1")
    response = Response(wire.response_id(), 0.0, items=[speech, call])
    return [
        *wire.opening("both", session, 0, 0.0),
        wire.updated(session),
        wire.error(Problem("f", "m"), None),
        wire.session_over(),
        *wire.speech_started(caller, 0, resumed=False),
        *wire.speech_stopped(caller, 100),
        *wire.committed(caller, None),
        *wire.timed_out(caller, 100),
        *wire.understanding(caller, "Hi"),
        *(message for _, message in wire.understood(caller, "Hi there", partials=True)),
        *wire.item_created(output, call),
        *wire.item_created(note, None),
        wire.item_deleted(note.id),
        wire.item_truncated(speech, 100),
        wire.response_created(response, session),
        *wire.message_opened(response, speech, caller),
        wire.audio(response, speech, Delta(b"12", 1.0, "rid", 0.5), 0),
        wire.words(response, speech, "Hello", 0.0, wire.event_id()),
        *wire.message_closed(response, speech),
        *wire.call_opened(response, call, speech),
        *wire.call_arguments(response, call),
        wire.call_arguments_done(response, call),
        *wire.call_closed(response, call),
        *wire.response_done(response, session, Spent(1, 100.0, 1, 100.0)),
    ]


@pytest.mark.parametrize("profile", WIRES)
def test_every_message_is_typed_and_can_be_encoded(profile: str) -> None:
    for message in everything(*WIRES[profile]):
        assert isinstance(message["type"], str)
        assert msgspec.json.decode(msgspec.json.encode(message))["type"] == message["type"]


@pytest.mark.parametrize("profile", WIRES)
def test_every_message_of_a_response_names_it(profile: str) -> None:
    for message in everything(*WIRES[profile]):
        if message["type"].startswith("response.") and message["type"] not in ("response.created", "response.done"):
            assert message["response_id"], message["type"]


@pytest.mark.parametrize("profile", WIRES)
def test_limit_of_a_session_is_told_before_it_closes(profile: str) -> None:
    wire, _ = WIRES[profile]
    error = wire.session_over()["error"]
    assert error["code"] == {"xai": "max_duration", "openai": "session_expired"}[profile]
