"""What an async generator yields: the last is its result, and what it yields before is news."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from telephony.tools.progress import LAST, last_of


async def slowly(*values: Any, closed: list[str] | None = None) -> AsyncGenerator[Any, None]:
    """Yields each, and works on it longer than it takes to be news."""
    try:
        for value in values:
            yield value
            if value != "result":
                await asyncio.sleep(3 * LAST)
    finally:
        if closed is not None:
            closed.append("closed")


async def test_what_is_yielded_last_is_the_result_and_what_takes_time_is_news() -> None:
    news: list[Any] = []
    assert await last_of(slowly("half", "most", "result"), news.append) == "result"
    assert news == ["half", "most"]


async def test_news_is_told_while_it_is_news() -> None:
    told = asyncio.Event()
    task = asyncio.create_task(last_of(slowly("half", "result"), lambda _: told.set()))  # noqa: TID251
    await asyncio.wait_for(told.wait(), 5)
    assert not task.done()
    assert await task == "result"


async def test_what_is_followed_up_at_once_is_no_news() -> None:
    async def hasty() -> AsyncGenerator[int, None]:
        for number in range(100):
            yield number

    news: list[Any] = []
    assert await last_of(hasty(), news.append) == 99
    await asyncio.sleep(2 * LAST)
    assert news == []


async def test_a_generator_that_yields_nothing_returns_nothing() -> None:
    assert await last_of(slowly(), print) is None


async def test_cancelling_closes_the_generator_and_tells_nothing_more() -> None:
    closed: list[str] = []
    news: list[Any] = []
    task = asyncio.create_task(last_of(slowly("half", "result", closed=closed), news.append))  # noqa: TID251
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(2 * LAST)
    assert (closed, news) == (["closed"], [])


async def test_what_a_generator_raises_is_raised() -> None:
    async def broken() -> AsyncGenerator[int, None]:
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await last_of(broken(), print)
