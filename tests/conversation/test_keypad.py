"""Keys gathered into numbers: by a hash, a pause or speech, and never faster than a model can be told."""

from __future__ import annotations

import pytest

from telephony.conversation.keypad import MAX_KEYS, PAUSE, PAUSE_IN_SPEECH, SPACING, Keypad


def typed(keys: str, at: float = 0.0) -> Keypad:
    keypad = Keypad()
    for number, key in enumerate(keys):
        keypad.press(key, at + number * 0.3)
    return keypad


@pytest.mark.parametrize(("speaking", "pause"), [(False, PAUSE), (True, PAUSE_IN_SPEECH)])
def test_a_pause_completes_a_number_and_a_shorter_one_does_while_the_caller_speaks(
    speaking: bool, pause: float
) -> None:
    keypad = typed("42", at=5.0)
    assert keypad.deadline(speaking=speaking) == 5.3 + pause
    assert not keypad.due(5.3 + pause - 0.01, speaking=speaking)
    assert keypad.due(5.3 + pause, speaking=speaking)
    assert (keypad.take(9.0), keypad.started_at, keypad.pressed_at) == ("42", 5.0, 5.3)


def test_a_hash_completes_a_number_at_once() -> None:
    assert typed("42#").due(0.6, speaking=False)


def test_nothing_is_due_of_nothing() -> None:
    keypad = typed("1")
    keypad.take(3.0)
    assert keypad.deadline(speaking=False) is None
    assert not keypad.due(99.0, speaking=False)
    assert keypad.take(99.0) == ""


def test_numbers_keep_a_distance_however_fast_they_are_typed() -> None:
    keypad = typed("1#")
    keypad.take(0.3)
    keypad.press("2", 0.4)
    keypad.press("#", 0.5)
    assert not keypad.due(0.5, speaking=False)
    assert keypad.deadline(speaking=False) == 0.3 + SPACING
    assert keypad.due(0.3 + SPACING, speaking=False)
    assert keypad.take(1.3) == "2#"


def test_a_flood_is_bounded() -> None:
    assert typed("7" * 1000).take(0.0) == "7" * MAX_KEYS
