"""What a socket looks like to the bridge: messages come as an async iteration, messages go without waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol


class Link(Protocol):
    """One WebSocket, ours or theirs.

    Whoever owns a link runs `pump()` as a task, iterates the link in another, and calls `close()` in the end. A link
    never raises for what the peer does: the iteration ends, and `closed` says why.
    """

    name: str
    """For task names and log lines: `carrier`, `model`."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Messages in order, until the link is closed by either side. Cancelling loses nothing but the rest."""

    def write(self, message: str | bytes, *, audio_ms: float = 0.0) -> None:
        """Queue a message, a text frame or a binary one, and return at once. *audio_ms* above 0 marks it as audio: when
        the queue holds more than its bound of audio, the oldest audio is dropped; a control message never is."""

    @property
    def waiting(self) -> int:
        """About how many bytes are queued."""

    async def room(self, below: int) -> None:
        """Wait until fewer than *below* bytes are queued, or the link is closed. `pump` bounds it: a peer that does not
        read is closed."""

    async def pump(self) -> None:
        """Send what was queued, in order, until the link is closed. A peer that does not read is closed."""

    async def flush(self) -> bool:
        """Send what was queued and return: for whoever has no task for `pump`, and then instead of it. Returns whether
        everything was sent; it is not on a link that is closed or whose peer does not read."""

    async def probe(self, patience: float) -> None:
        """Ask the peer whether it is there; the link is closed if it does not answer within *patience* seconds."""

    async def close(self, code: int = 1000, reason: str = "", *, flush: bool = True) -> None:
        """Close, bounded by about a second. What is queued goes first, if *flush*. Doing it twice is fine."""

    @property
    def closed(self) -> tuple[int | None, str]:
        """Close code (None if the peer vanished) and reason, once the iteration has ended."""
