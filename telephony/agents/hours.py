"""Opening hours: whether somebody is there, by a clock on the wall.

Everything is asked of the wall clock's own day and time, so summer time needs no care here: an hour that comes twice is
open twice, and one that is left out is never asked about. Whoever asks turns the instant into that clock's time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from telephony.errors import ConfigurationError
from telephony.settings import OpeningHours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of `date.weekday`."""
MIDNIGHT = 24 * 60
"""Minutes."""

_SPAN = re.compile(r"(\d{1,2})(?::(\d\d))? ?[-\u2013] ?(\d{1,2})(?::(\d\d))?")
_DATE = re.compile(r"(?:\d{4}-)?\d\d-\d\d")
_FULL = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Span = tuple[int, int]
"""Minutes of the day from its beginning, the second beyond `MIDNIGHT` if it goes on into the next day."""


class Hours:
    """The opening hours called *name*. Raises `ConfigurationError` for days, times and dates that are none."""

    def __init__(self, name: str, settings: OpeningHours) -> None:
        self.name = name
        self.timezone = settings.timezone
        self._spans = _week(f"hours.{name}.open", settings.open)
        self._holidays = {_holiday(f"hours.{name}.holidays", day) for day in settings.holidays}

    def closed(self, wall: datetime) -> str:
        """Why nobody is there when the clock on the wall says *wall* (without a time zone); empty if somebody is.

        A holiday closes what would have opened on it; a night that began before it goes on to its end.
        """
        minute = wall.hour * 60 + wall.minute
        today, before = wall.date(), wall.date() - timedelta(days=1)
        if any(start <= minute < end for start, end in self._on(today)):
            return ""
        if any(minute + MIDNIGHT < end for _, end in self._on(before)):
            return ""
        return "holiday" if self._is_holiday(today) else "outside opening hours"

    def _on(self, day: date) -> tuple[Span, ...]:
        return () if self._is_holiday(day) else self._spans[day.weekday()]

    def _is_holiday(self, day: date) -> bool:
        return not self._holidays.isdisjoint({day.isoformat(), f"{day:%m-%d}"})


def _week(key: str, written: Mapping[str, str]) -> list[tuple[Span, ...]]:
    """The spans of each day, from Monday on."""
    week: list[tuple[Span, ...] | None] = [None] * 7
    for days, times in written.items():
        place = f"{key}.{days}"
        spans = tuple(_spans(place, times))
        for day in _days(place, days):
            if week[day] is not None:
                raise ConfigurationError(place, f"{DAYS[day]} stands there twice", "Name each day once.")
            week[day] = spans
    return [spans or () for spans in week]


def _days(place: str, written: str) -> Iterator[int]:
    if written.strip().lower() == "daily":
        yield from range(7)
        return
    for part in written.split(","):
        first, dash, last = (word.strip() for word in part.replace("\N{EN DASH}", "-").partition("-"))
        start = _weekday(place, first)
        end = _weekday(place, last) if dash else start
        for step in range((end - start) % 7 + 1):
            yield (start + step) % 7


def _weekday(place: str, word: str) -> int:
    for names in (DAYS, _FULL):
        if word.lower() in names:
            return names.index(word.lower())
    remedy = f"Write one of {', '.join(DAYS)}, a range such as mon-fri, or daily."
    raise ConfigurationError(place, f"{word[:20]!r} is no day of the week", remedy)


def _spans(place: str, written: str) -> Iterator[Span]:
    for part in written.split(","):
        found = _SPAN.fullmatch(part.strip())
        if not found:
            problem = f"{part.strip()[:40]!r} is no span of time"
            raise ConfigurationError(place, problem, "Write two times of 24 hours: 9:00-17:30, or 22:00-02:00.")
        start, end = _minutes(place, found[1], found[2]), _minutes(place, found[3], found[4])
        if start in (end, MIDNIGHT):
            problem = f"{part.strip()!r} is no time at all"
            raise ConfigurationError(place, problem, "Write 0:00-24:00 for the whole day, or leave the day out.")
        yield start, end if end > start else end + MIDNIGHT


def _minutes(place: str, hours: str, minutes: str | None) -> int:
    moment = int(hours) * 60 + int(minutes or 0)
    if int(minutes or 0) > 59 or moment > MIDNIGHT:
        shown = f"{hours}:{minutes or '00'}"
        raise ConfigurationError(place, f"{shown} is no time of day", "Times go from 0:00 to 24:00.")
    return moment


def _holiday(key: str, written: str) -> str:
    try:
        if not _DATE.fullmatch(written):
            raise ValueError
        date.fromisoformat(written if len(written) > 5 else f"2024-{written}")  # a year with a 29th of February
    except ValueError:
        problem = f"{written[:20]!r} is no date"
        raise ConfigurationError(key, problem, "Write 2026-12-25, or 12-25 for every year.") from None
    return written
