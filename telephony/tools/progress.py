"""Async generators as tools: what they yield last is the result, and what they yield before tells how far they are."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any

MAX_NEWS = 1000
"""Bytes of UTF-8 of one piece of news."""
LAST = 0.2
"""Seconds in which a generator that has yielded its result comes to its end: only what is not the result is news, and
nobody knows which it is before."""


async def last_of(generator: AsyncGenerator[Any, None], tell: Callable[[Any], None]) -> Any:
    """What *generator* yields last; None if it yields nothing. *tell* is given everything that it yields and does not
    follow up, or end after, at once. Cancelling closes it."""
    loop = asyncio.get_running_loop()
    result, telling = None, None
    async with contextlib.aclosing(generator):
        try:
            async for result in generator:
                if telling:
                    telling.cancel()
                telling = loop.call_later(LAST, tell, result)
        finally:
            if telling:
                telling.cancel()
    return result
