"""The record of a call, as it grows and when it is complete.

A call whose caller was sent on and comes back has several streams and one record: what a later stream adds stands
behind what is there, on the clock of the first.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Literal, TypeVar

import msgspec

from telephony.bridge.away import MOVED, Absent
from telephony.bridge.bridge import Bridge
from telephony.bridge.shelf import CassetteFile
from telephony.bridge.tape import Tape
from telephony.commands import EndCall, Sending
from telephony.conversation import phrases
from telephony.exchange import Exchange
from telephony.records import CallRecord, Finding, Moment, Termination, ToolUse, Turn
from telephony.settings import CallSettings, Prologue
from telephony.tools.context import CallContext

SAID = 6000
"""Characters of what was said before that the model is told, at most; the oldest are left out."""

_Timed = TypeVar("_Timed", Turn, ToolUse, Finding, Moment)


class Caller(msgspec.Struct, frozen=True):
    """What the webhook knew of a call."""

    call_id: str
    agent: str
    from_number: str
    to_number: str
    metadata: dict[str, str] = {}
    """What came with the call, for its tools."""
    direction: Literal["inbound", "outbound"] = "inbound"
    """Who called whom: an outbound call is *from* us *to* them."""


class Scribe:
    """Writes the record of one stream. *absent*: the call, if its caller has come back."""

    def __init__(self, caller: Caller, carrier: str, absent: Absent | None = None) -> None:
        now = datetime.now(UTC)
        self._before = msgspec.structs.replace(absent.record) if absent else None
        self.offset = 0.0
        """Seconds of the call before this stream."""
        self.part = 1
        """Which of the call's streams it is."""
        if absent:
            self.record = absent.record
            self.record.termination = None
            self.part = absent.parts + 1
            self.offset = (now - (absent.record.started_at or now)).total_seconds()
        else:
            self.record = CallRecord(
                id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
                carrier=carrier,
                carrier_call_id=caller.call_id,
                agent=caller.agent,
                from_number=caller.from_number,
                to_number=caller.to_number,
                direction=caller.direction,
                started_at=now,
            )

    @property
    def name(self) -> str:
        """What the stream's files are called."""
        return self.record.id if self.part == 1 else f"{self.record.id}-{self.part}"

    def has_recording(self, path: str) -> None:
        """There is a recording; its path stands in the record from the start, for a process that dies."""
        self.record.recording = self.record.recording or path

    def has_cassette(self, path: str) -> None:
        """The same of the cassette."""
        self.record.cassette = self.record.cassette or path

    def grow(self, exchange: Exchange, bridge: Bridge) -> None:
        """What is known of the call by now."""
        record, before = self.record, self._before
        record.duration = round(self.offset + bridge.duration, 3)
        exchange.fill(record, bridge.duration)
        if before:
            record.model = record.model or before.model
            record.turns = [*before.turns, *(_later(turn, self.offset) for turn in record.turns)]
            record.tools = [*before.tools, *(_later(use, self.offset) for use in record.tools)]
            names = {**before.usage, **record.usage}
            record.usage = {name: before.usage.get(name, 0) + record.usage.get(name, 0) for name in names}
            record.notes = [*before.notes, *record.notes]

    def as_it_stands(self, exchange: Exchange, bridge: Bridge) -> CallRecord:
        """The record with what is known by now, once the call is over with all there is."""
        if self.record.termination is None:
            self.grow(exchange, bridge)
        return self.record

    def complete(self, exchange: Exchange, bridge: Bridge, tape: Tape | None, cassette: CassetteFile | None) -> None:
        """Everything that the call leaves behind."""
        record = self.record
        ending = bridge.ending or EndCall("failed", "server", "the call was cancelled")
        self.going(exchange, bridge)
        record.termination = Termination(ending.result, ending.by, ending.reason)
        record.tools = [_over(use, record.duration) for use in record.tools]
        record.notes = [*record.notes, *bridge.errands.messages, *self._files(tape, cassette)]

    def moments(self, exchange: Exchange) -> list[Moment]:
        """What happened in this stream, on the clock of the call's first."""
        return [_later(moment, self.offset) for moment in exchange.moments]

    def absent(
        self,
        caller: Caller,
        bridge: Bridge,
        context: CallContext,
        sending: Sending | None = None,
        *,
        agreed: bool = True,
        hidden: dict[str, bool],
    ) -> Absent:
        """The call as whoever goes on with it must know it. *sending*: how the caller was sent on, if they were.
        *agreed*: whether to be recorded. *hidden*: what nobody may read."""
        state = bridge.exchange.conversation.state
        return Absent(
            self.record,
            bridge.agent,
            sending,
            caller.from_number,
            caller.to_number,
            self.part,
            context.state,
            state.tools.ran,
            context.metadata,
            state.meter.most,
            unrecorded=not agreed,
            hidden=dict(hidden),
        )

    def going(self, exchange: Exchange, bridge: Bridge) -> None:
        """What is known of the call by now, for a process that goes on with it."""
        self.grow(exchange, bridge)
        found = [_later(finding, self.offset) for finding in exchange.findings(bridge.duration)]
        self.record.findings = [*(self._before.findings if self._before else []), *found]

    def _files(self, tape: Tape | None, cassette: CassetteFile | None) -> list[str]:
        """What is to be said of the stream's files."""
        notes = []
        for what, file in (("recording", tape), ("cassette", cassette)):
            if file and file.failed:
                notes.append(f"The {what} stopped: {file.failed}")
                if self.part == 1 and not file.path.exists():
                    setattr(self.record, what, "")
            elif file and self.part > 1:
                notes.append(f"The {what} goes on in {file.path}")
        recorder = cassette.recorder if cassette and not cassette.failed else None
        if recorder and recorder.full_at is not None:
            notes.append(f"The cassette is full: it ends at {recorder.full_at:.1f} s (`cassettes.call_mb`)")
        return notes


def coming_back(settings: CallSettings, absent: Absent, seconds: float) -> CallSettings:
    """The agent's settings for a call that comes back to it, *seconds* after it began."""
    turns = [turn for turn in absent.record.turns if turn.heard]
    said = "\n".join(f"{turn.speaker}: {turn.heard}" for turn in turns)[-SAID:]
    if absent.sending:
        news, speaks = phrases.come_back(absent.sending.name or "the number", absent.back), True
    else:
        news, speaks = (phrases.MOVED, False) if absent.back == MOVED else (phrases.BROKEN_OFF, True)
    elsewhere = max(0.0, seconds - absent.record.duration)
    cost = absent.record.cost + settings.tariffs.carrier_minute / 60 * elsewhere
    before = Prologue(said, news, absent.functions, seconds, cost, speaks)
    limits = settings.limits.model_copy(update={"max_cost": absent.max_cost})
    return msgspec.structs.replace(settings, prologue=before, limits=limits, speaks_first=speaks, greeting=None)


def context_of(caller: Caller, absent: Absent | None) -> CallContext:
    """What the tools of a stream know; for a caller who is back they find what they kept before."""
    state, metadata = (absent.state, absent.metadata) if absent else ({}, {})
    return CallContext(
        caller.call_id,
        caller.from_number,
        caller.to_number,
        caller.agent,
        metadata | caller.metadata,
        state,
        caller.direction,
    )


def _later(value: _Timed, seconds: float) -> _Timed:
    """The same on the clock of the call's first stream."""
    times = {
        name: round(at + seconds, 6)
        for name in value.__struct_fields__
        if (name == "at" or name.endswith("_at")) and (at := getattr(value, name)) is not None
    }
    return msgspec.structs.replace(value, **times)


def _over(use: ToolUse, at: float) -> ToolUse:
    """A call that was cut short leaves tools that nobody has said the end of."""
    return use if use.outcome != "running" else msgspec.structs.replace(use, outcome="cancelled", finished_at=at)
