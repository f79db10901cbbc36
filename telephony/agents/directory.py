"""Who answers which number."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from telephony.agents.admission import Line
from telephony.agents.agent import Agent
from telephony.agents.hours import Hours
from telephony.agents.numbers import HOW_TO_WRITE, PLUS, SPELLING, is_e164, normal
from telephony.errors import ConfigurationError
from telephony.settings import NumberSettings


class Directory:
    """Finds the agent for a called number.

    Keys are full numbers (`+15550100`), beginnings (`+1555*`; the longest that fits wins), what an address says before
    its `@` (`sip:frontdesk@…`, `client:frontdesk`), or `*` for the rest. A single agent without any key answers
    everything. Raises `ConfigurationError` for a key that leads nowhere.
    """

    def __init__(
        self,
        agents: Iterable[Agent],
        numbers: Mapping[str, NumberSettings | str] | None = None,
        hours: Iterable[Hours] = (),
    ) -> None:
        by_name: dict[str, Agent] = {}
        for agent in agents:
            if by_name.setdefault(agent.name, agent) is not agent:
                raise ConfigurationError(f"agents.{agent.name}", "there are two agents of this name", "Rename one.")
        self.agents: Mapping[str, Agent] = MappingProxyType(by_name)
        """By name."""
        self._hours = {kept.name: kept for kept in hours}
        self._exact: dict[str, Line] = {}
        self._prefixes: dict[str, Line] = {}
        for key, settings in (numbers or {}).items():
            self._add(key, NumberSettings(agent=settings) if isinstance(settings, str) else settings)
        if not numbers and len(by_name) == 1:
            self._prefixes[""] = Line("*", NumberSettings(agent=next(iter(by_name))))

    @property
    def lines(self) -> tuple[Line, ...]:
        """What each number's calls meet."""
        return (*self._exact.values(), *self._prefixes.values())

    def line_for(self, number: str) -> Line | None:
        """What calls to *number* meet, in whatever form the carrier says it; None if nobody answers them."""
        called = normal(number)
        exact = self._exact.get(called)
        if exact is not None:
            return exact
        fitting = [prefix for prefix in self._prefixes if called.startswith(prefix)]
        return self._prefixes[max(fitting, key=len)] if fitting else None

    def for_number(self, number: str) -> Agent | None:
        """The agent that answers *number* when all is well; None if nobody does."""
        line = self.line_for(number)
        return self.agents[line.settings.agent] if line else None

    def reachable(self) -> set[str]:
        """Names of the agents that some number leads to, on whichever way."""
        names = {line.settings.agent for line in self.lines}
        for line in self.lines:
            settings = line.settings
            names |= {route.agent for route in (settings.closed, settings.overflow, settings.outage) if route}
        return names - {""}

    def _add(self, key: str, settings: NumberSettings) -> None:
        place = f"numbers.{key}"
        name = settings.agent
        if name not in self.agents:
            raise ConfigurationError(place, f"there is no agent {name}", self._nearest(name))
        for way in ("closed", "overflow", "outage"):
            route = getattr(settings, way)
            if route and route.agent and route.agent not in self.agents:
                problem = f"there is no agent {route.agent}"
                raise ConfigurationError(f"{place}.{way}.agent", problem, self._nearest(route.agent))
        line = Line(key, settings, self._kept(settings.hours, place))
        if key.rstrip().endswith("*"):
            table, entry = self._prefixes, _prefix(key, place)
        else:
            table, entry = self._exact, _full(key, place)
        known = table.setdefault(entry, line)
        if known.settings != settings:
            other = known.settings.agent
            problem = f"{entry or '*'} " + (f"is given to {other} and to {name}" if other != name else "stands twice")
            raise ConfigurationError(place, problem, "Keep one of the two.")

    def _kept(self, hours: str, place: str) -> Hours | None:
        if not hours or hours in self._hours:
            return self._hours.get(hours)
        near = difflib.get_close_matches(hours, self._hours, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(self._hours) or 'none'}."
        raise ConfigurationError(f"{place}.hours", f"hours has no {hours!r}", remedy)

    def _nearest(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.agents, n=1)
        return f"Did you mean {near[0]}?" if near else f"The agents are: {', '.join(self.agents) or 'none'}."


def _full(key: str, place: str) -> str:
    """What a key that is no beginning stands for."""
    entry = normal(key)
    if not entry or "*" in entry:
        problem = f"{key!r} is neither a number nor the beginning of one"
        raise ConfigurationError(place, problem, 'Write "+15550100", "+1555*", or "*" for the rest.')
    if entry.startswith("+") and not is_e164(entry):
        problem = f"{key} is no phone number"
        raise ConfigurationError(place, problem, HOW_TO_WRITE)
    return entry


def _prefix(key: str, place: str) -> str:
    """What a number must begin with for a key such as `+1555*`; nothing for `*`."""
    digits = SPELLING.sub("", key.strip()[:-1])
    if digits and not PLUS.fullmatch(digits):
        problem = f"{key} is no beginning of a phone number"
        remedy = 'Write a plus, the first digits and one star at the end: "+1555*".'
        raise ConfigurationError(place, problem, remedy)
    return digits
