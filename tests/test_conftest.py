"""The house rule must be able to fail: what is left behind is found."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

on_linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists a process's descriptors")


async def test_a_task_left_behind_is_named(baseline: Callable[[], object]) -> None:
    before = baseline()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(asyncio.Event().wait(), name="forgotten")
        assert [line for line in before.left_over() if line.startswith("task forgotten")]
        task.cancel()
    assert before.left_over() == []


async def test_a_thread_left_behind_is_named(baseline: Callable[[], object]) -> None:
    before = baseline()
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="forgotten", args=(10,))
    thread.start()
    assert before.left_over() == ["thread forgotten"]
    end.set()
    thread.join(timeout=10)
    assert before.left_over() == []


@on_linux
async def test_a_socket_left_behind_is_named(baseline: Callable[[], object]) -> None:
    before = baseline()
    with socket.socket():
        assert [line for line in before.left_over() if "socket:" in line]
    assert before.left_over() == []


async def test_a_pool_thread_is_nobodys_fault(baseline: Callable[[], object]) -> None:
    before = baseline()
    await asyncio.to_thread(int)
    assert before.left_over() == []


async def test_what_ends_within_the_grace_is_forgiven(baseline: Callable[[], object]) -> None:
    before = baseline()
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0), name="soon over")
        assert await before.settled() == []


async def test_the_fixture_lets_a_tidy_test_pass(nothing_left_behind: None) -> None:
    await asyncio.sleep(0)
