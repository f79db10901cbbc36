"""What successive connections to one simulated model share, as a provider would: how many there were, how far the
script was played, and the conversations that may still be resumed.

The first `SimulatedModel` opens a house of its own; each later one is told whom it comes *after* and enters the same.
"""

from __future__ import annotations

from telephony.sim.model_script import Reply


class Book:
    """The script's replies and the next one. Successive connections may read from the same book."""

    def __init__(self, replies: tuple[Reply, ...]) -> None:
        self.replies = replies
        self.next = 0
        self.reader: object | None = None
        """Who answers for the replies that nobody has reached: the newest connection."""

    @property
    def due(self) -> Reply | None:
        return self.replies[self.next] if self.next < len(self.replies) else None


class House:
    """The shared part of successive connections."""

    def __init__(self) -> None:
        self._count = 0
        self._book: Book | None = None

    def enter(self) -> int:
        """One more connection, also one that will be refused; returns its number, from 0."""
        self._count += 1
        return self._count - 1

    def book(self, replies: tuple[Reply, ...], *, shared: bool) -> Book:
        """A book of one's own, or the one the connections before were reading: *replies* count for the first of them
        only."""
        if not shared:
            return Book(replies)
        self._book = self._book or Book(replies)
        return self._book
