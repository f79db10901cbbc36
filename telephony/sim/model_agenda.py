"""What a simulator will do and when, without a clock: actions by due time, with an owner to cancel them by."""

from __future__ import annotations

import heapq
from collections.abc import Callable

Action = Callable[[float], None]


class Agenda:
    """Actions in the order of their times, and of their registration where times are equal."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, int, str, Action]] = []
        self._count = 0

    def put(self, at: float, action: Action, owner: str = "") -> None:
        """Run *action* at *at* (seconds), unless `drop(owner)` comes first."""
        self._count += 1
        heapq.heappush(self._queue, (at, self._count, owner, action))

    def drop(self, owner: str) -> None:
        """Forget everything that *owner* still wanted to do."""
        self._queue = [entry for entry in self._queue if entry[2] != owner]
        heapq.heapify(self._queue)

    def clear(self) -> None:
        self._queue.clear()

    @property
    def deadline(self) -> float | None:
        """When `run` has something to do next."""
        return self._queue[0][0] if self._queue else None

    def run(self, now: float) -> None:
        """Perform everything due at *now*, also what those actions put within the same moment."""
        while self._queue and self._queue[0][0] <= now:
            _, _, _, action = heapq.heappop(self._queue)
            action(now)
