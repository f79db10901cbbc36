"""Sync tools in threads: bounded, daemonic, and never in the loop's way."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator

import pytest

from telephony.tools.threads import Threads

LANGUAGE: contextvars.ContextVar[str] = contextvars.ContextVar("LANGUAGE", default="en")


class Gate:
    """A function that hangs until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self._open = threading.Event()

    def __call__(self) -> str:
        self.entered.set()
        self._open.wait(30)
        return "through"

    def let_go(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.let_go()


async def entered(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.entered.wait, 30)


async def test_a_function_runs_in_a_daemon_thread_that_bears_its_name() -> None:
    thread = await Threads(1).run(threading.current_thread, "look_up")
    assert thread.daemon
    assert thread.name == "tool look_up"
    assert thread is not threading.current_thread()


async def test_what_it_raises_is_raised_here() -> None:
    def fail() -> None:
        raise LookupError("no such order")

    with pytest.raises(LookupError, match="no such order"):
        await Threads(1).run(fail, "fail")


async def test_stop_iteration_which_no_future_can_hold_becomes_a_runtime_error() -> None:
    def fail() -> None:
        next(iter(()))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await Threads(1).run(fail, "fail")


async def test_context_variables_are_seen_and_changes_stay_inside() -> None:
    def change() -> str:
        before = LANGUAGE.get()
        LANGUAGE.set("fr")
        return before

    LANGUAGE.set("de")
    assert await Threads(1).run(change, "change") == "de"
    assert LANGUAGE.get() == "de"


async def test_the_loop_goes_on_while_a_function_blocks(gate: Gate) -> None:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(Threads(1).run(gate, "gate"), name="gate")
        await entered(gate)
        assert not running.done()
        gate.let_go()  # only a loop that is free gets here
    assert running.result() == "through"


async def test_no_more_run_at_once_than_there_are_places(gate: Gate) -> None:
    threads = Threads(1)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(threads.run(gate, "first"), name="first")
        await entered(gate)
        second = group.create_task(threads.run(lambda: "second", "second"), name="second")
        await asyncio.sleep(0)
        assert threads.busy == ["first"]
        gate.let_go()
    assert (first.result(), second.result()) == ("through", "second")
    assert threads.busy == []


async def test_an_abandoned_function_keeps_its_place_until_it_ends(gate: Gate) -> None:
    threads = Threads(1)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(threads.run(gate, "gate"), name="gate")
        await entered(gate)
        task.cancel()
    assert threads.abandoned == threads.busy == ["gate"]
    gate.let_go()
    assert await threads.run(lambda: "next", "next") == "next"
    assert threads.abandoned == []


async def test_waiting_for_a_place_can_be_cancelled_and_takes_none(gate: Gate) -> None:
    threads = Threads(1)
    async with asyncio.TaskGroup() as group:
        group.create_task(threads.run(gate, "first"), name="first")
        await entered(gate)
        waiting = group.create_task(threads.run(lambda: "never", "second"), name="second")
        await asyncio.sleep(0)
        waiting.cancel()
        gate.let_go()
    assert await threads.run(lambda: "third", "third") == "third"


async def test_closing_waits_for_what_ends_and_names_what_does_not(gate: Gate) -> None:
    threads = Threads(2)
    assert await threads.close(timeout=0.01) == []
    async with asyncio.TaskGroup() as group:
        task = group.create_task(threads.run(gate, "gate"), name="gate")
        await entered(gate)
        task.cancel()
    assert await threads.close(timeout=0.01) == ["gate"]
    gate.let_go()
    assert await threads.close(timeout=30) == []


async def test_a_system_without_threads_is_an_error_that_gives_the_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads = Threads(1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            await threads.run(lambda: "never", "never")
    assert await threads.run(lambda: "again", "again") == "again"


def test_a_thread_that_outlives_its_loop_ends_in_silence(gate: Gate) -> None:
    async def abandon() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(Threads(1).run(gate, "gate"), name="gate")
            await entered(gate)
            task.cancel()

    asyncio.run(abandon())
    gate.let_go()
