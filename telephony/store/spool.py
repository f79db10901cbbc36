"""A folder of records that the store could not take, until it can: of calls, and of requests to call somebody.

One file a call, and another one while it runs, so that a late word from a running call never covers its end.
A file appears whole or not at all (written beside, synced, renamed, and the folder synced), so a crash at any point
leaves either the old state or the new one. Several processes may share the folder: a file names the process that wrote
it, and only the file of a *running* call is anybody's property.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from telephony.records import AuditRow, CallRecord
from telephony.store.base import storable
from telephony.store.owner import Owner

ENDED = ".ended.json"
RUNNING = ".running.json"
AUDIT = ".audit.json"
BROKEN = ".broken"


T = TypeVar("T")


class Spooled(msgspec.Struct, frozen=True):
    """What one file holds."""

    owner: Owner
    """The process that ran the call."""
    record: CallRecord
    written_at: datetime
    """UTC."""
    spool: int = 1
    """Version of this format."""


class Spool:
    """The folder. Its methods block for as long as the disk does: call them in a thread. They raise `OSError`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, owner: Owner, record: CallRecord) -> Path:
        """Write *record*, over an earlier state of the same call."""
        path = self._path(record.id, RUNNING if record.termination is None else ENDED)
        self._write(path, owner, Spooled(owner, storable(record), datetime.now(UTC)))
        return path

    def put_audit(self, owner: Owner, row: AuditRow) -> Path:
        """Write *row*. It is nobody's property: any process may offer it to the store."""
        path = self._path(row.id, AUDIT)
        self._write(path, owner, storable(row))
        return path

    def drop(self, call: str) -> None:
        """The store has it now."""
        for state in (RUNNING, ENDED):
            self._path(call, state).unlink(missing_ok=True)

    def drop_audit(self, row: str) -> None:
        """The store has the row of this id now."""
        self._path(row, AUDIT).unlink(missing_ok=True)

    def waiting(self) -> Iterator[Spooled]:
        """What is spooled: ended calls, then running ones, each oldest first. A file that cannot be read is set aside
        under another name, never deleted."""
        yield from self._read(Spooled, ENDED, RUNNING)

    def waiting_audits(self) -> Iterator[AuditRow]:
        """The rows that are spooled, likewise."""
        yield from self._read(AuditRow, AUDIT)

    def _read(self, kind: type[T], *states: str) -> Iterator[T]:
        paths = [path for state in states for path in sorted(self.folder.glob(f"*{state}"), key=_age)]
        for path in paths:
            try:
                yield msgspec.json.decode(path.read_bytes(), type=kind)
            except FileNotFoundError:
                continue  # another process was faster
            except msgspec.DecodeError:
                path.replace(path.with_name(path.name + BROKEN))

    def _path(self, call: str, state: str) -> Path:
        # An id comes from us, but a file name is no place to trust anything.
        return self.folder / (re.sub(r"[^\w-]", "_", call)[:100] + state)

    def _write(self, path: Path, owner: Owner, content: msgspec.Struct) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{owner.id}")
        with beside.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(content), indent=1))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        self._sync()

    def _sync(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _age(path: Path) -> tuple[int, str]:
    try:
        return (path.stat().st_mtime_ns, path.name)
    except FileNotFoundError:
        return (0, path.name)
