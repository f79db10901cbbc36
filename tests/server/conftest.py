"""A front door for every test of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from front_door import FrontDoor, front_door


@pytest.fixture
async def door(nothing_left_behind: None, tmp_path: Path) -> AsyncIterator[FrontDoor]:
    """An open door, and nothing left behind when it is shut."""
    async with front_door(tmp_path) as opened:
        yield opened
