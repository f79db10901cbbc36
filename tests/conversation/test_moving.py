"""A call that is to go on in another process does so in a silence between two turns, and at no other time."""

from __future__ import annotations

import pytest

from playbook import Playbook, settings
from telephony import commands as cmd
from telephony import events as ev
from telephony.conversation.moving import PATIENCE, PAUSE
from telephony.settings import Prologue

ASKED = [ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.CallerTranscript("u1", "Where is it?", final=True)]
LOUD = b"\x80" * 160


@pytest.fixture
def book() -> Playbook:
    """A call whose greeting has been heard a moment ago, and that is to move."""
    book = Playbook()
    book.greet()
    book.feed(ev.ServerMoving())
    return book


def test_it_waits_until_nobody_has_spoken_for_a_while(book: Playbook) -> None:
    book.hear(PAUSE - 0.2)
    assert book.sent(cmd.Move) == []
    book.hear(0.4)
    assert book.sent(cmd.Move) == [cmd.Move()]
    book.hear(10)
    assert book.sent(cmd.Move) == [cmd.Move()]


def test_a_caller_who_speaks_or_waits_for_an_answer_stays_and_so_does_one_who_hears_it(book: Playbook) -> None:
    book.feed(ASKED[0])
    book.hear(2)
    book.feed(*ASKED[1:])
    book.hear(2)
    book.say("r1", "i1", 3000, "At the door.")
    book.hear(3.2)
    assert book.sent(cmd.Move) == []
    book.hear(PAUSE)
    assert book.sent(cmd.Move) == [cmd.Move()]


def test_a_voice_that_the_model_has_not_told_of_yet_is_heard_by_ourselves(book: Playbook) -> None:
    book.hear(PAUSE - 0.2)
    book.line = LOUD
    book.hear(0.5)
    assert book.sent(cmd.Move) == []


def test_a_function_that_runs_keeps_the_call_here(book: Playbook) -> None:
    book.feed(*ASKED, ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "book", "{}"), ev.ResponseDone("r1"))
    book.hear(PATIENCE + 2)
    assert book.sent(cmd.RunTool)
    assert book.sent(cmd.Move) == []


def test_with_somebody_who_never_pauses_the_first_moment_between_two_turns_will_do(book: Playbook) -> None:
    for turn in range(30):
        book.feed(ev.SpeechStarted(f"u{turn}"))
        book.hear(0.5)
        book.feed(ev.SpeechStopped(f"u{turn}"), ev.CallerTranscript(f"u{turn}", "And?", final=True))
        book.say(f"r{turn}", f"i{turn}", 500, "So.")
        book.hear(0.7)
        if book.sent(cmd.Move):
            break
    assert PATIENCE < book.now < PATIENCE + 4


def test_once_it_is_kept_the_call_is_over_here(book: Playbook) -> None:
    book.hear(PAUSE + 0.2)
    book.feed(ev.Moved())
    assert book.ending == cmd.EndCall("completed", "server", "went on in another process")


def test_a_call_that_cannot_be_kept_stays_and_is_not_asked_for_again(book: Playbook) -> None:
    book.hear(PAUSE + 0.2)
    book.feed(ev.Moved("it has a secret"))
    book.hear(5)
    assert book.ending is None
    assert book.sent(cmd.Move) == [cmd.Move()]
    book.feed(*ASKED)
    assert book.ending is None


def test_a_call_in_which_something_happened_meanwhile_goes_at_the_next_turn(book: Playbook) -> None:
    book.hear(PAUSE + 0.2)
    assert book.call.is_still(book.now)
    book.feed(ASKED[0])
    assert not book.call.is_still(book.now)
    book.hear(0.5)
    book.feed(*ASKED[1:])
    book.say("r1", "i1", 500, "At the door.")
    book.hear(0.6)
    assert not book.call.is_still(book.now), "a turn is there that nobody has written down"
    book.feed(ev.Moved("something has happened", again=True))
    book.hear(PAUSE + 0.2)
    assert book.sent(cmd.Move) == [cmd.Move(), cmd.Move()]


def test_a_call_that_ends_already_goes_nowhere(book: Playbook) -> None:
    book.feed(ev.ServerStopping())
    book.hear(20)
    assert book.sent(cmd.Move) == []


def test_where_it_goes_on_the_agent_knows_what_was_said_and_waits_for_the_caller() -> None:
    before = Prologue("caller: Where is it?", "[It goes on.]", speaks=False)
    book = Playbook(prologue=before, greeting=None, speaks_first=False)
    book.connect()
    assert [command.text for command in book.sent(cmd.AddMessage)][1:] == ["[It goes on.]"]
    book.hear(3)
    assert book.sent(cmd.RequestResponse, cmd.SpeakVerbatim) == []
    assert settings().prologue is None
