"""What is wrong with `numbers` and `hours` before anybody calls: names, times, zones, and routes that lead nowhere."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from telephony.agents.admission import Blocklist
from telephony.agents.agent import Agent
from telephony.agents.directory import Directory
from telephony.agents.hours import Hours
from telephony.agents.numbers import HOW_TO_WRITE, is_e164, normal
from telephony.errors import ConfigurationError
from telephony.runtime.located import Path
from telephony.settings import NumberSettings, Route, Settings

Problem = tuple[Path, str, str]
"""Path, problem, remedy."""

WAYS = ("closed", "overflow", "outage")


def directory_of(settings: Settings, agents: Sequence[Agent]) -> Directory:
    """Who answers which number, and when. Raises `ConfigurationError` for the first thing that is wrong."""
    return Directory(agents, settings.numbers, [Hours(name, hours) for name, hours in settings.hours.items()])


def number_problems(settings: Settings, staff: Sequence[Agent]) -> Iterator[Problem]:
    """Everything that is wrong."""
    yield from _hours(settings)
    # What every number has to say for itself is told apart from who it leads to, so that one mistake hides no other.
    plain = {key: entry.model_copy(update={"hours": "", "block": []}) for key, entry in settings.numbers.items()}
    alone = [problem for key, entry in plain.items() for problem in _directory({key: entry}, staff)]
    yield from alone or _directory(plain, staff)
    for key, entry in settings.numbers.items():
        yield from _number(settings, ("numbers", key), entry)


def _number(settings: Settings, path: Path, entry: NumberSettings) -> Iterator[Problem]:
    if entry.hours and entry.hours not in settings.hours:
        near = difflib.get_close_matches(entry.hours, settings.hours, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(settings.hours) or 'none'}."
        yield (*path, "hours"), f"hours has no {entry.hours!r}", remedy
    for position, pattern in enumerate(entry.block):
        try:
            Blocklist("block", [pattern])
        except ConfigurationError as error:
            yield (*path, "block", position), error.problem, error.remedy
    for way in WAYS:
        if route := getattr(entry, way):
            yield from _route(settings, (*path, way), route)
    if entry.consent and not entry.consent.say.strip():
        yield (*path, "consent", "say"), "it says nothing", "Write what is said, such as: This call is recorded."


def _hours(settings: Settings) -> Iterator[Problem]:
    for name, entry in settings.hours.items():
        try:
            Hours(name, entry)
        except ConfigurationError as error:
            yield tuple(error.key.split(".", 3 if ".open." in error.key else 2)), error.problem, error.remedy
        try:
            ZoneInfo(entry.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            problem = f"{entry.timezone[:40]!r} is no time zone"
            yield ("hours", name, "timezone"), problem, _nearest_zone(entry.timezone)


def _nearest_zone(name: str) -> str:
    zones = available_timezones()
    city = name.rpartition("/")[2].strip().replace(" ", "_")
    same = [zone for zone in zones if zone.rpartition("/")[2].lower() == city.lower() and "/" in zone]
    near = sorted(same) or difflib.get_close_matches(name, zones, n=1)
    return f"Did you mean {near[0]}?" if near else "Write an IANA name, such as America/New_York or Europe/Berlin."


def _directory(numbers: Mapping[str, NumberSettings], staff: Sequence[Agent]) -> Iterator[Problem]:
    try:
        Directory(staff, numbers)
    except ConfigurationError as error:
        yield _number_path(error.key, numbers), error.problem, error.remedy


def _number_path(key: str, numbers: Mapping[str, NumberSettings]) -> Path:
    """The path of a dotted *key* below `numbers`, whose own keys may hold dots."""
    for number in numbers:
        place = f"numbers.{number}"
        if key == place or key.startswith(f"{place}."):
            return ("numbers", number, *filter(None, key.removeprefix(place).split(".")))
    return tuple(key.split(".", 1))


def _route(settings: Settings, path: Path, route: Route) -> Iterator[Problem]:
    elsewhere = bool(route.forward) or route.voicemail
    ways = {"busy": route.busy, "agent": bool(route.agent), "forward or voicemail": elsewhere}
    taken = [name for name, wanted in ways.items() if wanted]
    if len(taken) > 1:
        yield path, f"it has {' and '.join(taken)}, which exclude each other", "Keep one of them."
    if route.busy and route.say:
        yield (*path, "say"), "nothing can be said to a caller who hears that the line is busy", "Drop say or busy."
    if not taken and not route.say.strip():
        yield path, "it says nothing and leads nowhere", "Give it say, forward, voicemail, busy or agent."
    for key in ("forward", "caller_id"):
        number = getattr(route, key)
        if number and not is_e164(normal(number)):
            yield (*path, key), f"{number[:40]!r} is no phone number", HOW_TO_WRITE
    if route.forward and normal(route.forward) in {normal(key) for key in settings.numbers}:
        problem = f"{route.forward} is answered here, so the call would come back"
        yield (*path, "forward"), problem, "Name a number that people answer, or set agent."
    if route.caller_id and not route.forward:
        yield (*path, "caller_id"), "there is a number to show, but nobody to call", "Set forward, or drop it."
