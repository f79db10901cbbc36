"""The carrier's playout buffer: what was queued, what of it has been played by now, and which marks are due.

Twilio buffers media of any size and plays it in order at 8000 samples a second, as soon as it arrives or as soon as
what came before has ended. A mark comes back when everything queued before it was played, at once if nothing is
buffered; `clear` empties the buffer and brings back every outstanding mark. (Twilio docs, "Media Streams - WebSocket
messages".)

Positions are samples since the stream's first moment. Nothing is rounded to frames: a clear between two samples cuts
between two samples, and `timeline` says for ever after what the caller heard and when.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

import msgspec

SILENCE = b"\xff"
"""The quietest sample of mu-law (G.711)."""

MOST_BUFFERED = 600.0
"""Seconds of audio that Twilio buffers; what goes beyond is discarded with warning 31931."""

_TOLERANCE = 1e-3
"""In samples. A time computed from a sample must lead back to it although neither is exact in binary."""


class Stretch(msgspec.Struct, frozen=True):
    """A payload in its place on the timeline, without what a `clear` cut off."""

    start: int
    """Its first sample's position."""
    payload: bytes
    received: int
    """Bytes that had been received before it, played or not: the sender's own count."""
    played: int
    """Bytes played before it."""

    @property
    def end(self) -> int:
        return self.start + len(self.payload)


class Playout:
    """A playout buffer that began at *origin* (seconds). One byte is one sample: mu-law."""

    def __init__(self, origin: float, *, rate: int = 8000, most_buffered: float = MOST_BUFFERED) -> None:
        self.origin = origin
        self.rate = rate
        self.timeline: list[Stretch] = []
        """Everything that was played or is queued, in order, without overlap."""
        self.received = 0
        """Bytes taken in, played or not."""
        self._limit = int(most_buffered * rate)
        self._marks: deque[tuple[int, str]] = deque()

    def position(self, now: float) -> int:
        """The sample that is being played at *now*."""
        return max(0, int((now - self.origin) * self.rate + _TOLERANCE))

    def time_of(self, sample: int) -> float:
        return self.origin + sample / self.rate

    def queue(self, payload: bytes, now: float) -> bool:
        """Add audio to the end. False if it was discarded because too much is buffered."""
        if self.buffered(now) + len(payload) > self._limit:
            return False
        if payload:
            start = max(self._end(), self.position(now))
            self.timeline.append(Stretch(start, payload, self.received, self._played_by_end()))
            self.received += len(payload)
        return True

    def mark(self, name: str, now: float) -> None:
        """Note a mark behind everything queued so far; `due` returns it in its time."""
        self._marks.append((max(self._end(), self.position(now)), name))

    def due(self, now: float) -> list[str]:
        """Marks whose audio has been played; each is returned once."""
        position = self.position(now)
        names = []
        while self._marks and self._marks[0][0] <= position:
            names.append(self._marks.popleft()[1])
        return names

    def clear(self, now: float) -> list[str]:
        """Throw away what was not played yet. Returns every outstanding mark."""
        position = self.position(now)
        while self.timeline and self.timeline[-1].start >= position:
            self.timeline.pop()
        if self.timeline and self.timeline[-1].end > position:
            last = self.timeline[-1]
            self.timeline[-1] = msgspec.structs.replace(last, payload=last.payload[: position - last.start])
        names = [name for _, name in self._marks]
        self._marks.clear()
        return names

    def deadline(self) -> float | None:
        """When the next mark is due."""
        return self.time_of(self._marks[0][0]) if self._marks else None

    @property
    def outstanding(self) -> list[str]:
        """Marks that were not returned yet."""
        return [name for _, name in self._marks]

    def buffered(self, now: float) -> int:
        """Samples queued and not played yet."""
        return max(0, self._end() - self.position(now))

    def played(self, now: float) -> int:
        """Samples of audio played by *now*; the gaps between do not count."""
        position = self.position(now)
        index = bisect_right(self.timeline, position, key=_start) - 1
        if index < 0:
            return 0
        stretch = self.timeline[index]
        return stretch.played + min(len(stretch.payload), position - stretch.start)

    def played_of(self, first: int, last: int, now: float) -> int:
        """How much of the bytes *first* to *last* (as the sender counts them, see `Stretch.received`) was played by
        *now*. What a clear threw away was not."""
        position = self.position(now)
        total = 0
        index = max(0, bisect_right(self.timeline, first, key=_received) - 1)
        for stretch in self.timeline[index:]:
            if stretch.received >= last or stretch.start >= position:
                break
            low = max(first, stretch.received)
            high = min(last, stretch.received + min(len(stretch.payload), position - stretch.start))
            total += max(0, high - low)
        return total

    def heard(self, first: int, last: int) -> bytes:
        """What came out of the earpiece from sample *first* up to *last*: silence wherever nothing was played."""
        if first >= self._end():
            return SILENCE * (last - first)
        pieces = []
        at = first
        index = max(0, bisect_right(self.timeline, first, key=_start) - 1)
        for stretch in self.timeline[index:]:
            if stretch.start >= last:
                break
            if stretch.end <= at:
                continue
            begin = max(at, stretch.start)
            pieces.append(SILENCE * (begin - at))
            pieces.append(stretch.payload[begin - stretch.start : last - stretch.start])
            at = min(last, stretch.end)
        pieces.append(SILENCE * (last - at))
        return b"".join(pieces)

    def _end(self) -> int:
        return self.timeline[-1].end if self.timeline else 0

    def _played_by_end(self) -> int:
        if not self.timeline:
            return 0
        last = self.timeline[-1]
        return last.played + len(last.payload)


def _start(stretch: Stretch) -> int:
    return stretch.start


def _received(stretch: Stretch) -> int:
    return stretch.received
