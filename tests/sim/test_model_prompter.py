"""Following the script: cues in order, polite answers beside it, and what was not met."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.sim.model_client import ModelClient

ORDER = {"on": "speech", "hears": "Where is my order?", "say": "Let me see.", "call": {"name": "find"}}


def played(*replies: dict[str, Any], **options: Any) -> ModelClient:
    client = ModelClient({"profile": "xai", "replies": list(replies), **options})
    client.configure()
    return client


def said(client: ModelClient) -> list[str]:
    return [message["transcript"] for message in client.all("response.output_audio_transcript.done")]


def heard(client: ModelClient) -> list[str]:
    name = "conversation.item.input_audio_transcription.completed"
    return [message["transcript"] for message in client.all(name) if message["status"] == "completed"]


def speak(client: ModelClient, seconds: float = 3) -> None:
    client.speak(500)
    client.quiet(int(seconds * 1000))


def answer(client: ModelClient, output: str) -> None:
    call_id = client.last("response.function_call_arguments.done")["call_id"]
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    client.send("conversation.item.create", item=item)
    client.send("response.create")
    client.wait(3)


def test_a_whole_script_is_played_and_nothing_is_unmet() -> None:
    client = played(
        {"on": "greeting", "say": "Hello."},
        ORDER,
        {"on": "tool", "expect": {"find": "shipped"}, "say": "It has shipped."},
        {"on": "speech", "hears": "Thanks, bye.", "say": "Bye!", "call": {"name": "hang_up"}},
    )
    assert len(client.model.unmet) == 4
    client.send("response.create")
    client.wait(3)
    speak(client)
    answer(client, '{"status": "shipped"}')
    speak(client)
    assert said(client) == ["Hello.", "Let me see.", "It has shipped.", "Bye!"]
    assert heard(client) == ["Where is my order?", "Thanks, bye."]
    assert client.model.unmet == []
    assert client.faults == []


@pytest.mark.parametrize(
    ("expected", "output", "met"),
    [
        ("shipped", "it has shipped", True),
        ("shipped", '{"status": "shipped"}', True),
        ("shipped", "lost", False),
        ({"status": "shipped"}, '{"status":"shipped"}', True),
        ({"status": "shipped"}, '{"status":"shipped","more":1}', False),
        (42, "42", True),
        (42, "no number", False),
    ],
)
def test_outputs_are_held_against_the_script(expected: Any, output: str, met: bool) -> None:
    client = played(ORDER, {"on": "tool", "expect": {"find": expected}, "say": "Good."})
    speak(client)
    answer(client, output)
    assert (client.model.unmet == []) is met
    if not met:
        (complaint,) = client.model.unmet
        assert "replies[1] (on tool).expect.find" in complaint
        assert output in complaint


def test_greeting_that_nobody_asked_for_is_skipped_and_noted() -> None:
    client = played({"on": "greeting", "say": "Hello."}, ORDER)
    speak(client)
    assert said(client) == ["Let me see."]
    assert client.model.unmet == ["replies[0] (on greeting) was skipped: the caller spoke first"]


def test_output_of_a_call_that_was_never_made_is_not_waited_for() -> None:
    long = {**ORDER, "say": "Let me look that up for you. " * 5}
    replies = [long, {"on": "tool", "say": "Found."}, {"on": "speech", "hears": "Stop", "say": "Yes?"}]
    client = played(*replies, speed=[1, 1])
    speak(client, 1.5)
    speak(client)
    assert heard(client) == ["Where is my order?", "Stop"]
    assert said(client) == ["Yes?"]
    assert client.model.unmet == ["replies[1] (on tool) was skipped: its call was interrupted before it was made"]


def test_speech_while_a_tool_runs_is_answered_politely_and_takes_nothing() -> None:
    client = played(ORDER, {"on": "tool", "say": "Found."})
    speak(client)
    speak(client)
    answer(client, "here")
    assert said(client) == ["Let me see.", "I am sorry, I did not catch that.", "Found."]


def test_one_reply_answers_the_outputs_and_the_caller_who_spoke_meanwhile() -> None:
    client = played(ORDER, {"on": "tool", "say": "Found."})
    speak(client)
    call_id = client.last("response.function_call_arguments.done")["call_id"]
    item = {"type": "function_call_output", "call_id": call_id, "output": "here"}
    client.send("conversation.item.create", item=item)
    speak(client)
    assert said(client) == ["Let me see.", "Found."]


def test_script_that_ran_out_answers_politely() -> None:
    client = played(fallback="Pardon?")
    speak(client)
    assert said(client) == ["Pardon?"]
    assert client.faults == []


def test_strict_script_holds_what_it_does_not_foresee_against_the_client() -> None:
    client = played({"on": "speech", "say": "Yes."}, strict_script=True)
    client.send("response.create")
    client.wait(2)
    assert client.faults == ["off_script"]
    assert client.model.unmet[0] == "off script: greeting came while waiting for speech"


def test_written_message_has_a_cue_of_its_own() -> None:
    client = played({"on": "text", "say": "You pressed one."})
    content = [{"type": "input_text", "text": "The caller pressed 1."}]
    client.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    client.send("response.create")
    client.wait(3)
    assert said(client) == ["You pressed one."]


def test_dropped_greeting_can_be_asked_for_again() -> None:
    client = played({"on": "greeting", "say": "Lost.", "drop": True}, {"on": "greeting", "say": "Hello."})
    client.send("response.create")
    client.wait(2)
    client.send("response.create")
    client.wait(2)
    assert said(client) == ["Hello."]


def test_request_out_of_turn_has_a_cue_of_its_own() -> None:
    client = played({"on": "speech", "say": "Yes."}, {"on": "prompt", "say": "Are you there?"})
    speak(client)
    client.send("response.create")
    client.wait(3)
    assert said(client) == ["Yes.", "Are you there?"]


def test_an_optional_reply_is_left_out_where_the_cue_of_a_later_one_comes_first() -> None:
    client = played(
        {"on": "greeting", "say": "Hello.", "optional": True},
        {"on": "prompt", "say": "Are you there?", "optional": True},
        {"on": "speech", "say": "Yes."},
        {"on": "text", "say": "One.", "optional": True},
        {"on": "speech", "say": "Bye.", "optional": True},
    )
    client.send("response.create")
    client.wait(2)
    speak(client)
    client.send("response.create")
    client.wait(3)
    assert said(client) == ["Hello.", "Yes.", "Are you still there?"]
    assert client.model.unmet == []


def test_a_reply_that_must_come_is_not_passed_by_for_the_cue_of_a_later_one() -> None:
    client = played({"on": "speech", "say": "Yes."}, {"on": "prompt", "say": "Never."})
    client.send("response.create")
    client.wait(2)
    client.send("response.create")
    client.wait(2)
    assert said(client) == ["Hello, how can I help you?", "Are you still there?"]
    assert client.model.unmet == [
        "replies[0] (on speech) was never reached",
        "replies[1] (on prompt) was never reached",
    ]
