"""The live calls of this process, for whoever watches or steps in: what they look like, who listens, what is asked.

An operator's wishes are the events that tools use, so they are heard, bounded and recorded in the same way. A listener
has a queue of its own; one that does not keep up loses the oldest and is told how many, and no call ever waits for it.
What was said is told as it stands: from a position on, everything known there replaces what was known before.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections import deque
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec

from telephony.bridge.bridge import Bridge
from telephony.commands import Note
from telephony.conversation.state import TALKING
from telephony.events import Event, HangUpWanted, SpeechWanted, TransferWanted
from telephony.records import CallRecord, Termination, ToolUse, Turn
from telephony.tools.context import Transferred

QUEUE = 256
"""Happenings that wait for a listener."""
LISTENERS = 100
"""At once, in one process."""
LOOK = 0.5
"""Seconds between looks at what was said, while somebody listens."""

_Part = TypeVar("_Part", Turn, ToolUse)


class NotLive(Exception):
    """No live call has that id."""


class NotTalking(Exception):
    """The agent does not speak with the caller yet, or takes leave already."""


class TooManyListeners(Exception):
    """There is no room for another."""


class LiveCall(msgspec.Struct, frozen=True, rename={"from_number": "from", "to_number": "to"}):
    """A call as it stands."""

    id: str
    carrier_call_id: str
    agent: str
    """Who speaks with the caller now."""
    from_number: str
    to_number: str
    direction: Literal["inbound", "outbound"]
    started_at: datetime | None
    """UTC."""
    duration: float
    """Seconds so far."""
    model: str
    turns: list[Turn]
    tools: list[ToolUse]


class CallSeen(msgspec.Struct, frozen=True, tag="call", tag_field="event"):
    """A call begins; and to a new listener, each call that goes on already."""

    call: LiveCall


class TurnsTold(msgspec.Struct, frozen=True, tag="turns", tag_field="event"):
    """These are the turns from a position on, in place of what was there."""

    id: str
    carrier_call_id: str
    position: int
    turns: list[Turn]


class ToolsTold(msgspec.Struct, frozen=True, tag="tools", tag_field="event"):
    """The same of function calls."""

    id: str
    carrier_call_id: str
    position: int
    tools: list[ToolUse]


class Noted(msgspec.Struct, frozen=True, tag="note", tag_field="event"):
    """A line of the call's log."""

    id: str
    carrier_call_id: str
    at: float
    """Seconds since the call began."""
    level: str
    text: str
    fields: dict[str, Any]


class CallOver(msgspec.Struct, frozen=True, tag="ended", tag_field="event"):
    """The call is over, or its caller was sent on."""

    id: str
    carrier_call_id: str
    duration: float
    """Seconds."""
    termination: Termination | None


class Lost(msgspec.Struct, frozen=True, tag="lost", tag_field="event"):
    """The listener did not keep up."""

    count: int
    """Happenings that were dropped before the next."""


Happening = CallSeen | TurnsTold | ToolsTold | Noted | CallOver | Lost


class Listener:
    """Whoever listens to one call, or to all of them."""

    def __init__(self, call_id: str, queue: int) -> None:
        self.call_id = call_id
        """The carrier's; empty for all calls."""
        self.closed = False
        """Whether nothing more will come."""
        self._waiting: deque[Happening] = deque(maxlen=queue)
        self._lost = 0
        self._told = asyncio.Event()
        self._read = asyncio.Event()

    async def room(self) -> None:
        """Wait until something can be told without anything being dropped for it, or nothing more will be read."""
        while len(self._waiting) == self._waiting.maxlen and not self.closed:
            self._read.clear()
            await self._read.wait()

    def tell(self, happening: Happening) -> None:
        """Something happened. Where the queue is full the oldest is dropped."""
        self._lost += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(happening)
        self._told.set()

    def close(self) -> None:
        """The call is over, or the process ends."""
        self.closed = True
        self._told.set()
        self._read.set()

    async def next(self, patience: float) -> Happening | None:
        """What happened next; None if nothing does within *patience* seconds, or will any more (see `closed`)."""
        if not self._waiting and not self.closed:
            self._told.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._told.wait()
        self._read.set()
        if self._lost:
            lost, self._lost = Lost(self._lost), 0
            return lost
        return self._waiting.popleft() if self._waiting else None


class _Line:
    """A live call."""

    def __init__(self, bridge: Bridge, record_id: str, look: Callable[[], CallRecord]) -> None:
        self.bridge = bridge
        self.id = record_id
        self.look = look
        """The record as it stands."""
        self.turns: list[Turn] = []
        self.tools: list[ToolUse] = []
        """What all listeners were told."""

    def as_it_stands(self) -> LiveCall:
        record = self.look()
        own = {name: getattr(record, name) for name in LiveCall.__struct_fields__ if hasattr(record, name)}
        parts = {"turns": _copies(record.turns), "tools": _copies(record.tools)}
        return LiveCall(**{**own, **parts, "agent": self.bridge.agent})


class Switchboard:
    """Where live calls can be found, listened to and acted upon; the only way in for people and programs outside.

    Every method takes our id of a call or the carrier's.
    """

    def __init__(self, queue: int = QUEUE) -> None:
        self._queue = queue
        self._lines: dict[str, _Line] = {}
        self._listeners: set[Listener] = set()
        self._wanted = asyncio.Event()
        """Set while somebody listens."""

    # -- for whoever watches -----------------------------------------------------------------------------------------

    async def calls(self) -> list[LiveCall]:
        """All of them, oldest first."""
        return [line.as_it_stands() for line in self._lines.values()]

    async def get(self, call: str) -> LiveCall:
        """One of them. Raises `NotLive`."""
        return self._line(call).as_it_stands()

    @contextlib.asynccontextmanager
    async def listen(self, call: str = "") -> AsyncIterator[Listener]:
        """Hear what happens in a *call*, or in all calls, from how they stand now. Raises `NotLive` or
        `TooManyListeners`."""
        lines = [self._line(call)] if call else list(self._lines.values())
        if len(self._listeners) >= LISTENERS:
            raise TooManyListeners
        seen = [CallSeen(line.as_it_stands()) for line in lines]
        listener = Listener(seen[0].call.carrier_call_id if call else "", self._queue + len(seen))
        for happening in seen:
            listener.tell(happening)
        self._listeners.add(listener)
        self._wanted.set()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._wanted.clear()

    # -- for whoever steps in ----------------------------------------------------------------------------------------

    async def hang_up(self, call: str, reason: str) -> None:
        """End a call once what is being said was heard; nothing that the caller says keeps the line. Raises
        `NotLive`."""
        self._line(call).bridge.feed(HangUpWanted(reason, operator=True))

    async def say(self, call: str, text: str, *, interruptible: bool = True, verbatim: bool = True) -> None:
        """Have *text* said as soon as the agent can: word for word, or as the model words it. Raises `NotLive` or
        `NotTalking`."""
        self._talking(call).feed(SpeechWanted(text, interruptible, verbatim))

    async def transfer(self, call: str, target: str, briefing: str = "") -> Transferred:
        """See `CallContext.transfer`; what the caller says does not stop it. Raises `NotLive` or `NotTalking`, or
        `ToolError` for a briefing that is too long."""
        bridge = self._talking(call)
        return await dataclasses.replace(bridge.context, control=_Operator(bridge)).transfer(target, briefing)

    # -- for the calls themselves ------------------------------------------------------------------------------------

    def begin(self, bridge: Bridge, record_id: str, look: Callable[[], CallRecord]) -> None:
        """A call begins; *look* gives its record as it stands."""
        line = self._lines[bridge.context.call_id] = _Line(bridge, record_id, look)
        for listener in self._listeners:
            if not listener.call_id:
                listener.tell(CallSeen(line.as_it_stands()))

    def note(self, call_id: str, at: float, note: Note) -> None:
        """Something worth a log line, *at* so many seconds of the call."""
        if self._listeners and (line := self._lines.get(call_id)):
            self._tell(call_id, Noted(line.id, call_id, round(at, 3), note.level, note.event, note.fields))

    async def run(self, call_id: str) -> None:
        """Tell what is said in a call while somebody listens. Until cancelled."""
        while True:
            await self._wanted.wait()
            self._tell_news(call_id)
            await asyncio.sleep(LOOK)

    def end(self, call_id: str, record: CallRecord) -> None:
        """A call is over; *record* is complete."""
        self._tell_news(call_id)
        del self._lines[call_id]
        self._tell(call_id, CallOver(record.id, call_id, record.duration, record.termination))
        for listener in self._listeners:
            if listener.call_id == call_id:
                listener.close()

    def close(self) -> None:
        """The process ends: nobody hears anything more."""
        for listener in self._listeners:
            listener.close()

    # -- below -------------------------------------------------------------------------------------------------------

    def _line(self, call: str) -> _Line:
        if line := self._lines.get(call):
            return line
        for line in self._lines.values():
            if line.id == call:
                return line
        raise NotLive

    def _talking(self, call: str) -> Bridge:
        bridge = self._line(call).bridge
        if bridge.exchange.conversation.state.phase is not TALKING:
            raise NotTalking
        return bridge

    def _hears(self, listener: Listener, call_id: str) -> bool:
        return listener.call_id in ("", call_id)

    def _tell(self, call_id: str, happening: Happening) -> None:
        for listener in self._listeners:
            if self._hears(listener, call_id):
                listener.tell(happening)

    def _tell_news(self, call_id: str) -> None:
        if not any(self._hears(listener, call_id) for listener in self._listeners):
            return
        line = self._lines[call_id]
        record = line.look()
        if (position := _difference(line.turns, record.turns)) is not None:
            line.turns = _copies(record.turns)
            self._tell(call_id, TurnsTold(record.id, call_id, position, line.turns[position:]))
        if (position := _difference(line.tools, record.tools)) is not None:
            line.tools = _copies(record.tools)
            self._tell(call_id, ToolsTold(record.id, call_id, position, line.tools[position:]))


class _Operator:
    """Acts on a call in an operator's name, as `CallControl` has it."""

    function = ""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self.desk = bridge.desk
        self.colleague = bridge.colleague
        self.errand = bridge.errand

    @property
    def agent(self) -> str:
        return self._bridge.agent

    def feed(self, event: Event) -> None:
        if isinstance(event, TransferWanted):
            event = msgspec.structs.replace(event, operator=True)
        self._bridge.feed(event)


def _copies(parts: list[_Part]) -> list[_Part]:
    return [msgspec.structs.replace(part) for part in parts]


def _difference(before: list[_Part], now: list[_Part]) -> int | None:
    """From where on they differ; None if they do not."""
    for position, (old, new) in enumerate(zip(before, now, strict=False)):
        if old != new:
            return position
    return None if len(before) == len(now) else min(len(before), len(now))
