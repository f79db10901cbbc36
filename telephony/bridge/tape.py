"""The recording of a call: a stereo WAV, caller left, agent right *as heard*, written while the call lasts.

What is said is placed on a `reel` at once. Four times a second what has become final there is appended to
`<name>.wav.part` and the lengths in its header are written again, so the file can be played at any moment and a killed
process loses less than a second: three quarters, with the reel's `MARGIN`. The end renames it to `<name>.wav`.

A `.part` file is locked while its process lives. Whoever starts later finishes the ones that nobody holds (`recover`).

With a key it is `<name>.wav.enc`, and neither a header nor a sample of it is on the disk in any other way. What has not
filled a chunk of the cipher waits in memory, an eighth of a second more.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import deque
from concurrent.futures import Executor
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.audio.format import PCM16_8K, AudioFormat
from telephony.audio.wav import UNKNOWN, header
from telephony.bridge import encrypted
from telephony.bridge.callfile import CallFile
from telephony.bridge.encrypted import write_all
from telephony.bridge.reel import Reel
from telephony.encryption.keys import Key, KeyRing
from telephony.errors import EncryptionError

_log: FilteringBoundLogger = structlog.get_logger("telephony.tape")

CHANNELS = 2
FRAME = CHANNELS * PCM16_8K.bytes_per_sample
_CHANNELS_AT = 22
"""Byte of the header at which their number stands, two bytes long (RIFF, `fmt `)."""
HEADER = len(header(PCM16_8K, CHANNELS, 0))
PART = ".part"


class Tape(CallFile):
    """One call's recording, a listener of its exchange. *line* is the format of the payloads; *key* encrypts it."""

    def __init__(self, path: Path, line: AudioFormat, threads: Executor | None = None, key: Key | None = None) -> None:
        super().__init__(encrypted.name_of(path, key), threads)
        self._reel = Reel(line)
        self._writer = WavWriter(self.path, CHANNELS, key)

    # -- what the exchange tells ---------------------------------------------------------------------------------------

    def caller(self, at: float, payload: bytes) -> None:
        """The caller, from *at* seconds of the call on."""
        if not self.over:
            self._reel.caller(at, payload)

    def agent(self, at: float, payload: bytes) -> None:
        """The agent as the caller will hear it from *at* seconds on, unless it is cut."""
        if not self.over:
            self._reel.agent(at, payload)

    def cut(self, at: float) -> None:
        """Nothing of the agent that was handed over is heard from *at* seconds on."""
        self._reel.cut(at)

    # -- the file ------------------------------------------------------------------------------------------------------

    def gather(self, now: float) -> None:
        """What is final at *now*."""
        self._writer.add(self._reel.final(now))

    def gather_rest(self, at: float) -> None:
        """All that is left."""
        self._writer.add(self._reel.rest(at))
        if self._reel.dropped:
            _log.info("audio came too late to be recorded", file=self.path.name, seconds=self._reel.dropped)

    def append(self) -> None:
        """See `CallFile`."""
        self._writer.write()

    def finish(self) -> None:
        """See `CallFile`; the file gets its name."""
        self._writer.finish()


class WavWriter:
    """A file of PCM16 at 8000 Hz, in threads. What is added is written in order, whichever thread comes first. It is
    encrypted with *key*, if there is one."""

    def __init__(self, path: Path, channels: int, key: Key | None = None) -> None:
        self._path = path
        self._channels = channels
        self._keys = KeyRing(key)
        self._sealer = encrypted.sealer_for(key) if key else None
        self._chunks: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._file: int | None = None
        self._done = False

    def add(self, frames: bytes) -> None:
        if frames:
            self._chunks.append(frames)

    def write(self) -> None:
        """Append what was added. `OSError`."""
        with self._lock:
            self._write()

    def finish(self) -> None:
        """Append what was added if the disk lets us, and give what is there its final name. `OSError`."""
        with self._lock:
            try:
                self._write()
            finally:
                self._finalise()

    def _write(self) -> None:
        if self._done:
            return
        self._done = True  # after a failure: a second attempt would leave a hole, or take over somebody else's name
        if self._file is None:
            self._file = _create(_part(self._path), self._beginning())
        while self._chunks:
            frames = self._chunks.popleft()
            write_all(self._file, self._sealer.add(frames) if self._sealer else frames)
        if not self._sealer:
            _fix_header(self._file)
        self._done = False

    def _beginning(self) -> bytes:
        if self._sealer is None:
            return header(PCM16_8K, self._channels, 0)
        # What is encrypted cannot be written over: whoever reads it counts what is there.
        return self._sealer.header + self._sealer.add(header(PCM16_8K, self._channels, UNKNOWN))

    def _finalise(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        failed, self._done = self._done, True
        try:
            try:
                if self._sealer and not failed:
                    write_all(file, self._sealer.end())
            finally:
                finalise(file, _part(self._path), self._path, self._keys)
        finally:
            os.close(file)


def _part(path: Path) -> Path:
    return path.with_name(path.name + PART)


def _create(part: Path, beginning: bytes) -> int:
    """A new `.part` file with its *beginning*, open and locked. It gets that name only when it is locked, so no other
    process that looks for abandoned files can ever see it unlocked."""
    new = part.with_name(f".{part.name}.new")
    file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o640)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        write_all(file, beginning)
        part.hardlink_to(new)  # unlike a rename it never takes a name from another recording
    except BaseException:
        os.close(file)
        raise
    finally:
        new.unlink(missing_ok=True)
    return file


def _fix_header(file: int) -> int:
    """Let the header say what is there; return the bytes of whole frames behind it."""
    channels = int.from_bytes(os.pread(file, 2, _CHANNELS_AT), "little") or CHANNELS
    frame = channels * PCM16_8K.bytes_per_sample
    data = max(0, os.fstat(file).st_size - HEADER) // frame * frame
    os.pwrite(file, header(PCM16_8K, channels, data), 0)
    return data


def finalise(file: int, part: Path, path: Path, keys: KeyRing) -> None:
    """Make *part*, open as *file*, a whole recording and name it *path*. `OSError`, `EncryptionError`."""
    if encrypted.is_encrypted(path):
        encrypted.close_cut(file, keys)
    else:
        os.ftruncate(file, HEADER + _fix_header(file))
    os.fsync(file)
    part.replace(path)


def recover(folder: Path, keys: KeyRing | None = None) -> list[Path]:
    """Finish the recordings that dead processes left in *folder*; return the files they became, oldest name first.
    Those that are encrypted need their key among *keys*.

    Blocking. A file that a live process holds is left alone, and so is one that cannot be finished (logged).
    """
    keys = keys or KeyRing()
    names = (f"*.wav{PART}", f"*.wav{encrypted.SUFFIX}{PART}")
    parts = sorted(part for name in names for part in folder.glob(name))
    return [path for part in parts if (path := _recover(part, keys))]


def _recover(part: Path, keys: KeyRing) -> Path | None:
    path = part.with_name(part.name.removesuffix(PART))
    try:
        file = os.open(part, os.O_RDWR)
    except FileNotFoundError:
        return None  # finished meanwhile
    except OSError as error:
        _log.warning("an abandoned recording cannot be opened", file=str(part), error=str(error))
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not part.exists():  # another process held the lock until it had finished this file
            return None
        finalise(file, part, path, keys)
    except BlockingIOError:
        return None  # its process lives
    except (OSError, EncryptionError) as error:
        _log.warning("an abandoned recording cannot be finished", file=str(part), error=str(error))
        return None
    finally:
        os.close(file)
    return path
