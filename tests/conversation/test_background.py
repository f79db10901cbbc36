"""A caller who speaks while a function runs, and functions that go on in the background."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playbook import Playbook
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import PCM16_24K
from telephony.conversation.toolcalls import GRACE, NEWS_EVERY, NEWS_MOST
from telephony.settings import SessionConfig, ToolSpec

SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}
KEEP = ToolSpec("keep", "Keeps on.", SCHEMA)
CANCEL = ToolSpec("cancel", "Stops.", SCHEMA, on_barge_in="cancel")
LOOK = ToolSpec("look", "Stops, and did nothing.", SCHEMA, on_barge_in="cancel", side_effects=False)
DETACH = ToolSpec("detach", "Goes on.", SCHEMA, on_barge_in="detach", say="One moment.")


def running(name: str, **changes: Any) -> Playbook:
    """A call in which a function runs and nobody says anything."""
    book = Playbook(session=SessionConfig(audio=PCM16_24K, tools=(KEEP, CANCEL, LOOK, DETACH)), **changes)
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", name, "{}"), ev.ResponseDone("r1"))
    book.frames(0.3)
    return book


def outputs(book: Playbook) -> list[str]:
    return [command.output for command in book.sent(cmd.SendToolOutput)]  # type: ignore[attr-defined]


def messages(book: Playbook) -> list[str]:
    return [command.text for command in book.sent(cmd.AddMessage)]  # type: ignore[attr-defined]


def spoken(book: Playbook) -> list[str]:
    """What was to be said word for word, after the greeting."""
    return [command.text for command in book.sent(cmd.SpeakVerbatim)][1:]  # type: ignore[attr-defined]


def outcome(book: Playbook) -> str:
    return book.call.tool_uses[0].outcome


def answers_itself(book: Playbook) -> None:
    """The caller has spoken, and the model's own turn detection answers."""
    book.feed(ev.SpeechStopped("u1"))
    book.say("r2", "i2", 500, "Yes?")
    book.hear(1)


def test_keep_is_not_disturbed_and_its_answer_is_given() -> None:
    book = running("keep")
    assert not [c for c in book.feed(ev.SpeechStarted("u1")) if isinstance(c, cmd.CancelTool | cmd.SendToolOutput)]
    book.feed(ev.SpeechStopped("u1"), ev.ToolFinished("c1", "42"))
    assert outputs(book) == ["42"]


@pytest.mark.parametrize(("name", "word"), [("cancel", "may have taken effect"), ("look", "nothing was changed")])
def test_cancel_stops_it_and_says_what_that_means(name: str, word: str) -> None:
    book = running(name)
    commands = book.feed(ev.SpeechStarted("u1"))
    assert commands[0] == cmd.CancelTool("c1")
    assert word in json.loads(outputs(book)[0])["note"]
    book.feed(ev.ToolFinished("c1", "late"))
    assert len(outputs(book)) == 1
    assert outcome(book) == "cancelled"


def test_after_a_cancel_the_models_own_answer_to_the_caller_is_enough() -> None:
    book = running("cancel")
    book.feed(ev.SpeechStarted("u1"))
    answers_itself(book)
    assert not book.sent(cmd.RequestResponse)


def test_detach_frees_the_model_and_gives_it_the_result_as_a_message() -> None:
    book = running("detach")
    book.feed(ev.SpeechStarted("u1"))
    assert not book.sent(cmd.CancelTool)
    assert json.loads(outputs(book)[0])["status"] == "running"
    answers_itself(book)
    assert outcome(book) == "running"
    commands = book.feed(ev.ToolFinished("c1", "42"))
    assert "42" in messages(book)[0]
    assert commands[-1] == cmd.RequestResponse(), "the conversation was quiet"
    assert len(outputs(book)) == 1, "a call has one output"
    assert outcome(book) == "ok"
    assert book.call.tool_uses[0].output == "42"
    assert not book.feed(ev.ToolFinished("c1", "43"))


def test_a_result_that_comes_while_the_caller_speaks_is_answered_with_what_they_say() -> None:
    book = running("detach")
    book.feed(ev.SpeechStarted("u1"))
    book.frames(0.2)
    book.feed(ev.ToolFinished("c1", "42"))
    assert not book.sent(cmd.RequestResponse)
    answers_itself(book)
    assert not book.sent(cmd.RequestResponse)


def test_what_goes_on_in_the_background_is_said_nothing_of() -> None:
    book = running("detach")
    book.feed(ev.SpeechStarted("u1"))
    answers_itself(book)
    book.hear(3)
    assert spoken(book) == []


def test_in_the_background_too_a_function_that_never_ends_is_given_up() -> None:
    book = running("detach")
    book.feed(ev.SpeechStarted("u1"))
    answers_itself(book)
    book.hear(DETACH.timeout + GRACE)
    assert book.sent(cmd.CancelTool) == [cmd.CancelTool("c1")]
    assert "took too long" in messages(book)[0]
    assert outcome(book) == "timeout"


@pytest.mark.parametrize(("name", "stops", "end"), [("keep", 1, "cancelled"), ("detach", 0, "detached")])
@pytest.mark.parametrize("spoke", [False, True])
def test_a_caller_who_hangs_up_stops_what_is_not_to_go_on(name: str, stops: int, end: str, spoke: bool) -> None:
    book = running(name)
    if spoke:
        book.feed(ev.SpeechStarted("u1"))
    book.feed(ev.CarrierStopped())
    assert len(book.sent(cmd.CancelTool)) == stops
    assert outcome(book) == end


def test_a_session_that_takes_over_knows_the_call_what_was_told_of_it_and_its_result() -> None:
    book = running("detach", others="scripted")
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ModelLost("gone"))
    book.feed(ev.ToolFinished("c1", "42"))
    before = len(book.log)
    book.connect(1)
    told = [command for _, command in book.log[before:]]
    kinds = [type(c) for c in told if isinstance(c, cmd.AddToolCall | cmd.SendToolOutput)]
    assert kinds == [cmd.AddToolCall, cmd.SendToolOutput]
    assert any(isinstance(c, cmd.AddMessage) and "42" in c.text for c in told)


def test_a_caller_who_speaks_during_what_must_be_heard_stops_no_function() -> None:
    book = Playbook(session=SessionConfig(audio=PCM16_24K, tools=(LOOK,)), greeting_interruptible=False)
    book.connect()
    book.feed(ev.ResponseStarted("r0"), ev.ToolRequested("r0", "c1", "look", "{}"))
    book.say("r0", "i0", 1000, "Hello.")
    book.hear(0.2)
    book.feed(ev.SpeechStarted("u1"))
    assert not book.sent(cmd.CancelTool)


# -- what a function wants said, and what it tells -------------------------------------------------------------------


def test_words_made_for_this_call_are_said_when_it_takes_long() -> None:
    book = running("keep")
    book.feed(ev.ToolSays("c1", "Looking for A-1042."))
    book.hear(1)
    assert spoken(book) == ["Looking for A-1042."]
    assert book.call.evidence(book.now).with_say["keep"] == 1.0


@pytest.mark.parametrize("call_id", ["c1", "nobody"])
def test_words_for_a_call_that_has_ended_are_not_said(call_id: str) -> None:
    book = running("keep")
    book.feed(ev.ToolFinished("c1", "42"), ev.ToolSays(call_id, "Looking."))
    book.hear(2)
    assert spoken(book) == []


def test_a_tool_may_wait_longer_before_it_says_anything() -> None:
    patient = ToolSpec("patient", "Waits.", SCHEMA, say="Still here.", say_after=3.0)
    book = Playbook(session=SessionConfig(audio=PCM16_24K, tools=(patient,)))
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "patient", "{}"), ev.ResponseDone("r1"))
    book.hear(2.9)
    assert spoken(book) == []
    book.hear(0.2)
    assert spoken(book) == ["Still here."]


def test_news_reach_the_model_at_once_and_then_only_the_latest_now_and_then() -> None:
    book = running("keep")
    for number in range(10):
        book.feed(ev.ToolProgress("c1", f"{number}0 %"))
    assert len(messages(book)) == 1
    assert "00 %" in messages(book)[0]
    book.hear(NEWS_EVERY + 0.1)
    assert len(messages(book)) == 2
    assert "90 %" in messages(book)[1]
    book.feed(ev.ToolProgress("c1", "all"), ev.ToolFinished("c1", "42"))
    book.hear(NEWS_EVERY)
    assert len(messages(book)) == 2, "with the result there is no news any more"
    assert spoken(book) == []


def test_a_function_that_never_stops_telling_is_heard_so_often_and_no_more() -> None:
    busy = ToolSpec("busy", "Tells.", SCHEMA, timeout=1000)
    book = Playbook(session=SessionConfig(audio=PCM16_24K, tools=(busy,)))
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "busy", "{}"), ev.ResponseDone("r1"))
    for number in range(NEWS_MOST + 5):
        book.feed(ev.ToolProgress("c1", str(number)))
        book.hear(NEWS_EVERY)
    assert len(messages(book)) == NEWS_MOST


# -- what is shown -------------------------------------------------------------------------------------------------


def test_what_is_sensitive_is_masked_in_the_log_and_in_the_record_and_not_for_the_function() -> None:
    pay = ToolSpec("pay", "Pays.", SCHEMA, sensitive=("card",))
    book = Playbook(session=SessionConfig(audio=PCM16_24K, tools=(pay,)))
    book.greet()
    notes = book.call.handle(ev.ResponseStarted("r1"), book.now)
    notes += book.call.handle(ev.ToolRequested("r1", "c1", "pay", '{"card":"4111111111"}'), book.now)
    notes += book.call.handle(ev.ResponseDone("r1"), book.now)
    assert cmd.RunTool("c1", "pay", '{"card":"4111111111"}') in notes
    notes = [command for command in notes if isinstance(command, cmd.Note)]
    assert "4111" not in str(notes)
    assert '{"card":"**********"}' in str(notes)
    book.feed(ev.ToolFinished("c1", "paid with 4111111111"))
    (use,) = book.call.tool_uses
    assert (use.arguments, use.output) == ('{"card":"**********"}', "paid with **********")
    assert outputs(book) == ["paid with 4111111111"]
