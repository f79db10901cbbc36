"""Blocks in turns, and percentiles. Nothing is said of how long anything takes."""

from __future__ import annotations

import math

import pytest

from telephony.bench.timing import Timing, compare, percentile


def test_step_and_floor_take_turns() -> None:
    order: list[str] = []
    timing = compare(lambda: order.append("step"), lambda: order.append("floor"), blocks=3, block=0)
    assert order[-6:] == ["step", "floor"] * 3
    assert timing.p50 <= timing.p90
    assert timing.floor_p50 <= timing.floor_p90


def test_timing_becomes_figures_with_stable_names() -> None:
    figures = Timing(1.0, 2.0, 3.0, 4.0).figures("audio.x", "µs")
    assert [(figure.name, figure.value, figure.floor) for figure in figures] == [
        ("audio.x.p50", 1.0, 3.0),
        ("audio.x.p90", 2.0, 4.0),
    ]


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (50, 5), (90, 9), (99, 10), (100, 10)])
def test_percentile_is_a_value_that_was_seen(percent: float, value: float) -> None:
    assert percentile([3, 1, 2, 10, 9, 8, 7, 6, 5, 4], percent) == value


def test_percentile_of_nothing_is_not_a_number() -> None:
    assert math.isnan(percentile([], 50))
