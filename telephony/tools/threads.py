"""Threads for sync tools: a bounded number of them, and none that can keep the process alive.

The standard library's pool will not do. Its threads are joined when the interpreter exits, so one tool that hangs in a
socket without a timeout would hold the process for ever; and a pool whose threads all hang waits in silence. Here a
call has a daemon thread of its own, a full house shows in `busy` and `abandoned`, and closing waits a bounded time.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any, NamedTuple


class _Work(NamedTuple):
    name: str
    result: asyncio.Future[Callable[[], Any]]
    """What the caller waits for. Cancelled when the caller no longer does; the thread itself cannot be stopped."""
    ended: asyncio.Future[None]
    """Set when the thread has ended and its place is free."""


class Threads:
    """Runs functions in daemon threads, at most *limit* at once. Belongs to one event loop."""

    def __init__(self, limit: int) -> None:
        self._places = asyncio.Semaphore(limit)
        self._works: set[_Work] = set()

    @property
    def busy(self) -> list[str]:
        """Names of the functions that run."""
        return sorted(work.name for work in self._works)

    @property
    def abandoned(self) -> list[str]:
        """Names of the functions that run though nobody waits for them any more. Each still holds its place."""
        return sorted(work.name for work in self._works if work.result.cancelled())

    async def run(self, function: Callable[[], Any], name: str) -> Any:
        """What *function* returns or raises. It sees the context variables of whoever calls this.

        Waits for a free place first; bound that from outside. Cancelling leaves the thread to itself: what it returns
        is dropped, and its place is free again once it ends.
        """
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        work = _Work(name, loop.create_future(), loop.create_future())
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=self._work, args=(loop, work, context, function), name=f"tool {name}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # the system has no thread to give
            self._places.release()
            raise
        self._works.add(work)
        outcome = await work.result
        return outcome()

    async def close(self, timeout: float) -> list[str]:
        """Wait up to *timeout* seconds for the threads to end; return the names of those that did not."""
        if self._works:
            await asyncio.wait([work.ended for work in self._works], timeout=timeout)
        return self.busy

    def _work(
        self,
        loop: asyncio.AbstractEventLoop,
        work: _Work,
        context: contextvars.Context,
        function: Callable[[], Any],
    ) -> None:
        """In the thread. The outcome travels as a callable: a future cannot hold every exception (StopIteration)."""
        try:
            result = context.run(function)
            outcome = lambda: result  # noqa: E731
        except BaseException as error:  # noqa: BLE001  the shell of a thread: whatever it is, it is raised in `run`
            outcome = _raiser(error)
        try:
            loop.call_soon_threadsafe(self._end, work, outcome)
        except RuntimeError:
            return  # the loop is closed: nobody waits, and the process is about to end

    def _end(self, work: _Work, outcome: Callable[[], Any]) -> None:
        """In the loop."""
        self._works.discard(work)
        self._places.release()
        work.ended.set_result(None)
        if not work.result.done():
            work.result.set_result(outcome)


def _raiser(error: BaseException) -> Callable[[], Any]:
    """What ends a thread must not end the process: `KeyboardInterrupt` and its like arrive as an error of the tool."""

    def outcome() -> Any:
        if isinstance(error, Exception):
            raise error
        msg = f"the tool raised {type(error).__name__}"
        raise RuntimeError(msg) from error

    return outcome
