"""The rules one by one, and in which order they are tried."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from telephony.diagnosis import causes
from telephony.diagnosis.causes import RULES, STEPS, explain
from telephony.diagnosis.silence import Silence, Wait
from telephony.records import Cause, Evidence, Moment, Stretch, ToolUse

HERE = Stretch(10.0, 14.0)
"""The wait of these tests: four seconds after the caller had spoken, and then the agent is heard."""
BEGUN = [Moment(0.1, "connected"), Moment(0.2, "ready"), Moment(0.2, "took over", "first")]


def wait(stretch: Stretch = HERE, **values: Any) -> Wait:
    silence = {"before": Stretch(8.0, 10.0), "caller_before": True, "agent_after": True} | values
    return Wait(stretch, Silence(stretch, **silence))


def evidence(*moments: Moment, begun: bool = True, **parts: Any) -> Evidence:
    known: dict[str, Any] = {"turns": [], "tools": [], "agent": [], "owed": []}
    return Evidence(60.0, moments=[*(BEGUN if begun else []), *moments], **(known | parts))


def cause(found: Evidence, waited: Wait | None = None) -> tuple[str, str]:
    finding = explain(found, waited or wait())
    return finding.cause, finding.sentence.partition(": ")[2]


def tool(name: str, since: float, until: float | None, outcome: Any = "ok") -> ToolUse:
    return ToolUse(f"{name}{since}", name, "{}", "", outcome, since, until)


def test_a_finding_has_place_length_and_a_sentence() -> None:
    finding = explain(evidence(), wait())
    assert (finding.at, finding.seconds, finding.kind, finding.cause) == (10.0, 4.0, "pause", "unexplained")
    assert finding.sentence == "silent 4.0 s: nothing that was seen explains it"


# -- sessions --------------------------------------------------------------------------------------------------------


def test_nobody_was_ever_there() -> None:
    gone = Moment(12.0, "gone", "connection refused")
    assert cause(evidence(gone, begun=False)) == (
        "model_unreachable",
        "no model could be reached (connection refused)",
    )
    assert cause(evidence(gone))[0] != "model_unreachable"


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ([Moment(3.0, "connected"), Moment(3.5, "took over")], ("connect_slow", "it took 3.0 s to reach the model")),
        (
            [Moment(0.5, "connected"), Moment(3.5, "took over")],
            ("session_slow", "the model took 3.0 s to accept the session"),
        ),
        (
            [Moment(0.5, "connected"), Moment(3.5, "unacknowledged"), Moment(3.5, "took over")],
            ("session_not_acknowledged", "the model did not accept the session for 3.0 s"),
        ),
    ],
)  # fmt: skip
def test_a_slow_start(moments: list[Moment], expected: tuple[str, str]) -> None:
    first = wait(Stretch(0.0, 4.0), before=None, caller_before=False)
    assert cause(evidence(*moments, begun=False), first) == expected


def test_a_start_that_takes_less_than_half_of_the_wait_is_not_to_blame() -> None:
    moments = [Moment(1.0, "connected"), Moment(1.5, "took over"), Moment(3.8, "opened"), Moment(3.9, "spoke")]
    first = wait(Stretch(0.0, 4.0), before=None, caller_before=False)
    assert cause(evidence(*moments, begun=False), first)[0] == "response_slow"


def test_a_session_that_is_lost_in_the_wait_or_while_that_is_said_before_it() -> None:
    for at in (9.0, 11.0):
        found = evidence(Moment(at, "lost", "reset"), Moment(at + 1.5, "took over", "lost"))
        assert cause(found) == ("model_lost", "the model was lost (reset) and another one took over after 1.5 s")
    assert cause(evidence(Moment(11.0, "lost", "reset"))) == (
        "model_lost",
        "the model was lost (reset) and no other one took over",
    )
    assert cause(evidence(Moment(7.0, "lost", "reset"), Moment(7.1, "took over", "lost")))[0] == "unexplained"


def test_a_loss_that_was_made_good_long_before_is_not_to_blame() -> None:
    said = wait(Stretch(20.0, 22.0), before=Stretch(8.0, 20.0))
    assert cause(evidence(Moment(9.0, "lost", "reset"), Moment(9.5, "took over", "lost")), said)[0] == "unexplained"


def test_a_session_that_gave_way_because_it_was_silent() -> None:
    found = evidence(Moment(11.0, "nudged"), Moment(13.0, "took over", "suspect"))
    assert cause(found) == ("model_silent", "the model fell silent and another one took its place after 3.0 s")


def test_a_session_that_only_grew_old_is_no_reason() -> None:
    assert cause(evidence(Moment(11.0, "took over", "rotate")))[0] == "unexplained"


# -- responses -------------------------------------------------------------------------------------------------------


def test_a_response_that_failed_comes_before_what_was_done_about_it() -> None:
    assert cause(evidence(Moment(11.0, "failed", "rate_limit"), Moment(11.0, "nudged"))) == (
        "response_failed",
        "the model's response failed (rate_limit)",
    )
    assert cause(evidence(Moment(11.0, "failed")))[1] == "the model's response failed (no reason given)"


def test_an_answer_that_had_to_be_asked_for_again() -> None:
    assert cause(evidence(Moment(13.0, "nudged"), Moment(13.5, "opened"))) == (
        "reply_dropped",
        "the model gave no answer and was asked again after 3.0 s",
    )


@pytest.mark.parametrize(
    ("moments", "more"), [([], ""), ([Moment(13.0, "nudged")], " and was asked again after 3.0 s")]
)
def test_a_model_that_stops_in_mid_sentence(moments: list[Moment], more: str) -> None:
    after = wait(caller_before=False)
    why = f"the model stopped in the middle of what it was saying{more}"
    assert cause(evidence(*moments, owed=[Stretch(8.0, 14.0)]), after) == ("model_stalled", why)


def test_a_model_that_begins_something_new_did_not_stop_in_mid_sentence() -> None:
    after = wait(caller_before=False)
    owed = [Stretch(8.0, 14.0)]
    assert cause(evidence(Moment(13.0, "opened"), owed=owed), after)[0] == "response_slow"
    assert cause(evidence(owed=[Stretch(11.0, 14.0)]), after)[0] == "unexplained"
    assert cause(evidence(owed=owed, tools=[tool("a", 9.0, 13.0)]), after)[0] == "tool_without_say"


# -- the way to the ear ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "expected"), [(2.0, "sent_late"), (1.9, "unexplained")])
def test_a_process_that_does_not_come_to_it_for_half_of_the_wait(seconds: float, expected: str) -> None:
    assert cause(evidence(Moment(13.0, "woke late", seconds=seconds)))[0] == expected


@pytest.mark.parametrize(("until", "expected"), [(12.0, "stream_stalled"), (11.9, "unexplained")])
def test_a_carrier_that_sends_nothing_for_half_of_the_wait(until: float, expected: str) -> None:
    assert cause(evidence(stalled=[Stretch(5.0, until)]))[0] == expected


@pytest.mark.parametrize(("late", "expected"), [(2.0, "played_late"), (1.9, "unexplained")])
def test_a_carrier_that_plays_late_by_half_of_the_wait(late: float, expected: str) -> None:
    assert cause(evidence(), wait(late=late))[0] == expected


# -- functions -------------------------------------------------------------------------------------------------------


def test_a_tool_with_and_without_a_say() -> None:
    used = [tool("look_up", 10.5, 13.1)]
    assert cause(evidence(tools=used)) == ("tool_without_say", "tool look_up took 2.6 s and has no `say`")
    assert cause(evidence(tools=used, with_say={"look_up": 1.0})) == (
        "tool_outlasted_say",
        "tool look_up took 2.6 s, which its `say` did not cover",
    )


def test_a_say_that_comes_later_than_the_answer_is_told_with_its_time() -> None:
    used = [tool("look_up", 10.5, 13.1)]
    assert cause(evidence(tools=used, with_say={"look_up": 3.0})) == (
        "tool_outlasted_say",
        "tool look_up took 2.6 s, and its `say` comes only after 3 s",
    )


def test_a_tool_in_the_background_explains_no_wait() -> None:
    used = [tool("look_up", 9.0, 13.1)]
    (call_id,) = (use.call_id for use in used)
    assert cause(evidence(tools=used, detached={call_id: 9.5}))[0] != "tool_without_say"


def test_a_tool_that_timed_out_is_named_before_others() -> None:
    used = [tool("a", 10.5, 11.0), tool("slow", 11.0, 13.0, "timeout")]
    assert cause(evidence(tools=used)) == ("tool_timed_out", "tool slow was given up after 2.0 s")


def test_tools_in_a_row_are_named_together_and_tools_side_by_side_are_not() -> None:
    row = [tool("a", 10.5, 11.5), tool("b", 11.6, 13.0)]
    assert cause(evidence(tools=row)) == ("tool_chain", "2 tools ran one after the other and took 2.4 s (a, b)")
    beside = [tool("a", 10.5, 11.5), tool("b", 10.6, 13.0)]
    assert cause(evidence(tools=beside)) == ("tool_without_say", "tool b took 2.4 s and has no `say`")


def test_a_tool_that_still_runs_counts_until_now() -> None:
    assert cause(evidence(tools=[tool("a", 11.0, None)]))[0] == "tool_without_say"


def test_quick_tools_between_two_answers_of_the_model() -> None:
    moments = [Moment(10.6, "stopped"), Moment(11.5, "opened"), Moment(13.0, "opened"), Moment(13.9, "spoke")]
    assert cause(evidence(*moments, tools=[tool("a", 11.6, 12.1)])) == (
        "tool_round_trip",
        "the model called tool a (which took 0.5 s) without a word, and was asked again after it",
    )
    slow = [Moment(10.6, "stopped"), Moment(13.3, "opened"), Moment(13.9, "spoke")]
    assert cause(evidence(*slow, tools=[tool("a", 13.4, 13.5)]))[0] == "response_slow"


# -- the steps of an answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stopped", "opened", "spoke", "expected"),
    [
        (13.0, 13.3, 13.9, ("vad_slow", "the model took 3.0 s to notice that the caller had stopped")),
        (10.5, 13.3, 13.9, ("response_slow", "the model took 2.8 s to begin an answer")),
        (10.5, 10.8, 13.9, ("audio_slow", "the model took 3.1 s from the beginning of its answer to the first sound")),
    ],
)
def test_the_longest_step_is_named(stopped: float, opened: float, spoke: float, expected: tuple[str, str]) -> None:
    assert cause(evidence(Moment(stopped, "stopped"), Moment(opened, "opened"), Moment(spoke, "spoke"))) == expected


def test_where_no_step_stands_out_all_are_told() -> None:
    found = evidence(Moment(11.3, "stopped"), Moment(12.6, "opened"), Moment(14.0, "spoke"))
    slug, why = cause(found)
    assert slug == "audio_slow"
    assert why == (
        "the model took 1.3 s to notice that the caller had stopped, 1.3 s to begin an answer, "
        "1.4 s from the beginning of its answer to the first sound"
    )


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ([Moment(10.5, "stopped")], ("response_slow", "the model had begun no answer after 3.5 s")),
        (
            [Moment(10.5, "stopped"), Moment(10.8, "opened")],
            ("audio_slow", "the model had begun an answer and made no sound after 3.2 s"),
        ),
        ([], ("unexplained", "nothing that was seen explains it")),
    ],
)
def test_a_caller_who_waits_no_longer_leaves_the_step_that_was_missing(
    moments: list[Moment], expected: tuple[str, str]
) -> None:
    assert cause(evidence(*moments), wait(agent_after=False)) == expected


def test_a_recorded_sentence_is_not_the_answer_that_was_missing() -> None:
    assert cause(evidence(Moment(10.0, "opened"))) == (
        "audio_slow",
        "the model had begun an answer and made no sound after 4.0 s",
    )


# -- the whole -------------------------------------------------------------------------------------------------------


def test_a_caller_who_was_asked_whether_they_are_there_is_the_first_thing_to_say() -> None:
    asked = Wait(HERE, Silence(HERE), prompted=True)
    assert explain(evidence(Moment(11.0, "lost", "reset")), asked).cause == "caller_silent"


def test_every_cause_that_is_named_is_of_the_closed_list() -> None:
    assert {cause for cause, _ in STEPS.values()} <= set(get_args(Cause))
    assert len(set(RULES)) == len(RULES)
    assert all(rule.__module__ == causes.__name__ for rule in RULES)
