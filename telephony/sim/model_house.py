"""What successive connections to one simulated model share, as a provider would: how many there were, how far the
script was played, and the conversations that may still be resumed.

The first `SimulatedModel` opens a house of its own; each later one is told whom it comes *after* and enters the same.
"""

from __future__ import annotations

from telephony.sim.model_memory import Memory
from telephony.sim.model_script import Reply

_KEPT_S = 1800.0
"""Seconds without a word after which xAI forgets a conversation."""
_MOST_KEPT = 1000
"""Conversations; beyond it the one kept longest is forgotten."""


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
        self._kept: dict[str, tuple[float, Memory]] = {}
        """When each conversation was last spoken in, and what was said."""

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

    # -- conversations ----------------------------------------------------------------------------------------------

    def keep(self, conversation_id: str, memory: Memory, now: float) -> None:
        """Keep a conversation for whoever comes back to it; it goes on growing with its session."""
        self._kept.pop(conversation_id, None)
        self._kept[conversation_id] = (now, memory)
        if len(self._kept) > _MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))

    def touch(self, conversation_id: str, now: float) -> None:
        """Somebody spoke in it, if it is kept."""
        if conversation_id in self._kept:
            self._kept[conversation_id] = (now, self._kept[conversation_id][1])

    def drop(self, conversation_id: str) -> None:
        """Its session does not want it kept any more."""
        self._kept.pop(conversation_id, None)

    def kept(self, conversation_id: str, now: float) -> Memory | None:
        """A kept conversation, unless it is unknown or nobody spoke in it for half an hour."""
        touched, memory = self._kept.get(conversation_id, (now, None))
        return memory if now - touched <= _KEPT_S else None
