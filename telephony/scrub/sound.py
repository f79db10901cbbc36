"""Noise in the place of a voice: as loud as the voice in every frame, and nothing else of it.

Whoever decides by loudness decides the same: the detection of speech, and `telephony.audio.level`, which counts loud
samples. So of every frame three things are taken over: its level, and whether it is loud by either measure.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from telephony.audio.format import AudioFormat
from telephony.audio.g711 import alaw_to_pcm, mulaw_to_pcm, pcm_to_alaw, pcm_to_mulaw
from telephony.audio.level import FAINT, LOUD, SHARE
from telephony.audio.noise import uniform

Signal = NDArray[np.float64]
"""Amplitudes of PCM16, not rounded yet."""

FRAME_MS = 20
LEAST_MS = 10
"""The level of less than this is taken over what came before, too: the levels of single samples would be the voice."""
CLOSE_DB = 0.4
"""How near noise must come to the level; or else a frame of two amplitudes takes its place."""
_SILENT = 8
"""The smallest amplitude of A-law, which has no zero."""
_PEAK = 32000
_SPOKEN = 0.1
"""Speech much quieter than its own average is no use where the voice was loud."""

_CODES = bytes(range(256))
_LEVELS = {
    "mulaw": np.unique(np.abs(np.frombuffer(mulaw_to_pcm(_CODES), "<i2").astype(np.int32))),
    "alaw": np.unique(np.abs(np.frombuffer(alaw_to_pcm(_CODES), "<i2").astype(np.int32))),
}
"""The amplitudes that exist, ascending; PCM is measured by those of mu-law."""


class _Level(msgspec.Struct, frozen=True):
    """What is known of a frame."""

    rms: float
    loud: bool
    faint: bool
    """Loud for somebody who listens closely."""


class Disguise:
    """Replaces one side's audio, of the format *audio*, piece by piece.

    *seed*: another row of noise. *speech*: PCM16 at the same rate, to be used instead of noise where it can; it is
    made as loud as the original and begins again when it ends.
    """

    def __init__(self, audio: AudioFormat, speech: bytes | None = None, *, seed: int = 0) -> None:
        self._audio = audio
        self._seed = seed
        self._speech = np.frombuffer(speech[: len(speech) // 2 * 2], "<i2").astype(np.float64) if speech else None
        self._average = _rms(self._speech) if self._speech is not None else 0.0
        self._place = 0
        """Samples so far."""
        self._half = b""
        """First byte of a sample whose second one comes with the next piece."""
        self._before = np.zeros(0, np.int16)
        """The end of the original so far."""

    def feed(self, payload: bytes) -> bytes:
        """As many bytes as *payload*. Its frames are counted from its own beginning; a half sample at its end becomes
        the lower half of a coarser one, which the next piece completes."""
        width = self._audio.bytes_per_sample
        split = bool(self._half)
        data = self._half + payload
        whole = len(data) // width * width
        self._half = data[whole:]
        samples = self._decode(data[:whole])
        frame = self._audio.rate * FRAME_MS // 1000
        made = b"".join(self._frame(samples[at : at + frame]) for at in range(0, len(samples), frame))
        if split and made:
            made = _coarse(made)[1:] + made[2:]
        elif split:
            made = b""
        return made + bytes(len(payload) - len(made))

    def _frame(self, samples: NDArray[np.int16]) -> bytes:
        count = len(samples)
        least = self._audio.rate * LEAST_MS // 1000
        heard = np.concatenate([self._before, samples])[-max(count, least) :]
        self._before = heard[-least:]
        first, self._place = self._place, self._place + count
        if not np.abs(samples.astype(np.int32)).max() > (_SILENT if self._audio.encoding == "alaw" else 0):
            return self._audio.silence(1000)[: count * self._audio.bytes_per_sample]
        level = self._level(heard)
        chance = uniform(count, self._seed, first)
        for shape in (self._spoken(first, count), chance):
            if shape is not None and (made := self._like(shape, level)) is not None:
                return made
        return self._encode(self._two_amplitudes(level, chance))

    def _spoken(self, first: int, count: int) -> Signal | None:
        if self._speech is None or not self._average:
            return None
        stretch = np.take(self._speech, np.arange(first, first + count), mode="wrap")
        return stretch if _rms(stretch) > _SPOKEN * self._average else None

    def _like(self, shape: Signal, level: _Level) -> bytes | None:
        """*shape* at *level*, or None if it cannot be had in this shape."""
        made = self._encode(shape * (level.rms / (_rms(shape) or 1.0)))
        got = self._level(self._decode(made))
        near = got.rms > 0 and abs(20 * math.log10(got.rms / level.rms)) < CLOSE_DB
        return made if near and (got.loud, got.faint) == (level.loud, level.faint) else None

    def _two_amplitudes(self, level: _Level, chance: Signal) -> Signal:
        """A frame of *level* with as few or as many loud samples as it takes; *chance* says which, and the signs.

        There is one, since the original was one: a few samples can hold what the many must not, and the other way.
        """
        count = len(chance)
        few = int(SHARE * count)
        threshold = LOUD if level.loud else FAINT if level.faint else None
        if threshold and level.rms < self._above(threshold):
            few += 1
            high = self._above(threshold)
            low = math.sqrt(max(0.0, count * level.rms**2 - few * high**2) / max(count - few, 1))
        else:
            limit = math.inf if level.loud else self._below(LOUD if level.faint else FAINT)
            low = min(level.rms, limit)
            high = math.sqrt(max(0.0, count * level.rms**2 - (count - few) * low**2) / few) if few else low
        amplitudes = np.full(count, low)
        amplitudes[np.argsort(chance)[:few]] = min(high, _PEAK)
        return np.where((chance * 1e6).astype(np.int64) % 2 == 0, amplitudes, -amplitudes)

    def _above(self, amplitude: int) -> float:
        levels = _LEVELS.get(self._audio.encoding, _LEVELS["mulaw"])
        return float(levels[np.searchsorted(levels, amplitude)])

    def _below(self, amplitude: int) -> float:
        levels = _LEVELS.get(self._audio.encoding, _LEVELS["mulaw"])
        return float(levels[np.searchsorted(levels, amplitude) - 1])

    def _level(self, samples: NDArray[np.int16]) -> _Level:
        heard = samples
        if self._audio.encoding == "pcm16":
            heard = np.frombuffer(mulaw_to_pcm(pcm_to_mulaw(samples.tobytes())), "<i2")
        amplitudes = np.abs(heard.astype(np.int32))
        loud, faint = (bool((amplitudes >= least).sum() > SHARE * len(samples)) for least in (LOUD, FAINT))
        return _Level(_rms(samples.astype(np.float64)), loud, faint)

    def _decode(self, payload: bytes) -> NDArray[np.int16]:
        decode = {"mulaw": mulaw_to_pcm, "alaw": alaw_to_pcm}.get(self._audio.encoding)
        return np.frombuffer(decode(payload) if decode else payload, "<i2")

    def _encode(self, signal: Signal) -> bytes:
        pcm = np.rint(signal).clip(-32768, 32767).astype("<i2").tobytes()
        encode = {"mulaw": pcm_to_mulaw, "alaw": pcm_to_alaw}.get(self._audio.encoding)
        return encode(pcm) if encode else pcm


def _rms(signal: Signal) -> float:
    return math.sqrt(float(np.dot(signal, signal)) / len(signal)) if len(signal) else 0.0


def _coarse(pcm: bytes) -> bytes:
    """The first sample without its lower byte, which was sent as zero before the sample was known."""
    sample = int.from_bytes(pcm[:2], "little", signed=True)
    return (int(sample / 256) * 256).to_bytes(2, "little", signed=True)
