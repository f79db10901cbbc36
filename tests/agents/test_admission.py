"""Who takes a call: the first rule that applies decides, and nothing but its arguments decides with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.agents.admission import Line, Situation
from telephony.agents.hours import Hours
from telephony.errors import ConfigurationError
from telephony.settings import NumberSettings, OpeningHours

CALLER = "+15550142"
NOON = datetime(2026, 11, 30, 12)  # noqa: DTZ001  a clock on a wall
FULL = "1 calls are going on"
OPEN = Hours("open", OpeningHours(timezone="UTC", open={"daily": "0-24"}))
SHUT = Hours("shut", OpeningHours(timezone="UTC"))


def line(hours: Hours | None = None, **settings: Any) -> Line:
    return Line("*", NumberSettings.model_validate({"agent": "desk", **settings}), hours)


def test_without_rules_the_agent_answers() -> None:
    admission = line().admit(CALLER, Situation(failing=["desk"]))
    assert (admission.why, admission.agent, admission.route) == ("open", "desk", None)


def test_a_blocked_caller_is_blocked_also_while_closed() -> None:
    admission = line(SHUT, block=[CALLER]).admit(CALLER, Situation(wall=NOON))
    assert (admission.why, admission.agent, admission.route) == ("blocked", "", None)


def test_a_closed_number_takes_its_way_also_when_all_lines_are_busy() -> None:
    admission = line(SHUT, closed="Bye.").admit(CALLER, Situation(wall=NOON, full=FULL))
    assert (admission.why, admission.agent) == ("closed", "")
    assert admission.route is not None
    assert admission.route.say == "Bye."


def test_another_agent_for_closed_hours_needs_room_and_a_model_as_well() -> None:
    night = line(SHUT, closed={"agent": "night", "say": "Hi."}, outage="Bye.")
    assert night.admit(CALLER, Situation(wall=NOON)).agent == "night"
    assert night.admit(CALLER, Situation(wall=NOON, full=FULL)).why == "overflow"
    assert night.admit(CALLER, Situation(wall=NOON, failing=["night"])).why == "outage"
    assert night.admit(CALLER, Situation(wall=NOON, failing=["desk"])).why == "closed"


def test_without_a_place_the_number_overflows_and_the_record_says_why() -> None:
    admission = line(overflow={"agent": "spare"}).admit(CALLER, Situation(full=FULL, failing=["desk"]))
    assert (admission.why, admission.detail, admission.agent) == ("overflow", FULL, "spare")


def test_a_place_is_asked_for_whoever_would_answer_if_there_were_room_and_a_model() -> None:
    nowhere = Situation(wall=NOON, full=FULL, failing=["desk", "night"])
    assert line().asked(CALLER, nowhere) == "desk"
    assert line(SHUT, closed={"agent": "night"}, outage="Bye.").asked(CALLER, nowhere) == "night"
    assert line(SHUT).asked(CALLER, nowhere) == ""
    assert line(block=[CALLER]).asked(CALLER, nowhere) == ""
    assert line(outage={"agent": "spare"}).asked(CALLER, Situation(draining=True)) == ""


def test_an_outage_has_a_way_of_its_own_only_if_one_is_named() -> None:
    failing = Situation(failing=["desk"])
    assert line().admit(CALLER, failing).why == "open", "the agent's fallback takes the call"
    assert line(outage={"agent": "spare"}).admit(CALLER, failing).agent == "spare"


def test_a_call_that_was_answered_takes_the_way_of_an_outage_too_if_there_is_one_that_can_be_taken() -> None:
    forward = line(outage={"forward": "+15550177"})
    found = forward.stranded("desk", ["desk"])
    assert found
    assert (found.why, found.detail, found.route) == (
        "outage",
        "no model can be reached for desk",
        forward.settings.outage,
    )
    assert forward.stranded("desk", ["night"]) is None
    assert line().stranded("desk", ["desk"]) is None
    assert line(outage={"busy": True}).stranded("desk", ["desk"]) is None
    other = line(outage={"agent": "night"})
    assert (found := other.stranded("desk", ["desk"]))
    assert found.agent == "night"
    assert other.stranded("night", ["night"]) is None, "they would go in a circle"


def test_no_agent_takes_a_call_while_the_process_stops() -> None:
    for settings in ({}, {"outage": {"agent": "spare"}}, {"outage": "Bye."}):
        admission = line(**settings).admit(CALLER, Situation(draining=True))
        assert (admission.why, admission.agent) == ("outage", "")


@pytest.mark.parametrize(
    ("pattern", "blocked", "free"),
    [
        ("+1900*", ["+19005550123", "tel:+1 (900) 555-0123"], ["+1555190055", "anonymous"]),
        ("+1 (555) 010-0", ["+15550100", "15550100"], ["+15550101"]),
        ("anonymous", ["anonymous", "Anonymous", "", "+266696687", "266696687", "Restricted"], ["+15550100"]),
        ("sip:spam@example.com", ["sip:spam@other.example"], ["sip:friend@example.com"]),
    ],
)
def test_callers_are_blocked_however_they_are_written(pattern: str, blocked: list[str], free: list[str]) -> None:
    number = line(block=[pattern])
    assert [caller for caller in blocked if number.admit(caller, Situation()).why != "blocked"] == []
    assert [caller for caller in free if number.admit(caller, Situation()).why == "blocked"] == []


@pytest.mark.parametrize("pattern", ["*", "1900*", "+1*00*", "+0155", ""])
def test_a_pattern_that_is_none_is_told(pattern: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        line(block=[pattern])
    assert caught.value.key == "numbers.*.block"


@given(st.text(max_size=30), st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_whoever_calls_gets_exactly_one_of_an_agent_a_way_and_a_refusal(
    caller: str, closed: bool, draining: bool, full: bool, failing: bool
) -> None:
    number = line(SHUT if closed else OPEN, block=["+1900*"], outage="Bye.")
    admission = number.admit(caller, Situation(NOON, FULL if full else "", ["desk"] if failing else [], draining))
    if admission.why == "open":
        assert (admission.agent, admission.route) == ("desk", None)
    elif admission.why == "blocked":
        assert (admission.agent, admission.route) == ("", None)
    else:
        assert admission.agent == ""
        assert admission.route is not None
