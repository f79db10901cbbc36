"""Asking for responses, force_message, cancelling, and never two responses at a time."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.sim.model_client import ModelClient

GREETING = {"on": "greeting", "say": "Thanks for calling Acme. How can I help?"}


def ready(profile: str, *replies: dict[str, Any], **options: Any) -> ModelClient:
    client = ModelClient({"profile": profile, "replies": list(replies), **options})
    client.configure()
    return client


def force(client: ModelClient, text: str) -> None:
    content = [{"type": "output_text", "text": text}]
    client.send("conversation.item.create", item={"type": "force_message", "role": "assistant", "content": content})


def both(test: Any) -> Any:
    return pytest.mark.parametrize("profile", ["xai", "openai"])(test)


def said(client: ModelClient) -> list[str]:
    return [message["transcript"] for message in client.all("response.output_audio_transcript.done")]


@both
def test_greeting_is_spoken_when_asked_for(profile: str) -> None:
    client = ready(profile, GREETING)
    client.send("response.create", response={"instructions": "Greet the caller."})
    client.wait(5)
    assert said(client) == [GREETING["say"]]
    assert client.model.unmet == []
    assert client.faults == []


@both
def test_unscripted_request_says_what_its_instructions_put_in_quotes(profile: str) -> None:
    client = ready(profile)
    client.send("response.create", response={"instructions": 'Say exactly: "Welcome to Acme."'})
    client.wait(5)
    client.send("response.create", response={"instructions": "Word for word:\n<say>\nStill there?\n</say>"})
    client.wait(5)
    assert said(client) == ["Welcome to Acme.", "Still there?"]


def test_force_message_says_its_text_as_the_greeting() -> None:
    client = ready("xai", GREETING, {"on": "speech", "say": "Yes."})
    force(client, "This call is recorded.")
    client.wait(5)
    assert said(client) == ["This call is recorded."]
    assert client.types()[-1] == "response.done"
    assert client.model.unmet == ["replies[1] (on speech) was never reached"]


def test_force_message_later_on_takes_nothing_from_the_script() -> None:
    client = ready("xai", {"on": "speech", "say": "Yes."}, {"on": "speech", "say": "No."})
    client.speak(500)
    client.quiet(2000)
    force(client, "One moment.")
    client.wait(3)
    assert said(client) == ["Yes.", "One moment."]
    assert client.model.unmet == ["replies[1] (on speech) was never reached"]


def test_force_message_without_text_is_refused() -> None:
    client = ready("xai")
    client.send("conversation.item.create", item={"type": "force_message", "content": []})
    assert client.faults == ["invalid_item"]


def test_openai_does_not_know_force_message() -> None:
    client = ready("openai")
    force(client, "Hello.")
    assert client.faults == ["invalid_item"]
    assert "force_message" in client.last("error")["error"]["message"]


@both
def test_second_response_is_refused_in_the_providers_words(profile: str) -> None:
    client = ready(profile, GREETING)
    client.send("response.create")
    client.wait(0.5)
    client.send("response.create", event_id="second")
    error = client.last("error")["error"]
    assert "already has an active response" in error["message"]
    if profile == "openai":
        assert error["code"] == "conversation_already_has_active_response"
        assert error["event_id"] == "second"
    assert client.faults == ["active_response"]
    client.wait(5)
    assert said(client) == [GREETING["say"]]


@both
def test_request_that_crossed_the_servers_own_reply_is_no_fault(profile: str) -> None:
    client = ready(profile, {"on": "speech", "say": "Yes."}, created_ms=20)
    client.speak(500)
    client.quiet(340)
    assert client.all("response.created")
    client.send("response.create")
    assert client.all("error")
    assert client.faults == []


def test_xai_can_replace_the_active_response() -> None:
    client = ready("xai", GREETING, when_active="replace")
    client.send("response.create")
    client.wait(0.5)
    client.send("response.create", response={"instructions": '"Again."'})
    client.wait(5)
    assert [done["response"]["status"] for done in client.all("response.done")] == ["cancelled", "completed"]
    assert client.all("error") == []
    assert client.faults == ["active_response"]


@both
def test_cancel_ends_the_active_response(profile: str) -> None:
    client = ready(profile, {"on": "greeting", "say": "A very long greeting. " * 10})
    client.send("response.create")
    client.wait(0.8)
    client.send("response.cancel", response_id=client.last("response.created")["response"]["id"])
    assert client.last("response.done")["response"]["status"] == "cancelled"
    client.forget()
    client.wait(5)
    assert "response.output_audio.delta" not in client.types()
    assert client.faults == []


@both
def test_cancel_of_another_response_leaves_the_active_one(profile: str) -> None:
    client = ready(profile, GREETING)
    client.send("response.create")
    client.send("response.cancel", response_id="somebody else")
    client.wait(5)
    assert client.faults == ["cancel_not_active"]
    assert client.last("response.done")["response"]["status"] == "completed"


@both
def test_cancel_with_nothing_active_is_a_fault_unless_it_crossed_the_end(profile: str) -> None:
    client = ready(profile, GREETING)
    client.send("response.cancel")
    assert client.faults == ["cancel_not_active"]
    client.send("response.create")
    client.wait(5)
    ended = client.at[client.messages.index(client.last("response.done"))]
    assert client.now - ended > 0.25
    client.send("response.cancel")
    assert client.faults == ["cancel_not_active"] * 2
    assert len(client.all("error")) == 2


@both
def test_cancel_that_crossed_response_done_is_answered_but_forgiven(profile: str) -> None:
    client = ready(profile, GREETING)
    client.send("response.create")
    while not client.all("response.done"):
        client.wait(0.05)
    client.send("response.cancel")
    assert client.all("error")
    assert client.faults == []


def test_xai_forgets_the_items_of_a_cancelled_response() -> None:
    client = ready("xai", {"on": "greeting", "say": "A very long greeting. " * 10})
    client.send("response.create")
    client.wait(0.8)
    item_id = client.last("response.output_item.added")["item"]["id"]
    client.send("response.cancel")
    client.send("conversation.item.delete", item_id=item_id)
    assert client.last("error")["error"]["message"] == "Item not found"
    assert client.faults == [], "the client could not know"


@both
def test_metadata_comes_back(profile: str) -> None:
    client = ready(profile, GREETING)
    client.send("response.create", response={"metadata": {"topic": "x"}})
    client.wait(5)
    assert client.last("response.created")["response"]["metadata"] == {"topic": "x"}
    assert client.last("response.done")["response"]["metadata"] == {"topic": "x"}


@both
def test_asking_before_every_parallel_call_is_answered_is_a_fault(profile: str) -> None:
    calls = {"on": "greeting", "calls": [{"name": "f"}, {"name": "g"}]}
    client = ready(profile, calls, {"on": "tool", "say": "Both."})
    client.send("response.create")
    client.wait(2)
    first, second = (message["call_id"] for message in client.all("response.function_call_arguments.done"))
    client.send("conversation.item.create", item={"type": "function_call_output", "call_id": first, "output": "1"})
    client.send("response.create", response={"instructions": '"Wait."'})
    client.wait(2)
    assert client.faults == ["calls_unanswered"]
    client.send("conversation.item.create", item={"type": "function_call_output", "call_id": second, "output": "2"})
    client.send("response.create")
    client.wait(2)
    assert said(client) == ["Wait.", "Both."]
    assert client.model.unmet == []
