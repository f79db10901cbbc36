"""PCM16 as numbers: a view of the bytes as samples, and their level."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
"""Mono samples, 16 bit, little-endian."""

FULL_SCALE = 32768


def check_whole(pcm: bytes | bytearray | memoryview) -> None:
    """Refuse bytes that end in the middle of a sample.

    Raises:
        ValueError: with what the caller of this should have done.
    """
    if len(pcm) % 2:
        raise ValueError(f"{len(pcm)} bytes are not whole 16-bit samples; keep the last byte for the next piece.")


def as_samples(pcm: bytes | bytearray | memoryview | Samples) -> Samples:
    """Look at PCM16 little-endian bytes as samples, without copying; an array of int16 is returned as it is.

    Raises:
        ValueError: the bytes end in the middle of a sample, or the array is not one-dimensional int16.
    """
    if isinstance(pcm, np.ndarray):
        if pcm.dtype != np.int16 or pcm.ndim != 1:
            raise ValueError(f"PCM16 samples are a one-dimensional int16 array, not {pcm.ndim} x {pcm.dtype}.")
        return pcm
    check_whole(pcm)
    return np.frombuffer(pcm, dtype="<i2")


def rms_dbfs(pcm: bytes | Samples) -> float:
    """Root-mean-square level in dB relative to full scale: a full-scale sine is -3 dB, silence -inf."""
    samples = as_samples(pcm)
    if not samples.size:
        return -math.inf
    wide = samples.astype(np.float64)
    power = float(np.dot(wide, wide)) / samples.size
    return 10 * math.log10(power / FULL_SCALE**2) if power else -math.inf
