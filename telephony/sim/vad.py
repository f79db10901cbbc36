"""Voice activity by energy, on the audio's own clock: enough to know when a caller speaks on a quiet simulated line.

A provider's `threshold` is the confidence of a neural network; ours is a level. 0 is -55 dBFS and 1 is -25 dBFS, so
that the usual 0.5 to 0.85 lies between a telephone's noise floor and its quietest vowels.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

_FRAME_MS = 10
_ONSET_MS = 60
"""How long it must be loud before it counts as speech; clicks are shorter."""
_HYSTERESIS_DB = 6.0
"""How much quieter speech may get before it counts as silence; word endings fade."""


class Boundary(msgspec.Struct, frozen=True):
    """Where speech began or ended, in milliseconds of audio since the session's first sample."""

    kind: Literal["started", "stopped"]
    at_ms: int


class EnergyVad:
    """Finds speech in PCM16 at *rate*. Feeding in other pieces finds the same boundaries."""

    def __init__(
        self, rate: int, *, threshold: float = 0.5, silence_ms: int = 200, prefix_ms: int = 300, origin_ms: float = 0.0
    ) -> None:
        self.speaking = False
        self.heard = False
        """Whether there was speech since the last `forget`."""
        self._floor_db = -55.0 + 30.0 * threshold
        self._silence_ms = silence_ms
        self._prefix_ms = prefix_ms
        self._clock_ms = origin_ms
        self._run_ms = 0
        """How long it has been the other way round by now: loud while silent, quiet while speaking."""
        self._frame = rate * _FRAME_MS // 1000
        self._rest = b""

    def feed(self, pcm: bytes) -> list[Boundary]:
        """Boundaries found by the end of *pcm*. `started` lies the prefix padding before the first loud frame, and
        `stopped` at the end of the silence that decided it, as the providers count."""
        data = self._rest + pcm
        whole = len(data) // (self._frame * 2) * self._frame * 2
        self._rest = data[whole:]
        frames = np.frombuffer(data[:whole], dtype="<i2").reshape(-1, self._frame).astype(np.float64)
        levels = 10 * np.log10(np.mean(frames**2, axis=1) / 32768.0**2 + 1e-12)
        return [boundary for level in levels if (boundary := self._step(float(level)))]

    def forget(self) -> None:
        """The input buffer was committed or cleared."""
        self.heard = False

    def _step(self, level: float) -> Boundary | None:
        self._clock_ms += _FRAME_MS
        loud = level > self._floor_db - (_HYSTERESIS_DB if self.speaking else 0.0)
        self._run_ms = self._run_ms + _FRAME_MS if loud != self.speaking else 0
        if not self.speaking and self._run_ms >= _ONSET_MS:
            began = self._clock_ms - self._run_ms - self._prefix_ms
            return self._turn("started", began)
        if self.speaking and self._run_ms >= max(self._silence_ms, _FRAME_MS):
            return self._turn("stopped", self._clock_ms)
        return None

    def _turn(self, kind: Literal["started", "stopped"], at_ms: float) -> Boundary:
        self.speaking = kind == "started"
        self.heard = self.heard or self.speaking
        self._run_ms = 0
        return Boundary(kind, max(0, int(at_ms)))
