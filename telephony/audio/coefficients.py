"""The two low-pass filters of the resamplers, as whole numbers.

Both are equiripple (Parks-McClellan) linear-phase designs of 24 taps per phase that pass the telephone band up to
3400 Hz and stop from 4600 Hz on, where 8 kHz audio folds onto itself:

| filter  | designed at | taps | ripple to 3400 Hz | stop band from 4600 Hz |
|---------|-------------|------|-------------------|------------------------|
| `THIRD` | 24 kHz      | 72   | 0.018 dB          | -69.1 dB               |
| `HALF`  | 16 kHz      | 48   | 0.018 dB          | -69.1 dB               |

They were computed once and are committed as integers (unity gain = `SCALE`), so that no program start depends on a
design routine and no two machines differ in a coefficient. The recipe, with SciPy, is

    taps, rate = 72, 24_000     # and 48, 16_000
    h = scipy.signal.remez(taps, [0, 3400, 4600, rate / 2], [1, 0], weight=[1, 3], fs=rate)
    numpy.rint(h / h.sum() * SCALE)

and `tests/audio/test_coefficients.py` follows it again wherever SciPy is installed. The filters are symmetric, which
is what makes their phase linear; only the first half is written down.
"""

from __future__ import annotations

SCALE = 1 << 20
"""What a gain of one is. Sample times coefficient summed over all taps stays below 2^38: exact in a float64."""

_THIRD = (
    -444,
    -460,
    -14,
    776,
    1108,
    306,
    -1204,
    -1883,
    -522,
    2094,
    3316,
    1140,
    -3118,
    -5193,
    -1921,
    4655,
    7989,
    3241,
    -6599,
    -11809,
    -5108,
    9335,
    17366,
    8033,
    -13158,
    -25705,
    -12700,
    19232,
    39968,
    21451,
    -30900,
    -71311,
    -44191,
    68283,
    221353,
    330883,
)
_HALF = (
    -684,
    -266,
    1413,
    931,
    -2276,
    -1587,
    3965,
    3010,
    -6032,
    -4867,
    9099,
    7784,
    -13121,
    -11876,
    18821,
    18066,
    -27010,
    -27754,
    40286,
    45373,
    -66724,
    -88988,
    158588,
    468138,
)

THIRD = _THIRD + _THIRD[::-1]
"""Passes a third of a rate's half: for every ratio made of 1, 2 and 3 that contains a 3, at 24 or at 48 kHz."""
HALF = _HALF + _HALF[::-1]
"""Passes half of a rate's half: 8 <-> 16 kHz."""
