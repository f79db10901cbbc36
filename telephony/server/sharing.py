"""What a process shares with others that serve the same calls; here: nothing, since it is alone.

Whatever is remembered of a call between its webhook, its media stream and its later callbacks is in the memory of one
process, its owner. A process that is not alone asks before it serves a request whether the call is its own; see
`telephony.runtime.workers`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from telephony.agents.places import Cap, Full, Places
from telephony.errors import CallStays
from telephony.server.neighbours import Neighbours

AFTERWORD = 2.0
"""Seconds after the end of its last call that a process stays: the carrier asks within one what comes next."""


class Sharing(Protocol):
    """How a process serves calls beside others."""

    name: str
    """What the media streams of its calls have in their path, to lead to it; empty for a process that is alone."""
    parting: bool
    """Whether another process accepts connections in its place."""
    neighbours: Neighbours
    """Those whose calls the API shows and reaches beside its own."""

    async def take(self, call_id: str, caps: Iterable[Cap]) -> Full | None:
        """Take a call's places, or say what is full. Bounded."""

    def hold(self, call_id: str, caps: Iterable[Cap]) -> None:
        """A call goes on, whatever is full: it counts from now on, if it does not already."""

    def release(self, call_id: str) -> None:
        """No agent carries the call any more."""

    async def elsewhere(self, request: web.Request, call_id: str) -> web.Response | None:
        """The answer of the call's owner to a genuine *request*; None if that is this process. Bounded."""

    async def handed_on(self, request: web.Request, worker: str) -> bool:
        """Give the connection of a media stream to the *worker* that its path names, if that is another one and lives.
        The caller then answers nothing."""

    async def handed_to_owner(self, request: web.Request, what: str) -> bool:
        """The same with the one process that owns *what*, such as a key whose sessions are counted."""

    async def moving(self) -> None:
        """Wait until another process is there for the calls of this one, which is to end."""

    async def let_go(self, call_id: str) -> None:
        """What is asked about a call is asked of others from here on. Bounded; raises `CallStays`."""

    async def drained(self) -> None:
        """Every call is over: wait for as long as something may still be asked about them. Bounded."""


class Alone:
    """A process without others. *afterword*: seconds that it stays after its last call."""

    name = ""
    parting = False

    def __init__(self, afterword: float = 0.0) -> None:
        self.places = Places()
        self.neighbours = Neighbours()
        self._afterword = afterword
        self._ended_at: float | None = None

    async def take(self, call_id: str, caps: Iterable[Cap]) -> Full | None:
        return self.places.take(call_id, caps)

    def hold(self, call_id: str, caps: Iterable[Cap]) -> None:
        if call_id not in self.places:
            self.places.take(call_id, uncapped(caps))

    def release(self, call_id: str) -> None:
        if self.places.release(call_id):
            self._ended_at = asyncio.get_running_loop().time()

    async def elsewhere(self, request: web.Request, call_id: str) -> web.Response | None:
        return None

    async def handed_on(self, request: web.Request, worker: str) -> bool:
        return False

    async def handed_to_owner(self, request: web.Request, what: str) -> bool:
        return False

    async def moving(self) -> None:
        await asyncio.Event().wait()  # nobody comes

    async def let_go(self, call_id: str) -> None:
        raise CallStays("there is no other process")

    async def drained(self) -> None:
        if self._ended_at is not None:
            await asyncio.sleep(self._ended_at + self._afterword - asyncio.get_running_loop().time())


def uncapped(caps: Iterable[Cap]) -> tuple[Cap, ...]:
    """The same counts without their limits."""
    return tuple(Cap(cap.kind, cap.name) for cap in caps)


@dataclass(frozen=True, slots=True)
class Seat:
    """What a process is given by whoever started it: its place among others, or none."""

    sharing: Sharing = field(default_factory=Alone)
    secret: bytes | None = None
    """What media tokens are signed with; None makes one up."""
    listener: socket.socket | None = None
    """The listening socket; None opens one for `host` and `port`."""

    @property
    def is_shared(self) -> bool:
        """Whether there are others, and a parent that is watched in our place."""
        return self.listener is not None
