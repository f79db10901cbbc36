"""A session that begins with a conversation brought along: what it knows, and what the client then asks of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telephony.sim.model_client import ModelClient
from telephony.sim.model_memory import Known

CALL = {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": '{"order_id":"A-1042"}'}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": '{"status": "shipped"}'}


def message(role: str, text: str, profile: str = "xai") -> dict[str, Any]:
    kind = "input_text" if role != "assistant" else {"xai": "text", "openai": "output_text"}[profile]
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def session(*replies: dict[str, Any], profile: str = "xai", **script: Any) -> ModelClient:
    client = ModelClient({"profile": profile, "replies": list(replies), **script})
    client.configure()
    return client


def seed(client: ModelClient, *items: dict[str, Any]) -> None:
    for item in items:
        client.send("conversation.item.create", item=item)


def ask(client: ModelClient) -> list[str]:
    client.send("response.create")
    client.wait(3)
    return said(client)


def said(client: ModelClient) -> list[str]:
    return [done["transcript"] for done in client.all("response.output_audio_transcript.done")]


USER, AGENT = message("user", "Where is my order?"), message("assistant", "Let me look")


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_items_are_shown_in_order_as_plain_values(profile: str) -> None:
    client = session({"on": "tool", "knows": ["A-1042"], "say": "Shipped."}, profile=profile)
    seed(client, message("system", "Be brief."), USER, message("assistant", "Let me look", profile), CALL, OUTPUT)
    ask(client)
    assert client.model.items == [
        Known("message", "system", "Be brief.", source="seeded"),
        Known("message", "user", "Where is my order?", source="seeded"),
        Known("message", "assistant", "Let me look", source="seeded"),
        Known("function_call", "tool", call_id="call_1", name="find", arguments=CALL["arguments"], source="seeded"),
        Known("function_call_output", "tool", call_id="call_1", output=OUTPUT["output"], source="seeded"),
        Known("message", "assistant", "Shipped."),
    ]
    assert client.model.unmet == []
    assert client.faults == []


def test_spoken_turns_and_calls_of_the_session_itself_are_known_too() -> None:
    client = session(
        {"on": "speech", "hears": "Where is it?", "call": {"name": "find", "arguments": {"order_id": "A-7"}}},
        {"on": "tool", "knows": ["Where is it?", "A-7", "shipped"], "say": "On its way."},
    )
    client.speak(500)
    client.quiet(2500)
    call_id = client.last("response.function_call_arguments.done")["call_id"]
    seed(client, {**OUTPUT, "call_id": call_id})
    ask(client)
    assert client.model.unmet == []
    kinds = [(item.type, item.source) for item in client.model.items]
    assert kinds == [
        ("message", "live"),
        ("function_call", "live"),
        ("function_call_output", "seeded"),
        ("message", "live"),
    ]


@pytest.mark.parametrize(
    ("expected", "complaint"),
    [
        ({"knows": ["my order", "Let me look", "A-1042", "shipped"]}, ""),
        ({"knows": ["lost"]}, "knows: 'lost' stands 0 times"),
        ({"knows_once": ["my order"]}, ""),
        ({"knows_once": ["Hello"]}, "knows_once: 'Hello' stands 2 times"),
        ({"knows_once": ["lost"]}, "knows_once: 'lost' stands 0 times"),
        ({"knows_not": ["lost"]}, ""),
        ({"knows_not": ["Let me look"]}, "knows_not: 'Let me look' stands 1 times"),
    ],
)
def test_what_a_session_knows_is_held_against_the_script(expected: dict[str, Any], complaint: str) -> None:
    client = session({"on": "resume", "say": "Well.", **expected})
    seed(client, message("assistant", "Hello. Hello."), USER, AGENT, CALL, OUTPUT)
    ask(client)
    complaints = client.model.unmet
    assert len(complaints) == (1 if complaint else 0)
    assert all(
        f"replies[0] (on resume).{complaint}" in line and "user: Where is my order?" in line for line in complaints
    )


def test_long_conversation_is_told_by_its_end() -> None:
    client = session({"on": "resume", "say": "Well.", "knows": ["lost"]})
    seed(client, *(message("user", f"Sentence {number} of many.") for number in range(50)))
    ask(client)
    (complaint,) = client.model.unmet
    assert "Sentence 49" in complaint
    assert "Sentence 0 " not in complaint


@pytest.mark.parametrize("items", [[USER], [USER, AGENT], [USER, CALL, OUTPUT], [USER, CALL, OUTPUT, AGENT]])
def test_request_to_resume_fits_wherever_the_conversation_stopped(items: list[dict[str, Any]]) -> None:
    client = session({"on": "resume", "say": "Sorry, where were we?"}, {"on": "speech", "hears": "x", "say": "Fine."})
    seed(client, *items)
    assert ask(client) == ["Sorry, where were we?"]
    client.speak(500)
    client.quiet(2500)
    assert said(client)[-1] == "Fine."
    assert client.faults == client.model.unmet == []


@pytest.mark.parametrize(
    ("items", "cue"),
    [
        ([USER], "text"),
        ([USER, AGENT], "text"),
        ([USER, AGENT], "prompt"),
        ([USER, CALL, OUTPUT], "tool"),
        ([USER, CALL, OUTPUT, AGENT], "tool"),
        ([AGENT], "greeting"),
    ],
)
def test_first_request_is_whatever_the_script_takes_it_for(items: list[dict[str, Any]], cue: str) -> None:
    client = session({"on": cue, "say": "Yes.", "knows": ["e"]}, strict_script=True)
    seed(client, *items)
    assert ask(client) == ["Yes."]
    assert client.faults == client.model.unmet == []


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([USER], "Of course."),
        ([USER, AGENT], "Are you still there?"),
        ([USER, CALL, OUTPUT], "Of course."),
        ([message("system", "Be brief.")], "Hello, how can I help you?"),
    ],
)
def test_unforeseen_request_is_answered_by_what_came_last(items: list[dict[str, Any]], words: str) -> None:
    client = session()
    seed(client, *items)
    assert ask(client) == [words]


def test_turn_that_was_written_down_is_the_turn_the_script_waits_for() -> None:
    client = session({"on": "speech", "hears": "Where is my order?", "say": "It has shipped."})
    seed(client, message("assistant", "Hello."), USER)
    assert ask(client) == ["It has shipped."]
    assert client.model.unmet == []


def test_request_to_resume_that_nobody_made_is_skipped_and_noted() -> None:
    client = session({"on": "resume", "say": "Sorry."}, {"on": "speech", "hears": "Hello?", "say": "I am here."})
    seed(client, USER)
    client.speak(500)
    client.quiet(2500)
    assert said(client) == ["I am here."]
    assert client.model.unmet == ["replies[0] (on resume) was skipped: the caller spoke first"]


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_call_in_flight_is_brought_along_and_answered_later(profile: str) -> None:
    replies = [
        {"on": "resume", "knows": ["A-1042"], "say": "One moment."},
        {"on": "tool", "expect": {"find": "shipped"}, "say": "It has shipped."},
    ]
    client = session(*replies, profile=profile)
    seed(client, USER, CALL)
    assert ask(client) == ["One moment."]
    seed(client, OUTPUT)
    assert ask(client)[-1] == "It has shipped."
    assert client.faults == client.model.unmet == []


def test_old_calls_do_not_count_as_half_of_those_in_flight() -> None:
    client = session({"on": "resume", "say": "One moment."})
    seed(client, USER, CALL, OUTPUT, {**CALL, "call_id": "call_2"})
    ask(client)
    assert client.faults == []
    client = session({"on": "resume", "say": "One moment."})
    seed(client, USER, {**CALL, "call_id": "call_2"}, CALL, OUTPUT)
    ask(client)
    assert client.faults == ["calls_unanswered"]


def test_conversation_may_be_brought_along_after_a_response_too() -> None:
    client = session(
        {"on": "greeting", "say": "Hello."}, {"on": "text", "knows": ["Hello.", "my order"], "say": "Well."}
    )
    ask(client)
    seed(client, CALL, OUTPUT, AGENT, USER)
    assert ask(client) == ["Hello.", "Well."]
    assert client.faults == client.model.unmet == []


def test_item_can_be_put_at_the_beginning() -> None:
    client = session()
    seed(client, USER)
    client.send("conversation.item.create", item=AGENT, previous_item_id="root")
    assert [item.role for item in client.model.items] == ["assistant", "user"]
    assert json.loads(client.raw[-1])["type"] == "conversation.item.added"
