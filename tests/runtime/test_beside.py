"""Work that goes on beside the calls of a process."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from telephony.errors import ConfigurationError
from telephony.runtime.beside import beside


async def test_it_goes_on_for_as_long_as_the_block_lasts() -> None:
    done = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            done.set()

    async with beside(work(), "work"):
        await asyncio.sleep(0)
        assert any(task.get_name() == "work" for task in asyncio.all_tasks())
        assert not done.is_set()
    assert done.is_set()


async def test_what_fails_beside_is_told_and_ends_nothing() -> None:
    async def fails() -> None:
        raise OSError("the disk is full")

    with capture_logs() as lines:
        async with beside(fails(), "writer"):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    assert [(line["event"], line["task"]) for line in lines] == [("a task of the process failed", "writer")]


async def test_what_the_block_raises_is_raised_as_it_is() -> None:
    with pytest.raises(ConfigurationError):
        async with beside(asyncio.sleep(60), "sleeper"):
            raise ConfigurationError("port", "it is taken", "Choose another.")
