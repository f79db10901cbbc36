"""Whose call it is, and who holds a place: the memory that the workers of one parent share. No sockets in here."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from telephony.agents.places import Cap, Full, Places
from telephony.server.sharing import uncapped

REMEMBERED = 50_000
"""Calls whose owner is remembered; then the one that was asked for longest ago is forgotten."""
TAKING = 3.0
"""Seconds after it was given away in which a call may take its place; it counts as if it had."""
SILENT = 3.0
"""Seconds without a report after which a worker gets no new calls while there are others."""


@dataclass(slots=True)
class Worker:
    """One that answers calls."""

    heard_at: float
    lag: float = 0.0
    given: deque[tuple[float, str]] = field(default_factory=deque)
    """Calls that it was given lately, and when."""
    turn: int = 0
    """When it was last given one, in calls given away."""


class Registrar:
    """Times are seconds of one monotonic clock. *shed*: the lag, in seconds, above which a worker is passed over."""

    def __init__(self, shed: float) -> None:
        self.places = Places()
        self.workers: dict[str, Worker] = {}
        self._shed = shed
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._given = 0

    # -- workers -----------------------------------------------------------------------------------------------------

    def join(self, name: str, now: float) -> None:
        """A worker answers calls from now on."""
        self.workers[name] = Worker(now)

    def leave(self, name: str) -> int:
        """A worker is gone; how many calls it carried. Its places are free."""
        self.workers.pop(name, None)
        lost = self.places.of("worker", name)
        for call_id in lost:
            self.places.release(call_id)
        return len(lost)

    def report(self, name: str, lag: float, now: float) -> None:
        """A worker says how it is."""
        if worker := self.workers.get(name):
            worker.lag, worker.heard_at = lag, now

    # -- owners ------------------------------------------------------------------------------------------------------

    def known(self, call_id: str) -> str:
        """The owner of a call, if it has one that lives; empty otherwise."""
        owner = self._owners.get(call_id, "")
        if owner not in self.workers:
            return ""
        self._owners.move_to_end(call_id)
        return owner

    def assign(self, call_id: str, now: float, asker: str = "") -> str:
        """The owner of a call; one that has none gets the worker with the fewest calls. Among equals they take turns,
        so that calls that come all at once are spread, too. Empty if there is no worker. *asker* is taken if it is no
        worse than the others, which saves a way."""
        if owner := self.known(call_id):
            return owner
        if not self.workers:
            return ""

        def burden(name: str) -> tuple[bool, int, int, bool]:
            worker = self.workers[name]
            busy = worker.lag > self._shed or now - worker.heard_at > SILENT
            return busy, self._calls(name, now), worker.turn, name != asker

        name = min(self.workers, key=burden)
        self._given += 1
        self.workers[name].turn = self._given
        self.workers[name].given.append((now, call_id))
        self.adopt(call_id, name)
        return name

    def _calls(self, name: str, now: float) -> int:
        """How many calls a worker has, with those that are about to take their places."""
        given = self.workers[name].given
        while given and given[0][0] < now - TAKING:
            given.popleft()
        return self.places.count("worker", name) + sum(call_id not in self.places for _, call_id in given)

    def adopt(self, call_id: str, name: str) -> None:
        """A call is *name*'s from now on."""
        self._owners[call_id] = name
        self._owners.move_to_end(call_id)
        while len(self._owners) > REMEMBERED:
            self._owners.popitem(last=False)

    def disown(self, call_id: str) -> None:
        """A call is nobody's of ours any more."""
        self._owners.pop(call_id, None)

    # -- places ------------------------------------------------------------------------------------------------------

    def take(self, call_id: str, caps: Iterable[Cap]) -> Full | None:
        """See `Places.take`."""
        return self.places.take(call_id, caps)

    def hold(self, call_id: str, caps: Iterable[Cap], name: str) -> None:
        """A call goes on at *name*, which is its owner if it has no other."""
        if not self.known(call_id):
            self.adopt(call_id, name)
        if call_id not in self.places:
            self.places.take(call_id, uncapped(caps))
