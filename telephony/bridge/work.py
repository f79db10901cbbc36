"""The tasks and the timer of one call: each has a name, and none outlives it."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine

LAST_REQUESTS = 3.0
"""Seconds a hang-up that is under way has to be answered after the call is over."""
SHORTEST_TIMER = 0.001
"""Seconds: the timer never fires sooner, so that nothing in the core can keep the loop from its sockets."""


class Work:
    """The tasks and the timer of one call."""

    def __init__(self) -> None:
        self.group: asyncio.TaskGroup | None = None
        self.over = asyncio.Event()
        self.timer: asyncio.TimerHandle | None = None
        self.context = contextvars.copy_context()
        """The call's own: what is hidden in its log (`telephony.tools.hidden`) and every line's `call_id`."""
        self.armed_at_step = -1
        """The exchange's step for whose deadline the timer was set."""
        self._tasks: dict[asyncio.Task[None], bool] = {}
        self._by_key: dict[str, asyncio.Task[None]] = {}
        self._began: float | None = None

    def begin(self) -> None:
        self.context = contextvars.copy_context()
        self._began = asyncio.get_running_loop().time()

    @property
    def now(self) -> float:
        """In whole microseconds: a cassette holds every one of these, and nothing happens faster."""
        return 0.0 if self._began is None else round(asyncio.get_running_loop().time() - self._began, 6)

    def spawn(self, work: Coroutine[object, object, None], name: str, *, key: str, last: bool) -> None:
        if self.group is None:
            work.close()
            return
        task = self.group.create_task(work, name=name, context=self.context.copy())
        self._tasks[task] = last
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        if key:
            self._by_key[key] = task
            task.add_done_callback(lambda _: self._by_key.pop(key, None))

    def cancel(self, key: str) -> None:
        if task := self._by_key.get(key):
            task.cancel()

    async def wind_up(self) -> None:
        """The call is over: let last requests finish, bounded, and stop the rest."""
        for task in [task for task, last in self._tasks.items() if not last]:
            task.cancel()
        if last := [task for task, last in self._tasks.items() if last]:
            await asyncio.wait(last, timeout=LAST_REQUESTS)
        for task in list(self._tasks):
            task.cancel()

    def arm(self, at: float | None, tick: Callable[[], None]) -> None:
        if at is None:
            self.disarm()
            return
        loop = asyncio.get_running_loop()
        when = loop.time() + max(at - self.now, SHORTEST_TIMER)
        if self.timer is not None:
            if self.timer.when() <= when:
                return
            self.timer.cancel()
        self.timer = loop.call_at(when, tick, context=self.context)

    def end(self) -> None:
        """Nothing more can be spawned, and nothing wakes up."""
        self.over.set()
        self.group = None
        self.disarm()

    def disarm(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
