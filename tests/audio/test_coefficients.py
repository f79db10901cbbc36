"""The committed filters are the documented design."""

import numpy as np
import pytest

from telephony.audio.coefficients import HALF, SCALE, THIRD


def response_db(taps, rate, hertz):
    """Gain in dB at the given frequencies, from the definition."""
    angles = np.outer(2 * np.pi * np.asarray(hertz) / rate, np.arange(len(taps)))
    return 20 * np.log10(np.abs(np.exp(-1j * angles) @ np.array(taps)) / SCALE)


@pytest.mark.parametrize(("taps", "rate"), [(THIRD, 24000), (HALF, 16000)])
class TestFilters:
    def test_are_whole_numbers_and_symmetric(self, taps, rate):
        assert all(type(tap) is int for tap in taps)
        assert taps == taps[::-1]

    def test_take_24_multiplications_for_an_output(self, taps, rate):
        assert len(taps) == 24 * rate // 8000

    def test_cannot_leave_the_exact_integers_of_a_float64(self, taps, rate):
        assert 32768 * 3 * sum(map(abs, taps)) < 2**53

    def test_keep_the_telephone_band_within_a_fiftieth_of_a_decibel(self, taps, rate):
        gains = response_db(taps, rate, np.linspace(0, 3400, 2000))
        assert gains.max() - gains.min() <= 0.02

    def test_stop_what_would_fold_by_69_decibels(self, taps, rate):
        assert response_db(taps, rate, np.linspace(4600, rate / 2 - 1, 4000)).max() <= -69

    def test_follow_from_the_documented_recipe(self, taps, rate):
        signal = pytest.importorskip("scipy.signal", reason="SciPy is only needed to derive the filters again")
        ideal = signal.remez(len(taps), [0, 3400, 4600, rate / 2], [1, 0], weight=[1, 3], fs=rate)
        # A unit in the last place is -120 dB; it may move with the version of the design routine.
        assert np.abs(np.rint(ideal / ideal.sum() * SCALE) - taps).max() <= 1
