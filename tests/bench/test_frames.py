"""Frames of the load: what it writes a proper library reads, and the other way about."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from telephony.bench.frames import PING, Client, Server, frame, unmasked

SIZES = [0, 1, 125, 126, 1400, 65535, 65536, 70000]


def pairs(data: bytes, *, cut: int) -> list[bytes]:
    """What a server reads of *data* when it comes in pieces of *cut* bytes."""
    server, seen = Server(), list[bytes]()
    server.opened.set()
    server._transport = None
    server.on_text = seen.append
    rest = b""
    for start in range(0, len(data), cut):
        rest = server._frames(rest + data[start : start + cut])
    assert rest == b""
    return seen


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("masked", [False, True])
def test_frames_of_any_length_are_read_however_they_are_cut(size: int, masked: bool) -> None:
    messages = [b"a" * size, b"b" * 3]
    data = b"".join(frame(message, masked=masked) for message in messages)
    assert pairs(data, cut=1009) == messages
    assert pairs(data, cut=len(data)) == messages


def test_mask_is_taken_off() -> None:
    assert unmasked(b"\x37\xfa\x21\x3d", b"\x7f\x9f\x4d\x51\x58") == b"Hello"  # RFC 6455, 5.7


def test_skipped_messages_are_only_measured() -> None:
    server, lengths, seen = Server(), list[int](), list[bytes]()
    server.skip = lambda length: not lengths.append(length) and length > 5
    server.on_text = seen.append
    server._frames(frame(b"a long one", masked=True) + frame(b"short", masked=True))
    assert (lengths, seen) == ([10, 5], [b"short"])


async def test_client_speaks_with_a_proper_server() -> None:
    said: list[str | bytes] = []

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            said.append(message)
            await connection.ping()
            await connection.send(message)

    async with asyncio.timeout(10), serve(echo, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        client, heard = Client(f"127.0.0.1:{port}", "/x", {"X-Y": "z"}), asyncio.Queue[bytes]()
        client.on_text = heard.put_nowait
        await asyncio.get_running_loop().create_connection(lambda: client, "127.0.0.1", port)
        await client.opened.wait()
        client.send(b"a" * 2000)
        assert await heard.get() == b"a" * 2000
        client.close()
        await client.gone.wait()
    assert said == ["a" * 2000]


async def test_client_tells_a_refusal() -> None:
    async def refuse(connection: ServerConnection, request: object) -> object:
        return connection.respond(403, "no\n")

    async def never(connection: ServerConnection) -> None:
        raise AssertionError

    async with asyncio.timeout(10), serve(never, "127.0.0.1", 0, process_request=refuse) as server:  # type: ignore[arg-type]
        port = server.sockets[0].getsockname()[1]
        client = Client(f"127.0.0.1:{port}", "/", {})
        await asyncio.get_running_loop().create_connection(lambda: client, "127.0.0.1", port)
        await client.opened.wait()
        assert "403" in client.refusal
        await client.gone.wait()


async def test_server_speaks_with_a_proper_client() -> None:
    ends: list[Server] = []

    def end() -> Server:
        server = Server()
        server.on_text = server.send
        ends.append(server)
        return server

    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10), await loop.create_server(end, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/x", compression=None, proxy=None) as connection:
            await connection.send("ä" * 40_000)
            assert await connection.recv() == "ä" * 40_000
            await (await connection.ping())
            ends[0].send(b"here?", PING)
        await ends[0].gone.wait()
    assert urlsplit(f"ws://127.0.0.1:{port}").port == port
