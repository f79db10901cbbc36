"""The caller's side of the ledger: one unbroken stretch of audio, whatever the network did to it.

A realtime model measures silence in the audio it is given, so holes must be filled: those inside the stream by its own
timestamps (packets lost, or not sent during silence), and a stream that stalls by the clock. Frames that were heard
already are dropped, and so is what comes faster than anybody speaks. A timestamp that cannot be true is no timestamp:
believing one would turn every frame after it into a hole or a duplicate, and the model deaf.
"""

from __future__ import annotations

from collections import deque

from telephony.audio.format import AudioFormat
from telephony.records import Stretch

JITTER_MS = 40
"""Milliseconds a timestamp may be ahead before it counts as a hole; two frames, as the carriers' own advice has it."""
MAX_HOLE_MS = 200
"""Milliseconds of silence put into one hole; longer ones were filled by the clock while they lasted."""
REPEAT_MS = 1000
"""Milliseconds back within which a frame is one that came twice; further back the carrier's clock was set back."""
AHEAD_MS = 1000
BEHIND_MS = 30_000
"""Milliseconds by which a timestamp may be ahead of or behind the clock and be believed: clocks drift by a fraction of
a second in an hour, and a stream that lags by more than this is given up."""
STALL = 0.3
"""Seconds without a frame before silence is made up; shorter gaps are the network's and the frames still come."""
FILL = 0.1
"""Seconds of silence made up at a time."""
HELD_UP = 0.5
"""Seconds by which a frame must be old to have been held up on its way."""
RUSH = 3.0
"""Seconds of audio that may come at once: what was said while nobody looked at the stream's beginning."""
HELD_BACK = 30.0
"""Seconds of audio that a stream may bring at once after it had stalled for as long."""
DRIFT = 1.01
"""By how much a carrier's clock may be faster than ours, generously."""
MAX_STALLS = 500
"""Stalls that are kept for the record of one call."""


def plausible(at_ms: int | None, now: float) -> int | None:
    """*at_ms*, a place in the stream in milliseconds, if a frame that came *now* (seconds since the stream began) can
    have begun there; otherwise None."""
    if at_ms is None or at_ms < 0 or not now * 1000 - BEHIND_MS <= at_ms <= now * 1000 + AHEAD_MS:
        return None
    return at_ms


class Pace:
    """How much audio a stream may still bring: as much as time has passed, and a little at once. Who sends more has no
    caller on the line, and would have it paid for by the second at the model. Times are seconds on the call's clock."""

    def __init__(self, now: float) -> None:
        self.refused = 0
        """Frames that were too much."""
        self._left = RUSH
        self._at = now

    def admits(self, seconds: float, now: float) -> bool:
        """Whether so many *seconds* of audio may come *now*; they count then."""
        left = min(HELD_BACK, self._left + (now - self._at) * DRIFT)
        self._at = now
        admitted = seconds <= left
        self._left = left - seconds if admitted else left
        self.refused += not admitted
        return admitted

    def refund(self, seconds: float) -> None:
        """These did not count: they had come before."""
        self._left += seconds


class Intake:
    """Frames in, an even stream out. Times are seconds on the call's clock, which begins with the stream."""

    def __init__(self, audio: AudioFormat, now: float) -> None:
        self.audio = audio
        self.seen_at = now
        """Seconds: when the carrier last sent a frame."""
        self.passed_ms = 0.0
        """Milliseconds of audio passed on, silence included."""
        self.pace = Pace(now)
        self.duplicates = 0
        self.stalls: list[Stretch] = []
        """When nothing came of what came later, however often that was up to `MAX_STALLS`."""
        self._next_ms = 0.0
        self._made_up_ms = 0.0
        self._filled_at = now

    def frame(self, payload: bytes, at_ms: int | None, now: float) -> bytes:
        """The audio to pass on for a frame said to begin at *at_ms*: nothing, the frame, or silence and the frame."""
        length = self.audio.milliseconds(payload)
        at_ms = plausible(at_ms, now)
        if at_ms is not None and at_ms < self._next_ms - REPEAT_MS:
            at_ms = None
        at = self._next_ms if at_ms is None else float(at_ms)
        self.seen_at = self._filled_at = now
        ends = at + length
        if ends <= self._next_ms and length:
            self.duplicates += 1
            self.pace.refund(length / 1000)
            return b""
        hole = at - self._next_ms - self._made_up_ms
        if self._made_up_ms:
            self._went_on(at_ms, now)
        if ends > self._next_ms:
            self._next_ms = ends
        if hole >= JITTER_MS and self.passed_ms:
            payload = self.audio.silence(min(hole, MAX_HOLE_MS)) + payload
            length = self.audio.milliseconds(payload)
        self.passed_ms += length
        return payload

    def _went_on(self, at_ms: int | None, now: float) -> None:
        """The stream goes on after silence was made up. If what comes is old, it was held up; if not, the carrier had
        nothing to send."""
        since = now - self._made_up_ms / 1000 - STALL + FILL
        self._made_up_ms = 0.0
        if at_ms is not None and now - at_ms / 1000 >= HELD_UP and len(self.stalls) < MAX_STALLS:
            self.stalls.append(Stretch(max(0.0, since), now))

    def stalled(self, now: float) -> bytes:
        """Silence to pass on because the carrier has sent nothing for a while."""
        if now < self.deadline():
            return b""
        self._filled_at = now - STALL + FILL
        self._made_up_ms += FILL * 1000
        self.passed_ms += FILL * 1000
        return self.audio.silence(FILL * 1000)

    def deadline(self) -> float:
        """Seconds: when `stalled` has something to do."""
        return self._filled_at + STALL

    def restart(self, payload: bytes) -> None:
        """The model begins to listen with *payload*: its audio clock starts there."""
        self.passed_ms = self.audio.milliseconds(payload)

    def time_of(self, model_ms: int | None, now: float) -> float:
        """When audio *model_ms* into what was passed on was heard; *now* if the model's claim makes no sense."""
        if model_ms is None or not 0 <= model_ms <= self.passed_ms:
            return now
        return max(0.0, now - (self.passed_ms - model_ms) / 1000)


class RecentAudio:
    """What the caller said last: kept, bounded, the oldest dropped, for a model that was not there to hear it."""

    def __init__(self, audio: AudioFormat, seconds: float) -> None:
        self._audio = audio
        self._bytes = audio.bytes_in(seconds * 1000)
        self._frames: deque[bytes] = deque()
        self._size = 0

    def keep(self, payload: bytes) -> None:
        self._frames.append(payload)
        self._size += len(payload)
        while self._size > self._bytes:
            self._size -= len(self._frames.popleft())

    @property
    def seconds(self) -> float:
        """How much is kept."""
        return self._audio.milliseconds(b"".join(self._frames)) / 1000

    def last(self, seconds: float) -> bytes:
        """The last *seconds* of it, or as much as there is."""
        payload = b"".join(self._frames)
        return payload[max(0, len(payload) - self._audio.bytes_in(max(0.0, seconds) * 1000)) :]
