"""Noise of a given loudness, the same for the same seed."""

from __future__ import annotations

import numpy as np

from telephony.audio.g711 import pcm_to_mulaw

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def white_noise(level_dbfs: float, samples: int, seed: int = 0) -> bytes:
    """White noise as mu-law with an rms of *level_dbfs* (decibels below full scale, which is 32768).

    Uniformly distributed, so that its peaks are 4.8 dB above its rms and never clip below −5 dBFS.
    """
    state = (np.arange(1, samples + 1, dtype=np.uint64) + np.uint64(seed * 1_000_003)) * _GOLDEN
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    uniform = (state >> np.uint64(11)).astype(np.float64) / (1 << 53) * 2 - 1
    amplitude = 32768 * 10 ** (level_dbfs / 20) * 3**0.5
    return pcm_to_mulaw(np.rint(uniform * amplitude).clip(-32768, 32767).astype("<i2").tobytes())
