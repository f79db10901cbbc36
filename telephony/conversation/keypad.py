"""Keys of the caller's keypad, gathered until they make sense to a model.

A realtime model on a plain socket hears no keys; they reach it as text, and text costs per item with some providers,
so a number typed in is one item: it ends with `#`, with a pause, or when the caller speaks.
"""

from __future__ import annotations

PAUSE = 2.0
"""Seconds without a key that end a number; xAI's own telephone line waits 2.5."""
MAX_KEYS = 64
"""More than any number people type; the rest of a flood is dropped."""


class Keypad:
    """Times are seconds on the call's clock."""

    def __init__(self) -> None:
        self.digits = ""
        self.started_at = 0.0
        self.pressed_at = 0.0

    def press(self, digit: str, now: float) -> None:
        if not self.digits:
            self.started_at = now
        self.pressed_at = now
        if len(self.digits) < MAX_KEYS:
            self.digits += digit

    def due(self, now: float) -> bool:
        """Whether what was typed is complete."""
        return bool(self.digits) and (self.digits[-1] == "#" or now >= self.pressed_at + PAUSE)

    def take(self) -> str:
        digits, self.digits = self.digits, ""
        return digits

    def deadline(self) -> float | None:
        return self.pressed_at + PAUSE if self.digits else None
