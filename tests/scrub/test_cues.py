"""Ordinary words that are names where they stand."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from telephony.scrub import cues
from telephony.scrub.tokens import tokens


def told(text: str, places: Iterable[int]) -> str:
    return " ".join(tokens(text)[at].text for at in sorted(set(places)))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("my name is mark hill and i am late", "mark hill"),
        ("my name is on the list", ""),
        ("the name's stone, rose stone", "stone"),
        ("this is will brown speaking", "will brown"),
        ("this is about my bill", ""),
        ("i'm fine, thank you", ""),
        ("i'm young speaking", "young"),
        ("it's grace", "grace"),
        ("mrs. black and doctor white", "black white"),
        ("hello rose. good morning", "rose"),
        ("bill here", "bill"),
        ("thank you, will do", ""),
        ("send the bill to my home", ""),
        ("appointment with doctor strange", "strange"),
        ("that is strange, it's strange", ""),
        ("is the doctor free today", ""),
        ("it was booked under king", "king"),
        ("under the name of page", "page"),
        ("a reservation for rich", "rich"),
        ("a reservation for noon in june", ""),
        ("a reservation for rich people", ""),
        ("ask for sunny", "sunny"),
        ("ask for help, or ask for cash", ""),
        ("it's under summer", "summer"),
        ("under ten, under grey skies, under warranty", ""),
        ("young is my last name", "young"),
        ("strange is my last name", "strange"),
        ("rose is my name", "rose"),
        ("here is my last name, that is my name", ""),
        ("my name is april may and my wife is grace", "april may grace"),
        ("my name is april may i speak to somebody", "april"),
        ("my wife is strong and my son is english", ""),
        ("tell faith i called", "faith"),
        ("tell me, tell art students, tell long stories", ""),
        ("is joy there", "joy"),
        ("is king in? is the price in dollars?", "king"),
        ("is there anything, is gold in stock, is cash there", ""),
    ],
)
def test_a_cue_makes_a_name_of_a_word(text: str, names: str) -> None:
    assert told(text, (at for at, _ in cues.named(text, tokens(text), ()))) == names


def test_the_word_beside_a_strange_one_belongs_to_it() -> None:
    text = "a table for tanaka rose at nine"
    assert told(text, (at for at, _ in cues.named(text, tokens(text), {3}))) == "rose"


def test_words_no_talk_does_without_are_names_only_where_they_are_said_as_such() -> None:
    text = "my name is will may"
    assert dict(cues.named(text, tokens(text), ())) == {3: False, 4: False}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("I asked Rose on Monday. Please wait.", "Rose"),
        ("Rose, please.", "Rose"),
        ("Will you help?", ""),
        ("Will, are you there?", "Will"),
        ("Will Brown is here", "Will Brown"),
        ("Good morning. Yes: Please go on. I'm here.", ""),
        ("Five Hundred Two", ""),
    ],
)
def test_a_capital_makes_a_name_of_a_word(text: str, names: str) -> None:
    assert told(text, cues.capitals(text, tokens(text), ())) == names
    assert told(text, cues.capitals(text, tokens(text), {"rose", "will", "brown"})) == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("s m i t h", "s m i t h"),
        ("a b i", "a b i"),
        ("have i got a plan b", "b"),
    ],
)
def test_letters_that_spell_something_are_found(text: str, found: str) -> None:
    assert told(text, cues.letters(tokens(text))) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("at 12 rose street", "12 rose"),
        ("twenty two park road please", "twenty two park"),
        ("5 the crescent", "5 crescent"),
        ("just across the street", ""),
        ("on high street", "high"),
        ("flat 3 on top", "3"),
        ("2 tickets for the park", ""),
        ("write to @rose", "rose"),
        ("my email is mark dot hill at home dot com", "mark hill home"),
        ("write to info at rose garden dot co dot uk", "info rose garden"),
        ("rose at post dot flower shop dot com please", "rose post flower shop"),
        ("meet me at the dot com office", ""),
    ],
)
def test_addresses_are_found_in_ordinary_words(text: str, found: str) -> None:
    assert told(text, cues.addresses(text, tokens(text))) == found


def test_days_and_months_of_birth_are_found() -> None:
    text = "i was born on the fifth of march, and my appointment which was moved twice is on june 7"
    assert told(text, cues.births(text, tokens(text))) == "fifth march"
