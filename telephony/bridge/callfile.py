"""A file that grows while a call lasts: its recording, its cassette.

What belongs into it is gathered four times a second and written by a thread, so the loop that carries the calls never
waits for a disk. A disk that fails, or takes too long, ends the file and never the call.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Protocol

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.errors import EncryptionError

_log: FilteringBoundLogger = structlog.get_logger("telephony.callfile")

PERIOD = 0.25
"""Seconds between writes."""
SLOW = 5.0
"""Seconds the disk may take before the file is given up."""


class Clock(Protocol):
    """Knows the call's time."""

    @property
    def now(self) -> float:
        """Seconds since the call began."""


class CallFile(ABC):
    """One file of one call; `run` it as a task beside the call and `close` it after. *path* is what it is called in the
    end, in a folder that exists."""

    def __init__(self, path: Path, threads: Executor | None) -> None:
        self.path = path
        self.failed = ""
        """Why it ended before the call, or empty. What was written until then is kept."""
        self._threads = threads
        self._closing = asyncio.Event()

    @abstractmethod
    def gather(self, now: float) -> None:
        """Have ready for `append` what may be written at *now* (seconds of the call)."""

    @abstractmethod
    def gather_rest(self, at: float) -> None:
        """Have ready whatever is left of a call that ended at *at*."""

    @abstractmethod
    def append(self) -> None:
        """Write what was gathered. In a thread; `OSError`."""

    @abstractmethod
    def finish(self) -> None:
        """Write what was gathered and close the file. In a thread; `OSError`, `EncryptionError`."""

    async def run(self, clock: Clock) -> None:
        """Write what is ready, until `close` or a failure. It raises nothing."""
        while not self.over:
            await self.write(clock.now)
            try:
                async with asyncio.timeout(PERIOD):
                    await self._closing.wait()
            except TimeoutError:
                continue

    async def write(self, now: float) -> None:
        """Write what is ready at *now* (seconds of the call). It raises nothing."""
        self.gather(now)
        await self._in_thread(self.append)

    async def close(self, at: float) -> None:
        """The call ended at *at* seconds: write the rest and close the file. Bounded; it raises nothing.

        If it is cancelled the thread still finishes the file. Doing it twice is fine.
        """
        if self._closing.is_set():
            return
        self._closing.set()
        if not self.failed:
            # After a failure there would be a hole of unknown length before it.
            self.gather_rest(at)
        await self._in_thread(self.finish)

    @property
    def over(self) -> bool:
        """Whether nothing more is taken."""
        return bool(self.failed) or self._closing.is_set()

    async def _in_thread(self, work: Callable[[], None]) -> None:
        try:
            async with asyncio.timeout(SLOW):
                # Shielded, or what still waits for a thread would be struck off the list when nobody waits for it.
                await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._threads, work))
        except TimeoutError:
            self._fail(f"the disk did not answer within {SLOW:.0f} seconds")
        except OSError as error:
            self._fail(error.strerror or str(error))
        except EncryptionError as error:  # somebody has changed the file while it grew
            self._fail(str(error))

    def _fail(self, why: str) -> None:
        if not self.failed:
            self.failed = why
            _log.warning("a file of the call stopped; the call goes on", file=str(self.path), why=why)
