"""Requests and connections of another process, which is played by a second server on this loop."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from telephony.links.handing import Receiver
from telephony.server.app import Server
from telephony.server.forwarding import Forwarder, Unanswered, is_from_ourselves

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(30)]


@contextlib.asynccontextmanager
async def two() -> AsyncIterator[tuple[aiohttp.ClientSession, Server]]:
    """A process that has nothing of its own, and its colleague `b`, who answers everything."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    forwarder = Forwarder(lambda name: folder / f"{name}.http", lambda name: folder / f"{name}.fds")

    async def ask(request: web.Request) -> web.Response:
        try:
            return await forwarder.ask(request.match_info["name"], request)
        except Unanswered:
            return web.Response(status=503, text="nobody")

    async def hand_on(request: web.Request) -> web.Response:
        handed = await forwarder.hand_on(request.match_info["name"], request)
        return web.Response(status=499, text="" if handed else "kept")

    async def told(request: web.Request) -> web.Response:
        said = {
            "path": request.raw_path,
            "body": (await request.read()).decode(),
            "signature": request.headers.get("X-Twilio-Signature"),
            "internal": is_from_ourselves(request),
        }
        return web.json_response(said, status=202, headers={"X-Answer": "b"})

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{request.path} {message.data}")
        return socket

    front, back = web.Application(), web.Application()
    front.add_routes([web.post("/ask/{name}", ask), web.get("/media/{name}", hand_on)])
    back.add_routes([web.post("/ask/{name}", told), web.get("/media/{name}", echo)])
    servers = [Server(front, "127.0.0.1", 0), Server(back, "127.0.0.1", 0)]
    tasks: set[asyncio.Task[None]] = set()

    def taken(connection: socket.socket, head: bytes) -> None:
        taking = servers[1].take_over(connection, head)
        tasks.add(asyncio.get_running_loop().create_task(taking, name="taking over"))

    receiver = Receiver(folder / "b.fds", taken)
    try:
        for server in servers:
            await server.start()
        await servers[1].listen_at(folder / "b.http")
        async with aiohttp.ClientSession(f"http://127.0.0.1:{servers[0].port}") as session:
            yield session, servers[0]
    finally:
        receiver.close()
        await forwarder.close()
        for server in servers:
            await server.stop()
        shutil.rmtree(folder)


async def test_another_process_answers_with_everything_that_was_asked() -> None:
    async with two() as (session, first):
        headers = {"X-Twilio-Signature": "abc=", "Expect": "100-continue"}
        url = URL(f"http://127.0.0.1:{first.port}/ask/b?a=1%2F2&b=", encoded=True)
        async with session.post(url, data=b"CallSid=CA1", headers=headers) as answer:
            assert (answer.status, answer.headers["X-Answer"]) == (202, "b")
            said = await answer.json()
    assert said == {"path": "/ask/b?a=1%2F2&b=", "body": "CallSid=CA1", "signature": "abc=", "internal": True}


async def test_one_that_is_not_there_answers_nothing() -> None:
    async with two() as (session, _), session.post("/ask/gone", data=b"") as answer:
        assert (answer.status, await answer.text()) == (503, "nobody")


async def test_a_media_stream_is_the_other_process_s_also_when_the_first_one_is_gone() -> None:
    async with two() as (session, first), session.ws_connect("/media/b") as stream:
        await stream.send_str("one")
        assert await stream.receive_str() == "/media/b one"
        await first.stop()
        await stream.send_str("two")
        assert await stream.receive_str() == "/media/b two"


async def test_a_connection_that_nobody_takes_stays_where_it_is() -> None:
    async with two() as (session, _), session.get("/media/gone") as answer:
        assert (answer.status, await answer.text()) == (499, "kept")
