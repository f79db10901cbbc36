"""Recordings and cassettes, in whole or in part (RFC 9110, 14: ranges), decrypted where they are encrypted."""

from __future__ import annotations

import asyncio
import os
from email.utils import formatdate
from pathlib import Path

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.bridge.encrypted import AT_ONCE, EncryptedFile, is_encrypted, open_encrypted
from telephony.encryption.keys import KeyRing
from telephony.encryption.stream import CHUNK
from telephony.errors import EncryptionError
from telephony.server.api.problem import Problem

NONE = "There is none of this call: none was made, it was deleted, or the call goes on."
UNREADABLE = "It cannot be decrypted here: its key is not configured, or the file was changed. See the server's log."

_log: FilteringBoundLogger = structlog.get_logger("telephony.api")


async def file_answer(
    request: web.Request, name: str, content_type: str, keys: KeyRing, *, may_be_cut: bool = False
) -> web.StreamResponse:
    """The file called *name*, or the range of it that is asked for. Disks are waited for in threads. Raises `Problem`
    if there is no such file, or nothing of it in the range, or if none of *keys* decrypts it.

    *may_be_cut*: an encrypted one without an end is given as far as it goes, as its process may have been killed.
    Otherwise somebody has cut it, and it is not given as if it were whole."""
    path = Path(name)
    size = await asyncio.to_thread(_size, path) if name else None
    if size is None:
        raise Problem(404, NONE)
    headers = {"Content-Type": content_type, "Cache-Control": "private"}
    if is_encrypted(name):
        return await _decrypted(request, path, keys, headers, may_be_cut)
    if "If-Range" not in request.headers:
        _check_range(request, size)
    return web.FileResponse(path, headers=headers)


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


# -- encrypted files -----------------------------------------------------------------------------------------------


async def _decrypted(
    request: web.Request, path: Path, keys: KeyRing, headers: dict[str, str], may_be_cut: bool
) -> web.StreamResponse:
    try:
        file = await asyncio.to_thread(open_encrypted, path, keys)
    except FileNotFoundError:
        raise Problem(404, NONE) from None
    except (EncryptionError, OSError) as error:
        _log.error("a file of a call cannot be read", path=str(path), error=str(error))
        raise Problem(500, UNREADABLE) from None
    with file:
        if file.ending == "cut" and not may_be_cut:
            _log.error("a file of a call cannot be read", path=str(path), error="its end is missing")
            raise Problem(500, UNREADABLE)
        if not file.size:  # its process died before there was anything of it
            raise Problem(404, NONE)
        if file.ending == "cut":
            _log.warning("the end of an encrypted file is missing", path=str(path), bytes=file.size)
        modified = await asyncio.to_thread(os.path.getmtime, path)
        start, stop, status = _range(request, file.size, modified)
        headers |= {"Accept-Ranges": "bytes", "Last-Modified": formatdate(modified, usegmt=True)}
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size}"
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = stop - start
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        return await _sent(request, response, file, start, stop)


def _range(request: web.Request, size: int, modified: float) -> tuple[int, int, int]:
    """The first byte and the one after the last, and the status: as `web.FileResponse` does it."""
    condition = request.if_range
    if "If-Range" in request.headers and (condition is None or int(modified) > condition.timestamp()):
        return 0, size, 200
    _check_range(request, size)
    wanted = request.http_range
    if wanted.start is None:
        return 0, size, 200
    start = max(0, size + wanted.start) if wanted.start < 0 else wanted.start
    return start, min(size, size if wanted.stop is None else wanted.stop), 206


async def _sent(
    request: web.Request, response: web.StreamResponse, file: EncryptedFile, start: int, stop: int
) -> web.StreamResponse:
    """*response* with what is in *file*. Somebody who has changed it is found out before the first piece, or else the
    connection is cut: what was said of the length shows the client that something is missing."""
    at = start
    while at < stop:
        length = min(AT_ONCE * CHUNK - at % CHUNK, stop - at)
        try:
            piece = await asyncio.to_thread(file.read, at, length)
        except (EncryptionError, OSError) as error:
            _log.error("a file of a call cannot be read", path=str(file.path), error=str(error))
            if not response.prepared:
                raise Problem(500, UNREADABLE) from None
            if request.transport:
                request.transport.abort()
            return response
        if not response.prepared:
            await response.prepare(request)
        try:
            await response.write(piece)
        except ConnectionError:  # nobody wants the rest
            return response
        at += length
    await response.write_eof()
    return response
