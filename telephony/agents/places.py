"""Who holds a place: calls are counted where the last place is given away, so that two cannot have it.

A call holds one place for every count that it is part of: all calls, those of its number, of its agent, of the agent's
model, and of the process that carries it. It gets all of them or none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

Kind = Literal["all", "number", "agent", "model", "worker"]


class Cap(msgspec.Struct, frozen=True, array_like=True):
    """A count that a call is part of."""

    kind: Kind
    name: str = ""
    most: int | None = None
    """How many calls may be part of it; None counts without a limit."""


class Full(msgspec.Struct, frozen=True, array_like=True):
    """A count at its limit."""

    kind: Kind
    name: str
    calls: int

    def __str__(self) -> str:
        """For the record of whoever is turned away."""
        whose = {
            "all": "",
            "number": " for this number",
            "agent": f" with {self.name}",
            "model": f" that speak with {self.name}, and it has no more sessions",
            "worker": " in the process that has the fewest",
        }
        return f"{self.calls} calls are going on{whose[self.kind]}"


class Places:
    """Those of all calls, by the carrier's id of the call."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Cap, ...]] = {}
        self._counts: Counter[tuple[Kind, str]] = Counter()

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._held

    def __len__(self) -> int:
        return len(self._held)

    def count(self, kind: Kind, name: str = "") -> int:
        """How many calls are part of a count."""
        return self._counts[kind, name]

    def take(self, call_id: str, caps: Iterable[Cap]) -> Full | None:
        """Take the places of a call, or say what is full; it holds none then. A call that asks again does not stand in
        its own way: it gives back what it held first."""
        self.release(call_id)
        caps = tuple(caps)
        for cap in caps:
            if cap.most is not None and (calls := self._counts[cap.kind, cap.name]) >= cap.most:
                return Full(cap.kind, cap.name, calls)
        self._held[call_id] = caps
        self._counts.update((cap.kind, cap.name) for cap in caps)
        return None

    def release(self, call_id: str) -> bool:
        """Give back what a call holds; whether it held any. Doing it twice is fine."""
        caps = self._held.pop(call_id, None)
        for cap in caps or ():
            key = cap.kind, cap.name
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]
        return caps is not None

    def of(self, kind: Kind, name: str) -> list[str]:
        """The calls that are part of a count."""
        return [call_id for call_id, caps in self._held.items() if any((c.kind, c.name) == (kind, name) for c in caps)]
