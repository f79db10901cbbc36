"""Chance for samples: any stretch of one endless row of numbers, the same in every run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniform(samples: int, seed: int = 0, first: int = 0) -> NDArray[np.float64]:
    """*samples* numbers, evenly distributed in [-1, 1), from place *first* of the row on. (SplitMix64.)"""
    places = np.arange(1, samples + 1, dtype=np.uint64) + np.uint64(first)
    state = (places + np.uint64(seed * 1_000_003)) * _GOLDEN
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (state >> np.uint64(11)).astype(np.float64) / (1 << 53) * 2 - 1
