"""A proxy before a server, made of bytes: it ends TLS, and does to the head of each request what a test likes."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Callable

Rewrite = Callable[[bytes], bytes]
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nServer: proxy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def without(header: str) -> Rewrite:
    """Drops a header."""
    pattern = re.compile(rb"\r\n" + header.encode() + rb":[^\r]*", re.IGNORECASE)
    return lambda head: pattern.sub(b"", head)


def instead(old: str, new: str) -> Rewrite:
    return lambda head: head.replace(old.encode(), new.encode())


@contextlib.asynccontextmanager
async def proxied(
    port: int,
    behind: int,
    tls: ssl.SSLContext | None = None,
    *,
    rewrite: Rewrite = bytes,
    answer: bytes = b"",
    deaf: bool = False,
) -> AsyncIterator[None]:
    """Pass what comes to *port* on to the port *behind*, its head *rewritten*; or *answer* it at once. A *deaf* proxy
    lets nothing of what a WebSocket says come back."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if answer:
                writer.write(answer)
                return
            try:
                inner, outer = await asyncio.open_connection("127.0.0.1", behind)
            except OSError:
                writer.write(BAD_GATEWAY)
                return
            writers.append(outer)
            outer.write(rewrite(head))
            there = asyncio.get_running_loop().create_task(_pump(reader, outer), name="to the server")
            said = await inner.readuntil(b"\r\n\r\n")
            writer.write(said)
            if not (deaf and b" 101 " in said):
                await _pump(inner, writer)
            await there
        except (OSError, asyncio.IncompleteReadError):
            pass  # somebody has had enough
        finally:
            for each in writers:
                await _gone(each)

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=tls)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


async def _gone(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()
