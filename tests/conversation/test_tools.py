"""Function calls within a conversation: run once, answered once, and followed by one answer to the caller."""

from __future__ import annotations

import json

from playbook import Playbook, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.settings import Limits


def asked(book: Playbook, name: str, call_id: str = "c1", response: str = "r1") -> list[cmd.Command]:
    return book.feed(ev.ResponseStarted(response), ev.ToolRequested(response, call_id, name, "{}"))


def test_a_read_only_tool_runs_at_once_and_one_with_side_effects_when_its_response_completed() -> None:
    book = Playbook()
    book.greet()
    assert asked(book, "lookup") == [cmd.RunTool("c1", "lookup", "{}")]
    assert book.feed(ev.ToolRequested("r1", "c2", "book", "{}")) == []
    assert book.feed(ev.ResponseDone("r1")) == [cmd.RunTool("c2", "book", "{}")]


def test_a_tool_whose_response_was_cancelled_is_answered_but_never_run() -> None:
    book = Playbook()
    book.greet()
    asked(book, "book")
    commands = book.feed(ev.ResponseDone("r1", "cancelled", "turn_detected"))
    (answer,) = [c for c in commands if isinstance(c, cmd.SendToolOutput)]
    assert json.loads(answer.output)["status"] == "cancelled"
    assert not book.sent(cmd.RunTool)


def test_a_barge_in_drops_a_tool_that_waits_and_keeps_one_that_runs() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(3000)))
    book.feed(ev.ToolRequested("r1", "c1", "lookup", "{}"), ev.ToolRequested("r1", "c2", "book", "{}"))
    book.hear(0.5)
    commands = book.feed(ev.SpeechStarted("u1"))
    assert [c.call_id for c in commands if isinstance(c, cmd.SendToolOutput)] == ["c2"]
    assert not book.sent(cmd.CancelTool)
    assert book.feed(ev.ToolFinished("c1", "42")) == [cmd.SendToolOutput("c1", "42")]


def test_the_same_call_told_of_three_times_runs_once() -> None:
    book = Playbook()
    book.greet()
    for _ in range(3):
        asked(book, "lookup")
    book.feed(ev.ResponseDone("r1"))
    assert len(book.sent(cmd.RunTool)) == 1


def test_the_output_of_a_quick_tool_is_followed_by_the_request_for_an_answer_at_once() -> None:
    """The time that the model has to begin by itself after the caller's turn ends with the answer that called it."""
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    asked(book, "lookup")
    book.feed(ev.ResponseDone("r1"))
    book.frames(0.1)
    assert book.feed(ev.ToolFinished("c1", "42")) == [cmd.SendToolOutput("c1", "42"), cmd.RequestResponse()]


def test_parallel_tools_are_all_answered_before_one_response_is_asked_for() -> None:
    book = Playbook()
    book.greet()
    asked(book, "lookup")
    book.feed(ev.ToolRequested("r1", "c2", "lookup", "{}"), ev.ResponseDone("r1"))
    assert book.feed(ev.ToolFinished("c2", "2")) == [cmd.SendToolOutput("c2", "2")]
    assert book.feed(ev.ToolFinished("c1", "1")) == [cmd.SendToolOutput("c1", "1"), cmd.RequestResponse()]


def test_no_response_is_asked_for_while_one_is_open() -> None:
    book = Playbook()
    book.greet()
    asked(book, "lookup")
    assert book.feed(ev.ToolFinished("c1", "1")) == [cmd.SendToolOutput("c1", "1")]
    assert book.feed(ev.ResponseDone("r1")) == [cmd.RequestResponse()]


def test_a_response_begun_after_the_outputs_answers_them() -> None:
    book = Playbook()
    book.greet()
    asked(book, "lookup")
    book.feed(ev.SpeechStarted("u1"), ev.ToolFinished("c1", "1"), ev.SpeechStopped("u1"))
    book.say("r2", "i2", 500)
    book.frames(5)
    assert not book.sent(cmd.RequestResponse)


def test_a_response_begun_before_the_outputs_does_not_answer_them() -> None:
    book = Playbook()
    book.greet()
    asked(book, "lookup")
    book.feed(ev.ResponseDone("r1"), ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ResponseStarted("r2"))
    book.feed(ev.ToolFinished("c1", "1"))
    assert not book.sent(cmd.RequestResponse)
    book.feed(ev.ResponseDone("r2"))
    book.frames(1.6)
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse()]


def test_a_late_or_double_result_says_nothing() -> None:
    book = Playbook()
    book.greet()
    asked(book, "lookup")
    book.feed(ev.ToolFinished("c1", "1"))
    assert book.feed(ev.ToolFinished("c1", "2"), ev.ToolFinished("c9", "3")) == []


def test_a_call_of_a_response_that_never_ends_is_answered_in_the_end() -> None:
    book = Playbook(limits=Limits(dead_air=60))
    book.greet()
    asked(book, "book")
    book.frames(8.5)
    assert [c.call_id for c in book.sent(cmd.SendToolOutput)] == ["c1"]
    assert book.sent(cmd.RequestResponse), "and the model is asked to go on"


def test_too_many_calls_are_refused_and_answered() -> None:
    book = Playbook(limits=Limits(tool_calls=2))
    book.greet()
    for number in range(4):
        asked(book, "lookup", f"c{number}")
    assert len(book.sent(cmd.RunTool)) == 2
    assert [c.call_id for c in book.sent(cmd.SendToolOutput)] == ["c2", "c3"]


def test_a_slow_tool_with_a_phrase_says_it_after_a_second_and_a_quick_one_does_not() -> None:
    book = Playbook()
    book.greet()
    asked(book, "slow")
    book.feed(ev.ResponseDone("r1"))
    book.frames(0.9)
    assert cmd.SpeakVerbatim("One moment.") not in book.sent(cmd.SpeakVerbatim)
    book.frames(0.2)
    assert cmd.SpeakVerbatim("One moment.") in book.sent(cmd.SpeakVerbatim)


def test_running_tools_are_cancelled_when_the_caller_hangs_up() -> None:
    book = Playbook()
    book.greet()
    asked(book, "lookup")
    assert book.feed(ev.CarrierStopped()) == [
        cmd.CancelTool("c1"),
        cmd.EndCall("completed", "caller", "caller hung up"),
    ]
    (use,) = book.call.tool_uses
    assert use.outcome == "cancelled"


def test_an_incomplete_response_does_not_run_its_tools() -> None:
    book = Playbook()
    book.greet()
    asked(book, "book")
    book.feed(ev.ResponseDone("r1", "incomplete", "max_output_tokens"))
    assert not book.sent(cmd.RunTool)
    assert book.sent(cmd.SendToolOutput)
