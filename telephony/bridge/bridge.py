"""One call's asyncio: two sockets, their pumps, the tools and one timer, in one TaskGroup.

Everything that decides is in the exchange; the bridge only feeds it and performs what it says. One rule keeps that
sound: between taking an event and having performed its commands there is no `await`, so that the core is never
re-entered and its commands never interleave. Whatever must be waited for (a tool, the hang-up, the model's handshake)
becomes a task, and its outcome an event.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from functools import partial
from typing import Protocol

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony import events as ev
from telephony.bridge.closing import BUG, close_code
from telephony.bridge.errands import ErrandResult, Errands, MakeMessage
from telephony.bridge.work import Work
from telephony.commands import (
    CancelTool,
    CheckSession,
    CloseSession,
    EndCall,
    ErrandDone,
    HangUp,
    MessageAudio,
    Move,
    Note,
    OpenSession,
    RunTool,
)
from telephony.errors import CallStays, TelephonyError
from telephony.exchange import Exchange, Output, ToCarrier, ToModel
from telephony.links.link import Link
from telephony.realtime.base import Dialect
from telephony.settings import CallSettings
from telephony.tools.context import CallContext
from telephony.tools.permits import Desk

PROBE = 2.0
"""Seconds in which a model's socket has to answer the question whether it is alive."""


_FUNCTION: ContextVar[str] = ContextVar("function call", default="")
"""That of the tool which runs in this context."""


def _nobody_to_tell(why: str) -> None:
    """For sessions whose origin keeps no account of their failures."""


class ModelSession(msgspec.Struct, frozen=True):
    """An open realtime session."""

    dialect: Dialect
    model: str
    link: Link
    blame: Callable[[str], None] = _nobody_to_tell
    """Tell whoever chose it why it was of no use, so that the next is looked for elsewhere."""


class ConnectModel(Protocol):
    """Opens realtime sessions."""

    def __call__(self, before: ModelSession | None = None, resume: str = "") -> Awaitable[ModelSession]:
        """Open one; raises `UpstreamError`. Bounded. *resume* is the provider's id of the conversation that was held in
        the session *before*, to be taken up again where that is possible."""


class Tools(Protocol):
    """Runs tools."""

    async def run(self, call: RunTool, context: CallContext) -> ev.ToolFinished:
        """Always answers; raises nothing but `CancelledError`."""


class Colleague(Protocol):
    """Another agent, as far as a call is concerned that is handed over to it."""

    @property
    def settings(self) -> CallSettings: ...
    @property
    def tools(self) -> Tools: ...
    @property
    def connect_model(self) -> ConnectModel: ...
    @property
    def colleagues(self) -> frozenset[str]:
        """Names of those whom it may hand over to."""


Crew = Callable[[str], Colleague]
"""Knows every agent of the process by name."""
Observer = Callable[[float, Note], None]
"""Told of every note with its time on the call's clock."""


class Bridge:
    """One call between a carrier's link and a model's. `run` it once; it never outlives the call."""

    def __init__(
        self,
        exchange: Exchange,
        carrier: Link,
        connect_model: ConnectModel,
        hang_up: Callable[[HangUp], Awaitable[None]],
        tools: Tools,
        context: CallContext,
        observer: Observer | None = None,
        make_message: MakeMessage | None = None,
        desk: Desk | None = None,
        crew: Crew | None = None,
    ) -> None:
        """*make_message* makes the file of a message that the caller leaves. *desk* says whom tools may reach, and
        *crew* who may take over from the agent."""
        self.desk = desk
        self.exchange = exchange
        self.ending: EndCall | None = None
        """How the call ended, once it has."""
        self.took_leave = False
        """Whether the caller knows that the call is over: hung up, or was told so."""
        self.sent_on: HangUp | None = None
        """The command by which the caller was sent on, once the carrier has done so."""
        self.move: Callable[[], Awaitable[None]] | None = None
        """Keeps what another process must know to go on with the call. Bounded; raises `TelephonyError`."""
        self.keep: Callable[[], Awaitable[None]] | None = None
        """Does the same in case that the process dies. It raises nothing."""
        self.moving = False
        """Whether that is being done, or has been."""
        self.moved = False
        """Whether the call goes on in another process, so that nothing more is known of it here."""
        self._ended_at: float | None = None
        self._carrier = carrier
        self._sessions: dict[int, ModelSession] = {}
        self._connect_model = connect_model
        self._hang_up = hang_up
        self._tools = tools
        self._crew = crew
        self.context = context
        """What its tools know of the call."""
        context.control = self
        self.errands = Errands(self.feed, self, make_message)
        self._observer = observer
        self._log: FilteringBoundLogger = structlog.get_logger("telephony.call").bind(call_id=context.call_id)
        self._work = Work()
        self._early: list[ev.Event] = []
        """What happened before the call was taken up."""

    # -- the door ----------------------------------------------------------------------------------------------------

    async def run(self) -> EndCall:
        """Carry the call to its end. Cancelling it ends the call as the server's doing; both links are closed."""
        self._work.begin()
        try:
            async with asyncio.TaskGroup() as group:
                self._work.group = group
                self._spawn(self._carrier.pump, "carrier pump")
                self._spawn(self._hear_carrier, "carrier listen")
                self._open_session(OpenSession(0))
                with self._boundary():
                    self._arm()
                    while self._early:
                        self._feed(self._early.pop(0))
                await self._work.over.wait()
                await self._work.wind_up()
                await self.errands.close()
        finally:
            ending = self._end(EndCall("failed", "server", "the call was cancelled"))
            self._work.end()
            leaving = self._carrier.close(close_code(self.exchange.carrier, ending))
            await asyncio.gather(leaving, *(session.link.close() for session in self._sessions.values()))
        return ending

    def feed(self, event: ev.Event) -> None:
        """Something happened outside the two sockets: a status callback, an operator, the server going down."""
        if self._work.over.is_set():
            return
        if self._work.group is None:
            self._early.append(event)
            return
        # In the call's own context: what is done in a task of somebody else's knows nothing of its secrets.
        self._work.context.copy().run(self._fed, event)

    def _fed(self, event: ev.Event) -> None:
        with self._boundary():
            self._feed(event)

    def stop(self, reason: str) -> None:
        """End the call at once and without a goodbye."""
        self._end(EndCall("failed", "server", reason))

    @property
    def now(self) -> float:
        """Seconds since the call began."""
        return self._work.now

    @property
    def duration(self) -> float:
        """Seconds the call lasted, or has lasted so far: what is still to be closed behind it does not count."""
        return self.now if self._ended_at is None else self._ended_at

    @property
    def unsent(self) -> tuple[int, int]:
        """About how many bytes wait to be sent, to the carrier and to the model."""
        return self._carrier.waiting, sum(session.link.waiting for session in self._sessions.values())

    # -- for the tools -----------------------------------------------------------------------------------------------

    @property
    def function(self) -> str:
        """The model's id of the function call on whose behalf this is asked."""
        return _FUNCTION.get()

    def colleague(self, agent: str) -> CallSettings | None:
        """See `CallControl`."""
        present = self._crew and self._crew(self.agent)
        return self._crew(agent).settings if self._crew and present and agent in present.colleagues else None

    @property
    def agent(self) -> str:
        """Who speaks with the caller now."""
        return self.exchange.conversation.state.settings.agent

    def _handed_over_to(self, agent: str) -> Colleague | None:
        """The agent of that name, if it is not the one who took the call."""
        return self._crew(agent) if self._crew and agent != self.context.agent else None

    async def errand(self, wanted: Callable[[str], ev.Event]) -> ErrandResult:
        """See `Errands.run`."""
        return await self.errands.run(wanted)

    # -- the two legs ------------------------------------------------------------------------------------------------

    async def _hear_carrier(self) -> None:
        async for message in self._carrier:
            self._perform(self.exchange.from_carrier(message, self.now))
        self._feed(ev.CarrierLost(_how(self._carrier), self._carrier.closed[0]))

    def _open_session(self, command: OpenSession) -> None:
        before = self._sessions.get(self.exchange.session)
        if before and command.failed:
            before.blame(command.failed)
        colleague = self._handed_over_to(command.agent or self.agent)
        connect = colleague.connect_model if colleague else self._connect_model
        open_one = partial(connect, None if command.agent else before, command.resume)
        work = partial(self._hear_session, command.session, open_one)
        self._spawn(work, f"model {command.session}", key=_key(command.session))

    async def _hear_session(self, number: int, connect: Callable[[], Awaitable[ModelSession]]) -> None:
        try:
            session = await connect()
        except TelephonyError as error:
            self._feed(ev.ModelLost(str(error), None, number))
            return
        self._sessions[number] = session
        self._spawn(session.link.pump, f"model {number} pump")
        self._perform(self.exchange.model_connected(session.dialect, session.model, self.now, number))
        async for message in session.link:
            self._perform(self.exchange.from_model(message, self.now, number))
        self._feed(ev.ModelLost(_how(session.link), session.link.closed[0], number))

    def _close_session(self, command: CloseSession) -> None:
        number = command.session
        self._work.cancel(_key(number))
        if session := self._sessions.get(number):
            if command.failed:
                session.blame(command.failed)
            self._spawn(session.link.close, f"model {number} close", last=True)

    # -- the core ----------------------------------------------------------------------------------------------------

    def _feed(self, event: ev.Event) -> None:
        self._perform(self.exchange.handle(event, self.now))

    def _tick(self) -> None:
        self._work.timer = None
        with self._boundary():
            self._perform(self.exchange.tick(self.now))

    @contextlib.contextmanager
    def _boundary(self) -> Iterator[None]:
        """The boundary of a call: a bug of ours ends this one and no other."""
        try:
            yield
        except Exception as failure:  # noqa: BLE001
            self._log.error("the call failed", exc_info=failure)
            self.stop(BUG)

    def _end(self, how: EndCall) -> EndCall:
        """The call is over. The first end counts, and is returned."""
        if self.ending is None:
            self.ending, self._ended_at = how, self.now
        self._work.over.set()
        return self.ending

    def _perform(self, outputs: list[Output]) -> None:
        # No await in here.
        for output in outputs:
            match output:
                case ToCarrier(message, audio_ms):
                    self._carrier.write(message, audio_ms=audio_ms)
                case ToModel(message, audio_ms, session):
                    self._sessions[session].link.write(message, audio_ms=audio_ms)
                case OpenSession():
                    self._open_session(output)
                case CloseSession():
                    self._close_session(output)
                case CheckSession(session):
                    self._spawn(partial(self._sessions[session].link.probe, PROBE), f"model {session} probe")
                case RunTool():
                    self._spawn(partial(self._run_tool, output), f"tool {output.name}", key=output.call_id)
                case ErrandDone():
                    self.errands.done(output)
                case MessageAudio():
                    self.errands.message(output)
                    self._spawn(self.errands.write, "message", last=True)
                case CancelTool(call_id):
                    self._work.cancel(call_id)
                case HangUp():
                    self._spawn(partial(self._end_at_carrier, output), "hang up", last=True)
                case Move():
                    self._spawn(self._move_on, "move", last=True)
                case Note():
                    self._report(output)
                case EndCall():
                    self.took_leave = output.by != "carrier"
                    self._end(output)
        self._arm()

    def _arm(self) -> None:
        """Wake up at the core's deadline. A timer that is early only looks again; one that is late is moved."""
        if self._work.armed_at_step == self.exchange.steps:
            return
        self._work.armed_at_step = self.exchange.steps
        at = None if self._work.over.is_set() else self.exchange.deadline()
        self._work.arm(at, self._tick)

    def _report(self, note: Note) -> None:
        getattr(self._log, note.level)(note.event, t=round(self.now, 3), **note.fields)
        if self._observer:
            self._observer(self.now, note)

    # -- work --------------------------------------------------------------------------------------------------------

    def _spawn(self, work: Callable[[], Awaitable[None]], name: str, *, key: str = "", last: bool = False) -> None:
        self._work.spawn(self._within(work), f"{self.context.call_id} {name}", key=key, last=last)

    async def _within(self, work: Callable[[], Awaitable[None]]) -> None:
        with self._boundary():
            await work()

    async def _run_tool(self, call: RunTool) -> None:
        _FUNCTION.set(call.call_id)
        if self.keep:  # whoever goes on with the call must know that it was begun
            await self.keep()
        colleague = self._handed_over_to(self.agent)
        tools = colleague.tools if colleague else self._tools
        self._feed(await tools.run(call, self.context))

    async def _end_at_carrier(self, command: HangUp) -> None:
        answer = ev.HangUpAnswered()
        try:
            await self._hang_up(command)
        except TelephonyError as error:
            answer = ev.HangUpAnswered(str(error))
            self._log.warning("hang-up refused", error=answer.error)
        else:
            self.sent_on = command if command.transfer_to else None
        self.feed(answer)

    async def _move_on(self) -> None:
        answer = ev.Moved("nobody keeps it" if self.move is None else "")
        self.moving = True
        try:
            if self.move:
                await self.move()
                self.moved = self.ending is None  # whoever has hung up meanwhile goes nowhere
        except TelephonyError as error:
            self.moving, answer = False, ev.Moved(str(error), again=isinstance(error, CallStays) and error.again)
        self.feed(answer)


def _key(session: int) -> str:
    """Names the task of a session."""
    return f"session {session}"


def _how(link: Link) -> str:
    """How the other side closed *link*, for people: most servers give a code and many no reason."""
    code, reason = link.closed
    return f"{reason or 'closed'} ({code})" if code else reason or "closed"
