"""A virtual clock: joins simulated parties by simulated wires and lets time pass as fast as the machine computes.

    clock = Clockwork()
    caller = clock.add("caller", simulated_caller)                      # one port
    carrier, model = clock.station("bridge", bridge, "carrier", "model")   # several ports
    clock.wire(caller, carrier, latency=0.030)
    clock.wire(model, clock.add("model", simulated_model), latency=0.080)
    clock.send(caller, simulated_caller.open(clock.now, {}))
    clock.run(until=60)

Events happen in the order of their time, and at the same time in the order in which they were caused, so a run is the
same every time. A party is ticked when its `deadline()` has come, and never before. Time is seconds from *start*.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

from telephony.sim.chance import Chance

Message = Any
"""Whatever the parties speak to each other; the clock never looks into it."""

MOST_AT_ONCE = 100_000
"""Events without any time passing. Beyond it, two parties answer each other for ever, or one never stops its timer."""


class Party(Protocol):
    """Somebody with one wire: what it returns goes out on that wire."""

    def deadline(self) -> float | None: ...

    def tick(self, now: float) -> Iterable[Message]: ...

    def receive(self, message: Message, now: float) -> Iterable[Message]: ...


class Station(Protocol):
    """Somebody with several wires: messages come with the name of a port and are returned with one."""

    def deadline(self) -> float | None: ...

    def tick(self, now: float) -> Iterable[tuple[str, Message]]: ...

    def receive(self, port: str, message: Message, now: float) -> Iterable[tuple[str, Message]]: ...


class Port(msgspec.Struct, frozen=True):
    """Where a wire is plugged in."""

    station: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.station}.{self.name}" if self.name else self.station


class Closed(msgspec.Struct, frozen=True):
    """The far end closed the wire: a message like any other, for parties that care to send and to read it."""

    code: int = 1000
    reason: str = ""


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to messages on their way in one direction."""

    latency: float = 0.0
    """Seconds."""
    jitter: float = 0.0
    """Up to so many seconds more, by chance."""
    loss: float = 0.0
    """Probability that a message is lost."""
    doubled: float = 0.0
    """Probability that it comes twice."""
    ordered: bool = True
    """Whether messages keep their order, as on one TCP connection."""
    seed: int = 0


PERFECT = Wire()
"""Messages arrive at once, in order, all of them."""


class _Delivery(msgspec.Struct, order=True):
    """Something that will happen. Heaps compare the first two fields only, since *order* is unique."""

    due: float
    order: int
    happen: Callable[[float], None]


class _Direction:
    """One direction of a wire, with its state."""

    def __init__(self, wire: Wire, to: Port, origin: Port) -> None:
        self.wire = wire
        self.to = to
        self.cut = False
        self._reliable = not (wire.jitter or wire.loss or wire.doubled)
        self._chance = Chance(wire.seed, f"{origin}>{to}")
        self._latest = 0.0

    def arrivals(self, now: float) -> list[float]:
        """When a message sent now arrives: not at all, once, or twice."""
        wire, chance = self.wire, self._chance
        if self._reliable:
            return [] if self.cut else [now + wire.latency]
        delay, lost, doubled = chance.up_to(wire.jitter), chance.happens(wire.loss), chance.happens(wire.doubled)
        if lost or self.cut:
            return []
        due = now + wire.latency + delay
        if wire.ordered:
            self._latest = due = max(due, self._latest)
        return [due, due] if doubled else [due]


class Clockwork:
    """The clock and what hangs on it."""

    def __init__(self, start: float = 0.0) -> None:
        self.now = start
        self.delivered = 0
        """Messages that have arrived."""
        self._stations: dict[str, Station] = {}
        self._wires: dict[Port, _Direction] = {}
        self._listeners: list[Callable[[float, Port, Port, Message], None]] = []
        self._events: list[_Delivery] = []
        self._order = 0

    # -- building --------------------------------------------------------------------------------------------------

    def add(self, name: str, party: Party, *, closed: Callable[[float], Iterable[Message]] | None = None) -> Port:
        """Add somebody with one wire; *closed* is called instead of `receive` when a `Closed` arrives."""
        self._enter(name, _Single(party, closed))
        return Port(name)

    def station(self, name: str, station: Station, *ports: str) -> tuple[Port, ...]:
        """Add somebody with several wires and name its ports."""
        self._enter(name, station)
        return tuple(Port(name, port) for port in ports)

    def wire(
        self,
        one: Port,
        other: Port,
        *,
        latency: float | None = None,
        there: Wire = PERFECT,
        back: Wire = PERFECT,
    ) -> None:
        """Join two ports. *latency* is short for the same delay both ways; *there* is from *one* to *other*."""
        if latency is not None:
            there = msgspec.structs.replace(there, latency=latency)
            back = msgspec.structs.replace(back, latency=latency)
        for origin, to, wire in ((one, other, there), (other, one, back)):
            if origin.station not in self._stations:
                raise ValueError(f"{origin} is not on this clock; add() it first")
            if origin in self._wires:
                raise ValueError(f"{origin} has a wire already; a port takes one")
            self._wires[origin] = _Direction(wire, to, origin)

    def listen(self, listener: Callable[[float, Port, Port, Message], None]) -> None:
        """Call *listener* with time, origin, destination and message of everything that arrives."""
        self._listeners.append(listener)

    # -- making things happen --------------------------------------------------------------------------------------

    def send(self, origin: Port, messages: Iterable[Message]) -> None:
        """Put messages on the wire that is plugged into *origin*, now. Without a wire they are lost."""
        direction = self._wires.get(origin)
        if direction is None:
            return
        for message in messages:
            for due in direction.arrivals(self.now):
                self._schedule(due, self._delivery(origin, direction, message))

    def at(self, time: float, action: Callable[[float], Iterable[Message]], origin: Port | None = None) -> None:
        """Call *action* at *time*; what it returns is sent from *origin*: somebody hangs up, an operator intervenes."""

        def happen(now: float) -> None:
            messages = action(now)
            if origin is not None:
                self.send(origin, messages)

        self._schedule(max(time, self.now), happen)

    def cut(self, port: Port) -> None:
        """Cut the wire at *port*, both ways, and tell nobody: what is sent or would arrive before `mend` is lost."""
        there = self._wires[port]
        there.cut = self._wires[there.to].cut = True

    def mend(self, port: Port) -> None:
        """Undo `cut`."""
        there = self._wires[port]
        there.cut = self._wires[there.to].cut = False

    # -- letting time pass -----------------------------------------------------------------------------------------

    def run(self, until: float, *, when: Callable[[], bool] | None = None) -> float:
        """Let time pass until *until*, until *when* holds, or until nothing would ever happen again, and return the
        time. When nothing is left to happen, time stands still at the last event."""
        at_once = 0
        while when is None or not when():
            due = self._next()
            if due is None or due > until:
                self.now = max(self.now, until) if due is not None else self.now
                break
            at_once = at_once + 1 if due <= self.now else 0
            if at_once > MOST_AT_ONCE:
                raise RuntimeError(f"time stands still at {self.now}: {self._culprit()} never comes to rest")
            self.now = max(self.now, due)
            self._happen()
        return self.now

    def _next(self) -> float | None:
        times = [station.deadline() for station in self._stations.values()]
        known = [time for time in times if time is not None]
        if self._events:
            known.append(self._events[0].due)
        return min(known, default=None)

    def _happen(self) -> None:
        """One event that is due: a delivery first, since it was caused earlier than a timer that ends now."""
        if self._events and self._events[0].due <= self.now:
            heapq.heappop(self._events).happen(self.now)
            return
        for name, station in self._stations.items():
            deadline = station.deadline()
            if deadline is not None and deadline <= self.now:
                self._emit(name, station.tick(self.now))
                return

    def _emit(self, name: str, messages: Iterable[tuple[str, Message]]) -> None:
        for port, message in messages:
            self.send(Port(name, port), [message])

    def _delivery(self, origin: Port, direction: _Direction, message: Message) -> Callable[[float], None]:
        def happen(now: float) -> None:
            if direction.cut:
                return
            self.delivered += 1
            for listener in self._listeners:
                listener(now, origin, direction.to, message)
            station = self._stations[direction.to.station]
            self._emit(direction.to.station, station.receive(direction.to.name, message, now))

        return happen

    def _schedule(self, due: float, happen: Callable[[float], None]) -> None:
        self._order += 1
        heapq.heappush(self._events, _Delivery(due, self._order, happen))

    def _enter(self, name: str, station: Station) -> None:
        if name in self._stations:
            raise ValueError(f"there is already somebody called {name!r} on this clock")
        self._stations[name] = station

    def _culprit(self) -> str:
        for name, station in self._stations.items():
            deadline = station.deadline()
            if deadline is not None and deadline <= self.now:
                return f"the timer of {name!r}"
        return "an exchange of messages without latency"


class _Single:
    """A party with one wire, as a station with one nameless port."""

    def __init__(self, party: Party, closed: Callable[[float], Iterable[Message]] | None) -> None:
        self._party = party
        self._closed = closed

    def deadline(self) -> float | None:
        return self._party.deadline()

    def tick(self, now: float) -> list[tuple[str, Message]]:
        return [("", message) for message in self._party.tick(now)]

    def receive(self, port: str, message: Message, now: float) -> list[tuple[str, Message]]:
        if isinstance(message, Closed) and self._closed is not None:
            return [("", answer) for answer in self._closed(now)]
        return [("", answer) for answer in self._party.receive(message, now)]
