"""What a call adds up to: usage, and what went wrong and was survived."""

from __future__ import annotations

from collections import deque
from typing import Any

RUNNING_TOTALS = ("billable_audio_seconds",)
"""Usage a provider reports as the total so far, not as this response's share (xAI)."""
FAULTS = 50
FAULT_TIME = 10.0
"""So many unusable messages in so many seconds, and the session is worth nothing."""
MAX_NOTES = 50
"""Sentences kept in a record; a call that needs more has made its point."""


class Tally:
    """Sums over one call."""

    def __init__(self) -> None:
        self.model = ""
        self.usage: dict[str, Any] = {}
        self._sentences: dict[str, int] = {}
        self._faults: deque[float] = deque(maxlen=FAULTS)

    def add(self, usage: dict[str, Any]) -> None:
        """Add one response's usage, flattened with dots. What is not a number is left out."""
        for key, value in usage.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if key.rpartition(".")[2] in RUNNING_TOTALS:
                self.usage[key] = max(value, self.usage.get(key, 0))
            else:
                self.usage[key] = self.usage.get(key, 0) + value

    def fault(self, now: float) -> bool:
        """Count an unusable message. True if there were too many of late."""
        self._faults.append(now)
        too_many = len(self._faults) == FAULTS and now - self._faults[0] <= FAULT_TIME
        if too_many:
            self._faults.clear()  # the next session begins with a clean slate
        return too_many

    def remember(self, sentence: str) -> None:
        if sentence in self._sentences or len(self._sentences) < MAX_NOTES:
            self._sentences[sentence] = self._sentences.get(sentence, 0) + 1

    @property
    def notes(self) -> list[str]:
        """What went wrong, each sentence once."""
        return [text if count == 1 else f"{text} ({count} times)" for text, count in self._sentences.items()]
