"""The stereo recording of a call before it is written: caller left, agent right, *as heard*.

Both sides are placed by the sample of the call at which they sound. The agent's side runs ahead, as the carrier's
buffer does, until a barge-in cuts it; so nothing ahead is final before its time has come. `settle` makes the past
final and hands it out, interleaved, exactly once. Positions are absolute sample numbers: nothing is ever added up, so
nothing drifts.
"""

from __future__ import annotations

import numpy as np

from telephony.audio.pcm import Samples, as_samples

RATE = 8000
"""Samples per second of a recording; what the telephone carries."""
HORIZON = 120 * RATE
"""How far ahead of the settled past audio is kept. Carriers are fed some 400 ms ahead; two minutes are a mistake."""


class _Track:
    """One side's samples from the settled past on; silence where none were placed."""

    def __init__(self) -> None:
        self.dropped = 0
        self._samples = bytearray()

    def place(self, at: int, samples: Samples) -> None:
        """Put *samples* at *at*, counted from the settled past, over whatever is there."""
        kept = samples[max(0, -at) : max(0, HORIZON - at)]
        self.dropped += samples.size - kept.size
        if not kept.size:
            return
        start = 2 * max(0, at)
        if start > len(self._samples):
            self._samples.extend(bytes(start - len(self._samples)))
        self._samples[start : start + 2 * kept.size] = kept.astype("<i2", copy=False).tobytes()

    def cut(self, at: int) -> int:
        """Forget everything from *at* on; return how many samples that was."""
        start = 2 * max(0, at)
        cut = max(0, len(self._samples) - start) // 2
        del self._samples[start:]
        return cut

    def take(self, count: int) -> Samples:
        """Hand out the first *count* samples and forget them."""
        taken = np.frombuffer(bytes(self._samples[: 2 * count]), "<i2")
        del self._samples[: 2 * count]
        return taken


class StereoTimeline:
    """Two tracks of 8 kHz PCM16 on one axis of sample numbers, which begins with the call at 0.

    Memory holds what is not settled, at most two minutes of it.
    """

    def __init__(self) -> None:
        self._caller = _Track()
        self._agent = _Track()
        self._settled = 0

    @property
    def settled(self) -> int:
        """The first sample that is not final yet: how many frames `settle` has handed out."""
        return self._settled

    @property
    def dropped(self) -> int:
        """Samples that came too late, for a past already settled, or more than `HORIZON` ahead of it."""
        return self._caller.dropped + self._agent.dropped

    def caller(self, at: int, pcm: bytes | Samples) -> None:
        """The caller said *pcm* from sample *at* on. Later calls win where they overlap.

        Raises:
            ValueError: *pcm* ends in the middle of a sample.
        """
        self._caller.place(at - self._settled, as_samples(pcm))

    def agent(self, at: int, pcm: bytes | Samples) -> None:
        """The caller hears, or is going to hear, *pcm* from sample *at* on. Later calls win where they overlap.

        Raises:
            ValueError: *pcm* ends in the middle of a sample.
        """
        self._agent.place(at - self._settled, as_samples(pcm))

    def cut_agent(self, at: int) -> int:
        """The carrier's buffer was cleared at sample *at*: what stood from there on was never heard.

        Returns the number of samples from the first to the last of them. What is settled stays as it is.
        """
        return self._agent.cut(at - self._settled)

    def settle(self, upto: int) -> bytes:
        """Make everything before sample *upto* final; return what is new of it, interleaved, 4 bytes a frame."""
        count = upto - self._settled
        if count <= 0:
            return b""
        frames = np.zeros((count, 2), "<i2")
        for side, track in enumerate((self._caller, self._agent)):
            said = track.take(count)
            frames[: said.size, side] = said
        self._settled = upto
        return frames.tobytes()
