"""Who gets in, over real sockets: loopback has many addresses, and one of them is a stranger's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from telephony.server import gate
from telephony.server.crowd import Crowd, CrowdLimits
from telephony.server.gate import GatedSite

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

LIMITS = CrowdLimits(most=30, per_address=5, per_second=1000, trusted=("127.0.0.1/32",))
PROXY, STRANGER = "127.0.0.1", "127.0.0.2"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app, keepalive_timeout=5, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = GatedSite(runner, Crowd(LIMITS), host="127.0.0.1", port=0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


class Connection:
    """One that says nothing unless it is told to."""

    def __init__(self) -> None:
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self, port: int, source: str) -> None:
        """It may be reset before this side knows that it was there."""
        with contextlib.suppress(ConnectionError):
            self._streams = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))

    async def answered(self) -> bool:
        """Whether a request on it is answered; it is not if the connection was reset."""
        if not self._streams:
            return False
        reader, writer = self._streams
        with contextlib.suppress(ConnectionError):
            writer.write(GET)
            return b"200 OK" in await reader.read(1000)
        return False

    def close(self) -> None:
        if self._streams:
            self._streams[1].transport.abort()


async def connections(port: int, source: str, count: int) -> list[Connection]:
    made = [Connection() for _ in range(count)]
    for each in made:
        await each.open(port, source)
    return made


async def test_a_stranger_gets_so_many_connections_and_others_do_not_notice(port: int) -> None:
    flood = await connections(port, STRANGER, 20)
    genuine = await connections(port, PROXY, 10)
    assert [await one.answered() for one in flood] == [True] * 5 + [False] * 15
    assert all([await one.answered() for one in genuine])
    for one in flood + genuine:
        one.close()


async def test_who_leaves_makes_room(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    flood = await connections(port, STRANGER, 5)
    for one in flood:
        one.close()
    async with asyncio.timeout(10):
        while True:
            (late,) = await connections(port, STRANGER, 1)
            came_in = await late.answered()
            late.close()
            if came_in:
                return
            await asyncio.sleep(gate.RECOUNT / 5)


async def test_of_many_who_come_at_once_a_few_are_let_in_before_others_have_their_turn(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "AT_ONCE", 2)
    crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]  # while the loop is not looking
    seen: set[asyncio.Task[object]] = set()
    turns: list[int] = []
    async with asyncio.timeout(10):
        while len(seen) < len(crowd):
            new = {task for task in asyncio.all_tasks() if task.get_name() == "let a connection in"} - seen
            seen |= new
            turns.append(len(new))
            await asyncio.sleep(0)
    for each in crowd:
        each.close()
    assert max(turns) == 2


def is_reset(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        connection.recv(1)
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    return False


async def test_who_is_refused_takes_no_turn_of_those_who_are_let_in(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "AT_ONCE", 2)
    flood = [socket.create_connection(("127.0.0.1", port), source_address=(STRANGER, 0)) for _ in range(100)]
    for _ in range(20):  # with two in a turn, less than half of them would be looked at by then
        await asyncio.sleep(0)
    assert sum(is_reset(each) for each in flood) == 95
    for each in flood:
        each.close()


async def test_when_no_file_is_left_who_waits_is_let_in_later(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REST", 0.05)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    waiting = socket.socket()
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208  numbers, not paths
    spare = [os.dup(0) for _ in range(highest)]  # fills the holes below
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(spare) + 1, limits[1]))
    try:
        with capture_logs() as lines:
            waiting.connect(("127.0.0.1", port))
            async with asyncio.timeout(10):
                while not lines:  # noqa: ASYNC110  the log tells nobody
                    await asyncio.sleep(0.01)
    finally:
        for file in spare:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert {line["event"] for line in lines} == {"no connection can be accepted"}
    waiting.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(waiting, GET)
    async with asyncio.timeout(10):
        assert b"200 OK" in await loop.sock_recv(waiting, 1000)
    waiting.close()


async def test_those_who_were_refused_are_told_of_once_in_a_while(port: int) -> None:
    with capture_logs() as lines:
        flood = await connections(port, STRANGER, 20)
        assert [await one.answered() for one in flood].count(False) == 15
        async with asyncio.timeout(10):
            while not lines:  # noqa: ASYNC110  the log tells nobody
                await asyncio.sleep(0.05)
    assert [(line["event"], line["count"]) for line in lines] == [("connections were refused", 15)]
    for one in flood:
        one.close()
