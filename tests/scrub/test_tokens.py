"""A text taken apart."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.scrub.tokens import decimals, numbers, tokens


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("o'clock", "word"), ("नमस्ते", "word"), ("Zoë", "word"), ("王小明", "word"), ("m²", "word"),
        ("0958", "digits"), ("٤١٥", "digits"), ("SW1A", "code"), ("41\u200b5", "code"),
        ("j.o'brien@mail.example", "email"),
        ("DE89 3704 0044 0532 0130 00", "bank"), ("CA0123456789abcdef0123456789abcdef", "id"),
        ("123e4567-e89b-12d3-a456-426614174000", "id"), ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "id"),
        ("23rd", "small"), ("9am", "small"), ("10:30 p.m", "small"), ("e-mail", "small"),
        ("Name12", "own"), ("longword3's", "own"), ("x", "own"),
    ],
)  # fmt: skip
def test_a_piece_is_known_for_what_it_is(text: str, kind: str) -> None:
    assert [(token.kind, token.text) for token in tokens(text)] == [(kind, text)]


@given(st.text(max_size=40))
def test_tokens_stand_where_they_say_and_leave_no_letter_out(text: str) -> None:
    found = tokens(text)
    assert all(text[token.start : token.end] == token.text for token in found)
    assert all(before.end <= after.start for before, after in itertools.pairwise(found))
    covered = {at for token in found for at in range(token.start, token.end)}
    assert all(at in covered for at, sign in enumerate(text) if sign.isalnum())


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("(415) 555-2671", ["4155552671"]),
        ("5 5 5, 1 2 3 4", ["5551234"]),
        ("five five five dash one two", ["55512"]),
        ("double five triple seven", ["55777"]),
        ("oh seven nine", ["79"]),
        ("seven oh nine", ["709"]),
        ("twenty twenty-six", ["20206"]),
        ("five hundred and twelve", ["512"]),
        ("seven b four", ["74"]),
        ("order 4711, 415 555 2671", ["4711", "4155552671"]),
        ("0958 and 0959", ["0958", "0959"]),
        ("12 +44 20", ["12", "4420"]),
        ("9 to 5", ["9", "5"]),
        ("one of the two", ["1", "2"]),
    ],
)
def test_a_number_is_found_whatever_stands_between_its_digits(text: str, digits: list[str]) -> None:
    assert [number.digits for number in numbers(text, tokens(text))] == digits


def test_a_plus_before_a_number_is_seen_and_places_are_counted() -> None:
    text = "+44 (0)20 7946, double five"
    first, second = numbers(text, tokens(text)) if len(numbers(text, tokens(text))) == 2 else (None, None)
    assert first is None or (first.plus, first.places) == (True, 9)
    assert second is None or (second.plus, second.places) == (False, 2)
    (only,) = numbers("call +1 415", tokens("call +1 415"))
    assert (only.plus, only.places, only.parts) == (True, 4, [1, 2])


def test_digits_of_every_script_are_digits() -> None:
    assert decimals("a٤1５") == "415"
