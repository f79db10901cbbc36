"""Which number leads to which agent, however the carrier writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.agents import Agent, Directory, normal
from telephony.errors import ConfigurationError

AGENTS = [Agent("frontdesk"), Agent("night"), Agent("texas")]


def named(directory: Directory, number: str) -> str | None:
    agent = directory.for_number(number)
    return agent.name if agent else None


def test_the_exact_number_wins_over_the_longest_beginning_over_the_rest() -> None:
    numbers = {"*": "night", "+1*": "frontdesk", "+1512*": "texas", "+15125550100": "night", "+1512555*": "frontdesk"}
    directory = Directory(AGENTS, numbers)
    assert named(directory, "+15125550100") == "night"
    assert named(directory, "+15125550101") == "frontdesk"
    assert named(directory, "+15129990000") == "texas"
    assert named(directory, "+12125550100") == "frontdesk"
    assert named(directory, "+442071838750") == "night"
    assert named(directory, "anonymous") == "night"
    assert named(directory, "") == "night"


def test_without_a_rest_nobody_answers_other_numbers() -> None:
    directory = Directory(AGENTS, {"+15550100": "frontdesk"})
    assert named(directory, "+15550101") is None
    assert named(directory, "") is None


def test_a_single_agent_without_numbers_answers_everything() -> None:
    directory = Directory(AGENTS[:1])
    assert named(directory, "+15550100") == "frontdesk"
    assert named(directory, "sip:anyone@example.com") == "frontdesk"
    assert named(directory, "") == "frontdesk"


def test_several_agents_without_numbers_answer_nothing() -> None:
    assert named(Directory(AGENTS), "+15550100") is None


def test_agents_are_found_by_name() -> None:
    directory = Directory(AGENTS, {"*": "night"})
    assert directory.agents["texas"] is AGENTS[2]
    assert list(directory.agents) == ["frontdesk", "night", "texas"]
    assert directory.reachable() == {"night"}


@pytest.mark.parametrize(
    "written",
    [
        "+15550100123",
        " +15550100123 ",
        " 15550100123",
        "15550100123",
        "0015550100123",
        "+1 555 010-0123",
        "+1 (555) 010.0123",
        "+1\u00a0555\u2011010\u20110123",
        "tel:+1-555-010-0123",
        "tel:+15550100123;phone-context=example.com",
        "TEL:+15550100123",
        "sip:+15550100123@sip.example.com;transport=tls",
        "sip:%2B15550100123@sip.example.com",
        "sips:+15550100123@sip.example.com:5061",
        "<sip:+15550100123@sip.example.com>",
        "sip:15550100123@sip.example.com?Subject=x",
        "client:+15550100123",
        "whatsapp:+15550100123",
    ],
)
def test_a_number_is_one_number_however_it_is_written(written: str) -> None:
    assert normal(written) == "+15550100123"
    assert named(Directory(AGENTS, {written: "texas", "*": "night"}), "+15550100123") == "texas"
    assert named(Directory(AGENTS, {"+15550100123": "texas", "*": "night"}), written) == "texas"


@pytest.mark.parametrize(
    ("key", "called"),
    [
        ("client:frontdesk", "client:Frontdesk"),
        ("sip:frontdesk@example.com", "sip:frontdesk@pbx.example.com:5060;user=phone"),
        ("frontdesk", "client:frontdesk"),
        ("911", "911"),
        ("1001", "sip:1001@10.0.0.1"),
    ],
)
def test_names_and_short_numbers_are_keys_too(key: str, called: str) -> None:
    assert named(Directory(AGENTS, {key: "texas", "*": "night"}), called) == "texas"


@pytest.mark.parametrize(
    ("numbers", "key", "problem", "remedy"),
    [
        ({"+15550100": "frontdsk"}, "numbers.+15550100", "no agent frontdsk", "Did you mean frontdesk?"),
        ({"*": "zzz"}, "numbers.*", "no agent zzz", "frontdesk, night, texas"),
        ({"": "night"}, "numbers.", "neither a number", '"*" for the rest'),
        ({"+1*55": "night"}, "numbers.+1*55", "neither a number", "+1555*"),
        ({"1555*": "night"}, "numbers.1555*", "no beginning", "a plus"),
        ({"+1x*": "night"}, "numbers.+1x*", "no beginning", "a plus"),
        ({"**": "night"}, "numbers.**", "no beginning", "one star"),
        ({"+0305550100": "night"}, "numbers.+0305550100", "no phone number", "country code"),
        ({"02071838750": "night"}, "numbers.02071838750", "no phone number", "country code"),
        ({"+1234567890123456": "night"}, "numbers.+1234567890123456", "no phone number", "2 to 15 digits"),
        ({"+1 555 0100": "night", "+15550100": "texas"}, "numbers.+15550100", "night and to texas", "Keep one"),
        ({"*": "night", " * ": "texas"}, "numbers. * ", "* is given to night and to texas", "Keep one"),
    ],
)
def test_a_key_that_leads_nowhere_is_refused_when_the_directory_is_made(
    numbers: dict[str, str], key: str, problem: str, remedy: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Directory(AGENTS, numbers)
    assert caught.value.key == key
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


def test_two_spellings_of_a_number_may_lead_to_the_same_agent() -> None:
    directory = Directory(AGENTS, {"+1 555 0100": "night", "+15550100": "night"})
    assert named(directory, "+15550100") == "night"


def test_two_agents_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="two agents of this name"):
        Directory([Agent("a"), Agent("a", voice="eve")])


@given(st.text())
def test_whatever_a_carrier_says_has_an_answer(number: str) -> None:
    assert Directory(AGENTS, {"*": "night"}).for_number(number) is AGENTS[1]
    assert isinstance(normal(number), str)
