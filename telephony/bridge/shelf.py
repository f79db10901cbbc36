"""Where the cassettes of a process are: which calls get one, how large they may grow, and which are taken away.

A cassette is written as the call goes on and needs no last word: whatever was written before a process was killed is a
cassette of the call up to there. All of them together stay below a limit, for which the oldest make room.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import zlib
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor
from datetime import UTC, datetime
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.bridge import encrypted
from telephony.bridge.callfile import CallFile
from telephony.carriers.base import Carrier
from telephony.cassette.recorder import RecordedExchange, Recorder, Redact, header_of
from telephony.encryption.keys import Key
from telephony.events import CallStarted
from telephony.exchange import Listener
from telephony.settings import CallSettings

SUFFIX = ".jsonl"
KEPT = 0.9
"""Share of the limit that is left of old cassettes once it is reached, so that the folder is not looked through at
every call."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.cassette")


class CassetteFile(CallFile):
    """One call's cassette on disk, encrypted with *key* if there is one. `add` takes its lines."""

    def __init__(self, path: Path, threads: Executor | None, key: Key | None = None) -> None:
        super().__init__(encrypted.name_of(path, key), threads)
        self._sealer = encrypted.sealer_for(key) if key else None
        self.recorder: Recorder | None = None
        """Who adds the lines, once there is somebody."""
        self._lines: list[bytes] = []
        self._chunks: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._file: int | None = None
        self._finished = False

    def add(self, line: bytes) -> None:
        """Write *line*, soon."""
        if not self.over:
            self._lines.append(line)

    def gather(self, now: float) -> None:
        """All that was added."""
        if self._lines:
            self._chunks.append(b"".join(self._lines))
            self._lines.clear()

    def gather_rest(self, at: float) -> None:
        """All that was added."""
        self.gather(at)

    def append(self) -> None:
        """See `CallFile`."""
        with self._lock:  # whoever was given up as too slow may still be at it
            self._append()

    def finish(self) -> None:
        """See `CallFile`."""
        with self._lock:
            try:
                self._append()
                if self._file is not None and self._sealer and not self._finished:
                    encrypted.write_all(self._file, self._sealer.end())
            finally:
                self._finished = True
                file, self._file = self._file, None
                if file is not None:
                    os.close(file)

    def _append(self) -> None:
        if self._finished:
            return
        self._finished = True  # after a failure: a second attempt would leave a hole
        if self._file is None:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
            fcntl.flock(self._file, fcntl.LOCK_EX)  # whoever makes room leaves it alone
            if self._sealer:
                encrypted.write_all(self._file, self._sealer.header)
        while self._chunks:
            lines = self._chunks.popleft()
            encrypted.write_all(self._file, self._sealer.add(lines) if self._sealer else lines)
        self._finished = False


class Shelf:
    """The cassettes in *folder*: at most *largest* bytes each and *all_together* bytes in all. *redact* takes secrets
    out of what is written; *key* encrypts it."""

    def __init__(
        self, folder: Path, largest: int, all_together: int, redact: Redact, threads: Executor, key: Key | None = None
    ) -> None:
        self._folder = folder
        self._largest = largest
        self._all_together = all_together
        self._redact = redact
        self._threads = threads
        self._key = key
        self._room = 0
        """Bytes until the folder is looked through again."""

    def file(self, name: str) -> CassetteFile:
        """The file of a new cassette."""
        return CassetteFile(self._folder / f"{name}{SUFFIX}", self._threads, self._key)

    def exchange(
        self,
        file: CassetteFile,
        settings: CallSettings,
        started: CallStarted,
        carrier: Carrier,
        listener: Listener | None,
        *,
        dialect: str,
        opening: Iterable[str | bytes],
    ) -> RecordedExchange:
        """An exchange that is written into *file*, from the carrier's *opening* messages on."""

        def write(line: bytes) -> None:
            file.add(line)
            self._room -= len(line)
            if self._room <= 0:
                self._room = round(self._all_together * (1 - KEPT))
                self._threads.submit(self._make_room)

        recorder = file.recorder = Recorder(write, limit=self._largest, redact=self._redact)
        recorder.veil.cover(settings)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        recorder.begin(header_of(settings, started, carrier.traits.name, dialect, recorded_at=now), opening)
        return RecordedExchange(settings, started, carrier, listener, recorder=recorder)

    def _make_room(self) -> None:
        """In a thread."""
        try:
            removed = make_room(self._folder, round(self._all_together * KEPT))
        except OSError as error:
            _log.warning("old cassettes cannot be removed", folder=str(self._folder), error=str(error))
        else:
            if removed:
                _log.info("old cassettes were removed to make room", count=len(removed))


def make_room(folder: Path, keep: int) -> list[Path]:
    """Remove the oldest cassettes in *folder* until no more than *keep* bytes are left; returns those. `OSError`.

    One that is being written is not removed, whichever process does it."""
    states = []
    for path in (*folder.glob(f"*{SUFFIX}"), *folder.glob(f"*{SUFFIX}{encrypted.SUFFIX}")):
        with contextlib.suppress(FileNotFoundError):  # somebody else made room meanwhile
            states.append((path, path.stat()))
    states.sort(key=lambda entry: entry[1].st_mtime)
    total = sum(state.st_size for _, state in states)
    removed = []
    for path, state in states:
        if total <= keep:
            break
        if _remove(path):
            total -= state.st_size
            removed.append(path)
    return removed


def _remove(path: Path) -> bool:
    """Whether it is gone: not if a live process holds it."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def is_sampled(call_id: str, share: float) -> bool:
    """Whether a call is among the *share* (0 to 1) of calls that get a cassette: by its id, and so on every process the
    same."""
    return zlib.crc32(call_id.encode()) < share * 2**32
