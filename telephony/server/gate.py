"""A listening site that asks a `Crowd` about everybody who connects, and lets go of those who do not read.

A stranger may ask for more than they read: then the answer waits, and aiohttp with it, for ever. WebSockets have a
patience of their own, which is shorter.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterable

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.server.crowd import Crowd

AT_ONCE = 8
"""Connections that are accepted in one turn of the event loop, before the first of them can be refused. asyncio has one
number for these and for those that may wait in the kernel; with a large one a flood would take every file descriptor
that the process has."""
RECOUNT = 0.5
"""Seconds between looks at who is still there."""
UNREAD = 15.0
"""Seconds in which somebody for whom bytes wait must have taken at least one of them."""
TOLD = 10.0
"""Seconds between lines of the log about those who were refused."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.server")


class GatedSite(web.BaseSite):
    """Listens on *host* and *port*, or on *listener*, which is closed with it. Connections that the crowd has no room
    for are reset."""

    def __init__(
        self,
        runner: web.AppRunner,
        crowd: Crowd,
        *,
        host: str = "",
        port: int = 0,
        listener: socket.socket | None = None,
        backlog: int = 128,
    ) -> None:
        super().__init__(runner, backlog=backlog)
        self._crowd = crowd
        self._host, self._port, self._listener = host, port, listener
        self._counting: asyncio.TimerHandle | None = None
        self._unread: dict[asyncio.Transport, tuple[int, float]] = {}
        """Connections for which bytes wait: how many, and since when there are as many."""
        self._told_at = 0.0
        self._told = 0

    @property
    def name(self) -> str:
        """For people."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen. Raises `OSError`."""
        await super().start()
        loop = asyncio.get_running_loop()
        if self._listener:
            server = await loop.create_server(self._gate, sock=self._listener, backlog=AT_ONCE)
        else:
            server = await loop.create_server(self._gate, self._host, self._port, backlog=AT_ONCE)
        for listening in server.sockets:
            with socket.socket(fileno=os.dup(listening.fileno())) as same:
                same.listen(self._backlog)
        self._server = server
        self._count()

    async def stop(self) -> None:
        """Listen no more; connections that are open stay."""
        if self._counting:
            self._counting.cancel()
        self._unread.clear()
        await super().stop()

    def _gate(self) -> asyncio.Protocol:
        return _Gate(self)

    def admit(self, transport: asyncio.BaseTransport) -> asyncio.Protocol | None:
        """Who serves a connection; None if there is no room for it."""
        server = self._runner.server
        now, connection = asyncio.get_running_loop().time(), transport.get_extra_info("socket")
        if server is None or not self._crowd.enter(_address(transport), now, connection.fileno()):
            return None
        protocol: asyncio.Protocol = server()
        return protocol

    def _count(self) -> None:
        loop = asyncio.get_running_loop()
        server = self._runner.server
        if server is not None:
            there = [protocol.transport for protocol in server.connections if protocol.transport]
            self._crowd.recount(map(_address, there))
            self._drop_unread(there, loop.time())
        if self._crowd.refused > self._told and loop.time() >= self._told_at + TOLD:
            _log.warning("connections were refused", count=self._crowd.refused - self._told)
            self._told, self._told_at = self._crowd.refused, loop.time()
        self._counting = loop.call_later(RECOUNT, self._count)

    def _drop_unread(self, there: Iterable[asyncio.Transport], now: float) -> None:
        before, self._unread = self._unread, {}
        for transport in there:
            if not (waiting := transport.get_write_buffer_size()):
                continue
            size, since = before.get(transport, (waiting, now))
            self._unread[transport] = (waiting, since if waiting == size else now)
            if waiting == size and now - since >= UNREAD:
                _log.warning("somebody who does not read was cut off", peer=_address(transport), waiting=waiting)
                transport.abort()


class _Gate(asyncio.Protocol):
    """What a connection meets first."""

    def __init__(self, site: GatedSite) -> None:
        self._site = site

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        inside = self._site.admit(transport)
        if inside is None:
            transport.abort()  # type: ignore[attr-defined]  # a socket's transport can
            return
        transport.set_protocol(inside)
        inside.connection_made(transport)


def _address(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) and peer else ""
