"""Two links joined in memory, for tests and for anything that needs a bridge without a socket.

They keep what makes sockets difficult: a bounded buffer, a sender that waits while it is full, and an end that the
other side notices only after it read what was sent before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from telephony.links.wire import CLOSE_PATIENCE, SEND_PATIENCE, WireClosed, WireLink

BUFFER = 64
"""Messages in flight in one direction; about what the kernel and a library hold for a real socket."""


class _Lane:
    """One direction: what was sent and not yet read, and how the sender ended it."""

    def __init__(self) -> None:
        self.messages: deque[str | bytes] = deque()
        self.end: tuple[int | None, str] | None = None
        self.changed = asyncio.Event()

    async def until(self, ready: Callable[[], bool]) -> None:
        while not ready():
            self.changed.clear()
            await self.changed.wait()

    def finish(self, code: int | None, reason: str) -> None:
        self.end = self.end or (code, reason)
        self.changed.set()


class MemoryWire:
    """One end of a pair; see `memory_wires`."""

    def __init__(self, inward: _Lane, outward: _Lane) -> None:
        self._in = inward
        self._out = outward
        self._closed: tuple[int | None, str] | None = None

    async def send(self, message: str | bytes) -> None:
        await self._out.until(lambda: bool(self._closed or self._in.end) or len(self._out.messages) < BUFFER)
        if end := self._closed or self._in.end:
            raise WireClosed(*end)
        self._out.messages.append(message)
        self._out.changed.set()

    async def ping(self) -> None:
        if end := self._closed or self._in.end:
            raise WireClosed(*end)

    def post(self, message: str) -> bool:
        if end := self._closed or self._in.end:
            raise WireClosed(*end)
        if len(self._out.messages) >= BUFFER:
            return False
        self._out.messages.append(message)
        self._out.changed.set()
        return True

    async def receive(self) -> str | bytes:
        lane = self._in
        await lane.until(lambda: bool(self._closed or lane.messages or lane.end))
        if end := self._closed or (None if lane.messages else lane.end):
            raise WireClosed(*end)
        message = lane.messages.popleft()
        lane.changed.set()
        return message

    async def shut(self, code: int, reason: str) -> None:
        self._finish(code, reason)

    def abort(self) -> None:
        self._finish(None, "the connection was dropped")

    def _finish(self, code: int | None, reason: str) -> None:
        self._closed = self._closed or (code, reason)
        self._out.finish(code, reason)
        self._in.changed.set()


def memory_wires() -> tuple[MemoryWire, MemoryWire]:
    """Two joined ends."""
    there, back = _Lane(), _Lane()
    return MemoryWire(back, there), MemoryWire(there, back)


def memory_links(
    *,
    names: tuple[str, str] = ("carrier", "model"),
    audio_bound_ms: float = 10_000,
    send_patience: float = SEND_PATIENCE,
    close_patience: float = CLOSE_PATIENCE,
) -> tuple[WireLink, WireLink]:
    """Two joined links; each side runs its own `pump`."""
    first, second = (
        WireLink(
            wire,
            name=name,
            audio_bound_ms=audio_bound_ms,
            send_patience=send_patience,
            close_patience=close_patience,
        )
        for wire, name in zip(memory_wires(), names, strict=True)
    )
    return first, second
