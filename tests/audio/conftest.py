"""What the audio tests share: signals as numbers, and the plain arithmetic they are compared with."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

RATE_PAIRS = list(itertools.permutations((8000, 16000, 24000), 2))


@pytest.fixture(params=RATE_PAIRS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def rates(request):
    """Every pair of rates that can be converted."""
    return request.param


@pytest.fixture
def sine():
    """A function that makes a sine as PCM16 samples: *hertz*, *rate*, *count* of samples, *peak*."""

    def make(hertz, rate, count, peak=16000):
        return np.rint(peak * np.sin(2 * np.pi * hertz / rate * np.arange(count))).astype("<i2")

    return make


@pytest.fixture
def cut():
    """A function that cuts a sequence into pieces of the given sizes, the last one taking what is left."""

    def make(whole, sizes):
        edges = [0, *np.minimum(np.cumsum(sizes), len(whole)).tolist(), len(whole)] if sizes else [0, len(whole)]
        return [whole[a:b] for a, b in itertools.pairwise(edges)]

    return make
