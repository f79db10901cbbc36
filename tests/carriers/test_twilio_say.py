"""What the carrier's own voice says; whole documents are in test_twilio_account.py."""

from __future__ import annotations

import pytest

from telephony.carriers.base import Announcement
from telephony.carriers.twilio_say import spoken


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (Announcement("Hello."), "<Say>Hello.</Say>"),
        (Announcement("Hallo.", "de-DE"), '<Say language="de-DE">Hallo.</Say>'),
        (Announcement(" "), ""),
        (Announcement("a\0b & c"), "<Say>a b &amp; c</Say>"),
    ],
    ids=["plain", "language", "nothing", "what XML cannot hold"],
)
def test_words_become_a_verb(words: Announcement, expected: str) -> None:
    inside = str(spoken(words)).partition("<Response")[2]
    assert inside == (f">{expected}</Response>" if expected else " />")
