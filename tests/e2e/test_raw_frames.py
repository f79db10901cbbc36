"""WebSocket frames that no library would send: what they announce is refused before a byte of it is kept."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import struct
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from front_door import PUBLIC, TOKEN, FrontDoor, front_door
from telephony.simulate.signature import HEADER, sign_upgrade

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(30)]

TEXT, BINARY, GOING_ON, CLOSE = 1, 2, 0, 8
ENDS = 0x80
COMPRESSED = 0x40
MANY = 4 * 2**20
"""Bytes that a stranger sends, or announces, in one message."""
KEPT = 2**20
"""Bytes that the whole process may hold more than before meanwhile."""


def frame(first: int, payload: bytes, announced: int | None = None) -> bytes:
    """A masked frame (RFC 6455, 5.2) whose first byte is *first*; it may announce more than it holds."""
    size = len(payload) if announced is None else announced
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = struct.pack("!BH", 0x80 | 126, size) if size <= 0xFFFF else struct.pack("!BQ", 0x80 | 127, size)
    return bytes([first]) + length + bytes(4) + payload


def bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(b" " * MANY * 4) + packer.flush(zlib.Z_SYNC_FLUSH)


CASES: dict[str, tuple[list[bytes], int]] = {
    "an announcement of a byte more than 64 KiB": ([frame(ENDS | TEXT, b" ", 65_537)], 1009),
    "a message of a megabyte": ([frame(ENDS | TEXT, b" " * 2**20)], 1009),
    "an announcement of 2^62 bytes": ([frame(ENDS | TEXT, b"", 2**62)], 1009),
    "an announcement of 2^64 - 1 bytes": ([frame(ENDS | BINARY, b"x", 2**64 - 1)], 1009),
    "fragments without end": ([frame(TEXT, b" "), *[frame(GOING_ON, b" " * 1000)] * (MANY // 1000)], 1009),
    "a compressed message": ([frame(ENDS | COMPRESSED | TEXT, bomb())], 1002),
    "no text": ([frame(ENDS | TEXT, b"\xff\xfe")], 1007),
    "a kind that there is not": ([frame(ENDS | 5, b"x")], 1002),
}


@contextlib.asynccontextmanager
async def upgraded(door: FrontDoor) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]]:
    """A media socket that offers compression, byte by byte; with the head of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.server.port)
    try:
        signature = sign_upgrade(TOKEN, PUBLIC.replace("https", "wss") + "/twilio/media")
        head = [
            "GET /twilio/media HTTP/1.1",
            "Host: voice.example.com",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
            f"{HEADER}: {signature}",
        ]
        writer.write("\r\n".join([*head, "", ""]).encode())
        yield reader, writer, await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.transport.abort()


async def code(reader: asyncio.StreamReader) -> int | None:
    """The code of the close frame that comes; None if it was lost, as it is when more was sent than anybody reads: then
    the kernel resets the connection."""
    with contextlib.suppress(ConnectionError):
        first, size = await reader.readexactly(2)
        assert first == ENDS | CLOSE
        return int.from_bytes((await reader.readexactly(size))[:2])
    return None


async def test_what_is_too_large_is_refused_before_it_is_kept(tmp_path: Path) -> None:
    async with front_door(tmp_path) as door, asyncio.timeout(20):
        tracemalloc.start()
        try:
            for what, (frames, expected) in CASES.items():
                async with upgraded(door) as (reader, writer, head):
                    assert b"101" in head.split(b"\r\n")[0]
                    assert b"extensions" not in head.lower(), "compression was agreed to"
                    before, _ = tracemalloc.get_traced_memory()
                    tracemalloc.reset_peak()
                    with contextlib.suppress(ConnectionError):
                        for start in range(0, len(frames), 50):
                            writer.write(b"".join(frames[start : start + 50]))
                            await writer.drain()
                    short = sum(len(each) for each in frames) < 1000
                    assert await code(reader) in ({expected} if short else {expected, None}), what
                    _, peak = tracemalloc.get_traced_memory()
                    assert peak - before < KEPT, what
        finally:
            tracemalloc.stop()
        assert door.upstream.connections == 0
        assert door.records == []
        assert (await door.post())[0] == 200
