"""The HTTP server as strangers find it: what it answers, what it refuses, and when it hangs up on them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from front_door import FORM, FrontDoor, front_door, media, start
from telephony.errors import ConfigurationError
from telephony.server.app import MAX_BODY, Server
from telephony.server.reception import Patience

BRIEF = 0.3
"""Seconds; what a server whose patience is this long does must be seen within `ENOUGH`."""
ENOUGH = 5.0


@contextlib.asynccontextmanager
async def raw(door: FrontDoor, *sent: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that speaks no HTTP but what a test writes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.server.port)
    try:
        for data in sent:
            writer.write(data)
        await writer.drain()
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_health_tells_that_the_process_lives_and_nothing_else(door: FrontDoor) -> None:
    async with door.session.get(door.address + "/healthz") as response:
        assert response.status == 200
        assert await response.json() == {"status": "ok", "calls": 0}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/metrics",
        "/readyz",
        "/drain",
        "/debug/tasks",
        "/debug",
        "/twilio",
        "/twilio/voice/",
        "/twilio/voice/../status",
        "/docs",
        "/.env",
    ],
)
async def test_there_is_nothing_else_here(door: FrontDoor, path: str) -> None:
    status, _ = await door.post(path)
    assert status == 404


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/drain", "/debug/tasks"])
async def test_what_the_internal_port_says_is_not_for_strangers(door: FrontDoor, path: str) -> None:
    async with door.session.get(door.address + path) as response:
        assert response.status == 404


@pytest.mark.parametrize("path", ["voice", "status", "stream-status", "stream-ended", "dial-ended"])
async def test_webhooks_are_posted(door: FrontDoor, path: str) -> None:
    async with door.session.get(f"{door.address}/twilio/{path}") as response:
        assert response.status == 405


async def test_a_bug_of_ours_is_told_without_its_traceback_and_the_next_request_is_served(door: FrontDoor) -> None:
    def broken(number: str) -> None:
        raise ZeroDivisionError(f"secret detail about {number}")

    working, door.reception.line_for = door.reception.line_for, broken
    status, text = await door.post()
    assert status == 500
    assert "secret" not in text
    assert "Traceback" not in text
    door.reception.line_for = working
    assert (await door.post())[0] == 200


async def test_a_body_beyond_the_limit_is_refused_before_it_is_read(door: FrontDoor) -> None:
    status, _ = await door.post(body=b"x=" + b"a" * MAX_BODY)
    assert status == 413
    assert (await door.post())[0] == 200


async def test_a_body_within_the_limit_is_read(door: FrontDoor) -> None:
    form = [*FORM, ("StirPassportToken", "a" * (MAX_BODY - 2000))]
    assert (await door.post(form=form))[0] == 200


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /twi", b"POST /twilio/voice HTTP/1.1\r\nHost: a\r\nX-Slow: "],
    ids=["nothing", "half a request line", "half a header"],
)
async def test_whoever_dawdles_over_the_headers_is_cut_off(
    nothing_left_behind: None, tmp_path: Path, sent: bytes
) -> None:
    async with front_door(tmp_path, keepalive=BRIEF) as door, raw(door, sent) as (reader, writer):

        async def drip() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b"a")
                    await writer.drain()
                    await asyncio.sleep(BRIEF / 10)

        async with asyncio.timeout(ENOUGH), asyncio.TaskGroup() as group:
            dripping = group.create_task(drip(), name="drip")
            with contextlib.suppress(ConnectionError):
                await reader.read()
            dripping.cancel()


async def test_whoever_dawdles_over_the_body_is_told_and_cut_off(nothing_left_behind: None, tmp_path: Path) -> None:
    head = (
        b"POST /twilio/voice HTTP/1.1\r\nHost: voice.example.com\r\nContent-Length: 1000\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nCallSid="
    )
    async with front_door(tmp_path, patience=Patience(body=BRIEF)) as door, raw(door, head) as (reader, _):
        async with asyncio.timeout(ENOUGH):
            assert b"408" in await reader.readline()
            await reader.read()


async def test_whoever_leaves_in_the_middle_of_the_body_is_no_bug_of_ours(door: FrontDoor) -> None:
    head = b"POST /twilio/voice HTTP/1.1\r\nHost: voice.example.com\r\nContent-Length: 1000\r\n\r\nCallSid="
    with capture_logs() as logs:
        async with raw(door, head):
            pass
        assert (await door.post())[0] == 200
    assert "request failed" not in [line["event"] for line in logs]


async def test_an_idle_connection_is_kept_for_the_next_request_and_then_closed(
    nothing_left_behind: None, tmp_path: Path
) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: voice.example.com\r\n\r\n"
    async with front_door(tmp_path, keepalive=BRIEF) as door, raw(door, request, request) as (reader, _):
        async with asyncio.timeout(ENOUGH):
            assert (await reader.read()).count(b"200 OK") == 2


async def test_headers_beyond_the_limit_are_refused(door: FrontDoor) -> None:
    status, _ = await door.post(headers={"X-Long": "a" * 10_000})
    assert status == 400


# -- starting and stopping -----------------------------------------------------------------------------------------


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


async def test_a_port_that_is_taken_is_a_matter_of_configuration(nothing_left_behind: None, taken: int) -> None:
    server = Server(web.Application(), "127.0.0.1", taken)
    with pytest.raises(
        ConfigurationError, match=rf"port: 127\.0\.0\.1:{taken} cannot be listened on.*Set PORT \(or --port\)"
    ):
        await server.start()
    await server.stop()


async def test_an_address_that_is_not_this_machines_is_a_matter_of_configuration(nothing_left_behind: None) -> None:
    with pytest.raises(ConfigurationError, match="cannot be listened on"):
        await Server(web.Application(), "192.0.2.1", 0).start()


async def test_a_server_that_was_stopped_is_gone(nothing_left_behind: None, tmp_path: Path) -> None:
    async with front_door(tmp_path) as door:
        address = door.address + "/healthz"
        await door.server.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await door.session.get(address)


async def test_stopping_waits_for_nobody_for_long(nothing_left_behind: None, tmp_path: Path) -> None:
    """Neither for a stranger who has not said yet which call it is, nor for a call that nobody drained."""
    async with front_door(tmp_path) as door:
        stranger, call = await door.stream(), await door.stream()
        await call.send_str(start(door.token()))
        await call.send_str(media())
        async with asyncio.timeout(ENOUGH):
            await door.upstream.reached.wait()
            await door.server.stop()
            await door.reception.calls.idle()
        assert [record.termination is not None for record in door.records] == [True]
        await stranger.close()
        await call.close()


# -- the internal port -------------------------------------------------------------------------------------------------


async def test_a_port_that_is_taken_is_told_by_the_name_of_its_setting() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        server = Server(web.Application(), "127.0.0.1", taken, setting="internal_port", remedy="Set another.")
        with pytest.raises(ConfigurationError, match=rf"internal_port.*:{taken} cannot be listened on.*Set another"):
            await server.start()
