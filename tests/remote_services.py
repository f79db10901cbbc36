"""What tools reach in tests: an HTTP service of our own, and MCP servers as processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from aiohttp import web

SHOP = Path(__file__).with_name("mcp_shop.py")
COMMAND = [sys.executable, str(SHOP)]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def http_service(handler: Handler) -> AsyncIterator[str]:
    """The address of a server whose every request goes to *handler*."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def mcp_over_http(port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The shop as a process of its own at `http://127.0.0.1:<port>/mcp`; ready when this is entered."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, str(port), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(30):
            while not await _listens(port):  # noqa: ASYNC110  nothing announces a port of another process
                await asyncio.sleep(0.05)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def children() -> set[int]:
    """Processes of ours that run the shop, zombies included."""
    return {
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and _parent(entry) == os.getpid() and _is_shop(entry)
    }


def _parent(entry: Path) -> int:
    with contextlib.suppress(OSError):
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _is_shop(entry: Path) -> bool:
    with contextlib.suppress(OSError):
        words = (entry / "cmdline").read_bytes()
        return not words or SHOP.name.encode() in words  # a zombie has none any more
    return False
