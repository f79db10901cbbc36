"""xAI's resumption: a later connection names an earlier conversation and goes on with it."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.sim.model_client import ModelClient
from telephony.sim.model_wire import Message

REPLIES = [
    {"on": "greeting", "say": "Hello."},
    {"on": "speech", "hears": "Where is it?", "say": "Let me look.", "call": {"name": "find", "arguments": {"id": 7}}},
    {"on": "tool", "expect": {"find": "shipped"}, "knows_once": ["Where is it?", "Let me look."], "say": "Shipped."},
]
ENABLED = {"resumption": {"enabled": True}}


def connect(after: ModelClient | None = None, conversation: str = "", **script: Any) -> ModelClient:
    document = {"replies": REPLIES, "sessions": "continue", **script}
    return ModelClient(document, after=after, conversation_id=conversation)


def call_in_flight(session: Message = ENABLED, **script: Any) -> ModelClient:
    """A session that was lost while its function ran."""
    client = connect(**script)
    client.configure(**session)
    client.send("response.create")
    client.wait(3)
    client.speak(500)
    client.quiet(3000)
    return client


def answer(client: ModelClient, call_id: str) -> None:
    output = {"type": "function_call_output", "call_id": call_id, "output": "shipped"}
    client.send("conversation.item.create", item=output)
    client.send("response.create")
    client.wait(3)


def made_call(client: ModelClient) -> str:
    return str(client.last("response.function_call_arguments.done")["call_id"])


def conversation_id(client: ModelClient) -> str:
    return str(client.last("conversation.created")["conversation"]["id"])


def test_resumed_session_is_told_the_models_own_words_before_it_is_ready() -> None:
    first = call_in_flight()
    second = connect(first, first.model.conversation_id)
    second.configure(**ENABLED)
    assert second.types() == [
        "session.created",
        "conversation.created",
        "ping",
        "conversation.item.added",
        "conversation.item.added",
        "session.updated",
    ]
    assert conversation_id(first) == conversation_id(second) == first.model.conversation_id
    items = [message["item"] for message in second.all("conversation.item.added")]
    assert [item["content"] for item in items] == [
        [{"type": "text", "text": "Hello."}],
        [{"type": "text", "text": "Let me look."}],
    ]
    assert {item["role"] for item in items} == {"assistant"}
    assert {item["status"] for item in items} == {"completed"}
    old = {message["item"]["id"] for message in first.all("conversation.item.added")}
    assert old.isdisjoint(item["id"] for item in items)


def test_model_knows_more_than_it_tells() -> None:
    first = call_in_flight()
    second = connect(first, first.model.conversation_id)
    second.configure(**ENABLED)
    assert [(item.role, item.text) for item in second.model.items][:3] == [
        ("assistant", "Hello."),
        ("user", "Where is it?"),
        ("assistant", "Let me look."),
    ]
    assert {item.source for item in second.model.items} == {"resumed"}
    answer(second, made_call(first))
    assert second.last("response.output_audio_transcript.done")["transcript"] == "Shipped."
    assert second.faults == second.model.unmet == []


def test_client_that_also_brings_the_conversation_along_tells_everything_twice() -> None:
    first = call_in_flight()
    second = connect(first, first.model.conversation_id)
    second.configure(**ENABLED)
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Where is it?"}]}
    call = {"type": "function_call", "call_id": made_call(first), "name": "find", "arguments": "{}"}
    for item in (said, call):
        second.send("conversation.item.create", item=item)
    answer(second, made_call(first))
    assert second.faults == ["duplicate_tool_call"]
    (complaint,) = second.model.unmet
    assert "knows_once: 'Where is it?' stands 2 times" in complaint


def test_replay_is_sent_once() -> None:
    first = call_in_flight()
    second = connect(first, first.model.conversation_id)
    second.configure(**ENABLED)
    second.configure(**ENABLED)
    assert len(second.all("session.updated")) == 2
    assert len(second.all("conversation.item.added")) == 2


def test_documented_replay_is_everything_under_another_name() -> None:
    first = call_in_flight(resumption="documented")
    second = connect(first, first.model.conversation_id, resumption="documented")
    second.configure(**ENABLED)
    items = [message["item"] for message in second.all("conversation.item.created")]
    assert [(item["type"], item["role"]) for item in items] == [
        ("message", "assistant"),
        ("message", "user"),
        ("message", "assistant"),
        ("function_call", "tool"),
    ]
    assert items[1]["content"] == [{"type": "input_text", "text": "Where is it?"}]
    assert (items[3]["call_id"], items[3]["arguments"]) == (made_call(first), '{"id":7}')
    assert all(item["replayed"] for item in items)
    assert second.types()[-1] == "session.updated"


def test_conversation_can_be_resumed_again_and_grows() -> None:
    first = call_in_flight()
    second = connect(first, first.model.conversation_id)
    second.configure(**ENABLED)
    answer(second, made_call(first))
    third = connect(second, second.model.conversation_id)
    third.configure(**ENABLED)
    assert [item.text for item in third.model.items if item.role == "assistant"] == [
        "Hello.",
        "Let me look.",
        "Shipped.",
    ]


def test_words_of_a_reply_that_was_cut_off_are_kept_and_an_open_turn_is_not() -> None:
    first = connect(replies=[{"on": "greeting", "say": "One two three four. " * 8, "vanish": True}])
    first.configure(**ENABLED)
    first.send("response.create")
    first.wait(5)
    second = connect(first, first.model.conversation_id)
    second.configure(**ENABLED)
    (item,) = second.model.items
    assert item.text.startswith("One two three four.")
    assert len(item.text) < 8 * 20
    second.speak(500)  # and the connection is lost before the turn ends
    third = connect(second, first.model.conversation_id)
    third.configure(**ENABLED)
    assert [known.text for known in third.model.items] == [item.text]


@pytest.mark.parametrize(
    ("session", "script", "later"),
    [
        (ENABLED, {}, {"conversation": "00000000-0000-4000-8000-000000000000"}),
        ({}, {}, {}),
        ({"resumption": {"enabled": False}}, {}, {}),
        (ENABLED, {"resumption": "none"}, {"resumption": "none"}),
        (ENABLED, {"profile": "openai"}, {"profile": "openai"}),
    ],
)
def test_otherwise_the_conversation_begins_anew(
    session: Message, script: dict[str, Any], later: dict[str, Any]
) -> None:
    first = call_in_flight({} if "profile" in script else session, **script)
    second = connect(first, **{"conversation": first.model.conversation_id, **later})
    second.configure(**({} if "profile" in script else ENABLED))
    assert second.model.conversation_id not in (first.model.conversation_id, later.get("conversation"))
    assert second.model.items == []
    assert second.all("conversation.item.added") == []
    assert second.faults == []


def test_conversation_is_forgotten_half_an_hour_after_the_last_word() -> None:
    first = call_in_flight()
    first.wait(1700)
    first.send("input_audio_buffer.clear")
    first.wait(1700)
    assert connect(first, first.model.conversation_id).model.items
    first.wait(200)
    assert connect(first, first.model.conversation_id).model.items == []


def test_resumption_is_to_be_enabled_in_both_sessions() -> None:
    first = call_in_flight()
    second = connect(first, first.model.conversation_id)
    second.configure()
    assert second.faults == ["resumption_not_enabled"]
    assert second.all("conversation.item.added") == []
