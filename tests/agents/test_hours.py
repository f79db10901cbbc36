"""Opening hours: spans, nights, holidays, summer time, and typing errors that are told kindly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.agents.hours import DAYS, MIDNIGHT, Hours
from telephony.errors import ConfigurationError
from telephony.settings import OpeningHours

ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC"]


def hours(open: dict[str, str], *holidays: str) -> Hours:  # noqa: A002  as in the settings
    return Hours("office", OpeningHours(timezone="Europe/Berlin", open=open, holidays=list(holidays)))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


MON, SAT, SUN = "2026-11-30", "2026-11-28", "2026-11-29"


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        (f"{MON}T08:59:59", "outside opening hours"),
        (f"{MON}T09:00", ""),
        (f"{MON}T17:29:59", ""),
        (f"{MON}T17:30", "outside opening hours"),
        (f"{SAT}T11:00", ""),
        (f"{SAT}T12:30", "outside opening hours"),
        (f"{SAT}T13:00", ""),
        (f"{SUN}T12:00", "outside opening hours"),
    ],
)
def test_the_clock_on_the_wall_decides(moment: str, why: str) -> None:
    office = hours({"mon-fri": "9:00-17:30", "sat": "10-12, 13:00\N{EN DASH}16:00"})
    assert office.closed(at(moment)) == why


def test_hours_over_midnight_belong_to_the_day_on_which_they_begin() -> None:
    bar = hours({"fri": "22:00-02:00"})
    assert bar.closed(at("2026-11-27T22:00")) == ""
    assert bar.closed(at(f"{SAT}T01:59")) == ""
    assert bar.closed(at(f"{SAT}T02:00")) != ""
    assert bar.closed(at("2026-11-27T01:00")) != "", "that is the night from Thursday"


def test_a_holiday_closes_what_would_open_on_it_and_not_the_night_before() -> None:
    bar = hours({"daily": "22:00-02:00"}, "12-25", "2026-12-31")
    assert bar.closed(at("2026-12-25T01:00")) == "", "Christmas Eve goes on"
    assert bar.closed(at("2026-12-25T23:00")) == "holiday"
    assert bar.closed(at("2026-12-26T01:00")) == "outside opening hours", "nothing began on the holiday"
    assert bar.closed(at("2027-12-25T23:00")) == "holiday", "every year"
    assert bar.closed(at("2026-12-31T23:00")) == "holiday"
    assert bar.closed(at("2027-12-31T23:00")) == "", "that year only"


def test_days_may_be_named_in_full_in_lists_and_around_the_week() -> None:
    shop = hours({"Sat-Mon": "9-10", "tuesday, thu": "11-12"})
    opened = [day for day in range(7) if shop._spans[day]]
    assert [DAYS[day] for day in opened] == ["mon", "tue", "thu", "sat", "sun"]


@pytest.mark.parametrize(
    ("open_", "holidays", "key", "problem"),
    [
        ({"mon-fry": "9-17"}, [], "hours.office.open.mon-fry", "'fry' is no day of the week"),
        ({"mon": "9-5pm"}, [], "hours.office.open.mon", "'9-5pm' is no span of time"),
        ({"mon": "9:00"}, [], "hours.office.open.mon", "'9:00' is no span of time"),
        ({"mon": "9-25"}, [], "hours.office.open.mon", "25:00 is no time of day"),
        ({"mon": "9:60-10"}, [], "hours.office.open.mon", "9:60 is no time of day"),
        ({"mon": "9-9"}, [], "hours.office.open.mon", "'9-9' is no time at all"),
        ({"mon": ""}, [], "hours.office.open.mon", "'' is no span of time"),
        ({"mon-fri": "9-17", "fri": "9-15"}, [], "hours.office.open.fri", "fri stands there twice"),
        ({}, ["2026-13-01"], "hours.office.holidays", "'2026-13-01' is no date"),
        ({}, ["25.12.2026"], "hours.office.holidays", "'25.12.2026' is no date"),
        ({}, ["20261225"], "hours.office.holidays", "'20261225' is no date"),
    ],
)
def test_typing_errors_are_told(open_: dict[str, str], holidays: list[str], key: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        hours(open_, *holidays)
    assert (caught.value.key, caught.value.problem) == (key, problem)
    assert caught.value.remedy


def test_the_29th_of_february_may_be_a_holiday() -> None:
    assert hours({"daily": "0-24"}, "02-29").closed(at("2028-02-29T12:00")) == "holiday"


SPANS = st.tuples(st.integers(0, MIDNIGHT - 1), st.integers(1, MIDNIGHT)).filter(lambda span: span[0] != span[1])


@given(SPANS, st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)), st.sampled_from(ZONES))  # noqa: DTZ001
def test_every_instant_is_judged_by_its_own_wall_clock(span: tuple[int, int], instant: datetime, zone: str) -> None:
    """Also in the hour that comes twice and beside the one that is left out."""
    start, end = span
    written = f"{start // 60}:{start % 60:02}-{end // 60}:{end % 60:02}"
    kept = Hours("x", OpeningHours(timezone=zone, open={"daily": written}))
    wall = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    minute = wall.hour * 60 + wall.minute
    inside = start <= minute < end if start < end else minute >= start or minute < end
    assert (kept.closed(wall) == "") is inside


@given(st.dates(date(2024, 1, 1), date(2030, 1, 1)), st.sampled_from(ZONES))
def test_a_whole_day_is_open_whatever_the_zone_does_to_it(day: date, zone: str) -> None:
    """A day of summer time has 23 or 25 hours, and one in Samoa never was."""
    kept = Hours("x", OpeningHours(timezone=zone, open={DAYS[day.weekday()]: "0:00-24:00"}))
    instant = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    for quarter in range(4 * 26):
        wall = (instant + timedelta(minutes=15 * quarter)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert (kept.closed(wall) == "") is (wall.weekday() == day.weekday())
