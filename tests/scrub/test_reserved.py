"""What is reserved for fiction and for tests."""

from __future__ import annotations

import pytest

from telephony.scrub.digits import luhn
from telephony.scrub.reserved import FICTIONAL_NUMBERS, TEST_CARDS, is_made_up_sid, is_reserved_domain


@pytest.mark.parametrize(
    "number",
    ["+14155550123", "+442079460958", "+441614960123", "+447700900123", "+441632960001", "+443069990007",
     "+442920180001", "+493023125123", "+33199001234", "+61491570156", "+442896496123"],
)  # fmt: skip
def test_numbers_of_films_are_nobodys(number: str) -> None:
    assert FICTIONAL_NUMBERS.fullmatch(number)


@pytest.mark.parametrize("number", ["+14155552671", "+442079461958", "+447911123456", "+493023126123", "+14155550200"])
def test_their_neighbours_are_somebodys(number: str) -> None:
    assert not FICTIONAL_NUMBERS.fullmatch(number)


def test_test_cards_have_their_check_digit() -> None:
    assert all(luhn(number) for number in TEST_CARDS)


@pytest.mark.parametrize("domain", ["example.com", "mail.example.org", "a.test", "b.c.invalid", "EXAMPLE.NET"])
def test_domains_that_nobody_can_have(domain: str) -> None:
    assert is_reserved_domain(domain)
    assert not is_reserved_domain(f"{domain}.de")
    assert not is_reserved_domain("myexample.com")


def test_sids_that_were_made_up() -> None:
    assert is_made_up_sid("CA" + "0" * 30 + "42")
    assert is_made_up_sid("CA0123456789abcdef0123456789abcdef")
    assert not is_made_up_sid("CA3f1c9b7e2d4a6508f1e2d3c4b5a69788")
