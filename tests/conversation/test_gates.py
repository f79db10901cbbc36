"""Function calls that must not run twice, or not without the caller's word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playbook import Playbook
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import PCM16_24K
from telephony.conversation.gates import VALID
from telephony.settings import Limits, Prologue, Ran, SessionConfig, ToolSpec

SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}
PAY = ToolSpec("pay", "Pays.", SCHEMA, confirm="Shall I pay now?")
ONCE = ToolSpec("once", "Orders.", SCHEMA, once=True)


def talking(language: str | None = "en", **changes: Any) -> Playbook:
    book = Playbook(session=SessionConfig(audio=PCM16_24K, tools=(PAY, ONCE), language=language), **changes)
    book.greet()
    return book


def calls(book: Playbook, name: str, call_id: str, arguments: str = "{}") -> list[cmd.Command]:
    """A response of the model's with nothing but a function call."""
    response = f"r-{call_id}"
    return book.feed(
        ev.ResponseStarted(response), ev.ToolRequested(response, call_id, name, arguments), ev.ResponseDone(response)
    )


def asks(book: Playbook, item: str = "ask") -> None:
    """The agent asks, and is heard to the end."""
    book.say(f"r-{item}", item, 1000, "Shall I pay now?")
    book.hear(1.2)


def says(book: Playbook, words: str | None, item: str = "u1") -> None:
    """The caller says something; None if nobody knows what."""
    book.feed(ev.SpeechStarted(item))
    book.frames(0.4)
    book.feed(ev.SpeechStopped(item))
    if words is not None:
        book.feed(ev.CallerTranscript(item, words, final=True))


def told(book: Playbook, call_id: str) -> dict[str, Any]:
    (output,) = [c.output for c in book.sent(cmd.SendToolOutput) if c.call_id == call_id]  # type: ignore[attr-defined]
    answer: dict[str, Any] = json.loads(output)
    return answer


def runs(book: Playbook) -> list[str]:
    return [command.call_id for command in book.sent(cmd.RunTool)]  # type: ignore[attr-defined]


def test_a_call_that_was_done_before_stands_in_the_record_as_done() -> None:
    book = talking()
    calls(book, "once", "c1")
    book.feed(ev.ToolFinished("c1", '{"ordered": 1}'))
    calls(book, "once", "c2")
    assert (runs(book), told(book, "c2")) == (["c1"], {"ordered": 1})
    assert [use.outcome for use in book.call.tool_uses] == ["ok", "ok"]


# -- a caller who is back --------------------------------------------------------------------------------------------


ORDERED = Ran("c1", "once", '{"number": 1}', '{"ordered": 1}')


def test_what_was_ordered_before_the_caller_was_sent_on_is_not_ordered_again() -> None:
    book = talking(prologue=Prologue("caller: One, please.", "[Nobody answered.]", (ORDERED,)))
    calls(book, "once", "c2", '{"number":1}')
    assert (runs(book), told(book, "c2")) == ([], {"ordered": 1})
    calls(book, "once", "c3", '{"number":2}')
    assert runs(book) == ["c3"]


def test_a_call_that_comes_back_makes_no_more_function_calls_than_one_that_does_not() -> None:
    book = talking(prologue=Prologue("", "[Nobody answered.]", (ORDERED, ORDERED)), limits=Limits(tool_calls=3))
    calls(book, "once", "c3", '{"number":3}')
    calls(book, "once", "c4", '{"number":4}')
    assert runs(book) == ["c3"]
    assert "No more function calls" in told(book, "c4")["error"]


def test_what_was_done_before_is_told_to_the_next_and_stands_in_this_record_once() -> None:
    book = talking(prologue=Prologue("", "[Nobody answered.]", (ORDERED,)))
    calls(book, "once", "c2", '{"number":2}')
    book.feed(ev.ToolFinished("c2", '{"ordered": 2}'))
    ledger = book.call.state.tools
    assert [(ran.arguments, ran.output) for ran in ledger.ran] == [
        ('{"number": 1}', '{"ordered": 1}'),
        ('{"number":2}', '{"ordered": 2}'),
    ]
    assert [use.call_id for use in book.call.tool_uses] == ["c2"]


def test_what_nobody_knows_the_end_of_is_not_begun_again_either() -> None:
    book = talking()
    calls(book, "once", "c1")
    book.feed(ev.CarrierStopped())
    (ran,) = book.call.state.tools.ran
    assert "may have taken effect or not" in ran.output


# -- confirm -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", None, "de-AT", "ja"])
def test_a_tool_runs_when_the_caller_was_asked_and_said_yes(language: str | None) -> None:
    book = talking(language)
    calls(book, "pay", "c1", '{"euro": 5}')
    assert told(book, "c1")["ask"] == "Shall I pay now?"
    asks(book)
    says(book, "Ja." if language == "de-AT" else "Yes, please.")
    calls(book, "pay", "c2", '{ "euro":5 }')
    assert runs(book) == ["c2"]
    assert [use.outcome for use in book.call.tool_uses] == ["cancelled", "running"]


def test_what_is_no_plain_yes_is_none_in_a_language_whose_words_are_known() -> None:
    book = talking("en")
    calls(book, "pay", "c0")
    for turn in range(1, 4):
        asks(book, f"ask{turn}")
        says(book, "Maybe tomorrow, what is the weather?", f"u{turn}")
        calls(book, "pay", f"c{turn}")
        assert "no clear yes" in told(book, f"c{turn}")["note"]
    assert runs(book) == []
    asks(book, "ask9")
    says(book, "Sure.", "u9")
    calls(book, "pay", "c9")
    assert runs(book) == ["c9"]


def test_with_no_language_set_it_is_asked_for_once_more_and_then_the_models_to_judge() -> None:
    book = talking(None)
    calls(book, "pay", "c0")
    for turn in (1, 2):
        asks(book, f"ask{turn}")
        says(book, "If you must.", f"u{turn}")
        calls(book, "pay", f"c{turn}")
    assert runs(book) == ["c2"]


def test_in_a_language_of_which_no_word_is_known_it_is_the_models_to_judge_at_once() -> None:
    book = talking("ja")
    calls(book, "pay", "c1")
    asks(book)
    says(book, "はい")
    calls(book, "pay", "c2")
    assert runs(book) == ["c2"]


@pytest.mark.parametrize("language", ["en", None])
def test_an_answer_that_nobody_has_written_down_yet_is_the_models_to_judge(language: str | None) -> None:
    book = talking(language)
    calls(book, "pay", "c1")
    asks(book)
    says(book, None)
    calls(book, "pay", "c2")
    assert runs(book) == ["c2"]


def test_an_eager_model_cannot_skip_the_question() -> None:
    book = talking()
    for number in range(4):
        calls(book, "pay", f"c{number}")
    assert runs(book) == []
    assert "not been asked" in told(book, "c3")["note"]


def test_an_eager_model_cannot_skip_the_answer() -> None:
    book = talking()
    calls(book, "pay", "c1")
    asks(book)
    calls(book, "pay", "c2")
    assert runs(book) == []
    assert "not answered" in told(book, "c2")["note"]
    says(book, "Yes.")
    calls(book, "pay", "c3")
    assert runs(book) == ["c3"]


def test_what_was_said_before_the_question_is_no_answer_to_it() -> None:
    book = talking()
    says(book, "Yes, do it at once, I agree to all.")
    calls(book, "pay", "c1")
    calls(book, "pay", "c2")
    asks(book)
    calls(book, "pay", "c3")
    assert runs(book) == []


def test_a_question_of_which_nothing_was_heard_was_not_asked() -> None:
    book = talking()
    calls(book, "pay", "c1")
    book.say("r-ask", "ask", 1000, "Shall I pay now?")
    says(book, "Yes.")
    calls(book, "pay", "c2")
    assert runs(book) == []


def test_a_plain_no_is_a_no_until_the_caller_is_asked_again() -> None:
    book = talking()
    calls(book, "pay", "c1")
    asks(book)
    says(book, "No.")
    calls(book, "pay", "c2")
    assert "said no" in told(book, "c2")["note"]
    says(book, "Hm.", "u2")
    calls(book, "pay", "c3")
    assert runs(book) == []
    asks(book, "again")
    says(book, "All right, yes.", "u3")
    calls(book, "pay", "c4")
    assert runs(book) == ["c4"]


def test_a_change_of_mind_counts_as_it_was_said_last() -> None:
    book = talking()
    calls(book, "pay", "c1")
    asks(book)
    says(book, "No.")
    says(book, "Well, yes.", "u2")
    calls(book, "pay", "c2")
    assert runs(book) == ["c2"]


def test_a_key_is_an_answer_too() -> None:
    book = talking()
    calls(book, "pay", "c1")
    asks(book)
    book.feed(ev.KeyPressed("1"))
    book.frames(2.5)
    calls(book, "pay", "c2")
    assert runs(book) == ["c2"]


def test_a_sound_in_which_no_word_was_understood_is_no_answer() -> None:
    book = talking()
    calls(book, "pay", "c1")
    asks(book)
    says(book, "")
    calls(book, "pay", "c2")
    assert runs(book) == []


def test_consent_is_for_these_arguments_and_for_one_run() -> None:
    book = talking()
    calls(book, "pay", "c1", '{"euro": 5}')
    asks(book)
    says(book, "Yes.")
    calls(book, "pay", "c2", '{"euro": 5000}')
    assert runs(book) == []
    calls(book, "pay", "c3", '{"euro": 5}')
    calls(book, "pay", "c4", '{"euro": 5}')
    assert runs(book) == ["c3"]


def test_consent_grows_old() -> None:
    book = talking()
    calls(book, "pay", "c1")
    asks(book)
    for _ in range(int(VALID / 10) + 1):
        says(book, "Wait.")
        book.frames(1)
        book.say(f"r{book.now}", f"i{book.now}", 500)
        book.hear(9)
    says(book, "Yes.")
    calls(book, "pay", "c2")
    assert runs(book) == []


# -- once ----------------------------------------------------------------------------------------------------------


def test_the_same_again_is_answered_with_the_first_result() -> None:
    book = talking()
    calls(book, "once", "c1", '{"a": 1, "b": 2}')
    book.feed(ev.ToolFinished("c1", '{"order": 7}'))
    calls(book, "once", "c2", '{"b": 2, "a": 1}')
    assert runs(book) == ["c1"]
    assert told(book, "c2") == {"order": 7}
    calls(book, "once", "c3", '{"a": 2}')
    assert runs(book) == ["c1", "c3"]


def test_the_same_while_it_runs_is_told_to_wait_and_one_answer_follows() -> None:
    book = talking()
    book.feed(ev.ResponseStarted("r1"))
    book.feed(ev.ToolRequested("r1", "c1", "once", "{}"), ev.ToolRequested("r1", "c2", "once", ""))
    book.feed(ev.ResponseDone("r1"))
    assert runs(book) == ["c1"]
    assert told(book, "c2")["status"] == "running"
    assert not book.sent(cmd.RequestResponse)
    assert cmd.RequestResponse() in book.feed(ev.ToolFinished("c1", "done"))


def test_a_call_that_was_dropped_or_whose_arguments_were_no_good_may_come_again() -> None:
    book = talking()
    book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "once", "{}"), ev.ResponseDone("r1", "cancelled"))
    calls(book, "once", "c2")
    book.feed(ev.ToolFinished("c2", "{}", "invalid"))
    calls(book, "once", "c3")
    book.feed(ev.ToolFinished("c3", "{}", "error"))
    calls(book, "once", "c4")
    assert runs(book) == ["c2", "c3"]
