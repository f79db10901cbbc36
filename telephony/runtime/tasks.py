"""What a process is doing: its tasks, whose they are, how old, and where each of them waits.

Names of functions and lines of source are shown and no values, so there is no secret in it unless a task is named after
one; names are masked like everything else.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

import structlog

PROCESS = "process"
"""Whose a task is that was begun on behalf of no call."""
DEEPEST = 50
"""Coroutines that are followed from one to the one it waits for."""

Work = Coroutine[Any, Any, Any] | Generator[Any, None, Any]


class Tasks:
    """Remembers of each task when it began and for whom. The event loop itself knows neither."""

    def __init__(self) -> None:
        self._born: WeakKeyDictionary[asyncio.Task[Any], tuple[float, str]] = WeakKeyDictionary()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._born)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Remember the tasks that are begun inside the block, on the loop that runs it. A loop that somebody has given
        a way of its own to make tasks keeps it, and nothing is remembered."""
        loop = asyncio.get_running_loop()
        if loop.get_task_factory():
            yield
            return

        def make(
            loop: asyncio.AbstractEventLoop, work: Work, context: contextvars.Context | None = None, **more: Any
        ) -> asyncio.Task[Any]:
            task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context, **more)
            owner = structlog.contextvars.get_contextvars().get("call_id") or PROCESS
            self._born[task] = (loop.time(), str(owner))
            return task

        loop.set_task_factory(make)
        try:
            yield
        finally:
            loop.set_task_factory(None)

    def shown(self, mask: Callable[[str], str] = str) -> list[dict[str, Any]]:
        """All tasks of the running loop, the oldest first; *mask* is what names go through. `age` is in seconds and
        None for a task that began before anybody watched."""
        now = asyncio.get_running_loop().time()
        found = []
        for task in asyncio.all_tasks():
            born, owner = self._born.get(task, (None, PROCESS))
            stack = [mask(line) for line in _stack(task)]
            found.append(
                {
                    "name": mask(task.get_name()),
                    "owner": mask(owner),
                    "age": None if born is None else round(now - born, 3),
                    "at": stack[-1] if stack else "",
                    "stack": stack,
                }
            )
        return sorted(found, key=lambda each: -1e9 if each["age"] is None else -each["age"])


def _stack(task: asyncio.Task[Any]) -> list[str]:
    """The functions that a task is in, from the outermost to the one that waits: `asyncio` shows only the first."""
    lines: list[str] = []
    here: Any = task.get_coro()
    while here is not None and len(lines) < DEEPEST:
        frame: FrameType | None = getattr(here, "cr_frame", None) or getattr(here, "gi_frame", None)
        frame = frame or getattr(here, "ag_frame", None)
        if frame is None:
            break
        lines.append(_line(frame))
        here = getattr(here, "cr_await", None) or getattr(here, "gi_yieldfrom", None) or getattr(here, "ag_await", None)
    return lines


def _line(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    return f"{frame.f_code.co_qualname} ({'/'.join(path.parts[-3:])}:{frame.f_lineno})"
