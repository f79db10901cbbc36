"""One link over any WebSocket: the outbox, the patience with a slow peer and the closing are the same for all of them.

A `Wire` is what differs between aiohttp's server, the `websockets` client and memory: calls that may wait for as long
as the peer likes. `WireLink` puts a bound and a consequence on each of them and implements `links.link.Link`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from telephony.links.outbox import Outbox
from telephony.links.patience import Patience

SEND_PATIENCE = 5.0
"""Seconds a peer may take for one message before it counts as not reading."""
SLOWEST = 1024 * 1024
"""Bytes a second that are asked of it besides: a message of 15 MiB may take 15 s longer than a short one."""
CLOSE_PATIENCE = 1.0
"""Seconds for what is still queued and the closing handshake together."""
TRY_AGAIN_LATER = 1013
"""The close code given to a peer that does not read (IANA WebSocket close codes)."""
SHORT = 4096
"""Characters of a message that may be posted; no buffer is so small that the first one like it would fill it."""
REASON_LIMIT = 123
"""Bytes of a close reason (RFC 6455, 5.5)."""


class WireClosed(Exception):
    """The socket is closed. *code* is None if the peer vanished without a close frame."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Wire(Protocol):
    """A connected WebSocket. Cancelling any of these leaves it usable for `abort`."""

    async def send(self, message: str | bytes) -> None:
        """Hand a message to the socket; wait while its buffer is full. Raise `WireClosed` if it is closed."""

    def post(self, message: str) -> bool:
        """Send a text message of at most `SHORT` characters now if that needs no waiting. False, and nothing was sent,
        if it does. Raise `WireClosed` if the socket is closed."""

    async def receive(self) -> str | bytes:
        """The next message; raise `WireClosed` at the end, also if `shut` or `abort` were called meanwhile."""

    async def ping(self) -> None:
        """Ask whether the peer is there and wait for the answer, where the library tells of it. Raise `WireClosed` if
        the socket is closed."""

    async def shut(self, code: int, reason: str) -> None:
        """Perform the closing handshake. It may wait for ever."""

    def abort(self) -> None:
        """Drop the connection and whatever was not sent, at once."""


class WireLink:
    """A link over *wire*. *audio_bound_ms* is how much unsent audio it keeps; see `Outbox`."""

    def __init__(
        self,
        wire: Wire,
        *,
        name: str,
        audio_bound_ms: float,
        send_patience: float = SEND_PATIENCE,
        close_patience: float = CLOSE_PATIENCE,
    ) -> None:
        self.name = name
        self.outbox = Outbox(audio_bound_ms)
        self._wire = wire
        self._send_patience = send_patience
        self._close_patience = close_patience
        self._queued = asyncio.Event()
        self._idle = False
        """Whether `pump` has nothing left to send, and waits."""
        self._sent = asyncio.Event()
        self._end: tuple[int | None, str] | None = None
        self._writable = True
        self._shutting = False

    # -- in ------------------------------------------------------------------------------------------------------

    def __aiter__(self) -> WireLink:
        return self

    async def __anext__(self) -> str | bytes:
        if self._end is None:
            try:
                message = await self._wire.receive()
            except WireClosed as end:
                self._finish(end.code, end.reason)
            else:
                if self._end is None:
                    return message
        raise StopAsyncIteration

    # -- out -----------------------------------------------------------------------------------------------------

    def write(self, message: str | bytes, *, audio_ms: float = 0.0) -> None:
        """Queue a message and return at once; on a closed link it is discarded. See `Link.write`.

        Where nothing waits and the socket has room, it is sent here and now: to wake `pump` for each frame would cost
        a turn of the event loop, which is more than the frame does.
        """
        if not self._writable or (self._idle and self._posted(message)):
            return
        self._idle = False
        self.outbox.put(message, audio_ms)
        self._queued.set()
        if self.outbox.stuck:
            self._give_up("the peer does not read: too many control messages wait")

    def _posted(self, message: str | bytes) -> bool:
        try:
            return isinstance(message, str) and len(message) <= SHORT and self._wire.post(message)
        except WireClosed:
            self._writable = False  # as in `pump`
            return True

    @property
    def waiting(self) -> int:
        """About how many bytes are queued."""
        return self.outbox.size

    async def room(self, below: int) -> None:
        """Wait until fewer than *below* bytes are queued, or the link is closed."""
        while self._writable and (self.outbox.size >= below or self.outbox.crowded):
            self._sent.clear()
            await self._sent.wait()

    async def pump(self) -> None:
        """Send what was queued until the link is closed."""
        try:
            async with asyncio.timeout(None) as bound:
                patience = Patience(self._send_patience, bound)
                try:
                    await self._send_all(patience)
                finally:
                    self._idle = False
                    patience.end()
        except TimeoutError:
            self._give_up(f"the peer does not read: one message took over {self._send_patience:g} s")
        except WireClosed:
            # The iteration ends the link, for it may still hold what the peer said before it closed (`stop`).
            self._writable = False
            self._sent.set()

    async def _send_all(self, patience: Patience) -> None:
        while self._end is None:
            message = self.outbox.pop()
            if message is None:
                self._queued.clear()
                self._idle = True
                await self._queued.wait()
                continue
            patience.begin(extra=len(message) / SLOWEST)
            await self._wire.send(message)
            patience.done()
            self._sent.set()

    async def flush(self) -> bool:
        """Send what was queued, without a `pump`. See `Link.flush`."""
        try:
            async with asyncio.timeout(self._send_patience):
                while self._writable and (message := self.outbox.pop()) is not None:
                    await self._wire.send(message)
        except TimeoutError:
            self._give_up(f"the peer does not read: it took over {self._send_patience:g} s")
        except WireClosed:
            self._writable = False
        return self._writable

    async def probe(self, patience: float) -> None:
        """See `Link.probe`."""
        try:
            async with asyncio.timeout(patience):
                await self._wire.ping()
        except TimeoutError:
            self._give_up("the connection was lost: it answers no pings", None)
        except WireClosed:
            self._writable = False  # as in `pump`

    # -- the end -------------------------------------------------------------------------------------------------

    async def close(self, code: int = 1000, reason: str = "", *, flush: bool = True) -> None:
        """Send what still waits, if *flush*, say goodbye, and drop the connection after `close_patience` whatever
        happens."""
        gone = self._end is not None
        self._finish(code, reason)
        if self._shutting:
            return
        self._shutting = True
        try:
            async with asyncio.timeout(self._close_patience):
                while flush and not gone and (message := self.outbox.pop()) is not None:
                    await self._wire.send(message)
                await self._wire.shut(code, _clipped(reason))
        except (TimeoutError, WireClosed):
            pass  # the goodbye is a courtesy; the connection goes in any case
        finally:
            self._wire.abort()

    @property
    def closed(self) -> tuple[int | None, str]:
        """Close code and reason; (None, "") while the link is open."""
        return self._end or (None, "")

    def _give_up(self, reason: str, code: int | None = TRY_AGAIN_LATER) -> None:
        """Close without a goodbye, which a peer that does not read would never see."""
        self._finish(code, reason)
        self._wire.abort()

    def _finish(self, code: int | None, reason: str) -> None:
        """Note how it ended, the first time, and let `pump` see it."""
        if self._end is None:
            self._end = (code, reason)
            self._writable = False
            self._queued.set()
            self._sent.set()


def at_once(sending: Coroutine[Any, Any, None]) -> bool:
    """Run *sending* without the event loop, as long as it waits for nothing; False if it did, and was dropped.

    For libraries that have only a coroutine to send with, and finish it without waiting where the socket has room.
    """
    try:
        sending.send(None)
    except StopIteration:
        return True
    sending.close()
    return False


def _clipped(reason: str) -> str:
    """*reason* within the bytes a close frame can carry."""
    return reason.encode()[:REASON_LIMIT].decode(errors="ignore")
