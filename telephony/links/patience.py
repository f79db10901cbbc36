"""How long one message may take to leave, watched without a timer for each of them."""

from __future__ import annotations

import asyncio


class Patience:
    """Lets *bound* expire when one message takes more than *seconds*.

    Nearly every message is gone at once. To set a timer for each and cancel it again fills the event loop's heap with
    dead ones, which at a hundred calls costs more than the message; so there is one timer at most, and when it fires it
    looks for how long the message that is under way has been.
    """

    def __init__(self, seconds: float, bound: asyncio.Timeout) -> None:
        self._seconds = seconds
        self._bound = bound
        self._loop = asyncio.get_running_loop()
        self._until: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, extra: float = 0.0) -> None:
        """A message is handed over; it may take *extra* seconds longer than others."""
        self._until = self._loop.time() + self._seconds + extra
        if self._timer is not None and self._timer.when() > self._until:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._until, self._look)

    def done(self) -> None:
        """It is gone."""
        self._until = None

    def end(self) -> None:
        """Nothing more is sent."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._until is None:
            return
        if self._until <= self._loop.time():
            self._bound.reschedule(self._until)
        else:
            self._timer = self._loop.call_at(self._until, self._look)
