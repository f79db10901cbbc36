"""How late the event loop is: what suffers first on a machine that has too much to do, and is heard.

A call's audio leaves in time only if the loop comes round in time. So a clock ticks in it, and how late its ticks are
is how late everything is.
"""

from __future__ import annotations

import asyncio
from collections import deque

EVERY = 0.05
"""Seconds between ticks."""
SAMPLES = 100
"""Ticks that are looked at: those of five seconds."""
HIGH = 0.95
"""The share of them that a lag must exceed. One stall, however long, is one tick late: it says nothing of the load."""


class LoopLag:
    """The lateness of one loop."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=SAMPLES)

    async def run(self) -> None:
        """Tick. Until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            due = now() + EVERY
            await asyncio.sleep(EVERY)
            self.note(now() - due)

    def note(self, late: float) -> None:
        """A tick came *late* by so many seconds."""
        self._late.append(max(0.0, late))

    @property
    def high(self) -> float:
        """Seconds by which one tick in twenty was late at least, of the last five seconds; 0 before there are as many
        as that takes."""
        if len(self._late) < SAMPLES * (1 - HIGH):
            return 0.0
        return sorted(self._late)[int(len(self._late) * HIGH)]
