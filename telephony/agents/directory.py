"""Who answers which number."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from telephony.agents.agent import Agent
from telephony.agents.numbers import HOW_TO_WRITE, PLUS, SPELLING, is_e164, normal
from telephony.errors import ConfigurationError


class Directory:
    """Finds the agent for a called number.

    Keys are full numbers (`+15550100`), beginnings (`+1555*`; the longest that fits wins), what an address says before
    its `@` (`sip:frontdesk@…`, `client:frontdesk`), or `*` for the rest. A single agent without any key answers
    everything. Raises `ConfigurationError` for a key that leads nowhere.
    """

    def __init__(self, agents: Iterable[Agent], numbers: Mapping[str, str] | None = None) -> None:
        by_name: dict[str, Agent] = {}
        for agent in agents:
            if by_name.setdefault(agent.name, agent) is not agent:
                raise ConfigurationError(f"agents.{agent.name}", "there are two agents of this name", "Rename one.")
        self.agents: Mapping[str, Agent] = MappingProxyType(by_name)
        """By name."""
        self._exact: dict[str, Agent] = {}
        self._prefixes: dict[str, Agent] = {}
        for key, name in (numbers or {}).items():
            self._add(key, name)
        if not numbers and len(by_name) == 1:
            self._prefixes[""] = next(iter(by_name.values()))

    def for_number(self, number: str) -> Agent | None:
        """The agent that answers *number*, in whatever form the carrier says it; None if nobody does."""
        called = normal(number)
        exact = self._exact.get(called)
        if exact is not None:
            return exact
        fitting = [prefix for prefix in self._prefixes if called.startswith(prefix)]
        return self._prefixes[max(fitting, key=len)] if fitting else None

    def reachable(self) -> set[str]:
        """Names of the agents that some number leads to."""
        return {agent.name for agent in (*self._exact.values(), *self._prefixes.values())}

    def _add(self, key: str, name: str) -> None:
        place = f"numbers.{key}"
        agent = self.agents.get(name)
        if agent is None:
            near = difflib.get_close_matches(name, self.agents, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"The agents are: {', '.join(self.agents) or 'none'}."
            raise ConfigurationError(place, f"there is no agent {name}", remedy)
        if key.rstrip().endswith("*"):
            table, entry = self._prefixes, _prefix(key, place)
        else:
            table, entry = self._exact, _full(key, place)
        if table.setdefault(entry, agent) is not agent:
            problem = f"{entry or '*'} is given to {table[entry].name} and to {name}"
            raise ConfigurationError(place, problem, "Keep one of the two.")


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
