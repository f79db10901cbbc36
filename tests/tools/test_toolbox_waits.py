"""Timeouts, cancellation and closing: every wait on a tool ends, and what is left behind is seen."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs

from telephony.commands import RunTool
from telephony.tools import CallContext, Toolbox, tool

CALL = CallContext("CA1")
LANGUAGE: contextvars.ContextVar[str] = contextvars.ContextVar("LANGUAGE", default="en")
SOON = 0.02
"""Seconds: a timeout that is meant to be reached."""


def asked(name: str) -> RunTool:
    return RunTool("call_1", name, "{}")


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """Set at the end, so that whatever hangs in a thread ends with its test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(autouse=True)
async def no_task_outlives_its_test() -> AsyncIterator[None]:
    yield
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("tool ")] == []


@pytest.mark.parametrize(
    ("side_effects", "said"), [(True, "It may have taken effect or not"), (False, "Nothing was changed.")]
)
async def test_a_tool_that_hangs_is_given_up_and_cancelled(side_effects: bool, said: str) -> None:
    ended = asyncio.Event()

    @tool(timeout=SOON, side_effects=side_effects)
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    box = Toolbox([hang])
    finished = await box.run(asked("hang"), CALL)
    told = json.loads(finished.output)
    assert finished.outcome == "timeout"
    assert told["retry"] is False
    assert "took longer than 0.02 s" in told["error"]
    assert said in told["error"]
    await ended.wait()
    assert box.abandoned == 0


async def test_a_tool_that_ignores_its_cancellation_does_not_delay_the_answer() -> None:
    release = asyncio.Event()

    @tool(timeout=SOON)
    async def stubborn() -> str:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return "too late"

    box = Toolbox([stubborn])
    with capture_logs() as lines:
        assert (await box.run(asked("stubborn"), CALL)).outcome == "timeout"
        assert box.abandoned == 1
        await box.close(timeout=SOON)
    assert [line["event"] for line in lines] == ["tool timed out", "tools left behind"]
    assert lines[0]["abandoned"] == 1
    assert lines[1]["tools"] == ["tool stubborn of CA1"]
    release.set()
    await box.close(timeout=10)
    assert box.abandoned == 0


async def test_a_sync_tool_that_hangs_keeps_its_thread_and_is_counted(let_go: threading.Event) -> None:
    @tool(timeout=SOON)
    def hang() -> None:
        let_go.wait(30)

    box = Toolbox([hang])
    with capture_logs() as lines:
        assert (await box.run(asked("hang"), CALL)).outcome == "timeout"
        await box.close(timeout=SOON)
    assert [line["event"] for line in lines] == ["tool timed out", "tools left behind"]
    assert lines[0]["abandoned"] == lines[0]["busy_threads"] == box.abandoned == 1
    let_go.set()
    await box.close(timeout=10)
    assert box.abandoned == 0


async def test_a_full_house_is_a_timeout_that_the_log_explains(let_go: threading.Event) -> None:
    @tool(timeout=SOON)
    def hang() -> None:
        let_go.wait(30)

    @tool(timeout=SOON)
    def quick() -> str:
        return "never run"

    box = Toolbox([hang, quick], threads=1)
    await box.run(asked("hang"), CALL)
    with capture_logs() as lines:
        assert (await box.run(asked("quick"), CALL)).outcome == "timeout"
    assert (lines[0]["abandoned"], lines[0]["busy_threads"]) == (1, 1)
    let_go.set()
    await box.close(timeout=10)


async def test_async_tools_need_no_thread(let_go: threading.Event) -> None:
    @tool(timeout=SOON)
    def hang() -> None:
        let_go.wait(30)

    @tool
    async def quick() -> str:
        return "run"

    box = Toolbox([hang, quick], threads=1)
    await box.run(asked("hang"), CALL)
    assert (await box.run(asked("quick"), CALL)).output == "run"
    let_go.set()
    await box.close(timeout=10)


async def test_the_loop_and_other_tools_go_on_while_a_sync_tool_blocks(let_go: threading.Event) -> None:
    @tool(timeout=30)
    def block() -> str:
        let_go.wait(30)
        return "through"

    @tool
    async def open_the_door() -> None:
        let_go.set()

    box = Toolbox([block, open_the_door])
    async with asyncio.TaskGroup() as group:
        blocked = group.create_task(box.run(asked("block"), CALL), name="block")
        group.create_task(box.run(asked("open_the_door"), CALL), name="open")
    assert blocked.result().output == "through"


async def test_calls_run_side_by_side() -> None:
    meeting = asyncio.Barrier(3)

    @tool
    async def meet() -> str:
        await meeting.wait()
        return "met"

    box = Toolbox([meet])
    answers = await asyncio.gather(*(box.run(asked("meet"), CALL) for _ in range(3)))
    assert [each.output for each in answers] == ["met"] * 3


@pytest.mark.parametrize("in_thread", [False, True])
async def test_context_variables_reach_the_tool_and_its_changes_stay_there(in_thread: bool) -> None:
    def change() -> str:
        before = LANGUAGE.get()
        LANGUAGE.set("fr")
        return before

    async def change_async() -> str:
        return change()

    function = tool(change, name="change") if in_thread else tool(change_async, name="change")
    LANGUAGE.set("de")
    assert (await Toolbox([function]).run(asked("change"), CALL)).output == "de"
    assert LANGUAGE.get() == "de"


async def test_cancelling_the_run_cancels_the_tool_and_waits_for_its_cleaning_up() -> None:
    began = asyncio.Event()
    log = []

    @tool
    async def careful() -> None:
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append("cleaned up")

    async with asyncio.TaskGroup() as group:
        run = group.create_task(Toolbox([careful]).run(asked("careful"), CALL), name="run")
        await began.wait()
        run.cancel()
    assert run.cancelled()
    assert log == ["cleaned up"]


async def test_a_tool_that_was_cancelled_from_within_is_a_failure_and_not_a_cancellation() -> None:
    @tool
    async def confused() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    finished = await Toolbox([confused]).run(asked("confused"), CALL)
    assert finished.outcome == "error"
    assert json.loads(finished.output)["retry"] is False


async def test_closing_cancels_what_runs_and_refuses_what_comes() -> None:
    began = asyncio.Event()

    @tool
    async def wait() -> None:
        began.set()
        await asyncio.Event().wait()

    box = Toolbox([wait])
    async with asyncio.TaskGroup() as group:
        run = group.create_task(box.run(asked("wait"), CALL), name="run")
        await began.wait()
        await box.close()
    assert run.result().outcome == "error"
    assert (await box.run(asked("wait"), CALL)).outcome == "error"


async def test_closing_an_idle_toolbox_is_quiet_and_can_be_repeated() -> None:
    box = Toolbox([])
    with capture_logs() as lines:
        await box.close()
        await box.close()
    assert lines == []


# -- in the background -----------------------------------------------------------------------------------------------


async def test_a_detached_tool_runs_to_its_end_though_nobody_waits_for_it() -> None:
    release, effects = asyncio.Event(), []

    @tool(on_barge_in="detach")
    async def book() -> str:
        await release.wait()
        effects.append("booked")
        return "booked"

    box = Toolbox([book])
    task = asyncio.create_task(box.run(asked("book"), CALL))  # noqa: TID251  what a bridge does
    await asyncio.sleep(SOON)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    with capture_logs() as lines:
        await asyncio.sleep(SOON)
    assert effects == ["booked"]
    assert [(line["event"], line["outcome"]) for line in lines] == [("tool ended after its call", "ok")]
    await box.close()


async def test_in_the_background_too_a_tool_ends_with_its_timeout() -> None:
    ended = asyncio.Event()

    @tool(on_barge_in="detach", timeout=3 * SOON)
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(Toolbox([hang]).run(asked("hang"), CALL))  # noqa: TID251  what a bridge does
    await asyncio.sleep(SOON)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(ended.wait(), 5)


async def test_closing_ends_what_is_in_the_background() -> None:
    ended = asyncio.Event()

    @tool(on_barge_in="detach")
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    box = Toolbox([hang])
    task = asyncio.create_task(box.run(asked("hang"), CALL))  # noqa: TID251  what a bridge does
    await asyncio.sleep(SOON)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await box.close()
    assert ended.is_set()
