"""xAI's wire: the recorded order of events and every recorded oddity."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.sim.model_client import ModelClient
from telephony.sim.model_xai import XaiWire

TRANSCRIPTION = "conversation.item.input_audio_transcription"
SPEECH = {"on": "speech", "hears": "Hello, my name is Marcelo.", "say": "Hello Marcelo! How can I help you today?"}
LOOKUP = {"on": "speech", "say": "I will check.", "call": {"name": "get_weather", "arguments": {"city": "London"}}}


def turn(*replies: dict[str, Any], **options: Any) -> ModelClient:
    """A caller's turn and the reply to it."""
    client = ModelClient({"profile": "xai", "replies": list(replies), **options})
    client.configure()
    client.speak(900)
    client.quiet(2500)
    return client


def test_events_of_a_turn_come_in_the_recorded_order() -> None:
    assert turn(SPEECH, delta_ms=[300, 500]).types() == [
        "session.created",
        "conversation.created",
        "ping",
        "session.updated",
        "input_audio_buffer.speech_started",
        "conversation.item.added",
        f"{TRANSCRIPTION}.updated",
        f"{TRANSCRIPTION}.completed",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        f"{TRANSCRIPTION}.updated",
        f"{TRANSCRIPTION}.completed",
        f"{TRANSCRIPTION}.completed",
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_audio.done",
        "response.output_item.done",
        "response.done",
    ]


def test_events_of_a_function_call_come_in_the_recorded_order() -> None:
    replies = [{**LOOKUP, "on": "text"}, {"on": "tool", "say": "It is foggy."}]
    client = ModelClient({"profile": "xai", "replies": replies, "delta_ms": [2000, 2000]})
    client.configure()
    client.forget()
    client.send("conversation.item.create", item=text("What is the weather?"))
    client.send("response.create")
    client.wait(3)
    done = client.last("response.function_call_arguments.done")
    client.send("conversation.item.create", item=output(done["call_id"], "foggy"))
    client.send("response.create")
    client.wait(3)
    message = [
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_audio.done",
        "response.output_item.done",
    ]
    assert client.types() == [
        "conversation.item.added",
        "response.created",
        *message,
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.done",
        "conversation.item.added",
        "response.created",
        *message,
        "response.done",
    ]
    assert client.faults == []


def text(words: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": words}]}


def output(call_id: str, words: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": words}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("both", ["session.created", "conversation.created", "ping"]),
        ("reversed", ["conversation.created", "session.created", "ping"]),
        ("created_only", ["session.created", "ping"]),
        ("conversation_only", ["conversation.created", "ping"]),
        ("none", []),
    ],
)
def test_first_events_come_in_every_order_seen(order: str, expected: list[str]) -> None:
    assert ModelClient({"profile": "xai", "first_events": order}).types() == expected


def test_every_frame_but_the_first_names_a_previous_item() -> None:
    client = turn(LOOKUP)
    assert "previous_item_id" not in client.messages[0]
    assert all("previous_item_id" in message for message in client.messages[1:])
    assert client.last("response.content_part.added")["previous_item_id"] == "0"
    caller, agent = client.all("conversation.item.added")[:2]
    assert caller["previous_item_id"] is None
    assert agent["previous_item_id"] == caller["item"]["id"]


def test_response_has_string_details_and_usage_beside_it() -> None:
    client = turn(SPEECH)
    created, done = client.last("response.created"), client.last("response.done")
    assert created["response"]["status_details"] == "unimplemented"
    assert created["response"]["usage"] == {}
    assert done["response"]["usage"] == {}
    assert done["response_id"] == done["response"]["id"]
    assert done["usage"]["total_tokens"] == done["usage"]["input_tokens"] + done["usage"]["output_tokens"]
    assert done["usage"]["output_audio_seconds"] == pytest.approx(2.4, abs=0.05)


def test_billable_seconds_run_through_the_conversation() -> None:
    client = turn(SPEECH, {"on": "speech", "say": "Yes."})
    client.speak(500)
    client.quiet(2000)
    first, second = (done["usage"]["billable_audio_seconds"] for done in client.all("response.done"))
    assert second > first


def test_caller_transcripts_are_cumulative_and_only_the_last_is_final() -> None:
    client = turn(SPEECH)
    completed = client.all(f"{TRANSCRIPTION}.completed")
    assert [message["status"] for message in completed] == ["in_progress", "in_progress", "completed"]
    texts = [message["transcript"] for message in completed]
    assert texts[-1] == "Hello, my name is Marcelo."
    assert all(texts[-1].startswith(part) for part in texts)
    assert len({message["item_id"] for message in completed}) == 1


def test_caller_item_is_added_at_speech_start() -> None:
    client = turn(SPEECH)
    started = client.last("input_audio_buffer.speech_started")
    added = client.all("conversation.item.added")[0]
    assert added["item"]["id"] == started["item_id"]
    assert added["item"]["status"] == "in_progress"
    assert client.messages.index(added) == client.messages.index(started) + 1


def test_function_calls_belong_to_user_and_tool_and_come_in_one_delta() -> None:
    client = turn(LOOKUP)
    assert client.last("response.output_item.added")["item"]["role"] == "user"
    assert client.last("conversation.item.added")["item"]["role"] == "tool"
    assert client.last("response.output_item.added")["output_index"] == 0
    (delta,) = client.all("response.function_call_arguments.delta")
    assert delta["delta"] == '{"city":"London"}'
    assert "output_index" not in delta
    assert delta["call_id"].startswith("call-")
    assert delta["call_id"].endswith("-0")


def test_done_parts_and_items_have_no_content() -> None:
    client = turn(SPEECH)
    assert "part" not in client.last("response.content_part.done")
    assert "content" not in client.last("response.output_item.done")["item"]
    (item,) = client.last("response.done")["response"]["output"]
    assert item["content"] == [{"type": "audio", "transcript": SPEECH["say"]}]


def test_audio_deltas_say_how_long_they_are_and_to_which_words_they_belong() -> None:
    client = turn(SPEECH)
    deltas = client.all("response.output_audio.delta")
    words = {message["event_id"] for message in client.all("response.output_audio_transcript.delta")}
    assert {delta["rid"] for delta in deltas} <= words
    assert deltas[0]["latency"] == "0.40"
    assert all("latency" not in delta for delta in deltas[1:])
    assert all(31 <= delta["audio_duration_ms"] <= 887 for delta in deltas[:-1])


def test_first_audio_comes_before_the_first_words_and_start_times_grow() -> None:
    client = turn(SPEECH)
    types = client.types()
    assert types.index("response.output_audio.delta") < types.index("response.output_audio_transcript.delta")
    starts = [message["start_time"] for message in client.all("response.output_audio_transcript.delta")]
    assert starts == sorted(starts)
    assert starts[0] == 0.0


def test_pings_go_on_and_tell_the_time() -> None:
    client = ModelClient({"profile": "xai", "ping_s": 5})
    client.wait(11)
    times = [message["timestamp"] for message in client.all("ping")]
    assert [time - times[0] for time in times] == [0, 5000, 10_000]


def test_error_codes_repeat_the_type_and_correlate_with_nothing() -> None:
    client = turn(SPEECH)
    client.send("response.cancel", event_id="mine", response_id="unknown")
    error = client.last("error")["error"]
    assert error["code"] == error["type"] == "invalid_request_error"
    assert error["message"] == "Cancellation failed: no active response found"
    assert error["event_id"] != "mine"


def test_idle_timer_speaks_and_arms_itself_again() -> None:
    client = ModelClient({"profile": "xai", "replies": [{"on": "silence", "say": "Still there?"}]})
    detection = {"type": "server_vad", "create_response": True, "idle_timeout_ms": 3000}
    client.configure(turn_detection=detection)
    client.send("response.create")
    client.wait(20)
    assert len(client.all("input_audio_buffer.timeout_triggered")) >= 2
    spoken = [message["transcript"] for message in client.all("response.output_audio_transcript.done")]
    assert "Still there?" in spoken


@pytest.mark.parametrize("words", ["Hello.", "One two three four five six seven eight nine. Ten!", "a", "Really? Yes"])
def test_phrases_lose_nothing(words: str) -> None:
    assert "".join(XaiWire(0).phrases(words)) == words
