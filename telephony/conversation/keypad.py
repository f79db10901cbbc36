"""Keys of the caller's keypad, gathered until they make sense to a model.

A realtime model on a plain socket hears no keys; they reach it as text, and text costs per item with some providers,
so a number typed in is one item: it ends with `#`, with a pause, or when the caller speaks.
"""

from __future__ import annotations

PAUSE = 2.0
"""Seconds without a key that end a number; xAI's own telephone line waits 2.5."""
PAUSE_IN_SPEECH = 0.6
"""Seconds without a key that end it while the caller speaks: the model is about to answer. Not at once, since a key's
own tone can pass for speech."""
SPACING = 1.0
"""Seconds between two items, however often `#` is pressed."""
MAX_KEYS = 64
"""More than any number people type; the rest of a flood is dropped."""


class Keypad:
    """Times are seconds on the call's clock."""

    def __init__(self) -> None:
        self.digits = ""
        self.started_at = 0.0
        self.pressed_at = 0.0
        self._not_before = 0.0

    def press(self, digit: str, now: float) -> None:
        if not self.digits:
            self.started_at = now
        self.pressed_at = now
        if len(self.digits) < MAX_KEYS:
            self.digits += digit

    def due(self, now: float, *, speaking: bool) -> bool:
        """Whether what was typed is complete."""
        at = self.deadline(speaking=speaking)
        return at is not None and now >= at

    def deadline(self, *, speaking: bool) -> float | None:
        """Seconds: when what was typed is complete, unless more follows."""
        if not self.digits:
            return None
        if self.digits[-1] == "#":
            return max(self.pressed_at, self._not_before)
        return max(self.pressed_at + (PAUSE_IN_SPEECH if speaking else PAUSE), self._not_before)

    def take(self, now: float) -> str:
        """What was typed; the next number begins."""
        digits, self.digits = self.digits, ""
        self._not_before = now + SPACING
        return digits
