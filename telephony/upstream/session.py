"""A connection to a deployment together with its lease: a link like any other that also tells the balancer how it goes.

That a socket is open proves little. OpenAI takes any key and says no in the first event; a LiteLLM proxy answers before
it has asked its provider. So the opening is read before anybody is handed the session, and kept for whoever reads it
then. Servers that say nothing until they are spoken to exist as well, hence the patience is short and silence counts as
consent: what such a server says first is judged when it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import msgspec

from telephony.errors import UpstreamLost, UpstreamRefused
from telephony.links.link import Link
from telephony.upstream.balancer import Balancer, Lease
from telephony.upstream.deployment import Deployment
from telephony.upstream.failures import Failure, of_close, of_error

FIRST_EVENT = 1.0
"""Seconds a server has for its first event; a proxy asks its provider meanwhile. Then it counts as a silent one."""
_LONGEST_OPENING = 8
"""Messages that may come before one that shows a session; whoever sends more is of a kind we do not know."""


class Session:
    """One realtime session, a `Link`. `close` it, or leave it as a context, and its place is free again; when the other
    side ends it, its place is free as soon as the iteration has ended."""

    def __init__(
        self, link: Link, lease: Lease, balancer: Balancer, clock: Callable[[], float], *, on_trial: bool = False
    ) -> None:
        """*on_trial*: a failure to open tells nothing of the deployment, so the balancer does not hear of it."""
        self.name = link.name
        self.established = False
        """Whether the server has said anything but an error."""
        self.flat = False
        """Whether `voice` and `turn_detection` stand at its top or its conversation has a name, as with xAI."""
        self.failure: Failure | None = None
        """How it failed, as it was told to the balancer."""
        self._link = link
        self._messages = aiter(link)
        self._lease = lease
        self._balancer = balancer
        self._clock = clock
        self._on_trial = on_trial
        self._opening: deque[str | bytes] = deque()
        self._closing = False

    @property
    def deployment(self) -> Deployment:
        """Where it lives."""
        return self._lease.deployment

    # -- how it goes -------------------------------------------------------------------------------------------------

    async def settle(self, patience: float = FIRST_EVENT) -> None:
        """Read the opening, for *patience* seconds at most. Raises `UpstreamError` if it is a refusal."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not self.established and len(self._opening) < _LONGEST_OPENING:
                    self._opening.append(await self._receive())
                    self._look_at(self._opening[-1])
                    if self.failure:
                        raise UpstreamRefused(f"it opened a session and refused it: {self.failure.why}")

    def failed(self, failure: Failure) -> None:
        """The session failed, as its owner has found out: no answer where one was due, say. The first failure counts;
        what follows is its consequence."""
        if self.failure is None and failure.kind != "benign":
            self.failure = failure
            if not self._on_trial:
                self._balancer.failed(self._lease, failure, self._clock())

    def _look_at(self, message: str | bytes) -> None:
        """Find out from one of the first messages whether there is a session, or none."""
        event = _event(message)
        kind = event.get("type")
        if kind == "error":
            self.failed(of_error(event, established=False))
        elif isinstance(kind, str) and kind != "ping":
            # Which event comes first depends on the provider and its age (xAI in 2026: both, or either).
            self.established = True
            self._on_trial = False
            self._balancer.succeeded(self._lease, self._clock())
        if kind == "conversation.created" or (kind == "session.created" and _is_flat(event.get("session"))):
            self.flat = True

    async def _receive(self) -> str | bytes:
        """The next message; raises `UpstreamLost` at the end, having told the balancer."""
        try:
            return await anext(self._messages)
        except StopAsyncIteration:
            pass
        code, reason = self._link.closed
        end = of_close(code, reason, established=self.established)
        if not self._closing:
            self.failed(end)
        if not self._on_trial:
            self._balancer.release(self._lease)
        raise UpstreamLost(end.why, code)

    # -- the link ----------------------------------------------------------------------------------------------------

    def __aiter__(self) -> Session:
        return self

    async def __anext__(self) -> str | bytes:
        if self._opening:
            return self._opening.popleft()
        try:
            message = await self._receive()
        except UpstreamLost:
            raise StopAsyncIteration from None
        if not self.established and self.failure is None:
            self._look_at(message)
        return message

    def write(self, message: str | bytes, *, audio_ms: float = 0.0) -> None:
        """See `Link.write`."""
        self._link.write(message, audio_ms=audio_ms)

    @property
    def waiting(self) -> int:
        """See `Link.waiting`."""
        return self._link.waiting

    async def room(self, below: int) -> None:
        """See `Link.room`."""
        await self._link.room(below)

    async def pump(self) -> None:
        """See `Link.pump`."""
        await self._link.pump()

    async def flush(self) -> bool:
        """See `Link.flush`."""
        return await self._link.flush()

    async def part(self) -> None:
        """Close the connection and keep the place, which whoever holds the lease gives back."""
        self._closing = True
        await self._link.close(1000, "", flush=False)

    async def probe(self, patience: float) -> None:
        """See `Link.probe`."""
        await self._link.probe(patience)

    async def close(self, code: int = 1000, reason: str = "", *, flush: bool = True) -> None:
        """Close, bounded by about a second, and give the place back at once."""
        self._closing = True
        self._balancer.release(self._lease)  # at once: a call whose session this was is looking for the next one
        await self._link.close(code, reason, flush=flush)

    @property
    def closed(self) -> tuple[int | None, str]:
        """See `Link.closed`."""
        return self._link.closed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        await self.close(1000 if kind is None else 1001)


def _is_flat(session: Any) -> bool:
    return isinstance(session, dict) and "type" not in session and not {"voice", "turn_detection"}.isdisjoint(session)


def _event(message: str | bytes) -> dict[str, Any]:
    """The event in a message; empty if it holds none."""
    try:
        event = msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return event if isinstance(event, dict) else {}
