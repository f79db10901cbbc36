"""What a process is doing, as it is shown to whoever looks after it."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import structlog

from telephony.runtime.tasks import PROCESS, Tasks

CARD = "4111111111111111"


async def innermost(gate: asyncio.Event) -> None:
    card = CARD
    await gate.wait()
    del card


async def outermost(gate: asyncio.Event) -> None:
    await innermost(gate)


def named(shown: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [task for task in shown if task["name"] == name]
    return found


async def test_a_task_is_shown_with_its_owner_its_age_and_where_it_waits_and_without_values() -> None:
    tasks, gate = Tasks(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        with tasks.watched():
            with structlog.contextvars.bound_contextvars(call_id="CA1"):
                group.create_task(outermost(gate), name="tool look_up")
            group.create_task(gate.wait(), name="keeper")
        await asyncio.sleep(0)
        shown = tasks.shown()
        gate.set()
    tool = named(shown, "tool look_up")
    assert tool["owner"] == "CA1"
    assert tool["age"] >= 0
    functions = [line.partition(" (")[0] for line in tool["stack"]]
    assert functions == ["outermost", "innermost", "Event.wait"]
    assert tool["at"].startswith("Event.wait (")
    assert "test_tasks.py:" in tool["stack"][1]
    assert named(shown, "keeper")["owner"] == PROCESS
    assert CARD not in str(shown)


async def test_tasks_that_began_before_are_shown_first_and_without_an_age() -> None:
    tasks, gate = Tasks(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(gate.wait(), name="before")
        with tasks.watched():
            group.create_task(gate.wait(), name="first")
            await asyncio.sleep(0.01)
            group.create_task(gate.wait(), name="second")
        shown = tasks.shown()
        gate.set()
    assert named(shown, "before")["age"] is None
    names = [task["name"] for task in shown]
    assert names.index("before") < names.index("first") < names.index("second")


async def test_names_are_masked() -> None:
    tasks, gate = Tasks(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(gate.wait(), name=f"tool {CARD}")
        shown = tasks.shown(lambda text: text.replace(CARD, "***"))
        gate.set()
    assert named(shown, "tool ***")


async def test_a_task_that_is_over_is_forgotten_and_the_loop_is_left_as_it_was() -> None:
    tasks, loop = Tasks(), asyncio.get_running_loop()
    with tasks.watched():
        await loop.create_task(asyncio.sleep(0), name="short")
    assert loop.get_task_factory() is None
    await asyncio.sleep(0)
    gc.collect()
    assert len(tasks) == 0


async def test_a_loop_that_makes_its_tasks_in_its_own_way_goes_on_doing_so() -> None:
    loop, made = asyncio.get_running_loop(), []

    def own(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        made.append(work)
        return asyncio.Task(work, loop=loop, **more)

    loop.set_task_factory(own)
    with Tasks().watched():
        await loop.create_task(asyncio.sleep(0), name="short")
    assert loop.get_task_factory() is own
    assert len(made) == 1
    loop.set_task_factory(None)
