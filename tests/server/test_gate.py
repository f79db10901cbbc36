"""Who gets in, over real sockets: loopback has many addresses, and one of them is a stranger's."""

from __future__ import annotations

import asyncio
import contextlib
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

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def answered(self) -> bool:
        """Whether a request on it is answered; it is not if the connection was reset."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(GET)
            return b"200 OK" in await self._reader.read(1000)
        return False

    def close(self) -> None:
        self._writer.transport.abort()


async def connections(port: int, source: str, count: int) -> list[Connection]:
    return [Connection(*await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))) for _ in range(count)]


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
