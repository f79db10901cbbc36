"""A listening site that asks a `Crowd` about everybody who connects, never lets the calls wait for them, and lets go of
those who do not read.

asyncio's own servers accept as many connections at once as may wait, a thousand of them, before they look at any other
socket again, and make a transport and a task of each before anybody can refuse it: a tenth of a second of silence in
all calls. Here a few are accepted in a turn of the loop, and who is refused costs two system calls.

A stranger may ask for more than they read: then the answer waits, and aiohttp with it, for ever. WebSockets have a
patience of their own, which is shorter.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.server.crowd import Crowd

AT_ONCE = 16
"""Connections that are let in in one turn of the loop, which takes three milliseconds."""
LOOKED_AT = 256
"""Those that are accepted in one turn, if they are refused: it takes as long. They must not fill the queue, where
whoever is to be let in waits behind them or, when it is full, tries again after seconds."""
RECOUNT = 0.5
"""Seconds between looks at who is still there."""
REST = 1.0
"""Seconds in which none is accepted when no file is left for another."""
UNREAD = 15.0
"""Seconds in which somebody for whom bytes wait must have taken at least one of them."""
TOLD = 10.0
"""Seconds between lines of the log about those who were refused."""
RESET = struct.pack("ii", 1, 0)
"""For `SO_LINGER`: closing resets the connection (socket(7))."""

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
        self._listening: list[socket.socket] = []
        self._letting_in: set[asyncio.Task[None]] = set()
        self._inside: dict[asyncio.Protocol, str] = {}
        """Who serves each connection that is counted, and where that comes from."""
        self._timers: dict[str, asyncio.TimerHandle] = {}
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
        # It only binds: what is accepted there is accepted here.
        if self._listener:
            server = await loop.create_server(asyncio.Protocol, sock=self._listener, start_serving=False)
        else:
            server = await loop.create_server(asyncio.Protocol, self._host, self._port, start_serving=False)
        self._server = server
        for bound in server.sockets:
            listening = bound.dup()
            self._listening.append(listening)
            listening.setblocking(False)
            listening.listen(self._backlog)
        self._accept_all()
        self._count()

    async def stop(self) -> None:
        """Listen no more; connections that are open stay."""
        for timer in self._timers.values():
            timer.cancel()
        for listening in self._listening:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        self._listening.clear()
        for address in self._inside.values():
            self._crowd.leave(address)
        self._inside.clear()
        self._unread.clear()
        await super().stop()

    # -- at the door -------------------------------------------------------------------------------------------------

    def _accept_all(self) -> None:
        for listening in self._listening:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        let_in = 0
        for _ in range(LOOKED_AT):
            try:
                connection, peer = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            address = _host_of(peer)
            if self._runner.server is None or not self._crowd.enter(address, loop.time(), connection.fileno()):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                connection.close()
                continue
            connection.setblocking(False)
            task = loop.create_task(self._let_in(connection, address), name="let a connection in")
            self._letting_in.add(task)
            task.add_done_callback(self._letting_in.discard)
            let_in += 1
            if let_in == AT_ONCE:
                return

    def _rest(self, error: OSError) -> None:
        """No file is left, or no memory: those who wait go on waiting."""
        loop = asyncio.get_running_loop()
        _log.error("no connection can be accepted", error=error.strerror, seconds=REST)
        for listening in self._listening:
            loop.remove_reader(listening)
        self._timers["rest"] = loop.call_later(REST, self._accept_all)

    async def _let_in(self, connection: socket.socket, address: str) -> None:
        gate = _Gate(self, address)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: gate, connection)
        finally:
            if not gate.passed:
                self._crowd.leave(address)

    def admit(self, transport: asyncio.BaseTransport, address: str) -> bool:
        """Have a connection served that the crowd has counted; whether it is counted on from here."""
        server = self._runner.server
        if server is None:
            transport.abort()  # type: ignore[attr-defined]  # a socket's transport can
            return False
        inside: asyncio.Protocol = server()
        transport.set_protocol(inside)
        inside.connection_made(transport)
        if not self._listening:  # it has stopped meanwhile
            return False
        self._inside[inside] = address
        return True

    # -- inside ------------------------------------------------------------------------------------------------------

    def _count(self) -> None:
        """Nobody says when a connection ends, or that one was taken over from another process."""
        loop = asyncio.get_running_loop()
        server = self._runner.server
        if server is not None:
            there = dict.fromkeys(server.connections)
            for protocol in self._inside.keys() - there.keys():
                self._crowd.leave(self._inside.pop(protocol))
            for protocol in there.keys() - self._inside.keys():
                address = self._inside[protocol] = _address(protocol.transport)
                self._crowd.count(address)
            self._drop_unread((protocol.transport for protocol in there if protocol.transport), loop.time())
        if self._crowd.refused > self._told and loop.time() >= self._told_at + TOLD:
            _log.warning("connections were refused", count=self._crowd.refused - self._told)
            self._told, self._told_at = self._crowd.refused, loop.time()
        self._timers["count"] = loop.call_later(RECOUNT, self._count)

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

    def __init__(self, site: GatedSite, address: str) -> None:
        self.passed = False
        self._site = site
        self._address = address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.passed = self._site.admit(transport, self._address)


def _address(transport: asyncio.BaseTransport | None) -> str:
    return _host_of(transport.get_extra_info("peername")) if transport else ""


def _host_of(peer: object) -> str:
    """Empty for a Unix socket's."""
    return str(peer[0]) if isinstance(peer, tuple) and peer else ""
