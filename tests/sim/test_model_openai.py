"""OpenAI's wire (GA): the recorded order of events, full objects, and the beta's names."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.sim.model_client import ModelClient
from telephony.sim.model_openai import OpenAiWire

TRANSCRIPTION = "conversation.item.input_audio_transcription"
SPEECH = {"on": "speech", "hears": "Hello, my name is Marcelo.", "say": "Hello, Marcelo! Great to meet you."}
LOOKUP = {"on": "text", "call": {"name": "get_weather", "arguments": {"city": "London"}}}


def turn(*replies: dict[str, Any], **options: Any) -> ModelClient:
    """A caller's turn and the reply to it."""
    client = ModelClient({"profile": "openai", "replies": list(replies), **options})
    client.configure()
    client.speak(900)
    client.quiet(2500)
    return client


def asked(**options: Any) -> ModelClient:
    """A written question, the function call and the answer from its output."""
    client = ModelClient({"profile": "openai", "replies": [LOOKUP, {"on": "tool", "say": "Foggy."}], **options})
    client.configure()
    client.forget()
    content = [{"type": "input_text", "text": "What is the weather?"}]
    client.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    client.send("response.create")
    client.wait(2)
    call_id = client.last("response.function_call_arguments.done")["call_id"]
    item = {"type": "function_call_output", "call_id": call_id, "output": "It is foggy."}
    client.send("conversation.item.create", item=item)
    client.send("response.create")
    client.wait(2)
    return client


def test_events_of_a_turn_come_in_the_recorded_order() -> None:
    client = turn(SPEECH, delta_ms=[900, 900])
    ours = [kind for kind in client.types() if not kind.startswith(TRANSCRIPTION)]
    assert ours == [
        "session.created",
        "session.updated",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    types = client.types()
    assert types.index(f"{TRANSCRIPTION}.delta") > types.index("response.created")
    assert f"{TRANSCRIPTION}.completed" in types


def test_events_of_a_function_call_come_in_the_recorded_order() -> None:
    client = asked(delta_ms=[2000, 2000])
    assert client.types() == [
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert client.faults == []


def test_arguments_come_in_pieces_that_make_the_whole() -> None:
    client = asked()
    pieces = [message["delta"] for message in client.all("response.function_call_arguments.delta")]
    assert len(pieces) > 3
    assert "".join(pieces) == client.last("response.function_call_arguments.done")["arguments"]


def test_caller_transcript_is_appended_and_billed() -> None:
    client = turn(SPEECH)
    completed = client.last(f"{TRANSCRIPTION}.completed")
    deltas = [message["delta"] for message in client.all(f"{TRANSCRIPTION}.delta")]
    assert "".join(deltas).strip() == completed["transcript"] == "Hello, my name is Marcelo."
    assert completed["usage"] == {"type": "duration", "seconds": pytest.approx(1, abs=1)}


def test_response_objects_are_complete() -> None:
    client = turn(SPEECH)
    created, done = client.last("response.created")["response"], client.last("response.done")["response"]
    assert created["status_details"] is None
    assert created["usage"] is None
    assert created["output"] == []
    assert set(created) == set(done)
    assert done["usage"]["total_tokens"] == done["usage"]["input_tokens"] + done["usage"]["output_tokens"]
    assert done["usage"]["input_token_details"]["audio_tokens"] > 0
    (item,) = done["output"]
    assert item["content"] == [{"type": "output_audio", "transcript": SPEECH["say"]}]
    assert "object" not in item


def test_ids_carry_their_kind() -> None:
    client = turn(SPEECH)
    assert client.messages[0]["session"]["id"].startswith("sess_")
    done = client.last("response.done")
    assert done["event_id"].startswith("event_")
    assert done["response"]["id"].startswith("resp_")
    assert done["response"]["output"][0]["id"].startswith("item_")
    assert done["response"]["conversation_id"].startswith("conv_")


def test_errors_name_the_offending_event() -> None:
    client = turn(SPEECH)
    client.send("response.cancel", event_id="mine")
    error = client.last("error")["error"]
    assert error["code"] == "response_cancel_not_active"
    assert error["event_id"] == "mine"


def test_cancelled_response_closes_its_items_as_incomplete() -> None:
    client = ModelClient({"profile": "openai", "replies": [{"on": "greeting", "say": "A long greeting. " * 10}]})
    client.configure()
    client.send("response.create", response={"metadata": {"k": "v"}})
    client.wait(0.8)
    client.send("response.cancel")
    done = client.last("response.done")["response"]
    assert done["status"] == "cancelled"
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert done["metadata"] == {"k": "v"}
    assert client.last("response.output_item.done")["item"]["status"] == "incomplete"
    assert done["output"][0]["status"] == "incomplete"


def test_beta_names_are_the_betas() -> None:
    client = turn(SPEECH, beta_names=True)
    types = set(client.types())
    assert {"response.audio.delta", "response.audio_transcript.done", "conversation.item.created"} <= types
    assert not types & {"response.output_audio.delta", "conversation.item.added", "conversation.item.done"}


def test_retrieved_item_is_the_one_in_the_conversation() -> None:
    client = turn(SPEECH)
    item = client.last("response.done")["response"]["output"][0]
    client.send("conversation.item.retrieve", item_id=item["id"])
    assert client.last("conversation.item.retrieved")["item"] == item


@pytest.mark.parametrize("words", ["Hello, it's 9:30.", "a", "Straße — oui, c'est ça!"])
def test_phrases_lose_nothing(words: str) -> None:
    assert "".join(OpenAiWire(0).phrases(words)) == words
