"""What tools want of the call: something said, the end, somebody else; and callers who come back from there."""

from __future__ import annotations

import pytest

from playbook import Playbook
from telephony import commands as cmd
from telephony import events as ev
from telephony.settings import Limits, Prologue, Ran, Tariffs


@pytest.fixture
def book() -> Playbook:
    """A call in which a tool runs, so that nobody owes anything but its answer."""
    book = Playbook()
    book.reach("tool")
    return book


def verbatim(book: Playbook) -> list[str]:
    """What the model was told to say, behind the greeting."""
    return [command.text for command in book.sent(cmd.SpeakVerbatim)[1:]]


def test_a_machine_that_speaks_on_is_hung_up_on_all_the_same() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.HangUpWanted("a machine answered", final=True))
    book.hear(0.1)
    book.feed(ev.SpeechStopped("u1"), ev.SpeechStarted("u2"), ev.KeyPressed("1"))
    book.hear(2.0)
    assert book.sent(cmd.HangUp) == [cmd.HangUp("CA1", "a machine answered")]


# -- keys that we sound --------------------------------------------------------------------------------------------


def test_something_is_said_word_for_word(book: Playbook) -> None:
    book.feed(ev.SpeechWanted("Hold on."))
    assert verbatim(book) == ["Hold on."]


def test_a_tool_ends_the_call_once_the_models_last_words_were_heard(book: Playbook) -> None:
    book.feed(ev.HangUpWanted("done", "c1"), ev.ToolFinished("c1", "ok"))
    assert book.sent(cmd.HangUp) == []
    book.say("r5", "i5", 1000, "Goodbye.")
    book.hear(1.2)
    assert book.sent(cmd.HangUp) == [cmd.HangUp("CA1", "done")]


def test_a_goodbye_that_was_said_before_the_tool_ran_is_not_asked_for_again() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"), ev.ResponseStarted("r1"))
    book.feed(ev.ModelAudio("r1", "i1", b"\x01\x00" * 24000), ev.ModelAudioDone("r1", "i1"))
    book.feed(ev.ToolRequested("r1", "c1", "book", "{}"), ev.ResponseDone("r1"))
    book.feed(ev.HangUpWanted("done", "c1"), ev.ToolFinished("c1", "ok"))
    book.hear(1.3)
    assert book.sent(cmd.RequestResponse) == []
    assert book.sent(cmd.HangUp) == [cmd.HangUp("CA1", "done")]


# -- being put through ---------------------------------------------------------------------------------------------

BILLING = cmd.Sending("billing", timeout=15)


def test_a_caller_is_put_through_once_the_models_words_were_heard(book: Playbook) -> None:
    book.feed(ev.TransferWanted("+15550177", BILLING, "c1"), ev.ToolFinished("c1", "ok"))
    assert book.sent(cmd.HangUp) == []
    book.say("r5", "i5", 1000, "One moment.")
    book.hear(1.2)
    assert book.sent(cmd.HangUp) == [cmd.HangUp("CA1", "transferred to billing", "+15550177", BILLING)]
    book.feed(ev.HangUpAnswered(), ev.CarrierStopped())
    assert book.ending == cmd.EndCall("completed", "agent", "transferred to billing")


def test_a_caller_who_speaks_up_before_stays_and_the_model_is_told_so(book: Playbook) -> None:
    book.feed(ev.TransferWanted("+15550177", BILLING, "c1"), ev.ToolFinished("c1", "ok"))
    book.say("r5", "i5", 2000, "One moment.")
    book.hear(0.5)
    book.feed(ev.SpeechStarted("u2"), ev.SpeechStopped("u2"))
    assert "still with you" in book.sent(cmd.AddMessage)[-1].text
    book.hear(3.0)
    assert book.sent(cmd.HangUp) == []


def test_whoever_waits_for_the_caller_is_announced_and_not_left_alone_for_another_word(book: Playbook) -> None:
    mary = cmd.Sending("mary", room="room-1")
    book.say("r4", "i4", 400, "I will ask her.")
    book.feed(ev.TransferWanted("+15550177", mary, "c1"), ev.ToolFinished("c1", "She is on the line."))
    book.say("r5", "i5", 2000, "You are put through.")
    book.hear(0.5)
    book.feed(ev.SpeechStarted("u2"), ev.SpeechStopped("u2"))
    assert book.sent(cmd.AddMessage) == []
    book.hear(3.0)
    assert book.sent(cmd.HangUp) == [cmd.HangUp("CA1", "transferred to mary", "+15550177", mary)]


@pytest.mark.parametrize(
    ("wanted", "released"),
    [
        (ev.HangUpWanted("misuse", operator=True), cmd.HangUp("CA1", "misuse")),
        (
            ev.TransferWanted("+15550177", BILLING, operator=True),
            cmd.HangUp("CA1", "transferred to billing", "+15550177", BILLING),
        ),
    ],
)
@pytest.mark.parametrize("leaving", [False, True], ids=["while they talk", "during the agent's goodbye"])
def test_what_an_operator_wants_the_caller_cannot_call_off(
    wanted: ev.Event, released: cmd.HangUp, leaving: bool
) -> None:
    book = Playbook()
    book.greet()
    book.say("r5", "i5", 2000, "Let me tell you.")
    if leaving:
        book.feed(ev.HangUpWanted("done"))
    book.feed(wanted)
    book.hear(0.5)
    book.feed(ev.SpeechStarted("u2"), ev.SpeechStopped("u2"))
    book.hear(20.0)
    assert book.sent(cmd.HangUp) == [released]
    book.feed(ev.HangUpAnswered(), ev.CarrierStopped())
    assert book.ending == cmd.EndCall("completed", "operator", released.reason)


def test_a_function_may_tell_the_model_what_to_say_in_its_own_words(book: Playbook) -> None:
    book.feed(ev.SpeechWanted("Ask for patience.", verbatim=False))
    assert book.sent(cmd.RequestResponse)[-1] == cmd.RequestResponse("Ask for patience.")


def test_a_caller_whom_the_carrier_does_not_send_on_is_with_the_agent_again(book: Playbook) -> None:
    book.feed(ev.TransferWanted("+15550177", BILLING, "c1"), ev.ToolFinished("c1", "ok"))
    book.say("r5", "i5", 500, "One moment.")
    book.hear(0.8)
    book.feed(ev.HangUpAnswered("Twilio: 21220"))
    assert "did not put the caller through" in book.sent(cmd.AddMessage)[-1].text
    assert isinstance(book.log[-1][1], cmd.RequestResponse)
    book.say("r6", "i6", 500, "I am sorry.")
    book.hear(2.0)
    assert book.ending is None
    assert [turn.heard for turn in book.call.turns(book.now)][-1] == "I am sorry."


def test_a_transfer_wanted_while_the_call_ends_anyway_does_nothing(book: Playbook) -> None:
    book.feed(ev.ServerStopping(), ev.TransferWanted("+15550177", BILLING, "c1"))
    book.wait(60)
    assert {command.transfer_to for command in book.sent(cmd.HangUp)} == {""}


def test_a_caller_who_comes_back_is_not_greeted_and_the_model_knows_what_was_before() -> None:
    book = Playbook(prologue=Prologue("caller: Billing, please.", "[Nobody answered there.]"), greeting=None)
    book.connect()
    said = [command.text for command in book.sent(cmd.AddMessage)]
    assert "caller: Billing, please." in said[0]
    assert said[1] == "[Nobody answered there.]"
    assert book.sent(cmd.RequestResponse) == [cmd.RequestResponse()]
    assert book.sent(cmd.SpeakVerbatim) == []


def test_a_caller_who_comes_back_is_with_a_model_that_knows_what_was_done() -> None:
    ordered = Ran("c1", "order", "{}", "Ordered.")
    book = Playbook(prologue=Prologue("caller: One.", "[Nobody answered.]", (ordered,)), greeting=None)
    before = book.connect()
    told = [command for command in before if isinstance(command, cmd.AddMessage | cmd.AddToolCall | cmd.SendToolOutput)]
    assert told[1:3] == [cmd.AddToolCall("c1", "order", "{}"), cmd.SendToolOutput("c1", "Ordered.")]
    assert told[3] == cmd.AddMessage("[Nobody answered.]", "system")


def test_a_call_that_comes_back_is_no_longer_than_one_that_does_not() -> None:
    limits = Limits(max_duration=100, max_duration_warning=0, caller_silence=0)
    book = Playbook(prologue=Prologue("", "[Nobody answered.]", seconds=70), limits=limits)
    book.greet()
    book.hear(25)
    assert book.sent(cmd.HangUp) == []
    book.hear(10)
    assert [command.reason for command in book.sent(cmd.HangUp)] == ["maximum duration"]


def test_a_call_that_comes_back_costs_no_more_than_one_that_does_not() -> None:
    limits, tariffs = Limits(max_cost=1.0, caller_silence=0), Tariffs(carrier_minute=1.2)
    book = Playbook(prologue=Prologue("", "[Nobody answered.]", cost=0.8), limits=limits, tariffs=tariffs)
    book.greet()
    book.hear(8)
    assert book.sent(cmd.HangUp) == []
    book.hear(8)
    assert [command.reason for command in book.sent(cmd.HangUp)] == ["maximum cost"]
    assert 1.0 <= book.call.state.meter.cost(book.now) < 1.2
