"""What a simulated Twilio keeps, and that nothing of it goes on when it is closed."""

from __future__ import annotations

import asyncio

import pytest

from telephony.simulate.board import Switchboard
from telephony.simulate.live import LiveCall

ACCOUNT = "AC" + "1" * 32


async def test_closing_cuts_off_what_goes_on() -> None:
    board = Switchboard(ACCOUNT, "12345")
    board.open()
    before = asyncio.all_tasks()
    board.start(asyncio.sleep(3600), "a long call")
    await asyncio.sleep(0)
    await board.close()
    assert asyncio.all_tasks() == before


async def test_what_fails_is_logged_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("no such thing")

    board = Switchboard(ACCOUNT, "12345")
    board.start(fails(), "a call that fails")
    await asyncio.sleep(0.01)
    assert "a call that fails failed" in caplog.text
    await board.close()


async def test_there_are_no_requests_before_it_is_open() -> None:
    with pytest.raises(RuntimeError, match="not open"):
        Switchboard(ACCOUNT, "12345").messenger("https://voice.example.com")


async def test_without_a_rate_nobody_waits_in_the_queue() -> None:
    board = Switchboard(ACCOUNT, "12345")
    assert [board.queue_time() for _ in range(3)] == [0, 0, 0]
    board.calls_per_second = 10
    waits = [board.queue_time() for _ in range(3)]
    assert waits[0] == 0
    assert 0 < waits[1] <= 0.1 < waits[2] <= 0.2


async def test_waiting_ends_when_it_happens() -> None:
    board = Switchboard(ACCOUNT, "12345")
    live = LiveCall("CA" + "1" * 32, ACCOUNT, "", "", 60)
    async with asyncio.TaskGroup() as group, asyncio.timeout(5):
        group.create_task(board.until(lambda: live.sid in board.calls), name="waits")
        await asyncio.sleep(0)
        board.add(live)
