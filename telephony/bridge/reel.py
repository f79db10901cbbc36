"""A recording before it touches a disk: both sides in their places, handed out once nothing can change them any more.

The exchange tells in seconds of the call what is said and what is going to be heard; the reel knows samples. Audio is
final half a second after it sounded: the agent's is handed over before that, and a barge-in takes back what had not
sounded yet. The reel has no clock, so that a rehearsal can drive it as well as a `Tape`.
"""

from __future__ import annotations

from collections.abc import Callable

from telephony.audio.format import PCM16_8K, AudioFormat
from telephony.audio.timeline import RATE, StereoTimeline
from telephony.audio.transcode import Transcoder

MARGIN = 0.5
"""Seconds after which audio is final."""
LATE = 2.0
"""Seconds that a caller's stream may lag behind the clock (a stalled network or event loop) and still be waited for;
longer ago than that it has stopped."""
SNAP = RATE // 100
"""Samples (10 ms) by which a stretch may miss the end of the one before and still be its continuation: the times of
two neighbours are rounded apart, and a sample too few or too many would click."""


class Reel:
    """One call's audio, as a listener of its exchange. *line* is the format of the payloads; times are seconds since
    the call began. What is handed out is interleaved PCM16 at 8000 Hz, caller left, agent right, each moment once."""

    def __init__(self, line: AudioFormat) -> None:
        self._timeline = StereoTimeline()
        self._caller = _Leg(line, self._timeline.caller)
        self._agent = _Leg(line, self._timeline.agent)

    def caller(self, at: float, payload: bytes) -> None:
        """The caller, from *at* on."""
        self._caller.hear(at, payload)

    def agent(self, at: float, payload: bytes) -> None:
        """The agent as the caller will hear it from *at* on, unless it is cut."""
        self._agent.hear(at, payload)

    def cut(self, at: float) -> None:
        """Nothing of the agent that was handed over is heard from *at* on."""
        self._timeline.cut_agent(_sample(at))
        self._agent.break_off(_sample(at))

    def final(self, now: float) -> bytes:
        """What has become final since the last time. A caller's stream that lags is waited for."""
        final = _sample(now) - int(MARGIN * RATE)
        heard = self._caller.end
        lags = 0 < heard < final <= heard + int(LATE * RATE)
        return self._timeline.settle(heard if lags else final)

    def rest(self, at: float) -> bytes:
        """All that is left of a call that ended at *at*, or when the caller was last heard, if that is later by the
        carrier's clock; what was queued beyond was not heard."""
        return self._timeline.settle(max(_sample(at), self._caller.end))

    @property
    def dropped(self) -> float:
        """Seconds of audio that came too late for their place."""
        return self._timeline.dropped / RATE


class _Leg:
    """One side: from payloads and seconds to samples and their place."""

    def __init__(self, line: AudioFormat, place: Callable[[int, bytes], None]) -> None:
        self.end = 0
        """The sample after the last one that was heard."""
        self._decoder = Transcoder(line, PCM16_8K)
        self._place = place

    def hear(self, at: float, payload: bytes) -> None:
        pcm = self._decoder.feed(payload)
        start = _sample(at)
        if abs(start - self.end) <= SNAP:
            start = self.end
        self._place(start, pcm)
        self.end = start + PCM16_8K.samples(pcm)

    def break_off(self, at: int) -> None:
        self._decoder.reset()
        self.end = min(self.end, at)


def _sample(at: float) -> int:
    return max(0, round(at * RATE))
