"""When somebody may be called, by the clock where their number is from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.agents.calling_hours import CallingHours
from telephony.errors import ConfigurationError

LONDON, NEW_YORK, TOLL_FREE = "+442079460123", "+12125550123", "+18005550123"


def at(hour: int, minute: int = 0) -> datetime:
    """A time of a winter's day, UTC, which is London's."""
    return datetime(2026, 1, 14, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "now", "may"),
    [
        (LONDON, at(8), True),
        (LONDON, at(7, 59), False),
        (LONDON, at(20, 59), True),
        (LONDON, at(21), False),
        (NEW_YORK, at(12, 59), False),
        (NEW_YORK, at(13), True),
        (NEW_YORK, at(1, 59), True),
        (NEW_YORK, at(2), False),
    ],
)
def test_people_are_called_by_day_where_they_are(number: str, now: datetime, may: bool) -> None:
    assert (CallingHours("08:00-21:00").refusal(number, now) is None) == may


def test_where_a_number_may_be_in_several_zones_it_must_be_day_in_all_of_them() -> None:
    hours = CallingHours("08:00-21:00")
    assert hours.refusal(TOLL_FREE, at(13)) is not None
    assert hours.refusal(TOLL_FREE, at(20)) is None or "there" in str(hours.refusal(TOLL_FREE, at(20)))


def test_summer_time_counts() -> None:
    hours = CallingHours("08:00-21:00")
    assert hours.refusal(LONDON, datetime(2026, 7, 14, 7, 30, tzinfo=UTC)) is None


def test_the_refusal_says_what_time_it_is_there() -> None:
    told = CallingHours("09:00-17:30").refusal(NEW_YORK, at(3, 5))
    assert told == "It is 22:05 there (America/New_York); people may be called from 09:00 to 17:30."


@pytest.mark.parametrize("number", ["+9991234567", "nobody", ""])
def test_nobody_is_called_of_whom_no_zone_is_known(number: str) -> None:
    assert CallingHours("08:00-21:00").refusal(number, at(12)) is not None


def test_always_is_always() -> None:
    assert CallingHours("00:00-24:00").refusal("+9991234567", at(3)) is None


@given(st.integers(0, 48 * 60))
def test_of_two_days_there_are_as_many_minutes_as_the_hours_say(shift: int) -> None:
    hours = CallingHours("08:00-21:00")
    start = at(0) + timedelta(minutes=shift)
    minutes = sum(hours.refusal(LONDON, start + timedelta(minutes=m)) is None for m in range(0, 24 * 60, 10))
    assert minutes == 13 * 6


@pytest.mark.parametrize("text", ["", "8-21", "21:00-08:00", "08:00-08:00", "08:00-24:01", "25:00-26:00", "always"])
def test_what_is_no_span_of_a_day_is_an_error(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"outbound\.hours"):
        CallingHours(text)
