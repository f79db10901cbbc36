"""What every link promises, held by the served, the dialled and the in-memory one over real loopback sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import pytest
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from telephony.links.dialed import dial
from telephony.links.link import Link
from telephony.links.memory import MemoryWire, memory_wires
from telephony.links.outbox import CONTROL_LIMIT
from telephony.links.served import accept
from telephony.links.wire import WireClosed, WireLink

KINDS = ["served", "dialed", "memory"]
AUDIO_BOUND_MS = 1_000
BIG = "x" * 64_000
"""A message of which a few hundred fill every buffer between two sockets."""

pytestmark = [pytest.mark.parametrize("kind", KINDS), pytest.mark.timeout(30)]


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
    opener = {"served": served, "dialed": dialed, "memory": in_memory}[kind]
    async with opener(**options) as (link, peer), asyncio.TaskGroup() as group:
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


# -- messages ------------------------------------------------------------------------------------------------------


async def test_messages_arrive_in_order_both_ways(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        for n in range(40):
            link.write(f"out {n}", audio_ms=20 * (n % 2))
        assert [await peer.receive() for _ in range(40)] == [f"out {n}" for n in range(40)]
        for n in range(40):
            await peer.send(f"in {n}")
        assert await everything_until(link, peer, 1000) == [f"in {n}" for n in range(40)]


async def test_binary_frames_come_as_bytes(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        await peer.send(b"\x00\xff")
        await peer.send("text")
        assert await everything_until(link, peer, 1000) == [b"\x00\xff", "text"]


async def test_bytes_go_as_binary_frames(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        link.write(b"\x00\xff")
        link.write("text")
        assert [await peer.receive(), await peer.receive()] == [b"\x00\xff", "text"]


async def test_text_beyond_ascii_survives(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        link.write("grüß Gott 🙂")
        assert await peer.receive() == "grüß Gott 🙂"
        await peer.send("grüß Gott 🙂")
        assert await anext(aiter(link)) == "grüß Gott 🙂"


async def test_a_cancelled_reader_can_be_followed_by_another(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(aiter(link))
        await peer.send("still here")
        assert await anext(aiter(link)) == "still here"


# -- the end -------------------------------------------------------------------------------------------------------


async def test_the_peers_close_ends_the_iteration_with_its_code(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        assert link.closed == (None, "")
        assert await everything_until(link, peer, 4001, "bye now") == []
        assert link.closed == (4001, "bye now")
        assert await everything(link) == []


async def test_our_close_ends_the_iteration_and_tells_the_peer(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(everything(link), name="reader")
            seen = group.create_task(peer.receive(), name="peer")
            await asyncio.sleep(0)
            await link.close(1008, "not you")
        assert reader.result() == []
        assert seen.result() is None
        assert peer.ended() == (1008, "not you")
        assert link.closed == (1008, "not you")


async def test_what_was_written_before_the_close_is_sent(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        for n in range(20):
            link.write(f"{n}", audio_ms=20)

        async def read_all() -> list[str | bytes]:
            return [message async for message in _messages(peer)]

        async with asyncio.TaskGroup() as group:
            heard = group.create_task(read_all(), name="peer")
            await link.close()
        assert heard.result() == [f"{n}" for n in range(20)]
        assert peer.ended()[0] == 1000


async def _messages(peer: Peer) -> AsyncIterator[str | bytes]:
    while (message := await peer.receive()) is not None:
        yield message


async def test_the_peers_last_words_are_heard(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        for n in range(5):
            await peer.send(f"{n}")
        link.write("perhaps too late")
        assert await everything_until(link, peer, 1000, "done") == ["0", "1", "2", "3", "4"]
        assert link.closed == (1000, "done")


async def test_a_peer_that_vanishes_has_no_code(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        peer.vanish()
        assert await everything(link) == []
        code, reason = link.closed
        assert code is None
        assert reason


async def test_closing_twice_or_at_once_is_fine(kind: str) -> None:
    async with a_link(kind) as (link, _):
        async with asyncio.TaskGroup() as group:
            for code in (1000, 1001, 1011):
                group.create_task(link.close(code), name=f"close {code}")
        await link.close(1008, "again")
        assert link.closed == (1000, "")


async def test_closing_after_the_peer_did_is_fine(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        await everything_until(link, peer, 1000, "first")
        await link.close(1001, "second")
        assert link.closed == (1000, "first")


async def test_what_is_written_after_the_end_is_discarded(kind: str) -> None:
    async with a_link(kind) as (link, _):
        await link.close()
        link.write("nobody hears this")
        assert len(link.outbox) == 0


async def test_a_long_reason_is_cut_to_what_a_frame_can_carry(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        async with asyncio.TaskGroup() as group:
            group.create_task(peer.receive(), name="peer")
            await link.close(1008, "é" * 100)
        assert peer.ended() == (1008, "é" * 61)


# -- a peer that does not read -------------------------------------------------------------------------------------


async def test_writing_never_waits_and_drops_only_the_oldest_audio(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        for n in range(200):  # the pump has had no turn yet: everything waits
            link.write(f"audio {n}", audio_ms=20)
            if n % 50 == 0:
                link.write(f"control {n}")
        assert link.outbox.audio_ms == AUDIO_BOUND_MS
        assert (link.outbox.dropped, link.outbox.dropped_ms) == (150, 3000)
        kept = ["control 0", "control 50", "control 100", "audio 150", "control 150"]
        kept += [f"audio {n}" for n in range(151, 200)]
        assert [await peer.receive() for _ in kept] == kept


async def test_a_peer_that_does_not_read_is_closed(kind: str) -> None:
    async with a_link(kind, send_patience=0.1) as (link, peer):
        peer.stop_reading()
        for _ in range(400):
            link.write(BIG)
        assert await everything(link) == []
        code, reason = link.closed
        assert code == 1013
        assert "does not read" in reason


async def test_whoever_waits_for_room_goes_on_as_the_peer_reads(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        peer.stop_reading()
        for _ in range(400):
            link.write(BIG)
        assert link.waiting == 400 * len(BIG)
        async with asyncio.TaskGroup() as group:
            waits = group.create_task(link.room(200 * len(BIG)), name="room")
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await asyncio.shield(waits)
            if kind == "memory":  # the sockets swallow a good part by themselves
                assert not waits.done()
            peer.read_on()
            for _ in range(300):
                await peer.receive()
            await waits
        assert link.waiting < 200 * len(BIG)


async def test_whoever_waits_for_room_is_let_go_when_the_link_ends(kind: str) -> None:
    async with a_link(kind, send_patience=0.1, close_patience=0.1) as (link, peer):
        peer.stop_reading()
        for _ in range(400):
            link.write(BIG)
        await link.room(1)
        assert link.closed[0] == 1013


async def test_a_close_without_flush_leaves_out_what_waits(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        for n in range(200):  # the pump has had no turn yet
            link.write(f"{n}")
        async with asyncio.TaskGroup() as group:
            seen = group.create_task(peer.receive(), name="peer")
            await link.close(1013, "too slow", flush=False)
        assert seen.result() is None
        assert peer.ended() == (1013, "too slow")


async def test_too_many_waiting_control_messages_close_the_link_at_once(kind: str) -> None:
    async with a_link(kind) as (link, _):
        for _ in range(CONTROL_LIMIT + 10):
            link.write("control")
        assert link.closed[0] == 1013
        assert len(link.outbox) == CONTROL_LIMIT + 1
        assert await everything(link) == []


async def test_closing_does_not_wait_for_a_peer_that_does_not_read(kind: str) -> None:
    async with a_link(kind, close_patience=0.1) as (link, peer):
        peer.stop_reading()
        for _ in range(400):
            link.write(BIG)
        await link.close(1001, "going away")
        assert link.closed == (1001, "going away")


async def test_a_cancelled_close_leaves_nothing_behind(kind: str) -> None:
    async with a_link(kind, close_patience=20) as (link, peer):
        peer.stop_reading()
        for _ in range(400):
            link.write(BIG)
        with suppress(TimeoutError):  # a goodbye in memory needs nobody's consent and is over before
            async with asyncio.timeout(0.05):
                await link.close()
        assert await everything(link) == []
