"""Work beside a block: it ends with it, and its failure is told and is nobody else's."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from telephony.runtime.beside import beside


async def test_it_runs_as_long_as_the_block_and_no_longer() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    async with beside(work(), "keeper"):
        await asyncio.sleep(0)
        assert "keeper" in {task.get_name() for task in asyncio.all_tasks()}
        assert ended == []
    assert ended == ["work"]


async def test_its_failure_is_logged_by_name_and_ends_nothing() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with capture_logs() as logs:
        async with beside(work(), "keeper"):
            await asyncio.sleep(0.01)
    assert [(line["event"], line["task"]) for line in logs] == [("a task of the process failed", "keeper")]


async def test_what_the_block_raises_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with beside(asyncio.sleep(10), "keeper"):
            raise ZeroDivisionError
