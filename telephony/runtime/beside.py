"""Work that goes on beside the calls of a process, for as long as it is open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine

import structlog
from structlog.typing import FilteringBoundLogger

_log: FilteringBoundLogger = structlog.get_logger("telephony.office")


@contextlib.asynccontextmanager
async def beside(work: Coroutine[object, object, None], name: str) -> AsyncIterator[None]:
    """Run *work* for as long as the block lasts. Not in a TaskGroup, which would wrap whatever the block raises (the
    `ConfigurationError` of a port that is taken) and end all calls if the work failed."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    task.add_done_callback(_report)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (failure := task.exception()):
        _log.error("a task of the process failed", task=task.get_name(), exc_info=failure)
