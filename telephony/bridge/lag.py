"""How late the event loop is: what suffers first on a machine that has too much to do, and is heard.

A call's audio leaves in time only if the loop comes round in time. So a clock ticks in it, and how late its ticks are
is how late everything is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

EVERY = 0.05
"""Seconds between ticks."""
SAMPLES = 100
"""Ticks that are looked at: those of five seconds."""
STALLS = 5
"""How many of them are passed over, the latest first. One stall, however long, is one tick late: it says nothing of the
load."""


class LoopLag:
    """The lateness of one loop. *observe* is told of that of every tick."""

    def __init__(self, observe: Callable[[float], None] = lambda late: None) -> None:
        self._observe = observe
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
        late = max(0.0, late)
        self._observe(late)
        self._late.append(late)

    @property
    def high(self) -> float:
        """Seconds by which more than one tick in twenty was late, of the last five seconds."""
        return sorted(self._late)[-STALLS - 1] if len(self._late) > STALLS else 0.0
