"""The other end of every kind of link, for tests that hold all of them to one contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from telephony.links.dialed import dial
from telephony.links.link import Link
from telephony.links.memory import MemoryWire, memory_wires
from telephony.links.served import accept
from telephony.links.wire import WireClosed, WireLink

AUDIO_BOUND_MS = 1_000


# -- the peer: whoever is at the other end -------------------------------------------------------------------------


class Peer(Protocol):
    async def send(self, message: str | bytes) -> None: ...

    async def receive(self) -> str | bytes | None:
        """The next message, None at the end."""

    async def close(self, code: int, reason: str) -> None: ...

    def ended(self) -> tuple[int | None, str | None]: ...

    def vanish(self) -> None: ...

    def stop_reading(self) -> None: ...

    def read_on(self) -> None: ...


class SocketPeer:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def send(self, message: str | bytes) -> None:
        await self.connection.send(message)

    async def receive(self) -> str | bytes | None:
        try:
            return await self.connection.recv()
        except ConnectionClosed:
            return None

    async def close(self, code: int, reason: str) -> None:
        await self.connection.close(code, reason)

    def ended(self) -> tuple[int | None, str | None]:
        return self.connection.close_code, self.connection.close_reason

    def vanish(self) -> None:
        self.connection.transport.abort()

    def stop_reading(self) -> None:
        self.connection.transport.pause_reading()  # type: ignore[attr-defined]

    def read_on(self) -> None:
        self.connection.transport.resume_reading()  # type: ignore[attr-defined]


class MemoryPeer:
    def __init__(self, wire: MemoryWire) -> None:
        self.wire = wire
        self.end: tuple[int | None, str | None] = (None, None)

    async def send(self, message: str | bytes) -> None:
        await self.wire.send(message)

    async def receive(self) -> str | bytes | None:
        try:
            return await self.wire.receive()
        except WireClosed as closed:
            self.end = (closed.code, closed.reason)
            return None

    async def close(self, code: int, reason: str) -> None:
        await self.wire.shut(code, reason)

    def ended(self) -> tuple[int | None, str | None]:
        return self.end

    def vanish(self) -> None:
        self.wire.abort()

    def stop_reading(self) -> None:
        """It reads only when told to, as it is."""

    def read_on(self) -> None:
        """As above."""


# -- opening a pair of each kind -----------------------------------------------------------------------------------


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[tuple[WireLink, Peer]]:
    opened: asyncio.Future[WireLink] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def handler(request: web.Request) -> web.WebSocketResponse:
        link, response = await accept(request, audio_bound_ms=AUDIO_BOUND_MS, **options)
        opened.set_result(link)
        await over.wait()
        return response

    app = web.Application()
    app.router.add_get("/media", handler)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/media"
    connection = await connect(url, compression=None, proxy=None, ping_interval=None, close_timeout=1)
    try:
        yield await opened, SocketPeer(connection)
    finally:
        over.set()
        connection.transport.abort()
        await connection.wait_closed()
        await runner.cleanup()


@asynccontextmanager
async def dialed(**options: Any) -> AsyncIterator[tuple[WireLink, Peer]]:
    opened: asyncio.Future[ServerConnection] = asyncio.get_running_loop().create_future()

    async def handler(connection: ServerConnection) -> None:
        opened.set_result(connection)
        await connection.wait_closed()

    async with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None, close_timeout=1) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        link = await dial(url, {}, audio_bound_ms=AUDIO_BOUND_MS, **options)
        connection = await opened
        try:
            yield link, SocketPeer(connection)
        finally:
            connection.transport.abort()
            await connection.wait_closed()


@asynccontextmanager
async def in_memory(**options: Any) -> AsyncIterator[tuple[WireLink, Peer]]:
    ours, theirs = memory_wires()
    yield WireLink(ours, name="carrier", audio_bound_ms=AUDIO_BOUND_MS, **options), MemoryPeer(theirs)


OPENERS = {"served": served, "dialed": dialed, "memory": in_memory}


def sockets_open() -> int:
    """Sockets this process holds (Linux); elsewhere the check is idle."""
    here = Path("/proc/self/fd")
    return sum(_target(fd).startswith("socket:") for fd in here.iterdir()) if here.exists() else 0


def _target(fd: Path) -> str:
    try:
        return str(fd.readlink())
    except OSError:  # the descriptor of the listing itself
        return ""


@asynccontextmanager
async def a_link(kind: str, **options: Any) -> AsyncIterator[tuple[WireLink, Peer]]:
    """An open link whose pump runs; afterwards it is closed, and neither a task nor a socket is left."""
    tasks, sockets = asyncio.all_tasks(), sockets_open()
    async with OPENERS[kind](**options) as (link, peer), asyncio.TaskGroup() as group:
        group.create_task(link.pump(), name=f"{link.name} pump")
        try:
            yield link, peer
        finally:
            await link.close()
    for _ in range(3):  # a transport's last callback comes one turn of the loop later
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    assert sockets_open() == sockets


async def everything(link: Link) -> list[str | bytes]:
    return [message async for message in link]


async def everything_until(link: Link, peer: Peer, code: int, reason: str = "") -> list[str | bytes]:
    """What the link yields while the peer closes, which waits for our half of the handshake."""
    async with asyncio.TaskGroup() as group:
        group.create_task(peer.close(code, reason), name="peer closes")
        return await everything(link)
