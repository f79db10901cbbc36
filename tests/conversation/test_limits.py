"""The watchdogs alone: which of them is due when."""

from __future__ import annotations

from telephony.conversation.limits import Watchdogs
from telephony.settings import Limits


def dogs(**limits: float) -> Watchdogs:
    return Watchdogs(Limits.model_validate({"max_duration": 100, **limits}), 0.0)


def test_an_answer_is_owed_from_the_first_moment_it_was_due() -> None:
    watch = dogs(dead_air=5)
    watch.owe(10.0)
    watch.owe(12.0)
    assert watch.deadline() == 15.0
    assert not watch.dead_air(14.9)
    assert watch.dead_air(15.0)


def test_hearing_something_settles_what_is_owed_and_forgets_the_nudges() -> None:
    watch = dogs()
    watch.owe(10.0)
    watch.nudged(15.0)
    assert watch.deadline() == 20.0
    watch.answered()
    assert watch.nudges == 0
    assert not watch.dead_air(99.0)


def test_a_pause_does_not_count_and_what_was_waited_before_does() -> None:
    watch = dogs()
    watch.owe(10.0)
    watch.nudged(15.0)
    watch.paused(18.0)
    assert not watch.dead_air(99.0)
    watch.owe(30.0)
    assert watch.deadline() == 32.0
    assert not watch.dead_air(31.9)
    assert watch.dead_air(32.0)
    assert watch.nudges == 1


def test_silence_counts_from_when_both_fell_silent_and_can_be_switched_off() -> None:
    watch = dogs(caller_silence=10)
    watch.quiet_from(20.0)
    assert watch.deadline() == 30.0
    assert not watch.silence(29.9)
    assert watch.silence(30.0)
    watch.caller_spoke()
    assert not watch.silence(99.0)
    never = dogs(caller_silence=0)
    never.quiet_from(20.0)
    assert not never.silence(99.0)
    assert never.deadline() == 100.0


def test_a_caller_who_speaks_is_asked_anew() -> None:
    watch = dogs()
    watch.prompts = 2
    watch.caller_spoke()
    assert watch.prompts == 0


def test_the_maximum_duration_is_due_whatever_else_is() -> None:
    assert dogs().deadline() == 100.0


def test_a_warning_comes_before_the_end_and_once() -> None:
    watch = dogs(max_duration=100, max_duration_warning=30)
    assert (watch.warns_at, watch.deadline()) == (70.0, 70.0)
    watch.warns_at = None
    assert watch.deadline() == 100.0


def test_there_is_no_warning_in_the_first_half_of_a_call_nor_where_none_is_wanted() -> None:
    assert dogs(max_duration=100, max_duration_warning=50).warns_at == 50.0
    assert dogs(max_duration=100, max_duration_warning=51).warns_at is None
    assert dogs(max_duration=100, max_duration_warning=0).warns_at is None
