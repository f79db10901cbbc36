"""Sockets that are opened to us: limits, heartbeat, and what is no WebSocket."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from telephony.links.served import MAX_MESSAGE, accept
from telephony.links.wire import WireLink

pytestmark = pytest.mark.timeout(30)

TEXT, CLOSE, PING = 0x1, 0x8, 0x9


@asynccontextmanager
async def server(heard: asyncio.Queue[WireLink], **options: Any) -> AsyncIterator[int]:
    """A port where everything that is said is said back; ended links come through *heard*."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        link, response = await accept(request, **options)
        async with asyncio.TaskGroup() as group:
            group.create_task(link.pump(), name="pump")
            async for message in link:
                link.write(str(message))
            await link.close()
        heard.put_nowait(link)
        return response

    app = web.Application()
    app.router.add_get("/media", handler)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


class RawClient:
    """A WebSocket client with no manners: it does only what a test tells it to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int, extra: str = "") -> tuple[RawClient, str]:
        """A client and the head of the answer it got."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /media HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{extra}\r\n".encode()
        )
        return cls(reader, writer), (await reader.readuntil(b"\r\n\r\n")).decode()

    def send(self, opcode: int, payload: bytes) -> None:
        """A short frame, masked with zeros."""
        self.writer.write(bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    async def receive(self) -> tuple[int, bytes]:
        """Opcode and payload of a short frame."""
        opcode, length = await self.reader.readexactly(2)
        return opcode & 0xF, await self.reader.readexactly(length)


async def test_a_peer_that_ignores_pings_is_kept_while_it_speaks() -> None:
    heard: asyncio.Queue[WireLink] = asyncio.Queue()
    async with server(heard, heartbeat=0.1) as port:
        client, _ = await RawClient.connect(port)
        pings = 0
        while pings < 4:
            opcode, payload = await client.receive()
            assert opcode in {PING, TEXT}, payload
            if opcode == PING:  # no pong, only more media
                pings += 1
                client.send(TEXT, b"media")
        client.send(CLOSE, (1000).to_bytes(2, "big"))
        link = await heard.get()
        assert link.closed == (1000, "")
        client.writer.close()


async def test_a_peer_that_fell_silent_is_given_up() -> None:
    heard: asyncio.Queue[WireLink] = asyncio.Queue()
    async with server(heard, heartbeat=0.1) as port:
        client, _ = await RawClient.connect(port)
        link = await heard.get()
        assert link.closed[0] is None
        assert "PONG" in link.closed[1]
        client.writer.close()


async def test_a_close_frame_without_a_code_is_a_close() -> None:
    heard: asyncio.Queue[WireLink] = asyncio.Queue()
    async with server(heard) as port:
        client, _ = await RawClient.connect(port)
        client.send(CLOSE, b"")
        assert (await heard.get()).closed == (1005, "")
        client.writer.close()


async def test_a_connection_that_ends_without_a_close_frame_has_no_code() -> None:
    heard: asyncio.Queue[WireLink] = asyncio.Queue()
    async with server(heard) as port:
        client, _ = await RawClient.connect(port)
        client.writer.close()
        link = await heard.get()
        assert link.closed[0] is None


async def test_compression_is_refused_and_a_known_subprotocol_is_agreed_to() -> None:
    heard: asyncio.Queue[WireLink] = asyncio.Queue()
    async with server(heard, protocols=["audio.somleng.org"]) as port:
        wishes = "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: audio.somleng.org\r\n"
        client, head = await RawClient.connect(port, wishes)
        assert "extensions" not in head.lower()
        assert "audio.somleng.org" in head
        client.writer.close()
        await heard.get()


@pytest.mark.parametrize("payload", [b"\xff\xfe", b"ok \xed\xa0\x80"])
async def test_text_that_is_no_utf8_breaks_the_protocol(payload: bytes) -> None:
    heard: asyncio.Queue[WireLink] = asyncio.Queue()
    async with server(heard) as port:
        client, _ = await RawClient.connect(port)
        client.send(TEXT, payload)
        assert (await heard.get()).closed[0] == 1007
        client.writer.close()


async def test_a_message_over_the_limit_closes_the_socket() -> None:
    heard: asyncio.Queue[WireLink] = asyncio.Queue()
    async with server(heard) as port:
        async with connect(f"ws://127.0.0.1:{port}/media", compression=None, proxy=None) as client:
            await client.send("x" * (MAX_MESSAGE - 1))
            assert len(await client.recv()) == MAX_MESSAGE - 1
            await client.send("x" * (MAX_MESSAGE + 1))
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1009
        link = await heard.get()
        assert link.closed[0] == 1009


async def test_what_is_no_upgrade_is_a_bad_request() -> None:
    async with (
        server(asyncio.Queue()) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/media") as response,
    ):
        assert response.status == 400
