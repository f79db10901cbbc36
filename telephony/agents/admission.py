"""Who takes a call that comes in: the agent of its number, or where its caller is sent instead. A decision, not a deed.

    blocked ──► closed ──► overflow ──► outage ──► the agent answers

The first that applies decides. A closed number may lead to another agent, who must have room and a model as well; the
agent of an `overflow` or `outage` route is the last resort and is asked whatever its own state is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Literal

import msgspec

from telephony.agents.hours import Hours
from telephony.agents.numbers import HOW_TO_WRITE, PLUS, SPELLING, is_e164, normal
from telephony.errors import ConfigurationError
from telephony.settings import NumberSettings, Route

Why = Literal["open", "blocked", "closed", "overflow", "outage"]

WITHHELD = frozenset(
    {
        "",
        "anonymous",
        "blocked",
        "private",
        "restricted",
        "unavailable",
        "unknown",
        "+266696687",
        "+7378742833",
        "+2562533",
        "+8656696",
        "+86282452253",
    }
)
"""How a caller who withholds the number is written, in the normal spelling. The digits spell ANONYMOUS, RESTRICTED,
BLOCKED, UNKNOWN and UNAVAILABLE on a keypad (Twilio help center, "Why am I getting calls from these strange
numbers?")."""


class Situation(msgspec.Struct, frozen=True):
    """What else decides, at the moment of a call."""

    wall: datetime | None = None
    """The clock on the wall where the number keeps its hours, without a time zone; None if it keeps none."""
    full: str = ""
    """Why there is no place for another call, in words."""
    failing: Collection[str] = ()
    """Agents whose model cannot be reached just now."""
    draining: bool = False
    """Whether the process is stopping."""


class Admission(msgspec.Struct, frozen=True):
    """What is to become of a call."""

    why: Why
    detail: str
    """The same in words, for the record."""
    agent: str = ""
    """Who answers; empty if nobody does."""
    route: Route | None = None
    """Where the caller goes instead, or on the way to another agent; None for the number's own agent, and for callers
    who are blocked."""


class Line:
    """What one key of `numbers` says. Raises `ConfigurationError` for a pattern of `block` that is none."""

    def __init__(self, key: str, settings: NumberSettings, hours: Hours | None = None) -> None:
        self.key = key
        self.settings = settings
        self.hours = hours
        self._blocked = Blocklist(f"numbers.{key}.block", settings.block)

    def admit(self, caller: str, situation: Situation) -> Admission:
        """What becomes of a call from *caller*, in whatever form the carrier says it."""
        settings, agent, way = self.settings, self.settings.agent, None
        if caller in self._blocked:
            return Admission("blocked", "the caller is blocked")
        closed = self.hours.closed(situation.wall) if self.hours and situation.wall else ""
        if closed:
            if not settings.closed.agent:
                return Admission("closed", closed, route=settings.closed)
            agent, way = settings.closed.agent, settings.closed
        if situation.draining:
            return self._outage("the server is stopping", agents=False)
        if situation.full:
            return Admission("overflow", situation.full, settings.overflow.agent, settings.overflow)
        if settings.outage and agent in situation.failing:
            return self._outage(f"no model can be reached for {agent}")
        return Admission("closed" if way else "open", closed, agent, way)

    def asked(self, caller: str, situation: Situation) -> str:
        """The agent who must have room for a call from *caller*; empty if it comes to none, however much there is."""
        return self.admit(caller, msgspec.structs.replace(situation, full="", failing=())).agent

    def stranded(self, agent: str, failing: Collection[str]) -> Admission | None:
        """What becomes of a call that was answered for *agent*, if no model can be reached after all and there is a way
        for that. A line that is open already cannot be busy."""
        route = self.settings.outage
        if route is None or route.busy or agent not in failing or route.agent == agent:
            return None
        return self._outage(f"no model can be reached for {agent}")

    def _outage(self, detail: str, *, agents: bool = True) -> Admission:
        route = self.settings.outage
        if route and route.agent and not agents:
            route = None
        return Admission("outage", detail, route.agent if route else "", route)


class Blocklist:
    """Patterns of callers. Raises `ConfigurationError`, which names *key*, for one that is none."""

    def __init__(self, key: str, patterns: Iterable[str]) -> None:
        self._numbers: set[str] = set()
        self._beginnings: tuple[str, ...] = ()
        for pattern in patterns:
            self._add(key, pattern)

    def __contains__(self, caller: object) -> bool:
        number = normal(str(caller))
        return number in self._numbers or number.startswith(self._beginnings)

    def _add(self, key: str, pattern: str) -> None:
        if pattern.strip().lower() == "anonymous":
            self._numbers |= WITHHELD
        elif pattern.rstrip().endswith("*"):
            beginning = SPELLING.sub("", pattern.strip()[:-1])
            if not PLUS.fullmatch(beginning):
                remedy = 'Write a plus, the first digits and one star at the end: "+1900*".'
                raise ConfigurationError(key, f"{pattern[:40]!r} is no beginning of a phone number", remedy)
            self._beginnings += (beginning,)
        else:
            number = normal(pattern)
            if number.startswith("+") and not is_e164(number):
                raise ConfigurationError(key, f"{pattern[:40]!r} is no phone number", HOW_TO_WRITE)
            if not number:
                raise ConfigurationError(key, "an empty entry blocks nobody", "Write a number, +1900* or anonymous.")
            self._numbers.add(number)
