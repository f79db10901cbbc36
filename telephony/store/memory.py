"""A store that forgets: for tests, and for a process that must not write. It keeps the same promises as the SQL one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import msgspec

from telephony.records import COUNTED_WITH, AuditRow, CallRecord
from telephony.store.base import (
    ALL,
    PROCESS_DIED,
    PROCESS_DIED_NOTE,
    AuditRows,
    CallFilter,
    CallSummary,
    Position,
    Summaries,
    ambiguous,
    is_wanted,
    last_sign_of_life,
    storable,
)
from telephony.store.owner import Owner, gone


class Entry(msgspec.Struct):
    """A stored call."""

    record: CallRecord
    owner: Owner
    presumed: bool = False


class Shelf(msgspec.Struct):
    """What several memory stores share, as several processes share a database."""

    entries: dict[str, Entry] = {}
    seen_at: dict[str, datetime] = {}
    audits: dict[str, AuditRow] = {}


class MemoryStore:
    """A `CallStore` in memory."""

    def __init__(self, shelf: Shelf | None = None, *, owner: Owner | None = None) -> None:
        self.owner = owner or Owner.current()
        self._shelf = shelf or Shelf()

    async def open(self) -> None:
        pass

    async def begin(self, record: CallRecord) -> None:
        await self.save(record)

    async def save(self, record: CallRecord) -> bool:
        return self._write(msgspec.structs.replace(storable(record), termination=None))

    async def finish(self, record: CallRecord) -> bool:
        if record.termination is None:
            raise ValueError(f"call {record.id} has no termination: it cannot be finished")
        return self._write(storable(record))

    async def get(self, wanted: str) -> CallRecord | None:
        records = sorted((entry.record for entry in self._shelf.entries.values()), key=age, reverse=True)
        for record in records:
            if record.id == wanted:
                return storable(record)
        for record in records:
            if wanted and record.carrier_call_id == wanted:
                return storable(record)
        partly = (record for record in records if record.id.startswith(wanted) or record.id.endswith(wanted))
        matches = list(partly) if wanted else []
        if len(matches) > 1:
            raise ambiguous(wanted, matches[0].id, matches[1].id)
        return storable(matches[0]) if matches else None

    async def list(self, limit: int = 50, *, before: Position | None = None, where: CallFilter = ALL) -> Summaries:
        records = [entry.record for entry in self._shelf.entries.values() if is_wanted(entry.record, where)]
        if before is not None:
            records = [record for record in records if age(record) < age(before)]
        return [CallSummary.of(record) for record in sorted(records, key=age, reverse=True)[:limit]]

    async def renew(self, now: datetime) -> None:
        self._shelf.seen_at[self.owner.id] = now

    async def recover(self, now: datetime) -> Summaries:
        recovered = [entry for entry in self._shelf.entries.values() if self._is_abandoned(entry, now)]
        for entry in recovered:
            record, seen_at = entry.record, self._shelf.seen_at.get(entry.owner.id)
            record.termination = PROCESS_DIED
            record.duration = last_sign_of_life(record.started_at, record.duration, seen_at)
            record.notes.append(PROCESS_DIED_NOTE)
            entry.presumed = True
        return [CallSummary.of(record) for record in sorted((entry.record for entry in recovered), key=age)]

    async def audit(self, row: AuditRow) -> None:
        self._shelf.audits[row.id] = storable(row)

    async def admit(self, row: AuditRow, most: int, since: datetime) -> int:
        others = [known for known in self._shelf.audits.values() if known.id != row.id and known.at > since]
        counted = sum(known.verdict == "allowed" and known.use in COUNTED_WITH[row.use] for known in others)
        if counted < most:
            self._shelf.audits.setdefault(row.id, storable(row))
        return counted

    async def audits(self, limit: int = 50, *, calls: Collection[str] | None = None) -> AuditRows:
        rows = [row for row in self._shelf.audits.values() if calls is None or row.call_id in calls]
        return sorted(rows, key=lambda row: (row.at, row.id), reverse=True)[:limit]

    async def ended(
        self, limit: int, *, before: datetime | None = None, number: str = "", files: bool = False
    ) -> Summaries:
        records = (entry.record for entry in self._shelf.entries.values())
        wanted = [
            record
            for record in records
            if record.termination is not None
            and (before is None or age(record)[0] < before)
            and (not number or number in (record.from_number, record.to_number))
            and (not files or record.recording or record.cassette)
        ]
        return [CallSummary.of(record) for record in sorted(wanted, key=age)[:limit]]

    async def drop_files(self, calls: Collection[str]) -> None:
        for call in self._shelf.entries.keys() & set(calls):
            record = self._shelf.entries[call].record
            record.recording = record.cassette = ""

    async def erase(self, calls: Collection[str]) -> int:
        there = [entry.record for call, entry in self._shelf.entries.items() if call in calls]
        over = [record for record in there if record.termination is not None]
        ids = {each for record in over for each in (record.id, record.carrier_call_id)}
        for record in over:
            del self._shelf.entries[record.id]
        self._shelf.audits = {key: row for key, row in self._shelf.audits.items() if row.call_id not in ids}
        return len(over)

    async def erase_requests(self, *, before: datetime | None = None, number: str = "") -> int:
        if before is None and not number:
            raise ValueError("erase_requests needs a time or a number: it would delete everything")
        gone = [
            row.id
            for row in self._shelf.audits.values()
            if (before is None or row.at < before) and (not number or row.number == number)
        ]
        for row_id in gone:
            del self._shelf.audits[row_id]
        return len(gone)

    async def close(self) -> None:
        pass

    def _is_abandoned(self, entry: Entry, now: datetime) -> bool:
        if entry.record.termination is not None or entry.owner.id == self.owner.id:
            return False
        return gone(entry.owner, self._shelf.seen_at.get(entry.owner.id), now)

    def _write(self, record: CallRecord) -> bool:
        self._shelf.seen_at.setdefault(self.owner.id, datetime.now(UTC))
        known = self._shelf.entries.get(record.id)
        if known is not None and known.record.termination is not None and not known.presumed:
            return False
        self._shelf.entries[record.id] = Entry(record, self.owner)
        return True


def age(record: CallRecord | Position) -> tuple[datetime, str]:
    """What calls are sorted by."""
    return (record.started_at or datetime.min.replace(tzinfo=UTC), record.id)
