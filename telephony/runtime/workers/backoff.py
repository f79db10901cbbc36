"""How long to wait before what has died is started again."""

from __future__ import annotations

FIRST = 0.1
"""Seconds; whoever lived long enough is back at once, nearly."""
LONGEST = 30.0
"""Seconds; every pause is twice the one before, up to this."""
LASTED = 60.0
"""Seconds after which what has died had lasted: its next pause is the first again."""


class Backoff:
    """The pauses of one place."""

    def __init__(self) -> None:
        self._pause = 0.0

    def after(self, lived: float) -> float:
        """The pause after one that lived so many seconds."""
        self._pause = FIRST if lived >= LASTED or not self._pause else min(self._pause * 2, LONGEST)
        return self._pause
