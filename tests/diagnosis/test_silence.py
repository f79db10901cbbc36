"""Silences, and which of them are waits."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.diagnosis.silence import PAUSE, caller_stretches, held_up_by_us, silences, waits
from telephony.records import Evidence, Moment, Stretch, Turn


def evidence(until: float = 20.0, **parts: Any) -> Evidence:
    empty: dict[str, Any] = {"turns": [], "tools": [], "moments": [], "agent": [], "owed": []}
    return Evidence(until, **(empty | parts))


def caller(since: float, until: float | None) -> Turn:
    return Turn("caller", heard="yes", started_at=since, ended_at=until)


def spans(found: Evidence, pause: float = PAUSE) -> list[tuple[float, float]]:
    return [(wait.stretch.since, wait.stretch.until) for wait in waits(found, pause)]


def test_a_silence_is_where_neither_side_is_heard() -> None:
    found = list(silences(evidence(turns=[caller(4.0, 6.0)], agent=[Stretch(1.0, 3.0), Stretch(5.0, 9.0)])))
    assert [(s.stretch.since, s.stretch.until) for s in found] == [(0.0, 1.0), (3.0, 4.0), (9.0, 20.0)]
    assert [(s.caller_before, s.agent_after) for s in found] == [(False, True), (False, False), (False, False)]


def test_a_stretch_within_another_ends_no_silence_earlier() -> None:
    found = list(silences(evidence(agent=[Stretch(1.0, 10.0)], turns=[caller(2.0, 3.0)])))
    assert [(s.stretch.since, s.stretch.until) for s in found] == [(0.0, 1.0), (10.0, 20.0)]
    assert not found[-1].caller_before


def test_a_caller_who_takes_their_time_makes_nobody_wait() -> None:
    assert waits(evidence(agent=[Stretch(0.0, 1.0)], turns=[caller(9.0, 10.0)])) == []


def test_after_the_caller_has_spoken_the_whole_silence_is_waited() -> None:
    found = evidence(turns=[caller(1.0, 2.0)], agent=[Stretch(0.0, 0.5), Stretch(5.0, 6.0)], owed=[Stretch(2.6, 4.9)])
    assert spans(found) == [(2.0, 5.0)]


def test_after_the_agent_has_spoken_only_what_was_owed_is_waited() -> None:
    found = evidence(agent=[Stretch(0.0, 1.0), Stretch(8.0, 9.0)], owed=[Stretch(4.0, 7.9)])
    assert spans(found) == [(4.0, 8.0)]


def test_a_wait_in_which_nothing_comes_ends_when_nothing_is_owed_any_more() -> None:
    assert spans(evidence(agent=[Stretch(0.0, 1.0)], owed=[Stretch(3.0, 7.0)])) == [(3.0, 7.0)]


@pytest.mark.parametrize(("length", "minded"), [(1.99, False), (2.0, True)])
def test_only_what_is_long_is_minded(length: float, minded: bool) -> None:
    found = evidence(turns=[caller(0.0, 2.0)], agent=[Stretch(2.0 + length, 9.0)], owed=[Stretch(2.1, 2.2)])
    assert bool(waits(found)) == minded


def test_before_the_greeting_the_caller_waits_too() -> None:
    assert spans(evidence(agent=[Stretch(3.0, 20.0)], owed=[Stretch(0.0, 2.9)])) == [(0.0, 3.0)]
    assert spans(evidence(agent=[Stretch(3.0, 20.0)])) == [], "an agent that does not speak first"


def test_after_keys_the_wait_begins_when_no_more_are_waited_for() -> None:
    keys = Turn("keypad", heard="12", started_at=1.0, ended_at=2.0)
    found = evidence(
        turns=[keys],
        agent=[Stretch(0.0, 0.5), Stretch(7.0, 8.0)],
        moments=[Moment(4.0, "took keys")],
        owed=[Stretch(4.0, 6.9)],
    )
    assert spans(found) == [(4.0, 7.0)]


def test_a_gap_within_one_turn_of_the_agent_is_waited() -> None:
    turn = Turn("agent", heard="It arrives on Thursday.", started_at=0.0, ended_at=8.0)
    assert spans(evidence(8.0, turns=[turn], agent=[Stretch(0.0, 1.0), Stretch(5.0, 8.0)])) == [(1.0, 5.0)]


def test_a_caller_who_had_to_be_asked_is_a_wait_of_its_own() -> None:
    found = evidence(
        agent=[Stretch(0.0, 1.0), Stretch(14.0, 15.0)], moments=[Moment(11.0, "prompted")], owed=[Stretch(11.0, 13.9)]
    )
    assert spans(found) == [(1.0, 11.0), (11.0, 14.0)]
    assert [wait.prompted for wait in waits(found)] == [True, False]


def test_words_that_are_held_up_are_waited_for() -> None:
    found = evidence(turns=[caller(8.0, 20.0)], agent=[Stretch(0.0, 1.0)], stalled=[Stretch(3.0, 7.0)])
    assert spans(found) == [(3.0, 7.0)]


def test_what_is_played_late_is_waited_for() -> None:
    found = evidence(until=9.0, agent=[Stretch(0.0, 1.0), Stretch(6.0, 9.0, 3.5)])
    assert spans(found) == [(2.5, 6.0)]


@pytest.mark.parametrize(("what", "at", "end"), [("opened", 5.0, 5.0), ("lost", 6.0, 6.0), ("ready", 5.0, 20.0)])
def test_a_turn_whose_end_nobody_told_ends_with_what_follows(what: Any, at: float, end: float) -> None:
    found = evidence(turns=[caller(1.0, None)], moments=[Moment(0.5, "opened"), Moment(at, what)])
    assert caller_stretches(found) == [Stretch(1.0, end)]


def test_how_long_we_were_late_ourselves_is_counted_within_the_silence() -> None:
    late = [Moment(5.0, "woke late", seconds=3.0), Moment(9.0, "woke late", seconds=0.5)]
    assert held_up_by_us(evidence(moments=late), Stretch(4.0, 10.0)) == 1.5


def test_while_a_model_is_looked_for_that_never_comes_the_caller_waits() -> None:
    gone = Moment(8.0, "gone", "refused")
    assert spans(evidence(agent=[Stretch(8.0, 20.0)], moments=[gone])) == [(0.0, 8.0)]
    begun = [Moment(1.0, "took over", "first"), gone]
    assert spans(evidence(agent=[Stretch(8.0, 20.0)], moments=begun)) == []


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ([Moment(5.0, "leaving", "limit")], []),
        ([Moment(5.0, "leaving", "agent"), Moment(5.5, "stayed")], [(7.0, 12.0)]),
        ([Moment(7.5, "leaving", "limit")], [(7.0, 12.0)]),
    ],
)
def test_after_the_last_words_nobody_waits(moments: list[Moment], expected: list[tuple[float, float]]) -> None:
    assert spans(evidence(12.0, agent=[Stretch(4.0, 7.0)], owed=[Stretch(5.0, 12.0)], moments=moments)) == expected
