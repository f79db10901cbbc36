"""Both at once, for nothing interrupted, said twice."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.diagnosis.speech import OVERLAP, false_interruptions, overlaps, repeated_answers
from telephony.records import Evidence, Moment, Stretch, Turn


def evidence(**parts: Any) -> Evidence:
    empty: dict[str, Any] = {"turns": [], "tools": [], "moments": [], "agent": [], "owed": []}
    return Evidence(60.0, **(empty | parts))


def caller(since: float, until: float, heard: str = "yes", **values: Any) -> Turn:
    return Turn("caller", heard=heard, started_at=since, ended_at=until, **values)


def agent(since: float, until: float, heard: str, **values: Any) -> Turn:
    return Turn("agent", heard=heard, started_at=since, ended_at=until, **values)


# -- both at once ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "minded"), [(OVERLAP, True), (OVERLAP - 0.01, False)])
def test_both_may_speak_at_once_for_a_moment(length: float, minded: bool) -> None:
    found = evidence(turns=[caller(4.0, 4.0 + length)], agent=[Stretch(2.0, 9.0)])
    assert bool(list(overlaps(found))) == minded


def test_a_breath_of_the_agent_does_not_end_an_overlap() -> None:
    found = evidence(turns=[caller(4.0, 6.0)], agent=[Stretch(2.0, 4.9), Stretch(5.1, 9.0)])
    (finding,) = overlaps(found)
    assert (finding.at, finding.seconds) == (4.0, 2.0)


@pytest.mark.parametrize(
    ("moments", "cause"),
    [
        ([], "interruption_slow"),
        ([Moment(3.0, "leaving", "limit")], "goodbye_protected"),
        ([Moment(3.0, "leaving", "agent"), Moment(4.0, "stayed")], "interruption_slow"),
        ([Moment(6.0, "cut")], "interruption_slow"),
    ],
)
def test_why_both_spoke(moments: list[Moment], cause: str) -> None:
    found = evidence(turns=[caller(4.0, 6.0)], agent=[Stretch(2.0, 9.0)], moments=moments)
    assert [finding.cause for finding in overlaps(found)] == [cause]


def test_an_agent_may_begin_too_early() -> None:
    (finding,) = overlaps(evidence(turns=[caller(1.0, 6.0)], agent=[Stretch(4.0, 9.0)]))
    assert (finding.cause, finding.seconds) == ("answered_early", 2.0)


def test_how_an_interruption_was_noticed_late_is_told() -> None:
    turns, agent = [caller(4.0, 6.0)], [Stretch(2.0, 9.0)]
    cut = [Moment(6.0, "cut")]
    (noticed,) = overlaps(evidence(turns=turns, agent=agent, moments=cut))
    (never,) = overlaps(evidence(turns=turns, agent=agent))
    assert noticed.sentence == "both spoke for 2.0 s: the model took 2.0 s to notice that the caller spoke"
    assert never.sentence == "both spoke for 2.0 s: the model did not notice in time that the caller spoke"


def test_keys_are_no_speech() -> None:
    keys = Turn("keypad", heard="1042", started_at=3.0, ended_at=6.0)
    assert list(overlaps(evidence(turns=[keys], agent=[Stretch(2.0, 9.0)]))) == []


def test_sound_that_the_model_is_not_given_is_an_overlap_with_the_greeting() -> None:
    (finding,) = overlaps(evidence(unheard=[Stretch(1.0, 3.5)], agent=[Stretch(0.5, 3.0)]))
    assert (finding.cause, finding.seconds) == ("greeting_protected", 2.0)
    assert finding.sentence == "both spoke for 2.0 s: the greeting cannot be interrupted"


# -- for nothing interrupted -------------------------------------------------------------------------------------------

CUT = agent(2.0, 5.0, "It was sent", unheard="on Monday.", interrupted=True)


@pytest.mark.parametrize(
    ("turns", "minded"),
    [
        ([CUT, caller(4.8, 5.6, "")], True),
        ([CUT, caller(4.8, 5.6, "wait")], False),
        ([CUT, caller(4.8, 5.6, "", final=False)], False),
        ([caller(0.0, 1.0, "hello"), CUT, caller(4.8, 5.6, "", final=False)], True),
        ([agent(2.0, 5.0, "It was sent.", interrupted=True), caller(4.8, 5.6, "")], False),
        ([CUT], False),
    ],
)
def test_the_agent_is_stopped_for_nothing_where_no_word_was_understood(turns: list[Turn], minded: bool) -> None:
    found = list(false_interruptions(evidence(turns=turns, moments=[Moment(5.0, "cut")])))
    assert [finding.cause for finding in found] == (["no_words"] if minded else [])


def test_a_false_interruption_is_as_long_as_the_sound() -> None:
    (finding,) = false_interruptions(evidence(turns=[CUT, caller(4.8, 5.6, "")], moments=[Moment(5.0, "cut")]))
    assert (finding.at, finding.seconds) == (5.0, 0.8)


# -- said twice --------------------------------------------------------------------------------------------------------

ONCE = agent(1.0, 3.0, "It arrives on Thursday, in the morning.")


def again(words: str, *between: Turn, moments: list[Moment] | None = None, **parts: Any) -> list[str]:
    turns = [ONCE, *between, agent(8.0, 10.0, words, item_id="again")]
    found = evidence(turns=turns, moments=moments or [], **parts)
    return [finding.cause for finding in repeated_answers(found)]


@pytest.mark.parametrize(
    ("words", "minded"),
    [
        ("It arrives on Thursday, in the morning.", True),
        ("it arrives on thursday in the morning", True),
        ("It arrives on Thursday in the morning. Anything else?", True),
        ("It arrives on Friday, by van.", False),
        ("Anything else?", False),
    ],
)
def test_practically_the_same_words_are_said_twice(words: str, minded: bool) -> None:
    assert again(words) == (["model_repeated"] if minded else [])


@pytest.mark.parametrize(
    "between", [caller(4.0, 5.0, "sorry?"), Turn("keypad", heard="1", started_at=4.0, ended_at=5.0)]
)
def test_who_is_asked_may_say_it_again(between: Turn) -> None:
    assert again(ONCE.heard, between) == []


@pytest.mark.parametrize(
    ("moment", "causes"),
    [
        (Moment(5.0, "took over", "lost"), ["session_replaced"]),
        (Moment(5.0, "took over", "rotate"), ["model_repeated"]),
        (Moment(5.0, "nudged"), ["asked_again"]),
        (Moment(5.0, "prompted"), []),
        (Moment(5.0, "said"), []),
    ],
)
def test_why_it_was_said_twice(moment: Moment, causes: list[str]) -> None:
    assert again(ONCE.heard, moments=[moment]) == causes


def test_a_word_or_two_and_recorded_sentences_may_come_twice() -> None:
    twice = [agent(1.0, 2.0, "One moment."), agent(3.0, 4.0, "One moment.")]
    assert list(repeated_answers(evidence(turns=twice))) == []
    assert again(ONCE.heard, recorded=frozenset({"again"})) == []
