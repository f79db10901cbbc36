"""Fetches a file that a carrier keeps, as often as it takes within a bound.

What a carrier has just recorded is there some seconds later, and until then is "not found": so that, too, is a reason
to ask again. The file appears under its name only when it is whole.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from telephony.commands import HttpRequest
from telephony.errors import CarrierError, CarrierRefused

BUDGET = 120.0
"""Seconds for all tries together."""
ONE_TRY = 30.0
"""Seconds for one of them."""
FIRST_WAIT = 0.5
"""Seconds before the second try; doubled for each further one."""
LONGEST_WAIT = 15.0
LARGEST = 64 * 1024 * 1024
"""Bytes of a file; ten minutes of telephone are ten million."""
UNFINISHED = ".fetching"

FINAL = frozenset({400, 401, 403, 405, 410})
"""Answers that will not become better."""


async def download(
    session: aiohttp.ClientSession,
    request: HttpRequest,
    path: Path,
    budget: float = BUDGET,
    seal: Callable[[bytes], bytes] = bytes,
) -> int:
    """Write what *request* gets to *path*; return how many bytes. `CarrierError` if that did not come about within
    *budget* seconds, `OSError` if the disk does not take it. *seal* makes of it what is written."""
    now = asyncio.get_running_loop().time
    deadline, wait = now() + budget, FIRST_WAIT
    while True:
        try:
            async with asyncio.timeout(min(ONE_TRY, max(0.0, deadline - now()))):
                content = await _once(session, request)
                break
        except TimeoutError:
            failure = CarrierError(f"{_who(request)} gave no answer in time")
        except CarrierRefused as refused:
            if refused.status in FINAL:
                raise
            failure = refused
        except (aiohttp.ClientError, ConnectionError) as error:
            failure = CarrierError(f"{_who(request)} broke off: {type(error).__name__}")
        if now() + wait >= deadline:
            raise failure
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)
    await asyncio.to_thread(lambda: _write(path, seal(content)))
    return len(content)


async def _once(session: aiohttp.ClientSession, request: HttpRequest) -> bytes:
    headers = {}
    if request.auth:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(request.auth).encode()).decode()
    address = URL(request.url, encoded=True)
    # Twilio may keep files elsewhere and send us there; the login does not go along to another host.
    async with session.get(address, headers=headers, max_redirects=3) as response:
        if response.status != 200:
            raise CarrierRefused(f"{_who(request)} answered HTTP {response.status}", response.status)
        content = bytearray()
        async for chunk in response.content.iter_chunked(64 * 1024):
            content += chunk
            if len(content) > LARGEST:
                raise CarrierRefused(f"{_who(request)} sent more than {LARGEST} bytes", 400)
        return bytes(content)


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + UNFINISHED)
    part.write_bytes(content)
    part.replace(path)


def _who(request: HttpRequest) -> str:
    return f"{request.purpose or request.method}: {urlsplit(request.url).netloc.rpartition('@')[2]}"
