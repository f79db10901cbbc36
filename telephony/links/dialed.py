"""The model's sockets: WebSockets that we open, through `websockets`.

Every option is set here on purpose, because the defaults are made for browsers: compression costs CPU and latency, a
black-holed peer is noticed after 50 s, a proxy is taken from the environment, and redirects carry our headers along.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus, InvalidURI
from websockets.protocol import State

from telephony.errors import UpstreamLost, UpstreamRefused
from telephony.links.wire import CLOSE_PATIENCE, SEND_PATIENCE, WireClosed, WireLink, at_once

USER_AGENT = "telephony-bridge"
OPEN_TIMEOUT = 10.0
"""Seconds for the name, the connection, TLS and the WebSocket handshake together."""
MAX_MESSAGE = 21 * 1024 * 1024
"""Bytes of the longest message a model may send: it echoes items, and OpenAI takes 15 MiB of audio or image in one,
which are 20 MiB in base64."""
PING_INTERVAL = 5.0
PING_TIMEOUT = 5.0
"""A peer that vanished without a word is noticed within the sum of both, in seconds."""
AUDIO_BOUND_MS = 2_000
"""Audio that may wait for a slow model: what the caller said longer ago answers no question any more."""

# At level DEBUG the library logs every header, and with them the key.
_LIBRARY_LOG = logging.getLogger("telephony.links.dialed.websockets")
_LIBRARY_LOG.setLevel(logging.INFO)

_HINTS = {
    400: "the server takes the request for wrong; check the model's name and api_base",
    401: "the API key is wrong or missing",
    403: "the API key may not use this model",
    404: "there is no such model or path at this address; check the model's name and api_base",
    429: "too many requests or no quota left",
}


class _Connect(connect):
    """`connect` that refuses to be sent elsewhere: keys travel in headers that the library does not know as such."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def dial(
    url: str,
    headers: Mapping[str, str],
    *,
    open_timeout: float = OPEN_TIMEOUT,
    name: str = "model",
    user_agent: str = USER_AGENT,
    proxy: str | None = None,
    tls: ssl.SSLContext | None = None,
    max_size: int = MAX_MESSAGE,
    ping_interval: float = PING_INTERVAL,
    ping_timeout: float = PING_TIMEOUT,
    audio_bound_ms: float = AUDIO_BOUND_MS,
    send_patience: float = SEND_PATIENCE,
    close_patience: float = CLOSE_PATIENCE,
) -> WireLink:
    """Open a WebSocket within *open_timeout* seconds.

    Raises `UpstreamRefused` with the HTTP status if the server answered with something else than an upgrade, and
    `UpstreamLost` if it could not be reached or made no sense. Neither message holds the headers or the URL's query.
    """
    for header, value in headers.items():
        if not value.isprintable() or not value.isascii():
            raise UpstreamRefused(
                f"{_place(url)} was not asked: the header {header} holds a line break or a letter "
                "that no header can carry; look for a stray one in the API key"
            )
    options: dict[str, Any] = {}
    if url.startswith("wss:"):
        options["ssl"] = tls or _trusted()
    try:
        connection = await _Connect(
            url,
            additional_headers=dict(headers),
            user_agent_header=user_agent,
            compression=None,
            proxy=proxy,
            open_timeout=open_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_patience,
            max_size=max_size,
            max_queue=64,
            write_limit=32 * 1024,
            logger=_LIBRARY_LOG,
            **options,
        )
    except InvalidStatus as refusal:
        raise _refused(url, refusal) from None
    except (InvalidHandshake, InvalidURI, InvalidProxy, OSError, ValueError) as problem:
        raise UpstreamLost(f"{_place(url)}: {_human(problem, open_timeout)}") from None
    return WireLink(
        DialedWire(connection),
        name=name,
        audio_bound_ms=audio_bound_ms,
        send_patience=send_patience,
        close_patience=close_patience,
    )


class DialedWire:
    """A `websockets` connection as a `Wire`."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: str | bytes) -> None:
        try:
            await self._connection.send(message)
        except ConnectionClosed as end:
            raise _end(end) from None

    def post(self, message: str) -> bool:
        connection, transport = self._connection, self._connection.transport
        if connection.state is not State.OPEN or transport.is_closing() or transport.get_write_buffer_size():
            return False
        try:
            sent = at_once(connection.send(message))
        except ConnectionClosed as end:
            raise _end(end) from None
        if not sent:
            self.abort()  # half a frame may be out
            raise WireClosed(None, "the connection did not take what it had room for")
        return True

    async def receive(self) -> str | bytes:
        try:
            return await self._connection.recv()
        except ConnectionClosed as end:
            raise _end(end) from None

    async def ping(self) -> None:
        try:
            await (await self._connection.ping())
        except ConnectionClosed as end:
            raise _end(end) from None

    async def shut(self, code: int, reason: str) -> None:
        await self._connection.close(code, reason)

    def abort(self) -> None:
        self._connection.transport.abort()


def _end(end: ConnectionClosed) -> WireClosed:
    """How a connection ended: their close frame, else ours, else none."""
    if end.rcvd is not None:
        return WireClosed(end.rcvd.code, end.rcvd.reason)
    if end.sent is not None and end.sent.reason != "keepalive ping timeout":
        return WireClosed(end.sent.code, end.sent.reason)
    why = "it answers no pings" if end.sent is not None else str(end.__cause__ or "no close frame")
    return WireClosed(None, f"the connection was lost: {why}")


@cache
def _trusted() -> ssl.SSLContext:
    """The machine's certificate authorities, read once: reading them takes longer than a frame of audio lasts."""
    return ssl.create_default_context()


def _place(url: str) -> str:
    """The URL without user, query and fragment, where keys may stand."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the model's address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _refused(url: str, refusal: InvalidStatus) -> UpstreamRefused:
    status = refusal.response.status_code
    hint = _HINTS.get(status, "")
    if 300 <= status < 400:
        hint = "it redirects, which we do not follow with a key in hand; set api_base to the final address"
    elif status >= 500:
        hint = "the server has a problem of its own"
    text = f"{_place(url)} answered HTTP {status}" + (f": {hint}" if hint else "")
    return UpstreamRefused(text, status, _seconds(refusal.response.headers.get_all("Retry-After")))


def _seconds(retry_after: list[str]) -> float:
    """`Retry-After` in seconds; its other form, a date, needs a calendar and is nobody's choice for a full house."""
    return max((float(text) for text in retry_after if text.isascii() and text.isdigit()), default=0.0)


def _human(problem: Exception, open_timeout: float) -> str:
    """What went wrong in words, without repeating what the library was given."""
    match problem:
        case TimeoutError():
            return f"no answer within {open_timeout:g} s"
        case ssl.SSLCertVerificationError():
            return f"its certificate does not hold: {problem.verify_message}"
        case ssl.SSLError():
            return f"TLS failed ({problem.reason or 'no reason given'}); is it a wss:// server?"
        case ConnectionRefusedError():
            return "nothing listens there"
        case InvalidURI() | ValueError():
            return "that is no WebSocket address; api_base must begin with ws://, wss://, http:// or https://"
        case InvalidProxy():
            return "the proxy's address is wrong"
        case InvalidHandshake():
            return f"it does not speak WebSocket ({type(problem).__name__})"
        case socket.gaierror():
            return "the name does not resolve"
        case OSError():
            return f"no connection ({problem.strerror or type(problem).__name__})"
        case _:
            return f"no connection ({type(problem).__name__})"
