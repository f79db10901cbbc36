"""What calls leave behind is deleted in time, or when somebody asks for it.

The files go first: should the process die between the two, the record still says that there is something to delete.
Running calls are let be, and files that cannot be deleted keep their record, so that the next sweep tries again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.errors import StoreError
from telephony.settings import Settings
from telephony.store.base import CallStore, CallSummary

EVERY = 3600.0
"""Seconds from one sweep to the next."""
FIRST = 60.0
"""Seconds after the start: whoever has just started has calls to answer."""
AT_ONCE = 100
"""Calls that are deleted in one transaction."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.retention")


class Erased(msgspec.Struct, frozen=True):
    """What was deleted."""

    calls: int = 0
    files: int = 0
    requests: int = 0
    """To call or text somebody."""
    kept: int = 0
    """Calls of which a file could not be deleted, and which are therefore still there."""


class Retention:
    """Deletes what a store and two folders hold of calls."""

    def __init__(self, store: CallStore, settings: Settings) -> None:
        self._store = store
        self._folders = (Path(settings.recordings), Path(settings.cassettes.folder))
        self._terms = settings.retention

    async def run(self) -> None:
        """A sweep every hour, until cancelled."""
        await asyncio.sleep(FIRST)
        while True:
            try:
                done = await self.sweep(datetime.now(UTC))
            except StoreError as error:
                _log.warning("what is too old could not be looked for", error=str(error))
            else:
                if done != Erased():
                    _log.info("what was too old was deleted", **msgspec.structs.asdict(done))
            await asyncio.sleep(EVERY)

    async def sweep(self, now: datetime) -> Erased:
        """Delete what is too old. *now* is UTC. Raises `StoreError`."""
        done = Erased()
        if days := self._terms.records_days:
            since = now - timedelta(days=days)
            done = await self._erase(before=since)
            done = msgspec.structs.replace(done, requests=await self._store.erase_requests(before=since))
        if days := self._terms.recordings_days:
            files = await self._drop_files(now - timedelta(days=days))
            done = msgspec.structs.replace(done, files=done.files + files)
        return done

    async def erase(self, number: str) -> Erased:
        """Delete every call from or to *number*, and whatever was asked for to reach it. Raises `StoreError`."""
        done = await self._erase(number=number)
        return msgspec.structs.replace(done, requests=await self._store.erase_requests(number=number))

    async def _erase(self, *, before: datetime | None = None, number: str = "") -> Erased:
        calls = files = 0
        stuck: set[str] = set()
        while True:
            found = await self._store.ended(AT_ONCE + len(stuck), before=before, number=number)
            there = [call for call in found if call.id not in stuck]
            if not there:
                return Erased(calls, files, kept=len(stuck))
            gone, failed = await asyncio.to_thread(self._unlink, there)
            files += gone
            stuck |= failed
            calls += await self._store.erase([call.id for call in there if call.id not in failed])

    async def _drop_files(self, before: datetime) -> int:
        files = 0
        stuck: set[str] = set()
        while True:
            found = await self._store.ended(AT_ONCE + len(stuck), before=before, files=True)
            there = [call for call in found if call.id not in stuck]
            if not there:
                return files
            gone, failed = await asyncio.to_thread(self._unlink, there)
            files += gone
            stuck |= failed
            await self._store.drop_files([call.id for call in there if call.id not in failed])

    def _unlink(self, calls: Iterable[CallSummary]) -> tuple[int, set[str]]:
        """Delete the files of *calls*. How many there were, and the ids of the calls that still have one."""
        gone, failed = 0, set()
        for call in calls:
            for path in self._files(call.id):
                try:
                    path.unlink()
                except FileNotFoundError:
                    continue
                except OSError as error:
                    _log.error("a file of a call could not be deleted", path=str(path), error=error.strerror)
                    failed.add(call.id)
                else:
                    gone += 1
        return gone, failed

    def _files(self, call: str) -> list[Path]:
        """Everything that is called as the call is: further parts (`-2`) and messages (`-errand-1`) as well."""
        return [path for folder in self._folders for mark in ".-" for path in folder.glob(f"{call}{mark}*")]


def make_retention(settings: Settings, store: CallStore) -> Retention | None:
    """Whoever deletes what is too old; None if everything is kept."""
    terms = settings.retention
    return Retention(store, settings) if terms.recordings_days or terms.records_days else None
