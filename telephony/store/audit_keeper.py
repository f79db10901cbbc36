"""Every request to call or text somebody leaves its row, and no call waits long for that.

As with the records of calls (`keeper`), what the store does not take at once goes to the disk, then into memory, and is
offered again. The difference is that somebody waits for an answer here: each step has seconds, not minutes, and whoever
asks is told how safe the row is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import structlog

from telephony.errors import StoreError
from telephony.records import AuditRow
from telephony.store.base import CallStore
from telephony.store.spool import Spool

log = structlog.get_logger("telephony.store")

Kept = Literal["stored", "spooled", "in memory"]
T = TypeVar("T")

PROMPT = 0.5
"""Seconds that the store has."""
DISK = 2.0
"""Seconds that the disk has then."""
IN_MEMORY = 1000
"""Rows kept in memory while neither takes them."""
REFUSALS = 3
"""Rows refused in one round before the rest of it is left for the next."""


class AuditKeeper:
    """Keeps rows. The `RecordKeeper` that made it offers what waits, in its rounds."""

    def __init__(self, store: CallStore, folder: Path) -> None:
        self.lost = 0
        """Rows that were lost for good."""
        self.in_memory: dict[str, AuditRow] = {}
        """Rows that only this process holds, by id, oldest first."""
        self._store = store
        self._spool = Spool(folder)

    async def admit(self, row: AuditRow, most: int, since: datetime) -> int:
        """See `CallStore.admit`, within `PROMPT` seconds. Raises `StoreError`."""
        return await self._promptly(self._store.admit(row, most, since))

    async def keep(self, row: AuditRow) -> Kept:
        """Keep *row*, in place of an earlier state of it. When this returns, or is cancelled, it is safe somewhere."""
        try:
            await self._promptly(self._store.audit(row))
        except StoreError as error:
            log.warning("an audit row is spooled", id=row.id, call_id=row.call_id, error=str(error))
            return await self.set_aside(row)
        except asyncio.CancelledError:
            self.set_aside_now(row)
            raise
        return "stored"

    async def set_aside(self, row: AuditRow) -> Kept:
        """To the disk, within `DISK` seconds, or else into memory."""
        try:
            async with asyncio.timeout(DISK):
                await asyncio.to_thread(self._spool.put_audit, self._store.owner, row)
        except (OSError, TimeoutError) as error:
            return self.remember(row, str(error) or "the disk did not answer in time")
        except asyncio.CancelledError:
            self.set_aside_now(row)
            raise
        return "spooled"

    def set_aside_now(self, row: AuditRow) -> Kept:
        """The same for whoever cannot wait any more: the disk now, whatever it takes."""
        try:
            self._spool.put_audit(self._store.owner, row)
        except OSError as error:
            return self.remember(row, str(error))
        return "spooled"

    def remember(self, row: AuditRow, why: str) -> Kept:
        """Into memory."""
        log.error("an audit row cannot be spooled", id=row.id, call_id=row.call_id, error=why)
        self.in_memory[row.id] = row
        while len(self.in_memory) > IN_MEMORY:
            self._lose(next(iter(self.in_memory)), "there is no room left in memory")
        return "in memory"

    async def offer(self) -> None:
        """Offer what waits to the store: those in memory last, since they may be later states of one on the disk.
        Raises `StoreError` if it takes none of them."""
        waiting = await asyncio.to_thread(lambda: list(self._spool.waiting_audits()))
        refused = 0
        for row in [*waiting, *self.in_memory.values()]:
            try:
                await self._store.audit(row)
            except StoreError as error:
                refused += 1
                if refused == REFUSALS or error.kind != "broken":
                    raise
                log.warning("a spooled audit row is refused", id=row.id, error=str(error))
                continue
            await self._forget(row)

    def close(self) -> None:
        """What is still in memory is lost."""
        for row in list(self.in_memory):
            self._lose(row, "the program ended")

    async def _forget(self, row: AuditRow) -> None:
        if self.in_memory.get(row.id) == row:
            del self.in_memory[row.id]
        try:
            await asyncio.to_thread(self._spool.drop_audit, row.id)
        except OSError as error:
            # It will be offered again, which changes nothing.
            log.warning("a spooled audit row cannot be deleted", id=row.id, error=str(error))

    def _lose(self, row: str, why: str) -> None:
        self.lost += 1
        lost = self.in_memory.pop(row)
        log.error("an audit row is lost", why=why, call_id=lost.call_id, verdict=lost.verdict, number=lost.number)

    async def _promptly(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            async with asyncio.timeout(PROMPT):
                return await work
        except TimeoutError:
            raise StoreError(f"the store took longer than {PROMPT} seconds", "slow") from None
