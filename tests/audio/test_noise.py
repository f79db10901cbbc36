"""The row of numbers that noise is made of."""

from __future__ import annotations

import numpy as np

from telephony.audio.noise import uniform


def test_a_stretch_is_the_same_wherever_it_is_asked_for() -> None:
    whole = uniform(800, seed=3)
    assert np.array_equal(np.concatenate([uniform(300, seed=3), uniform(500, seed=3, first=300)]), whole)
    assert not np.array_equal(uniform(800, seed=4), whole)


def test_it_is_evenly_spread_and_holds_no_echo_of_itself() -> None:
    row = uniform(40_000)
    assert row.min() >= -1
    assert row.max() < 1
    assert abs(row.mean()) < 0.02
    assert abs(np.sqrt((row**2).mean()) - 3**-0.5) < 0.01
    assert max(abs(np.corrcoef(row[:-lag], row[lag:])[0, 1]) for lag in (1, 2, 7, 160)) < 0.03
