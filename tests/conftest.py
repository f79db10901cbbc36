"""What holds in the whole house: nothing is left behind, and hypothesis gives everybody the same examples."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

settings.register_profile("house", max_examples=50, deadline=None)
# Always the same examples, so that fewer of them are enough; on a developer's machine they are others each time.
settings.register_profile("ci", max_examples=25, deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "house")

POOLS = ("asyncio_", "ThreadPoolExecutor-")
"""Threads that asyncio and libraries keep for the next job; they end with the process or the loop."""
DESCRIPTORS = Path("/proc/self/fd")
GRACE = 10.0
"""Seconds in which what was asked to end must have ended. Nobody waits longer than needed, and most not at all."""


def _tasks() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not thread.name.startswith(POOLS)}


def _descriptors() -> dict[str, str]:
    """Open file descriptors and what they are, where the system tells."""
    found = {}
    for entry in DESCRIPTORS.iterdir() if DESCRIPTORS.exists() else ():
        try:
            found[entry.name] = str(entry.readlink())
        except FileNotFoundError:  # the one that was open to read this very folder
            continue
    return found


def pytest_collection_finish() -> None:
    """Thousands of collected tests live to the end, and every garbage collection would look at all of what they are
    made of: more than a second each time."""
    gc.collect()
    gc.freeze()


@dataclass
class Baseline:
    """What was running and open at one moment."""

    tasks: set[asyncio.Task[object]] = field(default_factory=_tasks)
    threads: set[threading.Thread] = field(default_factory=_threads)
    descriptors: dict[str, str] = field(default_factory=_descriptors)

    def left_over(self) -> list[str]:
        """What is there now and was not then, in words."""
        gc.collect()
        was_open = self.descriptors.items()
        return [
            *(f"task {task.get_name()}: {task.get_coro()}" for task in _tasks() - self.tasks),
            *(f"thread {thread.name}" for thread in _threads() - self.threads),
            *(
                f"descriptor {number}: {what}"
                for number, what in _descriptors().items()
                if (number, what) not in was_open
            ),
        ]

    async def settled(self) -> list[str]:
        """What is still left over after the grace."""
        loop = asyncio.get_running_loop()
        end = loop.time() + GRACE
        while (left := self.left_over()) and loop.time() < end:  # noqa: ASYNC110  nothing announces a closed socket
            await asyncio.sleep(0.01)
        return left


@pytest.fixture
def baseline() -> Callable[[], Baseline]:
    """Takes a baseline when called, inside a running loop."""
    return Baseline


@pytest.fixture
async def nothing_left_behind() -> AsyncIterator[None]:
    """Fails the test that leaves a task, a thread, a socket or a file open. For end-to-end tests.

    Name it before other fixtures that open something, so that they are closed by the time it looks.
    """
    before = Baseline()
    yield
    left = await before.settled()
    assert not left, "left behind:\n  " + "\n  ".join(left)


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Whoever sets up logging, which belongs to the process, leaves it as it was."""
    from telephony.runtime.logs import QUIET

    root, quiet = logging.getLogger(), [logging.getLogger(name) for name in QUIET]
    before = (root.level, list(root.handlers), [logger.level for logger in quiet], sys.excepthook)
    yield
    structlog.reset_defaults()
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for logger, level in zip(quiet, before[2], strict=True):
        logger.setLevel(level)
    sys.excepthook = before[3]
