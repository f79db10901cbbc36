"""The tasks and the timer of one call."""

from __future__ import annotations

import asyncio

import pytest

from telephony.bridge import work
from telephony.bridge.work import Work


async def test_what_is_spawned_before_the_call_is_taken_up_or_after_its_end_never_runs() -> None:
    ran: list[str] = []

    async def run() -> None:
        ran.append("it")

    tasks = Work()
    tasks.begin()
    tasks.spawn(run(), "early", key="", last=False)
    tasks.end()
    tasks.spawn(run(), "late", key="", last=False)
    await asyncio.sleep(0)
    assert ran == []
    assert tasks.over.is_set()


async def test_last_requests_may_finish_and_everything_else_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "LAST_REQUESTS", 0.05)
    ended: list[str] = []

    async def until(name: str, event: asyncio.Event) -> None:
        try:
            await event.wait()
        finally:
            ended.append(name)

    never, soon = asyncio.Event(), asyncio.Event()
    tasks = Work()
    tasks.begin()
    async with asyncio.TaskGroup() as group:
        tasks.group = group
        tasks.spawn(until("pump", never), "pump", key="", last=False)
        tasks.spawn(until("hang up", soon), "hang up", key="", last=True)
        tasks.spawn(until("stuck", never), "stuck", key="", last=True)
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(soon.set)
        await tasks.wind_up()
    assert ended == ["pump", "hang up", "stuck"]


async def test_a_task_is_stopped_by_its_key() -> None:
    tasks = Work()
    tasks.begin()
    async with asyncio.TaskGroup() as group:
        tasks.group = group
        tasks.spawn(asyncio.sleep(60), "tool", key="c1", last=False)  # type: ignore[arg-type]
        await asyncio.sleep(0)
        tasks.cancel("c2")
        tasks.cancel("c1")
