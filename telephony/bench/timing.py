"""How long something takes beside its floor: short blocks of both in turn, in CPU time of this process.

Taking turns lets whatever disturbs the machine disturb both alike; CPU time leaves out what other processes took; and
the median of many blocks leaves out what is left.
"""

from __future__ import annotations

import math
import time
import timeit
from collections.abc import Callable, Sequence

import msgspec

from telephony.bench.figures import Figure

Step = Callable[[], object]

BLOCKS = 25
BLOCK = 0.01
"""Seconds of a block."""


class Timing(msgspec.Struct, frozen=True):
    """Microseconds of one step, median and 90th percentile of the blocks, and of its floor."""

    p50: float
    p90: float
    floor_p50: float
    floor_p90: float

    def figures(self, name: str, unit: str) -> list[Figure]:
        """As `name.p50` and `name.p90`."""
        return [
            Figure(f"{name}.p50", unit, self.p50, self.floor_p50),
            Figure(f"{name}.p90", unit, self.p90, self.floor_p90),
        ]


def compare(step: Step, floor: Step, *, blocks: int = BLOCKS, block: float = BLOCK) -> Timing:
    """Run *step* and *floor* in turns, *blocks* blocks of *block* seconds each."""
    timers = [timeit.Timer(what, timer=time.process_time) for what in (step, floor)]
    counts = [_count(timer, block) for timer in timers]
    micros: tuple[list[float], list[float]] = ([], [])
    for _ in range(blocks):
        for timer, count, taken in zip(timers, counts, micros, strict=True):
            taken.append(timer.timeit(count) / count * 1e6)
    ours, theirs = micros
    return Timing(percentile(ours, 50), percentile(ours, 90), percentile(theirs, 50), percentile(theirs, 90))


def _count(timer: timeit.Timer, block: float) -> int:
    """How often a step fits into a block. Trying it out also warms it up."""
    count = 1
    while (taken := timer.timeit(count)) < block / 4:
        count *= 2
    return max(1, round(count * block / taken))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of *values* that is not exceeded by *percent* per cent of them; NaN if there are none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(len(ordered) * percent / 100) - 1))]
