"""Requests and connections that came to one process and are another's on the same machine."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger
from yarl import URL

from telephony.links.handing import give

PATIENCE = 5.0
"""Seconds that another process has for an answer; the carrier waits fifteen for ours."""
MOST = 256
"""Workers whose connections are kept open. The dead, whose names never come back, are forgotten with the rest."""
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade", "expect", "te", "trailer"}
)
"""Headers that belong to one connection (RFC 9110, 7.6.1), and the length of the body, which is said anew."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.workers")

Unanswered = (aiohttp.ClientError, OSError, TimeoutError)
"""What `Forwarder.ask` raises when the other process does not answer."""


class Forwarder:
    """*requests_at* and *connections_at* say where a process of that name takes the two. Belongs to one event loop."""

    def __init__(self, requests_at: Callable[[str], Path], connections_at: Callable[[str], Path]) -> None:
        self._requests_at = requests_at
        self._connections_at = connections_at
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def ask(
        self, name: str, request: web.Request, *, method: str = "", path: str = "", patience: float = PATIENCE
    ) -> web.Response:
        """The answer of process *name* to *request*, whose body has been read or can be, or to whoever made it asking
        for *path* by *method* instead. Raises one of `Unanswered`, `TimeoutError` after *patience* seconds."""
        body = await request.read() if not path else None
        timeout = aiohttp.ClientTimeout(total=patience)
        async with self._asked(name, request, method or request.method, path, body, timeout) as answer:
            text = await answer.read()
            kept = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP_BY_HOP}
            kept.pop("Date", None)
            kept.pop("Server", None)
            return web.Response(status=answer.status, body=text or None, headers=kept)

    @contextlib.asynccontextmanager
    async def stream(self, name: str, request: web.Request, silence: float) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer of process *name* to a *request* without a body, as it comes. Entering it and reading raise one of
        `Unanswered`, `TimeoutError` when nothing comes for *silence* seconds."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE, sock_read=silence)
        async with self._asked(name, request, request.method, "", None, timeout) as answer:
            yield answer

    async def hand_on(self, name: str, request: web.Request) -> bool:
        """Give the connection of *request*, which was answered nothing yet, to process *name*; whether it has it."""
        transport = request.transport
        if transport is None or transport.is_closing():
            return False
        transport.pause_reading()
        connection: socket.socket = transport.get_extra_info("socket")
        if await give(self._connections_at(name), connection.fileno(), _head_of(request)):
            transport.abort()  # which closes our descriptor of it, and no more
            return True
        if not transport.is_closing():
            transport.resume_reading()
        return False

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    @contextlib.asynccontextmanager
    async def _asked(
        self,
        name: str,
        request: web.Request,
        method: str,
        path: str,
        body: bytes | None,
        timeout: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = [(key, value) for key, value in request.headers.items() if key.lower() not in _HOP_BY_HOP]
        url = URL("http://worker" + (path or request.raw_path), encoded=True)
        session = await self._session(name)
        async with session.request(
            method, url, headers=headers, data=body, allow_redirects=False, timeout=timeout
        ) as answer:
            yield answer

    async def _session(self, name: str) -> aiohttp.ClientSession:
        if name not in self._sessions and len(self._sessions) >= MOST:
            await self.close()
        if name not in self._sessions:
            # Without a limit, for what waits for a free connection is a call's webhook behind somebody's events.
            connector = aiohttp.UnixConnector(str(self._requests_at(name)), limit=0)
            self._sessions[name] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=["User-Agent", "Accept", "Accept-Encoding"],
                auto_decompress=False,
            )
        return self._sessions[name]


def is_from_ourselves(request: web.Request) -> bool:
    """Whether another process of ours has sent *request* on: it came by a Unix socket, where nobody else is."""
    connection = request.transport.get_extra_info("socket") if request.transport else None
    return connection is not None and connection.family == socket.AF_UNIX


def _head_of(request: web.Request) -> bytes:
    """A request without a body, as it came."""
    version = f"HTTP/{request.version.major}.{request.version.minor}"
    lines = [f"{request.method} {request.raw_path} {version}".encode()]
    lines += [name + b": " + value for name, value in request.raw_headers]
    return b"\r\n".join([*lines, b"", b""])
