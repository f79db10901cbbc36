"""Never a dropped record, and never a call that waits for a database.

The keeper stands between the calls and their store. Whatever the store cannot take at once goes into a spool of
files; what the disk cannot take either stays in memory, bounded; and whatever waits is offered again and again, by
this process or by the next. Only when all three are full is a record lost, which is counted and logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import structlog

from telephony.errors import ConfigurationError, StoreError
from telephony.records import CallRecord
from telephony.store.audit_keeper import AuditKeeper
from telephony.store.base import PROCESS_DIED, PROCESS_DIED_NOTE, CallStore, CallSummary, Summaries
from telephony.store.owner import Owner
from telephony.store.spool import Spool, Spooled

log = structlog.get_logger("telephony.store")

Kept = Literal["stored", "ended already", "spooled", "in memory"]

RETRIES: Sequence[float] = (0.1, 0.5, 2.0)
"""Seconds between attempts to write the end of a call. The store itself has waited for locks before it said no."""
PROMPT = 0.5
"""Seconds a running call waits for its record to be written."""
EVERY = 10.0
"""Seconds between rounds: the lease renewed, abandoned calls closed, what waits offered again. A third of a lease."""
IN_MEMORY = 1000
"""Records kept in memory while neither the store nor the disk takes them; tens of kilobytes each."""
REFUSALS = 3
"""Records refused in one round before the rest of it is left for the next."""
STALE = timedelta(hours=6)
"""When a running call's file from another host counts as left behind. No call lasts that long."""


class RecordKeeper:
    """What calls use to keep their records. `open` it, `run` it as a task, `close` it after the last call.

    No method but `open` raises anything, and that only `ConfigurationError`.
    """

    def __init__(self, store: CallStore, folder: Path, *, retries: Sequence[float] = RETRIES) -> None:
        self.lost = 0
        """Records that were lost for good."""
        self.trouble = ""
        """Why the store takes nothing just now; empty if it does, as far as is known."""
        self.spooled: set[str] = set()
        """Ids of the records that lie on the disk and that the store is still to take."""
        self.in_memory: dict[str, Spooled] = {}
        """Records that only this process holds, by call id, oldest first."""
        self.audits = AuditKeeper(store, folder)
        """Keeps the rows of requests to call somebody; its rounds are ours."""
        self._store = store
        self._spool = Spool(folder)
        self._retries = retries
        self._rounds = asyncio.Lock()

    async def open(self) -> Summaries:
        """Open the store, replay the spool, close what dead processes left open; return those calls. A store that does
        not answer now is no reason not to answer the telephone: then the first rounds of `run` do all this."""
        try:
            await self._store.open()
        except StoreError as error:
            self.trouble = str(error)
            log.warning("the store of call records does not answer yet; records are spooled", error=str(error))
            return []
        return await self.round()

    async def begin(self, record: CallRecord) -> Kept:
        """The call has begun. One attempt, and after `PROMPT` it goes on beside the call: nobody who has just picked
        up waits for a database, and a call that is not in it yet is finished there all the same."""
        return await self._keep(record, self._write_promptly(record))

    async def save(self, record: CallRecord) -> Kept:
        """Keep what was said so far, at a turn boundary. Like `begin`."""
        return await self._keep(record, self._write_promptly(record))

    async def finish(self, record: CallRecord) -> Kept:
        """The call has ended. When this returns, or is cancelled, the record is safe somewhere."""
        return await self._keep(record, self._write(record, self._retries))

    async def run(self) -> None:
        """Rounds, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            await self.round()

    async def round(self, now: datetime | None = None) -> Summaries:
        """Renew the lease, offer what waits, close what dead processes left open; return the latter."""
        now = now or datetime.now(UTC)
        async with self._rounds:
            try:
                await self._store.open()
                await self._store.renew(now)
                # Before abandoned calls are closed: a spool may know how they really ended.
                await self._offer(now)
                await self.audits.offer()
                recovered = await self._store.recover(now)
                self.trouble = ""
            except (StoreError, ConfigurationError) as error:
                self.trouble = str(error)
                log.warning("the store of call records does not answer", error=str(error), waiting=len(self.in_memory))
                return []
        for call in recovered:
            log.warning("a process died and left this call open", **_names(call), agent=call.agent)
        return recovered

    async def close(self) -> None:
        """A last round, then let go of the store. What is still in memory by then is lost."""
        await self.round()
        for call in list(self.in_memory):
            self._lose(call, "the program ended")
        self.audits.close()
        await self._store.close()

    # -- keeping -----------------------------------------------------------------------------------------------------

    async def _keep(self, record: CallRecord, writing: Awaitable[bool]) -> Kept:
        try:
            written = await writing
        except StoreError as error:
            if error.kind != "slow":
                self.trouble = str(error)
            log.warning("a call record is spooled", **_names(record), error=str(error), kind=error.kind)
            return await asyncio.to_thread(self._set_aside, record)
        except asyncio.CancelledError:
            # Nobody will come back for it, and a thread could be cancelled too: the disk now, whatever it takes.
            self._set_aside(record)
            raise
        self.trouble = ""
        await self._forget(record.id)
        return "stored" if written else "ended already"

    async def _write(self, record: CallRecord, attempts: Sequence[float]) -> bool:
        for pause in attempts:
            try:
                return await self._write_once(record)
            except StoreError as error:
                log.info("a call record is written again", **_names(record), error=str(error), seconds=pause)
            await asyncio.sleep(pause)
        return await self._write_once(record)

    async def _write_promptly(self, record: CallRecord) -> bool:
        try:
            async with asyncio.timeout(PROMPT):
                return await self._write_once(record)
        except TimeoutError:
            raise StoreError(f"the store took longer than {PROMPT} seconds", "slow") from None

    async def _write_once(self, record: CallRecord) -> bool:
        if record.termination is None:
            return await self._store.save(record)
        return await self._store.finish(record)

    def _set_aside(self, record: CallRecord) -> Kept:
        """To the disk, or else into memory."""
        try:
            self._spool.put(self._store.owner, record)
        except (OSError, TypeError) as error:  # TypeError: something in it that JSON cannot hold
            log.error("a call record cannot be spooled", **_names(record), error=str(error))
        else:
            self.spooled.add(record.id)
            self.in_memory.pop(record.id, None)
            return "spooled"
        known = self.in_memory.get(record.id)
        if record.termination is not None or known is None or known.record.termination is None:
            self.in_memory[record.id] = Spooled(self._store.owner, record, datetime.now(UTC))
        while len(self.in_memory) > IN_MEMORY:
            self._lose(next(iter(self.in_memory)), "there is no room left in memory")
        return "in memory"

    def _lose(self, call: str, why: str) -> None:
        self.lost += 1
        lost = self.in_memory.pop(call).record
        log.error("a call record is lost", **_names(lost), why=why, from_number=lost.from_number, agent=lost.agent)

    # -- offering again ----------------------------------------------------------------------------------------------

    async def _offer(self, now: datetime) -> None:
        """One record that the store will not have must not hold up the others; a store that has none of them must not
        be asked for each."""
        waiting = await asyncio.to_thread(lambda: list(self._spool.waiting()))
        self.spooled = {each.record.id for each in waiting}
        refused = 0
        for spooled in [*waiting, *self.in_memory.values()]:
            record = settled(spooled, self._store.owner, now)
            if record is None:
                continue
            try:
                written = await self._write_once(record)
            except StoreError as error:
                refused += 1
                if refused == REFUSALS or error.kind != "broken":
                    raise
                log.warning("a spooled call record is refused", **_names(record), error=str(error))
                continue
            log.info("a spooled call record is stored", **_names(record), already=not written)
            await self._forget(record.id)

    async def _forget(self, call: str) -> None:
        self.in_memory.pop(call, None)
        self.spooled.discard(call)
        try:
            await asyncio.to_thread(self._spool.drop, call)
        except OSError as error:
            # It will be offered again, and the store will say that it has it.
            log.warning("a spooled record cannot be deleted", record=call, error=str(error))


def _names(record: CallRecord | CallSummary) -> dict[str, str]:
    """A call in a log line: by the id that all of its lines have, and by ours, under which its record is found."""
    return {"call_id": record.carrier_call_id, "record": record.id}


def settled(spooled: Spooled, here: Owner, now: datetime) -> CallRecord | None:
    """The record as this process can store it: as it is if the call has ended or is ours, ended as `PROCESS_DIED` if
    its process is dead, and None while that process may still look after it itself."""
    record = spooled.record
    if record.termination is not None or spooled.owner.id == here.id:
        return record
    alive = spooled.owner.alive()
    if alive or (alive is None and now - spooled.written_at < STALE):
        return None
    record.termination = PROCESS_DIED
    record.notes.append(PROCESS_DIED_NOTE)
    return record
