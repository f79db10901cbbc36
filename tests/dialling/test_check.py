"""Mistakes in the directory and the rules are found before anybody calls."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.dialling.check import problems
from telephony.settings import DiallingSettings


def found(agents: dict[str, list[str]] | None = None, own: tuple[str, ...] = (), **settings: Any) -> list[str]:
    complaints = problems(DiallingSettings.model_validate(settings), agents or {}, own)
    return [f"{'.'.join(map(str, path))}: {problem}. {remedy}" for path, problem, remedy in complaints]


def test_what_is_well_is_not_complained_of() -> None:
    directory = {
        "sales": "+15550123",
        "desk": "sip:desk@pbx",
        "911": {"number": "+1 415 555 2671", "caller_id": "+15550100"},
    }
    assert found({"a": ["sales"]}, ("+15550100", "*"), directory=directory, do_not_call=["+1555*", "+15550199"]) == []


@pytest.mark.parametrize(
    ("name", "contact", "complaint"),
    [
        ("a", {}, "dialling.directory.a: it has neither a number nor a SIP address"),
        ("a", {"number": "+15550123", "sip": "sip:a@b"}, "dialling.directory.a: it has both"),
        ("a", "5550123", "dialling.directory.a.number: '5550123' is no phone number. Write a plus"),
        ("a", "sip:a", "dialling.directory.a.sip: 'sip:a' is no SIP address. Write"),
        ("a", {"sip": "sip:a@b", "messages": True}, "dialling.directory.a.messages: a SIP address takes no text"),
        ("a", "+19005551234", "dialling.directory.a.number: it is a premium-rate or shared-cost number"),
        ("a", "+881612345678", "dialling.directory.a.number: it is a satellite number"),
        ("a", "+1911", "dialling.directory.a.number: it is an emergency number"),
        ("a", "+1411", "dialling.directory.a.number: it is a short code"),
        ("a", "+44 (0)20 7946 0958", "dialling.directory.a.number: a digit in it is only dialled within its country"),
        ("a", "+14155550100", "dialling.directory.a.number: it is one that is answered here"),
        ("a", {"number": "+15550123", "caller_id": "me"}, "dialling.directory.a.caller_id: 'me' is no phone number"),
        ("", "+15550123", "dialling.directory.: no model can repeat this name"),
        ("a\n", "+15550123", "dialling.directory.a\n: no model can repeat this name"),
        ("+1 415 555 2671", "+15550123", "dialling.directory.+1 415 555 2671: a number or an address is no name"),
        ("sip:a@b", "+15550123", "dialling.directory.sip:a@b: a number or an address is no name"),
    ],
)
def test_an_entry_that_cannot_be_used_is_complained_of(name: str, contact: Any, complaint: str) -> None:
    (told,) = found(own=("+14155550100",), directory={name: contact})
    assert told.startswith(complaint)


def test_names_that_cannot_be_told_apart_are_complained_of() -> None:
    (told,) = found(directory={"Sales": "+15550123", "sales ": "+15550124"})
    assert told == "dialling.directory.sales : it cannot be told from 'Sales'. Rename one of the two."


@pytest.mark.parametrize("group", ["allow", "sms"])
@pytest.mark.parametrize(
    ("country", "remedy"), [("us", "Did you mean US?"), ("UK", "Write two capitals"), ("001", "Write two capitals")]
)
def test_a_country_that_is_none_is_complained_of(group: str, country: str, remedy: str) -> None:
    (told,) = found(**{group: {"countries": ["DE", country]}})
    assert told.startswith(f"dialling.{group}.countries.1: '{country}' is no country. {remedy}")


def test_an_entry_of_the_do_not_call_list_that_is_no_number_is_complained_of() -> None:
    (told,) = found(do_not_call=["+15550123", "Bob"])
    assert told.startswith("dialling.do_not_call.1: 'Bob' is neither a number nor the beginning of one.")


def test_an_agent_can_only_be_narrowed_to_names_that_are_there() -> None:
    (told,) = found({"night": ["salse"]}, directory={"sales": "+15550123"})
    assert told == "agents.night.directory.0: dialling.directory has no 'salse'. Did you mean sales?"
    (told,) = found({"night": ["bob"]})
    assert told.endswith("There is nobody in it.")
