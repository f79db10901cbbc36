"""The threads that write recordings and cassettes, and how much waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Writers(ThreadPoolExecutor):
    """A pool that knows what it has not done yet: a disk that falls behind shows here before a file is given up."""

    def __init__(self, threads: int, name: str) -> None:
        super().__init__(threads, name)
        self._waiting = 0
        self._count = threading.Lock()

    @property
    def waiting(self) -> int:
        """What was submitted and is not done, that which is being done included."""
        return self._waiting

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future = super().submit(work, *args, **kwargs)
        with self._count:
            self._waiting += 1
        future.add_done_callback(self._done)
        return future

    def _done(self, _: Future[T]) -> None:
        with self._count:
            self._waiting -= 1
