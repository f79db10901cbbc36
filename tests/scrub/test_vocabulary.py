"""The harmless words."""

from __future__ import annotations

from telephony.scrub import vocabulary
from telephony.scrub.tokens import tokens
from telephony.scrub.vocabulary import COMMON, NAMES_TOO


def test_every_list_is_made_of_common_words() -> None:
    for name in ("ALWAYS_CAPITAL", "FUNCTION", "MODAL", "MONTHS", "PREDICATES"):
        assert getattr(vocabulary, name) - {"dr"} <= COMMON
    assert NAMES_TOO <= COMMON


def test_words_are_written_as_they_are_looked_up() -> None:
    assert len(COMMON) > 2000
    assert all(word == word.casefold() for word in COMMON)
    assert all([token.plain for token in tokens(word)] == [word] for word in COMMON)


def test_names_that_are_only_names_are_not_among_them() -> None:
    assert COMMON.isdisjoint(
        {"john", "mary", "jack", "smith", "robin", "alex", "kim", "london", "paris", "sam", "gmail"}
    )
