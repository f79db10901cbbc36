"""Keypad tones in the audio itself: made to ITU-T Q.23, heard by the rules of ITU-T Q.24.

Carriers report keys as messages; tones in the stream matter where we press keys ourselves, where a carrier passes
them through, and where digits must be kept out of a recording. They survive G.711, not low-rate codecs.

**Detection.** A Goertzel bank (single DFT bins over 205 samples, 25.6 ms, three for each of the eight tones) moves on
by 2.5 ms. A window hits when its strongest low and high tone together hold most of *all* its energy, which those of
speech and music never do for long, are loud enough, within the twist and in tune. The bins are 39 Hz wide, too coarse
for the tolerance of the low tones, but the advance of the phase since the window 5 ms before tells the frequency to a
few hertz, and with it how much of the tone its bin has missed. Five hits in a row make a key.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from telephony.audio.pcm import FULL_SCALE, Samples, as_samples

LOW = (697, 770, 852, 941)
HIGH = (1209, 1336, 1477, 1633)
KEYPAD = ("123A", "456B", "789C", "*0#D")
"""Rows sound the low tones, columns the high ones (Q.23)."""
KEYS = {key: (LOW[row], HIGH[column]) for row, keys in enumerate(KEYPAD) for column, key in enumerate(keys)}

PAUSES = {"w": 0.5, "W": 1.0}
"""Seconds (Twilio docs, `SendDigits`)."""
_BEEP = 0.4
"""Seconds."""
_RAMP_MS = 5.0
"""A tone that starts at once clicks, and its click is heard as other tones."""


def generate(keys: str, rate: int = 8000, on_ms: float = 100, off_ms: float = 100, level_dbfs: float = -10) -> bytes:
    """Sound *keys* as PCM16 at *rate* samples per second, each followed by its pause.

    Args:
        keys: of `0-9 * # A-D`.
        on_ms, off_ms: Q.24 lets a receiver ask for 40 ms each; most networks do well with the default.
        level_dbfs: of each of the two tones; 0 is a sine that just fills the range.

    Raises:
        ValueError: a key that no keypad has, or a level above -6.1 at which two tones together would clip.
    """
    if level_dbfs > -6.1:
        raise ValueError(f"two tones of {level_dbfs} dBFS clip together; -6.1 is the loudest, -10 the default.")
    peak = FULL_SCALE * 10 ** (level_dbfs / 20)
    count = round(on_ms * rate / 1000)
    pause = bytes(2 * round(off_ms * rate / 1000))
    shape = peak * _envelope(count, round(_RAMP_MS * rate / 1000))
    return b"".join(_tone(key, rate, shape) + pause for key in keys)


def sequence(keys: str, rate: int = 8000) -> bytes:
    """Sound *keys* as PCM16, where `w` is half a second of silence and `W` a whole one, as carriers write it.

    Raises `ValueError` as `generate` does.
    """
    pauses = {key: bytes(2 * round(seconds * rate)) for key, seconds in PAUSES.items()}
    return b"".join(pauses[key] if key in pauses else generate(key, rate) for key in keys)


def beep(rate: int = 8000) -> bytes:
    """The tone after which a message is spoken, as PCM16: 1000 Hz, which is no part of any key."""
    count = round(_BEEP * rate)
    shape = FULL_SCALE * 10 ** (-12 / 20) * _envelope(count, round(_RAMP_MS * rate / 1000))
    samples: Samples = np.rint(shape * np.sin(np.arange(count) * (2 * np.pi * 1000 / rate))).astype("<i2")
    return samples.tobytes()


def _tone(key: str, rate: int, shape: NDArray[np.float64]) -> bytes:
    if key.upper() not in KEYS:
        raise ValueError(f"no keypad has {key!r}; the keys are {''.join(sorted(KEYS))}.")
    turns = np.arange(shape.size) * (2 * np.pi / rate)
    low, high = KEYS[key.upper()]
    samples: Samples = np.rint(shape * (np.sin(low * turns) + np.sin(high * turns))).astype("<i2")
    return samples.tobytes()


def _envelope(count: int, ramp: int) -> NDArray[np.float64]:
    """Ones with raised-cosine ends."""
    ramp = min(ramp, count // 2)
    envelope = np.ones(count)
    if ramp:
        rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(ramp) + 0.5) / ramp)
        envelope[:ramp], envelope[-ramp:] = rise, rise[::-1]
    return envelope


class Tone(msgspec.Struct, frozen=True):
    """A key that was heard, from sample *start* up to sample *end* of the stream, each to about 5 ms."""

    key: str
    start: int
    end: int


RATE = 8000
"""Samples per second that the detector expects."""
_WINDOW = 205
"""Where the eight tones lie closest to whole bins at 8 kHz, hence the customary length."""
_HOP = 20
_LEAD = 10 * _HOP
"""Samples of silence that are taken to have come before the stream."""
_LAG = 2
"""Windows between two phases that are compared. 5 ms apart a deviation of 100 Hz is still less than half a turn."""
_HITS = 5
"""Hits in a row that make a key. Q.24: 40 ms of tone are a key, 23 ms are not."""
_MISSES = 15
"""Misses that end a key. Q.24: a break of 10 ms is still the same key, a pause of 40 ms is not."""
_TOLERANCE = 0.025
"""Deviation from the nominal frequency; Q.24: 1.5 % is to be taken, 3.5 % to be refused."""
_LOUD_ENOUGH = 10 ** (-36 / 10)
"""Of each tone, relative to a full-scale sine. Q.24's weakest tone is -25 dBm, which is about -28."""
_HIGH_OVER_LOW = (10 ** (-9.5 / 10), 10 ** (5.5 / 10))
"""Twist. AT&T's row of Q.24, +4 to -8 dB, and what a window in noise may misjudge it by."""
_PURITY = 0.8
"""Share of a window's energy that the two tones must hold."""

_OFFSETS = (0.988, 1.0, 1.012)
"""Three bins for each tone, so that one at the edge of the tolerance keeps its level and stands out."""
_BINS = np.outer((*LOW, *HIGH), _OFFSETS).ravel()
_NOMINAL = np.repeat((*LOW, *HIGH), len(_OFFSETS))
_TURN = 2 * np.pi / RATE
_ANGLES = np.outer(np.arange(_WINDOW), _BINS) * _TURN
_BANK = np.stack((np.cos(_ANGLES), -np.sin(_ANGLES)), axis=2).reshape(_WINDOW, -1)
"""Real and imaginary columns side by side: the product with real windows is half the work of a complex one."""
_ADVANCE = np.exp(-1j * _TURN * _HOP * _LAG * _BINS)
"""Takes the advance of the phase that each bin's own frequency makes out again."""


Bins = NDArray[np.complex128]
_PER_POWER = 2 / _WINDOW
"""Energy of a sine in the window for the squared magnitude in its bin."""
_QUIETEST = _LOUD_ENOUGH * FULL_SCALE**2 / 2 * _WINDOW
"""Energy of the weakest tone in the window."""


def _weight(hertz: float) -> float:
    """What a bin keeps of a tone's energy that is *hertz* off its centre: the transform of the window, a sinc."""
    x = math.pi * hertz * _WINDOW / RATE
    return (math.sin(x) / x) ** 2 if x else 1.0


_LEAST_WEIGHT = _weight(22)
"""At the edge of the tolerance no tone is further from the nearest of its bins."""


@dataclass
class _Run:
    """Windows that agree on a key."""

    key: str
    first: int
    last: int
    hits: int = 1
    misses: int = 0

    def tone(self) -> Tone:
        """A window hits once the tone fills about four fifths of it; the hop leaves open where within its length."""
        unfilled = _WINDOW // 5
        return Tone(self.key, max(0, self.first + unfilled - _HOP // 2), self.last + _WINDOW - unfilled + _HOP // 2)


class DtmfDetector:
    """Hears keys in 8 kHz PCM16, each once, however the stream is cut."""

    def __init__(self) -> None:
        # With silence before it a key at the very start of the stream is measured like any other.
        self._pending = np.zeros(_LEAD, dtype=np.int16)
        self._position = -_LEAD
        """Sample of the stream at which the next window begins."""
        self._before: Bins = np.zeros((_LAG, _BINS.size), dtype=np.complex128)
        self._run: _Run | None = None

    @property
    def sounding(self) -> str | None:
        """The key that is being heard at this moment, some 40 ms after it began."""
        return self._run.key if self._run and self._run.hits >= _HITS else None

    def feed(self, pcm: bytes | Samples) -> list[Tone]:
        """Take the next samples and return the keys that have *ended* in them.

        Raises:
            ValueError: *pcm* ends in the middle of a sample.
        """
        samples = as_samples(pcm)
        tones: list[Tone] = []
        for start in range(0, samples.size, RATE):  # a second at a time: the windows overlap, and so does their memory
            self._listen(samples[start : start + RATE], tones)
        return tones

    def _listen(self, piece: Samples, tones: list[Tone]) -> None:
        samples = np.concatenate((self._pending, piece))
        count = max(0, (samples.size - _WINDOW) // _HOP + 1)
        self._pending = samples[count * _HOP :]
        if not count:
            return
        windows = sliding_window_view(samples, _WINDOW)[: count * _HOP : _HOP].astype(np.float64)
        bins = (windows @ _BANK).view(np.complex128)
        energies = np.einsum("ij,ij->i", windows, windows)
        seen = np.concatenate((self._before, bins))
        before, self._before = seen[:-_LAG], seen[-_LAG:]
        for index, key in enumerate(_keys(before, bins, energies)):
            self._step(key, self._position + index * _HOP, tones)
        self._position += count * _HOP

    def finish(self) -> list[Tone]:
        """The stream has ended: return the key that was sounding until the end, if there is one."""
        return self.feed(bytes(2 * (_WINDOW + _HOP * (_MISSES + 1))))

    def _step(self, key: str | None, at: int, tones: list[Tone]) -> None:
        run = self._run
        if run and key == run.key:
            run.hits, run.last, run.misses = run.hits + 1, at, 0
            return
        if run:
            run.misses += 1
            if key is None and run.hits >= _HITS and run.misses < _MISSES:
                return
            if run.hits >= _HITS:
                tones.append(run.tone())
        self._run = _Run(key, at, at) if key else None


def _keys(before: Bins, bins: Bins, energies: NDArray[np.float64]) -> list[str | None]:
    """The key that each window holds, or none.

    Args:
        before: windows x bins, the bank's output `_LAG` windows earlier.
        bins: windows x bins, its output now.
        energies: sum of the squared samples of each window.
    """
    keys: list[str | None] = [None] * len(bins)
    powers = bins.real**2 + bins.imag**2
    middle = _BINS.size // 2
    # Hardly any window of speech gets beyond this line, and it costs a third of the whole.
    strongest = powers[:, :middle].max(axis=1) + powers[:, middle:].max(axis=1)
    loudest = (energies >= 2 * _QUIETEST) & (strongest * _PER_POWER >= _PURITY * _LEAST_WEIGHT * energies)
    for window in np.flatnonzero(loudest).tolist():
        low = int(powers[window, :middle].argmax())
        high = int(powers[window, middle:].argmax()) + middle
        low_energy = _energy(low, complex(before[window, low]), complex(bins[window, low]))
        high_energy = _energy(high, complex(before[window, high]), complex(bins[window, high]))
        loud = min(low_energy, high_energy) >= _QUIETEST
        balanced = _HIGH_OVER_LOW[0] * low_energy <= high_energy <= _HIGH_OVER_LOW[1] * low_energy
        if loud and balanced and low_energy + high_energy >= _PURITY * energies[window]:
            keys[window] = KEYPAD[low // len(_OFFSETS)][(high - middle) // len(_OFFSETS)]
    return keys


def _energy(index: int, before: complex, now: complex) -> float:
    """The energy of a tone in its window, or 0 if its phase says that it is not in tune."""
    frequency, nominal = float(_BINS[index]), float(_NOMINAL[index])
    off_bin = cmath.phase(now * before.conjugate() * complex(_ADVANCE[index])) / (_TURN * _HOP * _LAG)
    if abs(frequency + off_bin - nominal) > _TOLERANCE * nominal:
        return 0.0
    return abs(now) ** 2 * _PER_POWER / max(_weight(off_bin), _LEAST_WEIGHT)
