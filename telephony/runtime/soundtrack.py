"""What a recorded call sounded like, as a file: stereo WAV, caller left, agent right as the caller heard it.

The call is replayed and a reel listens, as one does to a live call. What has become final is written while it goes on,
so that memory does not grow with the call.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import msgspec

from telephony.audio.format import PCM16_8K, AudioFormat
from telephony.audio.wav import header
from telephony.bridge.reel import Reel
from telephony.cassette.format import Cassette, decode_line
from telephony.cassette.player import line_of
from telephony.cassette.replay import replay
from telephony.runtime.cassettes import in_place_of, new_carrier

PERIOD = 0.25
"""Seconds of the call between writes, as on a `Tape`."""
CHANNELS = 2
FRAME = CHANNELS * PCM16_8K.bytes_per_sample


class Soundtrack(msgspec.Struct, frozen=True):
    """What was written."""

    seconds: float
    diverged: bool
    """Whether the call went another way than when it was recorded: then this is how it sounds now."""


def write_soundtrack(cassette: Cassette, path: Path) -> Soundtrack:
    """Put the sound of *cassette* into the file *path*, all of it or nothing. Raises `CassetteError` for a file that
    cannot be read, and if the disk will not have it."""
    with in_place_of(path) as file:
        return _record(cassette, file)


def _record(cassette: Cassette, file: BinaryIO) -> Soundtrack:
    file.write(header(PCM16_8K, CHANNELS, 0))
    film = _Film(line_of(cassette, new_carrier), file)
    replayed = replay(cassette, new_carrier, listener=film.reel, keep=film.pass_by)
    film.end(replayed.duration)
    file.seek(0)
    file.write(header(PCM16_8K, CHANNELS, film.written))
    return Soundtrack(film.written / FRAME / PCM16_8K.rate, replayed.divergence is not None)


class _Film:
    """Writes what is final as the lines pass by."""

    def __init__(self, line: AudioFormat, file: BinaryIO) -> None:
        self.reel = Reel(line)
        self.written = 0
        """Bytes of audio."""
        self._file = file
        self._at = 0.0

    def pass_by(self, text: bytes) -> None:
        """A line of the call."""
        now = decode_line(text).t
        if now >= self._at + PERIOD:
            self._at = now
            self._write(self.reel.final(now))

    def end(self, at: float) -> None:
        self._write(self.reel.rest(at))

    def _write(self, frames: bytes) -> None:
        self.written += len(frames)
        self._file.write(frames)
