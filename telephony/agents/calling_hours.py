"""When somebody may be called: by the clock where their number is from.

Many numbers say only in which country they are, and a country may have several zones; a mobile telephone may be
anywhere. Where several zones are possible it must be a fit hour in all of them.
"""

from __future__ import annotations

import re
from datetime import datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone

from telephony.errors import ConfigurationError

HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)")
UNKNOWN = "Etc/Unknown"
"""What `phonenumbers` says of a number that it knows no zone of."""


class CallingHours:
    """Hours between which people may be called, such as `08:00-21:00`; `ConfigurationError` for anything else."""

    def __init__(self, hours: str) -> None:
        found = HOURS.fullmatch(hours.strip())
        minutes = [int(found[i]) * 60 + int(found[i + 1]) for i in (1, 3)] if found else [0, 0]
        if not found or not 0 <= minutes[0] < minutes[1] <= 24 * 60:
            remedy = "Write two times of one day, the earlier first: 08:00-21:00."
            raise ConfigurationError("outbound.hours", f"{hours[:40]!a} is no such span", remedy)
        self._from, self._until = minutes
        self._shown = f"{found[1]}:{found[2]} to {found[3]}:{found[4]}"

    def refusal(self, number: str, now: datetime) -> str | None:
        """Why *number* (E.164) may not be called at *now*, an aware time; None if it may."""
        if (self._from, self._until) == (0, 24 * 60):
            return None
        try:
            names = timezone.time_zones_for_number(phonenumbers.parse(number))
        except phonenumbers.NumberParseException:
            return f"{number[:20]!a} is no phone number."
        zones = [zone for name in names if name != UNKNOWN and (zone := _zone(name))]
        if not zones:
            return f"It is not known what time it is where {number} is from."
        for zone in zones:
            there = now.astimezone(zone)
            if not self._from <= _minute(there.time()) < self._until:
                return f"It is {there:%H:%M} there ({zone}); people may be called from {self._shown}."
        return None


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
