"""Several workers watched as one process: what their parent answers on the internal port.

Each worker answers what `Watching.app` does on a Unix socket of its own. The parent asks all of them at once whenever
it is asked itself; one that does not answer in time counts as busy, and what it had counted before still counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.errors import ConfigurationError
from telephony.runtime.exposition import Workers
from telephony.runtime.watching import internal_server
from telephony.server.internal import internal_application
from telephony.settings import Settings

PATIENCE = 2.0
"""Seconds that a worker has to answer; whoever scrapes waits ten."""
AGAIN = 1.0
"""Seconds between tries to have the internal port."""
NOBODY = "no worker runs"
SILENT = "it does not answer"

_log: FilteringBoundLogger = structlog.get_logger("telephony.watching")


class Fleet:
    """All workers of one parent, as `telephony.server.internal.Watched` has it. *sockets* says where those are that run
    now, by their names, none of which is given twice; *drain* ends all of them. Each of *checks* gives the parent's own
    objection to calls, or an empty text; *own* gives its own metrics, in Prometheus's text format."""

    def __init__(
        self,
        sockets: Callable[[], Mapping[str, Path]],
        drain: Callable[[], None],
        *checks: Callable[[], str],
        own: Callable[[], str] = str,
    ) -> None:
        self.drain = drain
        self._sockets = sockets
        self._checks = checks
        self._own = own
        self._metrics = Workers()
        self._known: set[str] = set()

    async def reasons(self) -> list[str]:
        """Empty if nothing speaks against calls at all, and at least one worker takes them."""
        found = [reason for check in self._checks if (reason := check())]
        answers = {name: _json(answer) for name, answer in (await self._ask("/readyz")).items()}
        if any(answer.get("ready") is True for answer in answers.values()):
            return found
        told = [f"{name}: {why}" for name, answer in answers.items() for why in answer.get("reasons", [SILENT])]
        return found + (told or [NOBODY])

    async def page(self) -> tuple[bytes, str]:
        """The sums."""
        answers = await self._ask("/metrics")
        for name in self._known - answers.keys():
            self._metrics.gone(name)
        self._known = set(answers)
        for name, text in answers.items():
            try:
                if text:
                    self._metrics.see(name, text)
            except ValueError as error:
                _log.error("the metrics of a worker cannot be read", worker=name, error=str(error))
        return self._metrics.page(self._own())

    async def tasks(self) -> list[dict[str, Any]]:
        """Those of all workers, each with its worker."""
        answers = await self._ask("/debug/tasks")
        return [{"worker": name, **task} for name, text in answers.items() for task in _json(text).get("tasks", [])]

    async def _ask(self, path: str) -> dict[str, str]:
        """What each worker that runs answers; empty if it does not."""
        sockets = dict(self._sockets())
        texts = await asyncio.gather(*(_get(socket, path) for socket in sockets.values()))
        return dict(zip(sockets, texts, strict=True))


async def answer(fleet: Fleet, settings: Settings) -> None:
    """Answer the internal port, if the settings name one, for *fleet*. Until cancelled. A port that is taken is waited
    for: the version before this one has it for as long as its last calls go on."""
    told = False
    while server := internal_server(settings, internal_application(fleet)):
        try:
            await server.start()
        except ConfigurationError as error:
            if not told:
                _log.warning("not watched yet; it is tried again", error=str(error), every_s=AGAIN)
            told = True
            await asyncio.sleep(AGAIN)
            continue
        _log.info("watched", address=f"http://{server.host}:{server.port}/readyz")
        try:
            await asyncio.Event().wait()
        finally:
            await server.stop()


async def _get(socket: Path, path: str) -> str:
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket)), timeout=timeout) as session,
            session.get(f"http://worker{path}") as response,
        ):
            return await response.text()
    except (aiohttp.ClientError, OSError, TimeoutError):
        return ""


def _json(text: str) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
