"""How late a loop is: what many ticks say counts, not what one does."""

from __future__ import annotations

import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from telephony.bridge.lag import SAMPLES, LoopLag


def noted(*late: float) -> LoopLag:
    lag = LoopLag()
    for each in late:
        lag.note(each)
    return lag


def test_one_long_stall_is_no_load() -> None:
    assert noted(*[0.001] * 99, 3.0).high == 0.001


def test_more_than_one_tick_in_twenty_that_is_late_is() -> None:
    assert noted(*[0.001] * 94, *[0.2] * 6).high == 0.2


def test_what_is_long_ago_is_forgotten() -> None:
    assert noted(*[1.0] * SAMPLES, *[0.0] * SAMPLES).high == 0.0


def test_nothing_is_said_before_anything_is_known() -> None:
    assert LoopLag().high == 0.0
    assert noted(*[9.0] * 5).high == 0.0


@given(st.lists(st.floats(-1, 10)))
def test_the_lag_is_one_that_was_noted(late: list[float]) -> None:
    assert noted(*late).high in {0.0, *late[-SAMPLES:]}


async def test_work_that_keeps_the_loop_is_noticed() -> None:
    lag = LoopLag()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        ticking = group.create_task(lag.run(), name="loop lag")
        while lag.high < 0.1:
            time.sleep(0.2)  # noqa: ASYNC251  the very thing that is to be noticed
            await asyncio.sleep(0)
        ticking.cancel()
