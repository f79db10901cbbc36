"""Digits for digits: as many, recognisable, and nobody's."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.scrub.digits import CARDS, PHONES, is_stand_in, luhn, phone, phone_index, phone_like, row, same_number


@given(st.integers(1, 40), st.integers(1, 5000))
def test_a_row_is_recognised_and_ends_in_no_zero(length: int, count: int) -> None:
    made = row(length, count)
    assert len(made) == length
    assert is_stand_in(made)
    assert made[-1] != "0"


@pytest.mark.parametrize(("length", "most"), [(2, 9), (3, 9), (4, 27), (5, 270), (12, 270)])
def test_rows_differ_until_they_begin_again(length: int, most: int) -> None:
    assert len({row(length, count) for count in range(1, most + 1)}) == most
    assert row(length, most + 1) == row(length, 1)


def test_few_numbers_look_like_ours() -> None:
    for length in (3, 4, 5, 6):
        ours = sum(is_stand_in(f"{number:0{length}}") for number in range(10**length))
        assert ours <= max(10**length // 300, 9)


@pytest.mark.parametrize("number", ["4155552671", "14155550199", "442079460958", "4111111111111111", "1985", "5550142"])
def test_what_people_write_is_not_ours(number: str) -> None:
    assert not is_stand_in(number)


def test_fictional_numbers_are_told_apart_and_found_again() -> None:
    assert len({phone(index) for index in range(PHONES)}) == PHONES
    for index in (0, 1, 99, 100, 799):
        for digits, plus in [("4155552671", False), ("14155552671", True), ("02079460958", False)]:
            assert phone_index(phone_like(digits, index, plus) or "") == index
    assert phone_index("4155552671") is None
    assert phone_index("03069990950") is None  # the British row is longer than ours


@pytest.mark.parametrize(
    ("digits", "plus", "made"),
    [
        ("4155552671", False, "2995550107"),
        ("14155552671", False, "12995550107"),
        ("33612345678", True, "12995550107"),
        ("07911123456", False, "03069990007"),
        ("447911123456", False, "443069990007"),
        ("4930123456", True, None),
        ("33612345678", False, None),
        ("5552671", False, None),
    ],
)
def test_a_fictional_number_takes_the_form_of_the_original(digits: str, plus: bool, made: str | None) -> None:
    assert phone_like(digits, 7, plus) == made


def test_nobody_has_these_numbers() -> None:
    assert not any(phonenumbers.is_valid_number(phonenumbers.parse(phone(index), "US")) for index in range(PHONES))
    cards = [number for numbers in CARDS.values() for number in numbers]
    assert all(luhn(number) for number in cards)
    assert all(len(number) == length for length, numbers in CARDS.items() for number in numbers)


def test_the_check_digit_is_checked() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")


def test_all_spellings_of_a_number_have_one_thing_in_common() -> None:
    assert same_number("4155552671", False) == same_number("14155552671", False) == same_number("14155552671", True)
    assert (
        same_number("07911123456", False) == same_number("447911123456", True) == same_number("00447911123456", False)
    )
    assert same_number("999999999999999", True) == "999999999999999"
