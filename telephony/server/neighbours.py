"""The other processes that carry calls of the same telephone, as the API asks them: about all calls, or about one that
is not this process's own.

They are asked what this process was asked, with the key that came with it; what one of them has sent on is asked of
nobody else. One that is dead has no calls. One that says nothing is waited for within bounds, and that is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.server.forwarding import Forwarder, Unanswered, is_from_ourselves

PATIENCE = 5.0
"""Seconds that one of them has to say what it has."""
AGAIN = 1.0
"""Seconds between two tries to follow what another process tells."""
LONGEST_BLOCK = 16 * 1024 * 1024
"""Bytes of an event; a long call's has some hundred thousand."""
CHUNK = 64 * 1024
"""Bytes that are read at once."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.workers")


class Neighbours:
    """Who they are is told by `are`; nobody to begin with."""

    def __init__(self, forwarder: Forwarder | None = None) -> None:
        """*forwarder* reaches them; a process that is alone needs none."""
        self._forwarder = forwarder or Forwarder(Path, Path)
        self._names: tuple[str, ...] = ()
        self._changed = asyncio.Event()

    def are(self, names: Iterable[str]) -> None:
        """Those who carry calls beside this process, from now on."""
        self._names = tuple(names)
        self._changed.set()
        self._changed = asyncio.Event()

    async def ask(self, request: web.Request, path: str) -> list[bytes]:
        """What each of them says that is there when it is asked for *path*; nothing at all if it does not answer.
        Bounded."""
        return await asyncio.gather(*(self._text(name, request, path) for name in self._of(request)))

    async def who_has(self, request: web.Request, path: str) -> str:
        """Which of them has something at *path*; empty if none has. Raises `TimeoutError` if that is not known, for one
        does not answer. Bounded."""
        silent = False
        async with asyncio.TaskGroup() as group:
            asked = {
                group.create_task(self._has(name, request, path), name=f"ask worker {name}"): name
                for name in self._of(request)
            }
            waiting = set(asked)
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if task.result():
                        for other in waiting:
                            other.cancel()
                        return asked[task]
                    silent |= task.result() is None
        if silent:
            raise TimeoutError
        return ""

    async def answer_of(self, name: str, request: web.Request, patience: float) -> web.Response:
        """The answer of one of them to *request*. Raises one of `Unanswered`."""
        return await self._forwarder.ask(name, request, patience=patience)

    async def handed_to(self, name: str, request: web.Request) -> bool:
        """Give one of them the connection of *request*, which has no body; whether it has it now. The caller then
        answers nothing."""
        return await self._forwarder.hand_on(name, request)

    async def follow(self, request: web.Request, work: Callable[[str], Awaitable[None]]) -> None:
        """Do *work* with each of them, those included that come later, and again when it has ended and they are still
        there. Until cancelled."""
        at_work: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                changed = self._changed
                for name in self._of(request):
                    if name not in at_work:
                        keeping = self._keep(name, work)
                        task = at_work[name] = group.create_task(keeping, name=f"follow worker {name}")
                        task.add_done_callback(partial(_forget, at_work, name))
                await changed.wait()

    async def events(
        self, name: str, request: web.Request, silence: float, tell: Callable[[bytes], Awaitable[None]]
    ) -> None:
        """*tell* the data of each event that one of them answers *request* with, until it ends. It shows a sign of life
        every *silence* seconds at the latest. Raises one of `Unanswered`, or `ValueError` for an answer that is not
        made of events."""
        async with self._forwarder.stream(name, request, silence) as answer:
            if answer.status != 200:
                raise ValueError(f"it answers {answer.status}")
            waiting = b""
            while chunk := await answer.content.read(CHUNK):
                *blocks, waiting = (waiting + chunk).split(b"\n\n")
                for block in blocks:
                    _, data, text = block.partition(b"\ndata: ")
                    if data:
                        await tell(text)
                if len(waiting) > LONGEST_BLOCK:
                    raise ValueError("an event has no end")

    def _of(self, request: web.Request) -> tuple[str, ...]:
        return () if is_from_ourselves(request) else self._names

    async def _text(self, name: str, request: web.Request, path: str) -> bytes:
        try:
            answer = await self._forwarder.ask(name, request, method="GET", path=path, patience=PATIENCE)
        except Unanswered as error:
            _log.warning("a worker does not answer", worker=name, path=path, error=str(error))
            return b""
        return answer.body if answer.status == 200 and isinstance(answer.body, bytes) else b""

    async def _has(self, name: str, request: web.Request, path: str) -> bool | None:
        """None if it does not say."""
        try:
            answer = await self._forwarder.ask(name, request, method="HEAD", path=path, patience=PATIENCE)
            return answer.status == 200
        except TimeoutError:
            _log.warning("a worker does not answer", worker=name, path=path)
            return None
        except Unanswered:
            return False

    async def _keep(self, name: str, work: Callable[[str], Awaitable[None]]) -> None:
        while name in self._names:
            try:
                await work(name)
            except (*Unanswered, ValueError) as error:
                _log.info("a worker is not followed", worker=name, error=str(error))
            await asyncio.sleep(AGAIN)


def _forget(at_work: dict[str, asyncio.Task[None]], name: str, task: asyncio.Task[None]) -> None:
    if at_work.get(name) is task:
        del at_work[name]
