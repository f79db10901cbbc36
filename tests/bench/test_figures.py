"""Figures and reports: ratios, targets, JSON."""

from __future__ import annotations

import json
import math

import pytest

from telephony.bench.figures import Figure, Report, Target, this_machine


def test_ratio_is_how_many_times_the_floor() -> None:
    assert Figure("a.b", "ms", 3.0, 2.0).ratio == 1.5
    assert Figure("a.b", "ms", 3.0).ratio is None


@pytest.mark.parametrize(
    ("target", "missed"),
    [
        (None, False),
        (Target("value", 3.0), False),
        (Target("value", 2.9), True),
        (Target("ratio", 1.5), False),
        (Target("ratio", 1.4), True),
    ],
)
def test_target_is_missed_only_beyond_it(target: Target | None, missed: bool) -> None:
    assert Figure("a.b", "ms", 3.0, 2.0, target).missed is missed


def test_json_has_figures_by_name_and_the_machine() -> None:
    figures = [Figure("a.b.p50", "ms", 3.0, 2.0, Target("ratio", 1.6)), Figure("c", "MiB", math.nan)]
    plain = json.loads(json.dumps(Report(this_machine(), figures, ["One call was lost."]).as_json(), allow_nan=False))
    assert plain["figures"] == {
        "a.b.p50": {
            "unit": "ms",
            "value": 3.0,
            "floor": 2.0,
            "ratio": 1.5,
            "target": {"of": "ratio", "at_most": 1.6},
        },
        "c": {"unit": "MiB", "value": None},
    }
    assert plain["complaints"] == ["One call was lost."]
    assert plain["machine"]["cores"] >= 1
    assert plain["machine"]["python"]
    assert set(plain["machine"]["libraries"]) >= {"aiohttp", "websockets"}
