"""Lists of numbers, by which calls are forbidden."""

from __future__ import annotations

import pytest

from telephony.dialling.lists import NumberList, called_here, number_or_beginning


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("+1 (415) 555-0177", "+14155550177"),
        ("+1 415*", "+1415*"),
        (" +44* ", "+44*"),
        ("4155550177", None),
        ("*", None),
        ("+*", None),
        ("+1*5", None),
        ("sales", None),
    ],
)
def test_an_entry_is_a_number_or_the_beginning_of_one(written: str, meant: str | None) -> None:
    assert number_or_beginning(written) == meant


@pytest.mark.parametrize(
    ("key", "meant"), [("*", "*"), ("+1 555*", "+1555*"), ("15550100", "+15550100"), ("sip:desk@pbx", "desk")]
)
def test_a_key_of_the_numbers_that_are_answered_here_is_read_as_there(key: str, meant: str) -> None:
    assert called_here(key) == meant


def test_a_number_is_listed_itself_or_by_its_beginning() -> None:
    listed = NumberList(["+14155550177", "+44*", "*"])
    assert "+14155550177" in listed
    assert "+442079460958" in listed
    assert "+44" in listed
    assert "+14155550178" not in listed
    assert "+1415555017" not in listed
    assert "sip:+44" not in listed
