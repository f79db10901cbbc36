"""What the model is told when the bridge has a reason to speak."""

from __future__ import annotations

import pytest

from telephony.conversation import phrases


@pytest.mark.parametrize("text", [phrases.STILL_THERE, phrases.NO_ANSWER, phrases.TIME_IS_UP, phrases.CLOSING_DOWN])
def test_every_instruction_keeps_the_language_of_the_call_and_asks_for_one_sentence_only(text: str) -> None:
    """They replace the agent's own instructions for that response, so they have to stand alone."""
    assert "language of this conversation" in text
    assert "one short" in text
    assert text.endswith("Say nothing else.")


@pytest.mark.parametrize("text", [phrases.NO_ANSWER, phrases.TIME_IS_UP, phrases.CLOSING_DOWN])
def test_whatever_ends_the_call_says_goodbye(text: str) -> None:
    assert "say goodbye" in text.lower()


def test_keys_are_shown_as_typed_and_as_what_they_are() -> None:
    assert phrases.keys_pressed("42#") == "[The caller pressed these keys on the telephone keypad: 42#]"


def test_a_model_that_remembers_more_than_was_heard_is_told_where_the_caller_stopped_hearing() -> None:
    assert phrases.cut_off("It has been").endswith("heard of it is: It has been")
    assert "heard" not in phrases.cut_off()
    assert "language of this conversation" in phrases.cut_off()
