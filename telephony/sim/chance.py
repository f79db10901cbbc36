"""Chance that is the same every time: simulated faults come from a seed, so that a failing run can be run again."""

from __future__ import annotations

import zlib

_MASK = (1 << 64) - 1


class Chance:
    """A stream of numbers from *seed* and *purpose*. Each kind of fault has a purpose of its own, so that switching one
    on does not move the others. (SplitMix64: Steele, Lea and Flood, OOPSLA 2014.)"""

    def __init__(self, seed: int, purpose: str) -> None:
        self._state = (seed ^ zlib.crc32(purpose.encode()) << 17) & _MASK

    def number(self) -> float:
        """Uniform in [0, 1)."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & _MASK
        return ((mixed ^ mixed >> 31) >> 11) / (1 << 53)

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens now. It always draws, so that the rest stays in step."""
        return self.number() < probability

    def up_to(self, most: float) -> float:
        """Uniform in [0, most)."""
        return self.number() * most
