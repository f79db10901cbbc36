"""Another agent takes over: when, with what it knows, and what becomes of the caller if it cannot."""

from __future__ import annotations

import pytest

from playbook import HANG_UP, Playbook, settings, speech
from telephony import commands as cmd
from telephony import events as ev
from telephony.audio.format import PCM16_24K
from telephony.conversation import phrases
from telephony.settings import Limits, SessionConfig, ToolSpec

REFUND = ToolSpec("refund", "Pays back.", {"type": "object", "properties": {}}, side_effects=False)
BILLING = settings(
    agent="billing",
    greeting=None,
    session=SessionConfig(instructions="Bill.", audio=PCM16_24K, tools=(REFUND, HANG_UP)),
)


@pytest.fixture
def book() -> Playbook:
    """A call in which a function wants to hand over, and the model has said so."""
    book = Playbook(others="scripted")
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.CallerTranscript("u1", "My bill?", final=True))
    book.feed(ev.ResponseStarted("r1"), ev.ModelTranscript("r1", "i1", "One moment.", final=True))
    book.feed(ev.ModelAudio("r1", "i1", speech(1500)), ev.ModelAudioDone("r1", "i1"))
    book.feed(ev.ToolRequested("r1", "c1", "book", "{}"), ev.ResponseDone("r1"))
    book.feed(ev.HandOverWanted(BILLING), ev.ToolFinished("c1", "ok"))
    return book


def opened(book: Playbook) -> cmd.OpenSession:
    (command,) = book.sent(cmd.OpenSession)
    assert isinstance(command, cmd.OpenSession)
    return command


def test_the_other_agents_session_is_opened_and_the_present_one_asked_for_nothing_more(book: Playbook) -> None:
    assert opened(book) == cmd.OpenSession(1, agent="billing")
    assert book.call.settings_to_come is BILLING
    book.hear(0.5)
    assert book.sent(cmd.RequestResponse) == []


def test_it_takes_over_once_what_was_said_has_been_heard(book: Playbook) -> None:
    book.connect(1)
    book.hear(1.0)
    assert book.sent(cmd.UseSession) == []
    book.hear(0.6)
    assert book.sent(cmd.UseSession) == [cmd.UseSession(1)]
    assert book.sent(cmd.CloseSession) == [cmd.CloseSession(0)]


def test_it_knows_what_was_said_and_introduces_itself(book: Playbook) -> None:
    book.connect(1)
    book.hear(2.0)
    told = [command.text for command in book.sent(cmd.AddMessage)]
    assert told[:3] == ["Hello.", "My bill?", "One moment."]
    assert "You take over this telephone call from test" in told[-1]
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse()]
    book.say("s1-r1", "s1-i1", 500, "Billing here.")
    book.hear(1.0)
    assert [turn.heard for turn in book.call.turns(book.now)][-1] == "Billing here."


def test_an_agent_with_a_greeting_says_that() -> None:
    book = Playbook(others="scripted")
    book.greet()
    book.feed(ev.HandOverWanted(settings(agent="billing", greeting="Billing, hello.")))
    book.connect(1)
    book.hear(0.5)
    assert [command.text for command in book.sent(cmd.SpeakVerbatim)] == ["Hello.", "Billing, hello."]


def test_from_then_on_its_functions_are_those_there_are(book: Playbook) -> None:
    book.connect(1)
    book.hear(2.0)
    book.feed(ev.ResponseStarted("s1-r1"), ev.ToolRequested("s1-r1", "s1-c1", "refund", "{}"))
    assert cmd.RunTool("s1-c1", "refund", "{}") in book.sent(cmd.RunTool), "it has no side effects"
    assert book.call.settings_to_come.agent == "billing"


def test_an_agent_who_cannot_be_had_leaves_the_caller_with_the_present_one(book: Playbook) -> None:
    book.feed(ev.ModelLost("nobody there", None, 1))
    assert "billing is not available" in book.sent(cmd.AddMessage)[-1].text
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse()]
    assert book.call.settings_to_come.agent == "test"
    book.say("r2", "i2", 500, "Sorry.")
    book.hear(2.0)
    assert book.ending is None


def test_an_agent_who_takes_too_long_is_not_waited_for(book: Playbook) -> None:
    book.hear(9.0)
    assert book.sent(cmd.CloseSession) == [cmd.CloseSession(1)]
    assert book.call.settings_to_come.agent == "test"


def test_a_session_that_is_lost_meanwhile_is_replaced_by_the_other_agents(book: Playbook) -> None:
    book.feed(ev.ModelLost("gone", None, 0))
    book.connect(1)
    book.hear(0.2)
    assert book.sent(cmd.UseSession) == [cmd.UseSession(1)]
    assert book.call.settings_to_come.agent == "billing"


def test_a_second_hand_over_while_the_first_goes_on_is_passed_over(book: Playbook) -> None:
    book.feed(ev.HandOverWanted(settings(agent="support")))
    assert opened(book).agent == "billing"
    assert book.call.settings_to_come is BILLING


def test_nobody_takes_over_a_call_that_ends() -> None:
    book = Playbook(others="scripted")
    book.greet()
    book.feed(ev.ServerStopping(), ev.HandOverWanted(BILLING))
    assert book.sent(cmd.OpenSession) == []


def test_the_other_agents_bounds_on_silence_hold_and_the_first_ones_on_the_length_of_the_call() -> None:
    patient = settings(agent="billing", greeting=None, limits=Limits(caller_silence=0, max_duration=20))
    book = Playbook(others="there", limits=Limits(caller_silence=5, max_duration=90, max_duration_warning=0))
    book.greet()
    book.feed(ev.HandOverWanted(patient))
    book.hear(0.5)
    assert book.sent(cmd.UseSession)
    book.say("r9", "i9", 500, "Billing.")
    book.hear(40)
    assert phrases.STILL_THERE not in [command.instructions for command in book.sent(cmd.RequestResponse)]
    book.hear(40)
    assert book.sent(cmd.HangUp) == []
    book.hear(20)
    assert [command.reason for command in book.sent(cmd.HangUp)] == ["maximum duration"]
