"""A house for every test of calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridged import SOON, House


@pytest.fixture
async def house(nothing_left_behind: None, tmp_path: Path) -> AsyncIterator[House]:
    async with asyncio.timeout(4 * SOON), asyncio.TaskGroup() as group:
        opened = House(tmp_path, group)
        yield opened
    opened.calls.close()
