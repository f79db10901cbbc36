"""The calls of this process: each from its stream's first message to its one terminal record."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.bridge.archive import Archive, MakeShelf
from telephony.bridge.away import Absent, Away, sent_on
from telephony.bridge.bridge import Bridge, ConnectModel, Crew, ModelSession
from telephony.bridge.callfile import CallFile
from telephony.bridge.journal import Journal
from telephony.bridge.moves import Moves
from telephony.bridge.plan import Plan
from telephony.bridge.ringing import Ringing
from telephony.bridge.scribe import Caller, Scribe, coming_back, context_of
from telephony.bridge.switchboard import Switchboard
from telephony.bridge.visits import Fetch, Visits
from telephony.carriers.base import Carrier, StatusUpdate
from telephony.commands import HangUp, Note
from telephony.encryption.keys import Key
from telephony.errors import UpstreamError
from telephony.events import CallEnded, CallStarted, ServerStopping
from telephony.exchange import Exchange
from telephony.links.link import Link
from telephony.records import CallRecord, Moment
from telephony.settings import Tariffs
from telephony.tools.context import CallContext
from telephony.tools.hidden import current
from telephony.tools.permits import Desk

CUT_OFF = 10.0
"""Seconds for calls that were cut off to stop their tools, close their files and be recorded."""

STREAM_OVER = 5.0
"""Seconds a stream may take to be done with after the carrier has ended it; Twilio waits fifteen for an answer."""
PAST = 10_000
"""Calls that are over and remembered: the carrier asks within a second how they ended, and whoever has recorded a
webhook may replay it later."""
JOURNAL = 5.0
"""Seconds between looks at whether there is something new to keep of a running call."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.calls")


class Keeper(Protocol):
    """Keeps records, whatever happens to the database."""

    async def begin(self, record: CallRecord) -> object:
        """The call exists."""

    async def save(self, record: CallRecord) -> object:
        """What was said so far."""

    async def finish(self, record: CallRecord) -> object:
        """The call is over; the record is terminal. Bounded; never raises for the store's sake."""


Watcher = Callable[[str, float, Note], None]
"""Told of every note of every call: the carrier's call id, seconds since the call began, the note."""


class Calls:
    """Live calls by the carrier's id, and what they share."""

    def __init__(
        self,
        keeper: Keeper,
        recordings: Path,
        hang_up: Callable[[HangUp], Awaitable[None]],
        watcher: Watcher | None = None,
        shelf: MakeShelf | None = None,
        desk: Desk | None = None,
        crew: Crew | None = None,
        fetch: Fetch | None = None,
        tariffs: Tariffs | None = None,
        journal: Journal | None = None,
        key: Key | None = None,
    ) -> None:
        """*shelf* makes the place of the cassettes, which are written by the threads that write the recordings. *desk*
        says whom the tools of calls may reach, and *crew* who the other agents are. *fetch* fetches what callers say
        after the tone. *journal* is for calls that may go on in other processes. *key* encrypts what is recorded."""
        self.live: dict[str, Bridge] = {}
        self.switchboard = Switchboard()
        self.draining = False
        self.on_record: Callable[[CallRecord], None] | None = None
        """Told of every call that is over, with its complete record."""
        self.on_gone: Callable[[str], None] = lambda call_id: None
        """Told of every call that no agent carries any more."""
        self.on_moments: Callable[[CallRecord, list[Moment]], None] | None = None
        """Told of every stream that is over, before its record is kept: what happened in it."""
        self.past: OrderedDict[str, bool] = OrderedDict()
        """Calls that are over, by the carrier's id, and whether the caller knows. One that comes again is a replay."""
        self.away = Away(self._keep)
        """Calls whose caller was sent on."""
        over = partial(self._remember, took_leave=True)
        self.visits = Visits(keeper.begin, self._keep, over, recordings, fetch, tariffs)
        """Calls that no agent speaks in."""
        self._ringing = Ringing(_let_go)
        self._keeper = keeper
        self._hang_up = hang_up
        self._watcher, self._desk, self._crew = watcher, desk, crew
        self._archive = Archive(recordings, shelf, key)
        self._over: dict[str, asyncio.Event] = {}
        """Set when a live call's stream is done with and its record put away."""
        self.moves = Moves(journal or Journal(), self)
        """Calls that go on in other processes, or come from there."""
        self._leaving = False
        self._unkept = 0
        """Calls that are live or whose record is not kept yet."""
        self._idle = asyncio.Event()
        self._idle.set()

    def expect(self, call_id: str, plan: Plan) -> None:
        """A call was told to open its media stream: reach the model meanwhile."""
        if call_id not in self.live and not self.draining:
            with structlog.contextvars.bound_contextvars(call_id=call_id):
                self._ringing.expect(call_id, plan.connect_model)

    async def reached(self, call_id: str, seconds: float) -> None:
        """Wait until the model of a call that was expected has been reached, or has not; at most so many *seconds*."""
        await self._ringing.settled(call_id, seconds)

    async def carry(
        self,
        caller: Caller,
        plan: Plan,
        started: CallStarted,
        carrier: Carrier,
        link: Link,
        opening: Iterable[str | bytes] = (),
    ) -> CallRecord:
        """Carry one call to its end and keep its record. *opening*: the carrier's messages up to the one that said that
        the stream has *started*, without secrets.

        The caller of this makes sure that `live` has no call of the same id: one phone call has one stream.
        Cancelling it ends the call as the server's doing; the record is written all the same.
        """
        absent = self.away.returned(caller.call_id)
        scribe = Scribe(caller, carrier.traits.name, absent)
        settings = coming_back(plan.settings, absent, scribe.offset) if absent else plan.settings
        tape = self._archive.tape(scribe, started) if plan.record else None
        cassette, exchange = self._archive.exchange(scribe, plan, settings, started, carrier, tape, opening)
        context = context_of(caller, absent)
        bridge = Bridge(
            exchange,
            link,
            self._claiming(caller.call_id, plan.connect_model),
            self._hang_up,
            plan.tools,
            context,
            partial(self._observe, caller.call_id),
            partial(self._archive.message, scribe, started),
            self._desk,
            self._crew,
        )
        if self._leaving:
            bridge.feed(ServerStopping())
        if plan.can_move:
            self.moves.allow(caller, scribe, bridge, agreed=plan.agreed)
        self.live[caller.call_id] = bridge
        self.visits.connected(caller.call_id)
        self.switchboard.begin(bridge, scribe.record.id, lambda: scribe.as_it_stands(exchange, bridge))
        over = self._over[caller.call_id] = asyncio.Event()
        self._unkept += 1
        self._idle.clear()
        try:
            await self._run(scribe, exchange, bridge, [file for file in (tape, cassette) if file])
        finally:
            self._not_live(caller.call_id, bridge)
            try:
                scribe.complete(exchange, bridge, tape, cassette)
                scribe.record.notes += plan.notes
                await self._put_away(caller, scribe, bridge, context)
            finally:
                self.switchboard.end(caller.call_id, scribe.record)
                over.set()
                del self._over[caller.call_id]
                self._unkept -= 1
                if not self._unkept:
                    self._idle.set()
        return scribe.record

    def _not_live(self, call_id: str, bridge: Bridge) -> None:
        """The stream is over."""
        del self.live[call_id]
        self.on_gone(call_id)
        self._ringing.forget(call_id)
        if not bridge.moved:
            self._remember(call_id, bridge.took_leave)

    async def _put_away(self, caller: Caller, scribe: Scribe, bridge: Bridge, context: CallContext) -> None:
        """Keep the record, as that of a call that is over, or of one whose caller may come back to the agent who sent
        them, and to what its tools kept in *context*."""
        if self.on_moments:
            self.on_moments(scribe.record, scribe.moments(bridge.exchange))
        sending = sent_on(bridge.sent_on)
        self._release(caller.call_id, sending.room if sending else "")
        if bridge.moved:
            return  # another process keeps it
        if sending and not self._leaving:
            self.away.hold(caller.call_id, scribe.absent(caller, bridge, context, sending, hidden=current()))
            await self._keeper.save(msgspec.structs.replace(scribe.record, termination=None))
        else:
            await self._keep(scribe.record)

    def _release(self, call_id: str, but: str = "") -> None:
        if self._desk:
            self._desk.release(call_id, but)

    async def _keep(self, record: CallRecord) -> None:
        """A call is over."""
        await self._keeper.finish(record)
        await self.moves.over(record.carrier_call_id)
        if self.on_record:
            self.on_record(record)

    async def _run(self, scribe: Scribe, exchange: Exchange, bridge: Bridge, files: list[CallFile]) -> None:
        """The call; beside it its files, and its record as it grows, for which nobody who speaks waits."""
        async with asyncio.TaskGroup() as group:
            name = scribe.name
            beside = [group.create_task(self._grow(scribe, exchange, bridge), name=f"{name} record")]
            beside += [group.create_task(self.switchboard.run(bridge.context.call_id), name=f"{name} listeners")]
            beside += [group.create_task(file.run(bridge), name=f"{name} {file.path.suffix}") for file in files]
            try:
                await bridge.run()
            finally:
                await asyncio.gather(*(file.close(bridge.duration) for file in files))
                for task in beside:
                    task.cancel()

    async def _grow(self, scribe: Scribe, exchange: Exchange, bridge: Bridge) -> None:
        """Keep what was said so far, so that a call's words outlive a process that is killed. Until cancelled."""
        record = scribe.record
        if scribe.part == 1:
            await self._keeper.begin(record)
        kept = 0
        while True:
            await asyncio.sleep(JOURNAL)
            scribe.grow(exchange, bridge)
            if not bridge.moving and len(record.turns) + len(record.tools) > kept:
                kept = len(record.turns) + len(record.tools)
                await self._keeper.save(record)
                if bridge.keep:
                    await bridge.keep()

    def update(self, status: StatusUpdate) -> None:
        """A status callback. Only a terminal one says anything we do not know; late and repeated ones say nothing."""
        bridge = self.live.get(status.call_id)
        if status.terminal:
            self._ringing.forget(status.call_id)
            self.visits.hung_up(status.call_id)
            self._release(status.call_id)
            self.away.hung_up(status.call_id)
        if bridge is not None and status.terminal:
            reason = "caller hung up" if status.status == "completed" else f"carrier says {status.status}"
            bridge.feed(CallEnded("caller", reason))

    async def left(self, call_id: str) -> None:
        """The caller has hung up, and no stream of the call has come here: its record ends if it was left to us."""
        if record := await self.moves.left(call_id):
            await self._keep(record)

    @property
    def writes_waiting(self) -> int:
        """Pieces of recordings and cassettes that no thread has written yet."""
        return self._archive.waiting

    async def stream_over(self, call_id: str) -> None:
        """Wait until a call's stream is done with, if it has one: the carrier may know what became of a caller who was
        sent on before we have closed what is behind them. Bounded."""
        if over := self._over.get(call_id):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STREAM_OVER):
                    await over.wait()

    def expect_back(self, call_id: str, outcome: str, seconds: float) -> Absent | None:
        """See `Away.expect`; until the caller is back, nothing has told them that the call is over."""
        absent = self.away.expect(call_id, outcome, seconds)
        if absent:
            self._remember(call_id, False)
        return absent

    def took_leave(self, call_id: str) -> bool:
        """Whether the caller of a call whose stream has ended knows that it is over. False for a call of which nothing
        is known: its stream was refused, or the process that carried it has died."""
        bridge = self.live.get(call_id)
        return self.past.get(call_id, False) if bridge is None else bridge.took_leave

    def _remember(self, call_id: str, took_leave: bool) -> None:
        self.past[call_id] = took_leave
        while len(self.past) > PAST:
            self.past.popitem(last=False)

    async def idle(self) -> None:
        """Wait until no call is live and every record is kept. Bounded by whoever waits."""
        await self._idle.wait()

    async def drain(self, patience: float, goodbye: float) -> None:
        """Take no more calls and wait for the running ones: *patience* seconds for them to end by themselves, then
        *goodbye* seconds more, in which the agents say that they have to go. What then still runs is cut off."""
        self.draining = True
        emptied = await self._emptied(patience)
        self._leaving = True  # a stream whose webhook was answered before may still come
        await self.away.close()
        if emptied:
            return
        for bridge in list(self.live.values()):
            bridge.feed(ServerStopping())
        if not await self._emptied(goodbye):
            _log.warning("calls did not end in time", calls=sorted(self.live))
            await self.cut_off()

    async def cut_off(self) -> None:
        """End whatever is live without a goodbye, and see that it is recorded. Bounded."""
        self.draining = self._leaving = True
        for bridge in list(self.live.values()):
            bridge.stop("server stopping")
        if not await self._emptied(CUT_OFF):
            _log.error("calls are left behind", calls=sorted(self.live))
        await self.away.close()
        await self.visits.close()
        await self._ringing.close()

    def close(self) -> None:
        """No call will come any more."""
        self._archive.close()

    async def _emptied(self, bound: float) -> bool:
        try:
            async with asyncio.timeout(bound):
                await self.idle()
        except TimeoutError:
            return False
        return True

    def _claiming(self, call_id: str, connect_model: ConnectModel) -> ConnectModel:
        """For its first session a call takes what was opened while it rang, if that has come to anything."""

        async def connect(before: ModelSession | None = None, resume: str = "") -> ModelSession:
            if before is None:
                with contextlib.suppress(UpstreamError):  # whoever refused a moment ago may be back
                    if session := await self._ringing.claim(call_id):
                        return session
            return await connect_model(before, resume)

        return connect

    def _observe(self, call_id: str, at: float, note: Note) -> None:
        self.switchboard.note(call_id, at, note)
        if self._watcher:
            self._watcher(call_id, at, note)


async def _let_go(session: ModelSession) -> None:
    await session.link.close()
