"""One spelling or none; which spellings are refused is the table of `targets`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.agents.numbers import is_e164
from telephony.dialling.spelling import LONGEST, is_address, name_key, normalised, short_digits, sip_address, visible

SPELT = st.one_of(st.text(), st.text("0123456789+ -().tel:\u00a0\u2011", max_size=30))


@given(SPELT)
def test_spelling_it_again_changes_nothing(text: str) -> None:
    number = normalised(text)
    assert number is None or (is_e164(number) and normalised(number) == number)


@given(st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True), st.data())
def test_what_people_write_between_digits_is_left_out(number: str, data: st.DataObject) -> None:
    between = st.sampled_from(["", " ", "-", ".", "(", ")", "\u00a0", "\u2011"])
    written = number[0] + "".join(digit + data.draw(between) for digit in number[1:])
    assert normalised(f"tel:{written}") == normalised(written) == number


@pytest.mark.parametrize("text", ["sip:Desk@PBX.example.com", "SIPS:a.b+c@10.0.0.1:5061;transport=tls"])
def test_an_address_has_one_spelling(text: str) -> None:
    assert sip_address(text) == text.lower()
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "sip:desk",
        "desk@pbx",
        "sip:desk@pbx?a=b",
        "sip:d@x y",
        "sip:d\u00e9sk@pbx",
        "sip:a@b@c",
        "sip:" + "a" * LONGEST + "@b",
    ],
)
def test_what_is_not_quite_an_address_is_none(text: str) -> None:
    assert sip_address(text) is None


def test_names_are_told_apart_by_what_is_heard_of_them() -> None:
    assert name_key("  Night\t DESK ") == name_key("night desk")


@pytest.mark.parametrize(
    ("text", "digits"), [("9-1-1", "911"), ("*67#", "67"), ("1234567", ""), ("９１１", ""), ("", "")]
)
def test_a_few_digits_are_a_short_code(text: str, digits: str) -> None:
    assert short_digits(text) == digits


@pytest.mark.parametrize("hidden", ["\n", "\0", "\u200b", "\u202e", "\u2028", "\ud800", "\u00ad"])
def test_what_no_reader_sees_is_noticed(hidden: str) -> None:
    assert not visible(f"sales{hidden}")
    assert normalised(f"+1415{hidden}5552671") is None


def test_nobody_reads_on_for_ever() -> None:
    number = "+14155552671"
    assert normalised(number + " " * (LONGEST - len(number))) == number
    assert normalised(number + " " * LONGEST) is None
