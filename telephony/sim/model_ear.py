"""How a simulated model listens: decode by the declared format, find speech, and notice sound that cannot be right.

Audio in another format than declared is the commonest mistake against these servers and neither of them says a word
about it: the caller hears static, the model hears noise. Speech changes slowly from sample to sample; bytes read in the
wrong format do not.
"""

from __future__ import annotations

import numpy as np

from telephony.audio.format import AudioFormat
from telephony.audio.transcode import Transcoder
from telephony.sim.model_checks import TurnTaking
from telephony.sim.model_session import Session
from telephony.sim.vad import Boundary, EnergyVad

_LOUD = 10 ** (-30 / 20) * 32768
_EVIDENCE_S = 0.2
"""Seconds of loud sound before it is judged: three seconds of mu-law read as PCM16 at 24 kHz give half of one."""
_GLARING = 10 ** (-8 / 20) * 32768
"""Bytes in the wrong format came out at -4 to -7 dBFS, speech on a telephone line at -18."""
_LIKENESS = 0.65
"""Correlation of neighbouring samples. Speech has 0.67 and more at 8 kHz and 0.95 at 24 kHz, bytes in the wrong format
0.15 to 0.63; it takes both marks to convict, since noise alone is unlike and a loud tone alone is glaring."""


_KEEN = -0.2
"""A `threshold`, -61 dBFS. Silence in A-law, which has no zero, lies at -72."""


class Ear:
    """The input audio buffer. One that is *keen* hears every sound; see `ModelScript`."""

    def __init__(self, session: Session, *, keen: bool = False) -> None:
        self._keen = keen
        self.received_ms = 0.0
        """All audio of the session: the clock of `audio_start_ms`."""
        self.buffered_ms = 0.0
        """Audio since the last commit or clear."""
        self.deaf_until = 0.0
        """Until when sound is dropped: an uninterruptible message is being played."""
        self.garbled = False
        """Whether what came cannot be the declared format."""
        self._evidence = (0.0, 0.0, 0)
        """Power, likeness of neighbours, and number of the loud samples not judged yet."""
        self._tuning = (session.input, session.turns)
        self._tune()

    def tune(self, session: Session) -> None:
        """Listen as the session now says. What stays the same is not interrupted by an update."""
        if self._tuning != (session.input, session.turns):
            self._tuning = (session.input, session.turns)
            self._tune()

    def _tune(self) -> None:
        source, turns = self._tuning
        self._format = source
        self._pcm = Transcoder(source, AudioFormat("pcm16", source.rate))
        turns = turns or TurnTaking(threshold=0.5, silence_ms=500, prefix_ms=300)
        self._vad = EnergyVad(
            source.rate,
            threshold=_KEEN if self._keen else turns.threshold,
            silence_ms=turns.silence_ms,
            prefix_ms=turns.prefix_ms,
            origin_ms=self.received_ms,
        )

    @property
    def heard_speech(self) -> bool:
        """Whether there was speech since the last commit or clear."""
        return self._vad.heard

    def broken(self, payload: bytes) -> bool:
        """Whether *payload* cannot be cut into samples."""
        return len(payload) % self._format.bytes_per_sample != 0

    def hear(self, payload: bytes, now: float) -> list[Boundary]:
        """Take audio in; returns where speech began or ended."""
        duration = self._format.milliseconds(payload)
        self.received_ms += duration
        self.buffered_ms += duration
        pcm = self._pcm.feed(payload)
        self._judge(pcm)
        return self._vad.feed(bytes(len(pcm)) if now < self.deaf_until else pcm)

    def empty(self) -> float:
        """The buffer was committed or cleared; returns the milliseconds that were in it."""
        buffered, self.buffered_ms = self.buffered_ms, 0.0
        self._vad.forget()
        return buffered

    def _judge(self, pcm: bytes) -> None:
        samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2").astype(np.float64)
        if self.garbled or len(samples) < 2 or np.mean(samples**2) < _LOUD**2:
            return
        power, likeness, count = self._evidence
        power += float(np.sum(samples**2))
        likeness += float(np.sum(samples[1:] * samples[:-1]))
        count += len(samples)
        if count >= _EVIDENCE_S * self._format.rate:
            self.garbled = power > _GLARING**2 * count and likeness < _LIKENESS * power
            power, likeness, count = 0.0, 0.0, 0
        self._evidence = (power, likeness, count)
