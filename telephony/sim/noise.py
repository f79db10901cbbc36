"""Noise of a given loudness, the same for the same seed."""

from __future__ import annotations

import numpy as np

from telephony.audio.g711 import pcm_to_mulaw
from telephony.audio.noise import uniform


def white_noise(level_dbfs: float, samples: int, seed: int = 0) -> bytes:
    """White noise as mu-law with an rms of *level_dbfs* (decibels below full scale, which is 32768).

    Uniformly distributed, so that its peaks are 4.8 dB above its rms and never clip below −5 dBFS.
    """
    amplitude = 32768 * 10 ** (level_dbfs / 20) * 3**0.5
    return pcm_to_mulaw(np.rint(uniform(samples, seed) * amplitude).clip(-32768, 32767).astype("<i2").tobytes())
