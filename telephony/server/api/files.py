"""Recordings and cassettes, in whole or in part (RFC 9110, 14: ranges)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from telephony.server.api.problem import Problem

NONE = "There is none of this call: none was made, it was deleted, or the call goes on."


async def file_answer(request: web.Request, name: str, content_type: str) -> web.StreamResponse:
    """The file called *name*, or the range of it that is asked for. Disks are waited for in threads. Raises `Problem`
    if there is no such file, or nothing of it in the range."""
    path = Path(name)
    size = await asyncio.to_thread(_size, path) if name else None
    if size is None:
        raise Problem(404, NONE)
    if "If-Range" not in request.headers:
        _check_range(request, size)
    return web.FileResponse(path, headers={"Content-Type": content_type, "Cache-Control": "private"})


def _size(path: Path) -> int | None:
    """Bytes; None if it is no file."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


def _check_range(request: web.Request, size: int) -> None:
    try:
        start = request.http_range.start
    except ValueError:
        start = size
    if start is not None and start >= size:
        raise Problem(416, f"Ask for bytes of 0 to {size - 1}.", Content_Range=f"bytes */{size}")
