"""Messages that are sent here and now: only where nothing waits, in order, and with every doubt left to the pump."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from websockets.protocol import State

from telephony.links.dialed import DialedWire
from telephony.links.served import ServedWire
from telephony.links.wire import SHORT, Wire, WireClosed, WireLink, at_once


class Socket:
    """A wire that has room for a number of messages and keeps them."""

    def __init__(self) -> None:
        self.room = 10
        self.closed = False
        self.seen: list[str] = []
        self.posted = 0
        self.resumed = asyncio.Event()

    def post(self, message: str) -> bool:
        if self.closed:
            raise WireClosed(None, "lost")
        if not self.room:
            return False
        self.room -= 1
        self.posted += 1
        self.seen.append(message)
        return True

    async def send(self, message: str) -> None:
        while not self.room:
            await self.resumed.wait()
        self.seen.append(message)

    async def receive(self) -> str | bytes:
        raise WireClosed(1000, "bye")

    async def shut(self, code: int, reason: str) -> None: ...

    def abort(self) -> None: ...


@contextlib.asynccontextmanager
async def pumped(socket: Socket) -> AsyncIterator[WireLink]:
    """A link over *socket* whose pump waits for something to do."""
    link = WireLink(socket, name="carrier", audio_bound_ms=1000)
    async with asyncio.TaskGroup() as group:
        pump = group.create_task(link.pump(), name="pump")
        await asyncio.sleep(0)
        yield link
        pump.cancel()


async def test_message_for_a_free_socket_is_gone_when_write_returns() -> None:
    socket = Socket()
    async with pumped(socket) as link:
        link.write("one")
        link.write("two", audio_ms=20)
        assert socket.seen == ["one", "two"]
        assert len(link.outbox) == 0


async def test_nothing_overtakes_what_had_to_wait() -> None:
    socket = Socket()
    socket.room = 1
    async with pumped(socket) as link:
        for message in ("one", "two", "three"):
            link.write(message)
        socket.room = 10
        link.write("four")
        assert socket.seen == ["one"]
        socket.resumed.set()
        await asyncio.sleep(0)
        assert socket.seen == ["one", "two", "three", "four"]
        link.write("five")
        assert socket.seen[-1] == "five"
        assert socket.posted == 2


async def test_long_message_is_left_to_the_pump() -> None:
    socket = Socket()
    async with pumped(socket) as link:
        link.write("x" * (SHORT + 1))
        link.write("short")
        assert socket.seen == []
        await asyncio.sleep(0)
        assert [len(message) for message in socket.seen] == [SHORT + 1, 5]
        assert socket.posted == 0


async def test_nothing_is_sent_before_or_after_the_pump_runs() -> None:
    socket = Socket()
    link = WireLink(socket, name="carrier", audio_bound_ms=1000)
    link.write("early")
    assert socket.seen == []
    async with asyncio.TaskGroup() as group:
        pump = group.create_task(link.pump(), name="pump")
        await asyncio.sleep(0)
        pump.cancel()
    link.write("late")
    assert socket.seen == ["early"]


async def test_socket_found_closed_is_written_to_no_more_and_still_heard_to_the_end() -> None:
    socket = Socket()
    async with pumped(socket) as link:
        socket.closed = True
        link.write("one")
        link.write("two")
        assert (socket.seen, len(link.outbox)) == ([], 0)
        assert [message async for message in link] == []
        assert link.closed == (1000, "bye")


# -- coroutines that need not wait ---------------------------------------------------------------------------------


async def test_at_once_runs_a_coroutine_that_waits_for_nothing() -> None:
    done: list[int] = []

    async def send() -> None:
        done.append(1)

    assert at_once(send())
    assert done == [1]


async def test_at_once_drops_a_coroutine_that_waits() -> None:
    left: list[str] = []

    async def send() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            left.append("cleaned up")

    assert not at_once(send())
    assert left == ["cleaned up"]


class Transport:
    """As much of a transport as a wire asks."""

    def __init__(self, *, waiting: int = 0, closing: bool = False) -> None:
        self.waiting = waiting
        self.closing = closing
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.aborted = True


class Stubborn(web.WebSocketResponse):
    """A response that waits though it need not."""

    async def send_str(self, data: str, compress: int | None = None) -> None:
        await asyncio.Event().wait()


class StubbornConnection:
    """The same of the other library."""

    state = State.OPEN

    def __init__(self, transport: Any) -> None:
        self.transport = transport

    async def send(self, message: str) -> None:
        await asyncio.Event().wait()


def connection(transport: Any) -> Any:
    return StubbornConnection(transport)


@pytest.mark.parametrize("wire", [lambda t: ServedWire(Stubborn(), t), lambda t: DialedWire(connection(t))])
async def test_wire_that_waits_against_expectation_is_dropped(wire: Callable[[Any], Wire]) -> None:
    transport = Transport()
    with pytest.raises(WireClosed, match="had room"):
        wire(transport).post("one")
    assert transport.aborted


@pytest.mark.parametrize("wire", [lambda t: ServedWire(Stubborn(), t), lambda t: DialedWire(connection(t))])
@pytest.mark.parametrize("transport", [Transport(waiting=1), Transport(closing=True)])
async def test_wire_without_room_leaves_the_message_to_the_pump(wire: Callable[[Any], Wire], transport: Any) -> None:
    assert not wire(transport).post("one")
