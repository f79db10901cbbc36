"""Goodbyes that were not heard to their end."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.diagnosis.endings import LAST_WORD, cut_off_goodbyes
from telephony.records import Evidence, Moment, Stretch, Turn

LEAVING = Moment(10.0, "leaving", "agent")


def causes(*moments: Moment, **parts: Any) -> list[str]:
    empty: dict[str, Any] = {"turns": [], "tools": [], "agent": [], "owed": []}
    return [finding.cause for finding in cut_off_goodbyes(Evidence(60.0, moments=list(moments), **(empty | parts)))]


@pytest.mark.parametrize(("seconds", "expected"), [(LAST_WORD, []), (2.0, ["goodbye_too_long"])])
def test_a_line_that_is_released_too_early(seconds: float, expected: list[str]) -> None:
    assert causes(LEAVING, Moment(70.0, "released", seconds=seconds), Moment(71.0, "ended", "carrier", 1.0)) == expected


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("caller", []),
        ("carrier", ["line_lost"]),
        ("operator", ["ended_from_outside"]),
        ("server", ["ended_from_outside"]),
    ],
)
def test_who_ended_the_call_in_the_middle_of_it(by: str, expected: list[str]) -> None:
    assert causes(LEAVING, Moment(12.0, "ended", by, 2.0)) == expected
    assert causes(LEAVING, Moment(12.0, "ended", by, 0.0)) == []
    assert causes(Moment(12.0, "ended", by, 2.0)) == [], "no goodbye was being said"
    assert causes(LEAVING, Moment(11.0, "stayed"), Moment(12.0, "ended", by, 2.0)) == []


def test_a_model_that_is_lost_in_the_middle_of_its_goodbye() -> None:
    spoken = [LEAVING, Moment(11.0, "spoke"), Moment(12.0, "gone", "reset")]
    owed = [Stretch(10.5, 12.0)]
    assert causes(*spoken, owed=owed) == ["model_lost"]
    assert causes(*spoken) == [], "all of it had come"
    assert causes(LEAVING, Moment(12.0, "gone", "reset"), owed=owed) == [], "it had not begun"
    recorded = Turn("agent", heard="[recorded goodbye]", started_at=12.5, item_id="local:goodbye-1")
    assert causes(*spoken, owed=owed, turns=[recorded], recorded=frozenset({"local:goodbye-1"})) == []
