"""One spelling for all the ways a number is written; the directory's tests show what they lead to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.agents.numbers import is_e164, normal


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_every_full_number_keeps_its_spelling(number: str) -> None:
    assert normal(number) == number
    assert normal(f"sip:{number}@example.com") == number
    assert normal(number.removeprefix("+")) == number
    assert is_e164(number)


@pytest.mark.parametrize("written", ["", "911", "frontdesk", "+", "+0305550100", "+1234567890123456", "+1555x100"])
def test_what_nobody_could_dial_from_anywhere_is_no_full_number(written: str) -> None:
    assert not is_e164(normal(written))
