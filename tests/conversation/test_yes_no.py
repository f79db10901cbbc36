"""Plain answers of a caller, and those that are for the model to judge."""

from __future__ import annotations

import pytest

from telephony.conversation.yes_no import NO, YES, plain_answer


@pytest.mark.parametrize(
    ("text", "language", "answer"),
    [
        ("Yes, please.", "en", "yes"),
        ("No!", "en", "no"),
        ("Nope, leave it.", "en-GB", "no"),
        ("No problem, go ahead.", "en", "yes"),
        ("No, wait, yes.", "en", None),
        ("What does it cost?", "en", None),
        ("I know nothing.", "en", None),
        ("", "en", None),
        ("Nein danke.", "de_AT", "no"),
        ("Auf keinen Fall!", "de", "no"),
        ("Kein Problem.", "de", "yes"),
        ("D’accord.", "fr", "yes"),
        ("Non.", "fr", "no"),
        ("Não, obrigado.", "pt-BR", "no"),
        ("Tak.", "pl", "yes"),
        ("Nie.", "pl", "no"),
        ("Nie.", "de", None),
        ("Nein.", None, "no"),
        ("はい", "ja", None),
    ],
)
def test_what_is_plain_is_plain(text: str, language: str | None, answer: str | None) -> None:
    assert plain_answer(text, language) == answer


def test_each_language_has_both_and_no_word_of_one_stands_in_the_other() -> None:
    assert YES.keys() == NO.keys()
    assert all(not set(YES[language]) & set(NO[language]) for language in YES)
    assert all(words == words.lower() for table in (YES, NO) for each in table.values() for words in each)
