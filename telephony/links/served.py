"""The carrier's sockets: WebSockets that were opened to us, through aiohttp.

Every option is set here on purpose. Compression would cost more CPU than the audio does. A message of Media Streams has
some 400 bytes, so 64 KiB is generous and bounds what a stranger can make us hold. The heartbeat asks only a silent peer
whether it is there: any byte counts as an answer, for a carrier that ignores pings must not be hung up on while it
speaks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from aiohttp import ClientConnectionError, WebSocketError, WSMessage, WSMsgType, web

from telephony.links.wire import CLOSE_PATIENCE, SEND_PATIENCE, WireClosed, WireLink, at_once

MAX_MESSAGE = 64 * 1024
"""Bytes of the longest message a carrier may send; a longer one closes the socket with 1009."""
HEARTBEAT = 20.0
"""Seconds of silence before a ping; half as many more without a single byte, and the peer counts as gone."""
AUDIO_BOUND_MS = 10_000
"""Audio that may wait for a slow carrier."""
NO_STATUS = 1005
"""A close frame without a code (RFC 6455, 7.4.1)."""


async def accept(
    request: web.Request,
    *,
    name: str = "carrier",
    protocols: Iterable[str] = (),
    max_size: int = MAX_MESSAGE,
    heartbeat: float = HEARTBEAT,
    audio_bound_ms: float = AUDIO_BOUND_MS,
    send_patience: float = SEND_PATIENCE,
    close_patience: float = CLOSE_PATIENCE,
) -> tuple[WireLink, web.WebSocketResponse]:
    """Answer an upgrade request: the link, and the response that the handler must return after closing the link.

    Raises `web.HTTPBadRequest` (400) if the request is no WebSocket upgrade. *protocols* are subprotocols to agree to,
    where the peer offers one; Twilio offers none.
    """
    response = web.WebSocketResponse(
        timeout=close_patience,
        heartbeat=heartbeat,
        protocols=tuple(protocols),
        compress=False,
        max_msg_size=max_size,
    )
    await response.prepare(request)
    link = WireLink(
        ServedWire(response, request.transport),
        name=name,
        audio_bound_ms=audio_bound_ms,
        send_patience=send_patience,
        close_patience=close_patience,
    )
    return link, response


class ServedWire:
    """An aiohttp server socket as a `Wire`."""

    def __init__(self, response: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self._socket = response
        self._transport = transport

    async def send(self, message: str | bytes) -> None:
        try:
            with _only_our_own_cancellation():
                if isinstance(message, str):
                    await self._socket.send_str(message)
                else:
                    await self._socket.send_bytes(message)
        except (ClientConnectionError, OSError) as problem:
            raise WireClosed(None, f"the connection was lost: {problem}") from problem

    def post(self, message: str) -> bool:
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size():
            return False
        try:
            sent = at_once(self._socket.send_str(message))
        except (ClientConnectionError, OSError) as problem:
            raise WireClosed(None, f"the connection was lost: {problem}") from problem
        if not sent:
            self.abort()  # half a frame may be out
            raise WireClosed(None, "the connection did not take what it had room for")
        return True

    async def receive(self) -> str | bytes:
        message = await self._socket.receive()
        if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
            data: str | bytes = message.data
            return data
        raise _end(message)

    async def ping(self) -> None:
        try:
            await self._socket.ping()  # its heartbeat listens for the answer, and closes the socket without one
        except (ClientConnectionError, OSError) as problem:
            raise WireClosed(None, f"the connection was lost: {problem}") from problem

    async def shut(self, code: int, reason: str) -> None:
        if self._transport is not None:
            # From here on `drain` waits for the last byte, so that dropping the connection afterwards loses none.
            self._transport.set_write_buffer_limits(high=0)
        with _only_our_own_cancellation():
            await self._socket.close(code=code, message=reason.encode())

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


@contextmanager
def _only_our_own_cancellation() -> Iterator[None]:
    """Whoever waits for aiohttp's write buffer waits for one future shared by all, and a waiter that is cancelled
    cancels the future: the next one, which nobody cancelled, would be told that it was."""
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise WireClosed(None, "the connection was dropped while the peer did not read") from None


def _end(message: WSMessage) -> WireClosed:
    """Why aiohttp has no further message."""
    if message.type is WSMsgType.CLOSE:
        return WireClosed(int(message.data) or NO_STATUS, message.extra or "")
    if message.type is WSMsgType.ERROR and isinstance(message.data, WebSocketError):
        return WireClosed(int(message.data.code), f"the peer broke the WebSocket protocol: {message.data}")
    if message.type is WSMsgType.ERROR:
        return WireClosed(None, f"the connection was lost: {message.data}")
    return WireClosed(None, "the peer went away without a close frame")
