"""Streaming sample-rate conversion between 8, 16 and 24 kHz, exact to the bit on every machine.

**Filter.** A rational polyphase FIR: think of the input with L-1 zeros after each sample, low-passed, of which every
M-th sample is kept (L/M = target/source). Output m is the filter ending at position m*M + M-1 of that stretched
stream; therefore exactly `floor(N * L / M)` samples have come out after N went in, however they were cut, for ever.

**Exact.** The coefficients are whole numbers divided by a power of two (`coefficients`), held in float64. Every product
and every partial sum is then exactly representable, so neither the BLAS, nor the processor, nor the order of summation
can change a sample; float32 sums differ in the last bit between two laptops and a strict replay would break. Rounding
is half up, then saturation to 16 bit.

**Fast.** A block of consecutive outputs is one matrix product with a Toeplitz matrix: each row of the left factor is a
stretch of the signal with the history the filter needs, each column one output. A block that the input fills only in
part is computed with whatever stands behind it: the filter is causal, so the outputs that are due do not depend on it.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from telephony.audio.coefficients import HALF, SCALE, THIRD
from telephony.audio.pcm import Samples, as_samples

RATES = (8000, 16000, 24000)

_GROUPS = 20
"""Groups of M inputs (L outputs) in a block. Longer blocks multiply more zeros, shorter ones call more often."""
_ROWS = 84
"""Blocks in one product: 210 ms of the slower side, so that a model's delta is one product mostly."""


_STEPS = 64
"""Kinds of steps whose views are kept; a call has one or two, and a stranger's deltas any number."""


@dataclass(frozen=True, slots=True)
class _Step:
    """Views of a resampler's arrays: making them costs a quarter of what a frame of 20 ms does."""

    piece: NDArray[np.float64]
    """Where the inputs go."""
    stretches: NDArray[np.float64]
    blocks: NDArray[np.float64]
    inner: NDArray[np.float64]
    """The blocks without their last column."""
    sums: NDArray[np.float64]
    due: NDArray[np.float64]
    """The sums that have not been given out."""
    history: NDArray[np.float64]
    newest: NDArray[np.float64]
    """What is the history of the next piece."""
    begun: int


@dataclass(frozen=True)
class _Plan:
    """What every resampler of one pair of rates shares."""

    up: int
    down: int
    history: int
    """Inputs before the first of a block that the block's outputs still need."""
    matrix: NDArray[np.float64]
    """(history + block inputs + 1) x block outputs; the last row adds the half that turns floor into rounding."""
    delay: float
    """Seconds."""


@functools.cache
def _plan(source_rate: int, target_rate: int) -> _Plan:
    if source_rate not in RATES or target_rate not in RATES or source_rate == target_rate:
        raise ValueError(
            f"no resampler from {source_rate} to {target_rate} Hz: it works between 8000, 16000 and 24000 Hz."
        )
    common = math.gcd(source_rate, target_rate)
    up, down = target_rate // common, source_rate // common
    taps = HALF if max(up, down) == 2 else THIRD
    history = (len(taps) - down) // up
    inputs = down * _GROUPS
    matrix = np.zeros((history + inputs + 1, up * _GROUPS))
    for column in range(up * _GROUPS):
        newest = column * down + down - 1
        for row in range(history + inputs):
            tap = newest - (row - history) * up
            if 0 <= tap < len(taps):
                matrix[row, column] = taps[tap] * up / SCALE
    matrix[-1] = 0.5
    matrix.setflags(write=False)
    delay = ((len(taps) - 1) / 2 - (down - 1)) / (source_rate * up)
    return _Plan(up, down, history, matrix, delay)


class Resampler:
    """One direction of one call: PCM16 at *source_rate* in, PCM16 at *target_rate* out.

    How the stream is cut never changes a sample, and nothing is held back beyond what the ratio makes unavoidable.

    Raises:
        ValueError: a pair of rates other than two different ones of 8000, 16000 and 24000 Hz.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self.source_rate = source_rate
        self.target_rate = target_rate
        self._plan = plan = _plan(source_rate, target_rate)
        inputs = plan.down * _GROUPS
        width = plan.history + inputs
        # `_line` holds the history and the running piece; `_stretches` sees it as overlapping rows, one for each block.
        self._line = np.zeros(plan.history + inputs * _ROWS)
        strides = (inputs * self._line.itemsize, self._line.itemsize)
        self._stretches = as_strided(self._line, (_ROWS, width), strides, writeable=False)
        self._blocks = np.ones((_ROWS, width + 1))
        self._sums = np.empty((_ROWS, plan.up * _GROUPS))
        self._begun = 0
        """Inputs of a group of M that is not complete yet."""
        self._steps: dict[tuple[int, int], _Step] = {}

    @property
    def delay(self) -> float:
        """Seconds by which a sound in the output lies behind the input, by sample index; equal at all frequencies."""
        return self._plan.delay

    def reset(self) -> None:
        """Forget everything: what follows is the start of a new stream."""
        self._line.fill(0)
        self._begun = 0

    def feed(self, pcm: bytes | Samples) -> bytes:
        """Take any number of samples, also none, and return all that are due.

        Raises:
            ValueError: *pcm* ends in the middle of a sample.
        """
        samples = as_samples(pcm)
        room = self._line.size - self._plan.history - self._plan.down
        if samples.size <= room:
            return self._convert(samples)
        return b"".join(self._convert(samples[start : start + room]) for start in range(0, samples.size, room))

    def _convert(self, samples: Samples) -> bytes:
        key = (self._begun, samples.size)
        step = self._steps.get(key)
        if step is None:
            if len(self._steps) >= _STEPS:
                self._steps.clear()
            step = self._steps[key] = self._step(*key)
        step.piece[:] = samples
        step.inner[:] = step.stretches
        np.matmul(step.blocks, self._plan.matrix, out=step.sums)
        result = _rounded(step.due)
        step.history[:] = step.newest
        self._begun = step.begun
        return result

    def _step(self, begun: int, size: int) -> _Step:
        """Where everything is when *size* inputs come and *begun* are there of a group that is not complete."""
        plan, line = self._plan, self._line
        inputs = begun + size
        given, due = begun * plan.up // plan.down, inputs * plan.up // plan.down
        rows = -(-due // self._sums.shape[1])
        left = inputs % plan.down
        first, kept, done = plan.history + begun, plan.history + left, inputs - left
        return _Step(
            piece=line[first : first + size],
            stretches=self._stretches[:rows],
            blocks=self._blocks[:rows],
            inner=self._blocks[:rows, :-1],
            sums=self._sums[:rows],
            due=self._sums[:rows].reshape(-1)[given:due],
            history=line[:kept],
            newest=line[done : done + kept],
            begun=left,
        )


_LOWEST, _HIGHEST = np.float64(-32768), np.float64(32767)


def _rounded(sums: NDArray[np.float64]) -> bytes:
    """The sums, which carry the half already, as saturated PCM16. Overwrites them."""
    np.floor(sums, out=sums)
    np.maximum(sums, _LOWEST, out=sums)
    np.minimum(sums, _HIGHEST, out=sums)
    return sums.astype("<i2").tobytes()
