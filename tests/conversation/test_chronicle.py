"""What is kept of a call to explain it later: written where things happen, bounded, and read by nobody meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from playbook import VOICE, Playbook, speech
from telephony import events as ev
from telephony.audio.format import PCM16_24K
from telephony.conversation.chronicle import KEPT, LATE, Chronicle
from telephony.conversation.playback import Playback
from telephony.records import Evidence, Stretch


def evidence(chronicle: Chronicle, now: float = 100.0) -> Evidence:
    return chronicle.evidence(Playback(PCM16_24K), [], [], now, stalled=[])


def told(book: Playbook) -> list[str]:
    return [moment.what for moment in book.call.evidence(book.now).moments]


def owed(book: Playbook) -> list[Stretch]:
    return book.call.evidence(book.now).owed


# -- the owner alone ---------------------------------------------------------------------------------------------------


def test_what_is_owed_is_a_stretch_however_often_it_is_said() -> None:
    chronicle = Chronicle()
    for at, owing in ((1.0, True), (2.0, True), (3.0, False), (4.0, False), (6.0, True)):
        chronicle.owes(owing, at)
    assert evidence(chronicle, 7.0).owed == [Stretch(1.0, 3.0), Stretch(6.0, 7.0)]


def test_sounds_close_to_each_other_are_one() -> None:
    chronicle = Chronicle()
    for since in (1.0, 1.02, 1.4, 3.0):
        chronicle.unheard(since, since + 0.02)
    assert evidence(chronicle).unheard == [Stretch(1.0, 1.42), Stretch(3.0, 3.02)]


@pytest.mark.parametrize(("due", "now", "late"), [(1.0, 1.0 + LATE, True), (1.0, 1.2, False), (None, 9.0, False)])
def test_a_timer_may_be_a_little_late(due: float | None, now: float, late: bool) -> None:
    chronicle = Chronicle()
    chronicle.woke(due, now)
    assert bool(chronicle.moments) == late


def test_it_is_bounded_and_what_comes_after_is_not_spoken_of() -> None:
    chronicle = Chronicle()
    for n in range(KEPT + 10):
        chronicle.add("spoke", float(n))
    chronicle.owes(True, KEPT + 20.0)
    chronicle.owes(False, KEPT + 30.0)
    chronicle.unheard(KEPT + 30.0, KEPT + 31.0)
    found = evidence(chronicle, KEPT + 40.0)
    assert len(found.moments) == KEPT
    assert (found.owed, found.unheard, found.until) == ([], [], float(KEPT))


# -- who writes into it ------------------------------------------------------------------------------------------------


def test_a_call_is_told_from_its_first_session_to_its_end() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.frames(0.5)
    book.say("r1", "i1", 1000, "Yes.")
    book.hear(1.5)
    book.feed(ev.CarrierStopped())
    assert told(book) == [
        *("asked for session", "connected", "ready", "took over", "opened", "spoke"),
        *("stopped", "opened", "spoke", "ended"),
    ]


def test_the_caller_is_owed_an_answer_until_it_is_there_whole() -> None:
    book = Playbook()
    book.greet()
    began = book.now
    book.feed(ev.SpeechStarted("u1"), ev.SpeechStopped("u1"))
    book.frames(1.0)
    book.feed(ev.ResponseStarted("r1"), ev.ModelAudio("r1", "i1", speech(500)))
    book.frames(1.0)
    book.feed(ev.ModelAudioDone("r1", "i1"), ev.ResponseDone("r1"))
    book.frames(1.0)
    assert owed(book)[-1] == Stretch(began, pytest.approx(began + 2.0))


def test_an_agent_that_does_not_speak_first_owes_nothing_at_the_start() -> None:
    for speaks_first, expected in ((True, [Stretch(0.0, 1.0)]), (False, [])):
        book = Playbook(speaks_first=speaks_first)
        book.wait(1.0)
        assert owed(book) == expected


def test_a_running_tool_is_owed_until_its_answer_is_heard_of() -> None:
    book = Playbook()
    book.greet()
    began = book.now
    book.feed(ev.ResponseStarted("r1"), ev.ToolRequested("r1", "c1", "lookup", "{}"), ev.ResponseDone("r1"))
    book.frames(2.0)
    book.feed(ev.ToolFinished("c1", "{}"))
    book.frames(0.5)
    book.say("r2", "i2", 500)
    assert owed(book)[-1] == Stretch(began, pytest.approx(began + 2.5))


@pytest.mark.parametrize(
    ("moment", "event", "what"),
    [
        ("speaking", ev.SpeechStarted("u9"), "cut"),
        ("owing", ev.ResponseDone("r1", "failed", "server_error"), "failed"),
        ("listening", ev.ModelLost("reset"), "lost"),
        ("listening", ev.ServerStopping(), "leaving"),
        ("speaking", ev.KeyPressed("#"), "took keys"),
    ],
)
def test_what_may_explain_a_wait_is_told(moment: str, event: ev.Event, what: Any) -> None:
    book = Playbook(others="there")
    book.reach(moment)
    before = told(book)
    book.feed(event)
    assert what in told(book)[len(before) :]


def test_an_answer_that_is_asked_for_again_and_then_looked_for_elsewhere() -> None:
    book = Playbook(others="there")
    book.reach("owing")
    before = told(book)
    book.wait(12.0)
    after = told(book)[len(before) :]
    assert after.index("nudged") < after.index("asked for session") < after.index("took over")


def test_a_caller_who_is_silent_is_asked() -> None:
    book = Playbook()
    book.greet()
    book.frames(10.1)
    assert told(book)[-1] == "prompted"


def test_a_stop_that_was_never_told_is_noticed_with_its_delay() -> None:
    book = Playbook()
    book.greet()
    book.feed(ev.SpeechStarted("u1"))
    book.line = VOICE
    book.frames(1.0)
    ended = book.now
    book.line = b"\xff" * 160
    book.frames(4.0)
    (stopped,) = [moment for moment in book.call.evidence(book.now).moments if moment.what == "stopped"]
    assert (stopped.detail, stopped.at - stopped.seconds) == ("unnoticed", pytest.approx(ended))
    assert book.call.turns(book.now)[-1].ended_at == pytest.approx(ended)


def test_a_line_that_is_released_says_what_was_still_to_be_heard() -> None:
    book = Playbook()
    book.reach("leaving")
    book.say("r2", "i2", 1000, "Goodbye.")
    book.hear(6.0)
    (released,) = [moment for moment in book.call.evidence(book.now).moments if moment.what == "released"]
    assert released.seconds == 0.0


def test_a_loud_caller_over_a_protected_greeting_is_kept() -> None:
    book = Playbook(greeting_interruptible=False)
    book.connect()
    book.say("r0", "i0", 3000, "Hello.")
    book.frames(0.5)
    book.line = VOICE
    book.frames(1.0)
    assert book.call.evidence(book.now).unheard == [Stretch(pytest.approx(0.5), pytest.approx(1.5))]


def test_frames_of_the_caller_alone_write_nothing() -> None:
    book = Playbook()
    book.greet()
    before = len(book.call.state.chronicle.moments)
    book.line = VOICE
    book.frames(5.0)
    assert len(book.call.state.chronicle.moments) == before


def test_what_has_a_say_and_what_was_recorded_is_told_with_it() -> None:
    book = Playbook()
    book.wait(9.0)
    found = book.call.evidence(book.now)
    assert found.with_say == {"slow": 1.0}
    assert found.recorded == {"local:apology-1"}
