"""Disks that fail, for tests of what is written while a call lasts."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """A disk that is full: the kernel refuses to let any file of this process grow beyond *size* bytes."""
    with limited(resource.RLIMIT_FSIZE, size):
        yield


@contextmanager
def limited(what: int, to: int) -> Iterator[None]:
    """A soft limit of this process, and of what it starts meanwhile (`resource.RLIMIT_…`)."""
    soft, hard = resource.getrlimit(what)
    resource.setrlimit(what, (to, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (soft, hard))


class Stopwatch:
    """The time of a call that begins when it is made."""

    def __init__(self) -> None:
        self._began = asyncio.get_running_loop().time()

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time() - self._began
