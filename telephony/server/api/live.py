"""Calls that go on, in this process or another: watched as server-sent events, and acted upon.

A request about a call that another process carries is answered there: sent on to it, or, for a stream of events, the
connection itself is given to it. Whatever is about all calls is gathered.

Whoever listens is first told how the calls stand, and then what happens. The stream is kept alive by a comment while
nothing does; whoever does not read is told how much was dropped for them, and in the end is let go of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Protocol
from urllib.parse import quote

import msgspec
import structlog
from aiohttp import web
from msgspec import Meta
from structlog.typing import FilteringBoundLogger

from telephony.bridge.switchboard import (
    CallOver,
    CallSeen,
    Happening,
    Listener,
    LiveCall,
    NotLive,
    NotTalking,
    TooManyListeners,
)
from telephony.errors import ToolError
from telephony.server.api.keys import Holder
from telephony.server.api.problem import Problem
from telephony.server.api.requests import Answers, read_body
from telephony.server.api.route import BASE, EVENTS, JSON, Handler, Route
from telephony.server.forwarding import Unanswered
from telephony.server.neighbours import Neighbours
from telephony.tools.context import LONGEST_BRIEFING, Transferred

HEARTBEAT = 15.0
"""Seconds between two signs of life; proxies close what is silent for a minute."""
STALLED = 10.0
"""Seconds a listener may leave its socket unread once that is full."""
LONGEST_ACT = 700.0
"""Seconds that another process may take to do what is asked of it: a colleague's telephone may ring for 600."""
LONGEST = 1000
"""Characters that are said at once; it takes a minute."""
MISSED = 3
"""Signs of life that may fail to come from another process."""
TOO_MANY = "Too many listen already. Ask again."
NOT_LIVE = "There is no such call, or it is over."
NOT_TALKING = "The agent does not speak with the caller yet, or takes leave already."

UNKNOWN = "The process that carries the call does not answer. Look whether it was done before you ask again."
FIRST = datetime.min.replace(tzinfo=UTC)

_log: FilteringBoundLogger = structlog.get_logger("telephony.api")

Words = Annotated[str, Meta(min_length=1, max_length=LONGEST)]


class LiveCalls(Protocol):
    """The live calls of this process, as `bridge.switchboard` has them. All methods take our id of a call or the
    carrier's, and raise `NotLive` if none of that id goes on."""

    async def calls(self) -> list[LiveCall]: ...

    async def get(self, call: str) -> LiveCall: ...

    def listen(self, call: str = "") -> AbstractAsyncContextManager[Listener]:
        """Entering it may also raise `TooManyListeners`."""

    async def hang_up(self, call: str, reason: str) -> None: ...

    async def say(self, call: str, text: str, *, interruptible: bool = True, verbatim: bool = True) -> None:
        """May also raise `NotTalking`."""

    async def transfer(self, call: str, target: str, briefing: str = "") -> Transferred:
        """May also raise `NotTalking`, and `ToolError` for words that will not do."""


class LiveList(msgspec.Struct):
    """The calls that go on."""

    calls: list[LiveCall]
    silent_workers: int = 0
    """Processes that do not answer now, whose calls are not among these."""


class HangUpOrder(msgspec.Struct, forbid_unknown_fields=True):
    """That a call is to end."""

    reason: Annotated[str, Meta(min_length=1, max_length=100)] = "an operator hung up"
    """What its record says."""


class SayOrder(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be said."""

    text: Words
    verbatim: bool = True
    """Whether it is said word for word; otherwise it tells the model what to say."""
    interruptible: bool = True
    """Whether the caller can talk over it."""


class TransferOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Whom the caller is to be put through to."""

    target: Annotated[str, Meta(min_length=1, max_length=200)]
    """A name of `dialling.directory`, or a number that `dialling` allows."""
    briefing: Annotated[str, Meta(max_length=LONGEST_BRIEFING)] = ""
    """What they are told first, where the directory says `mode: warm`."""


class Accepted(msgspec.Struct):
    """It will be done as soon as the call allows."""

    call: str
    """The call, as it was asked for."""
    to: str | None = None
    """Who takes the caller."""


class LiveApi:
    """The routes."""

    def __init__(
        self,
        live: LiveCalls,
        answers: Answers,
        neighbours: Neighbours | None = None,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        """*neighbours* carry calls beside this process."""
        self._live = live
        self._answers = answers
        self._neighbours = neighbours or Neighbours()
        self._heartbeat = heartbeat

    def routes(self) -> Iterator[Route]:
        events = {200: {EVENTS: Happening}}
        yield Route("GET", "/live", "live:read", self._list, "The calls that go on.", {200: {JSON: LiveList}})
        yield Route(
            "GET",
            "/live/events",
            "live:read",
            self._listen_to_all,
            "What happens in all calls, as it happens.",
            events,
            (503,),
        )
        yield Route(
            "GET",
            "/live/{call}",
            "live:read",
            self._wherever(self._show),
            "A call as it stands.",
            {200: {JSON: LiveCall}},
            (404, 503),
        )
        yield Route(
            "GET",
            "/live/{call}/events",
            "live:read",
            self._wherever(self._listen),
            "What happens in a call, until it is over.",
            events,
            (404, 503),
        )
        for path, handler, about, body in (
            ("hang-up", self._hang_up, "End a call once what is being said was heard.", HangUpOrder),
            ("say", self._say, "Have the agent say something.", SayOrder),
            ("transfer", self._transfer, "Put the caller through, if `dialling` allows it.", TransferOrder),
        ):
            problems = (400, 404, 408, 413, 415, 503) + (() if path == "hang-up" else (409,))
            yield Route(
                "POST",
                f"/live/{{call}}/{path}",
                "live:write",
                self._wherever(handler),
                about,
                {202: {JSON: Accepted}},
                problems,
                body=body,
            )

    # -- watching ----------------------------------------------------------------------------------------------------

    async def _list(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        calls = await self._live.calls()
        silent = 0
        for answer in await self._neighbours.ask(request, f"{BASE}/live"):
            try:
                calls += msgspec.json.decode(answer, type=LiveList).calls
            except msgspec.DecodeError:
                silent += 1
        calls.sort(key=lambda call: call.started_at or FIRST)
        return await self._answers.json(LiveList(calls, silent))

    async def _show(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        return await self._answers.json(await self._live.get(request.match_info["call"]))

    async def _listen(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        try:
            async with self._live.listen(request.match_info["call"]) as listener:
                return await self._stream(request, listener)
        except TooManyListeners:
            raise Problem(503, TOO_MANY, Retry_After="10") from None

    async def _listen_to_all(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        try:
            async with self._live.listen() as listener, asyncio.TaskGroup() as group:
                following = self._neighbours.follow(request, partial(self._relay, request, listener))
                relaying = group.create_task(following, name="events of other workers")
                try:
                    return await self._stream(request, listener)
                finally:
                    relaying.cancel()
        except TooManyListeners:
            raise Problem(503, TOO_MANY, Retry_After="10") from None

    async def _relay(self, request: web.Request, listener: Listener, name: str) -> None:
        """Tell *listener* what worker *name* tells. When nothing more comes from there, its calls are over as far as
        anybody knows; if they are not, they are told anew."""
        going: dict[str, LiveCall] = {}

        async def tell(data: bytes) -> None:
            try:
                happening = msgspec.json.decode(data, type=Happening)
            except msgspec.DecodeError:
                return  # another version's, which this one does not know
            if isinstance(happening, CallSeen):
                going[happening.call.id] = happening.call
            elif isinstance(happening, CallOver):
                going.pop(happening.id, None)
            await listener.room()
            listener.tell(happening)

        try:
            await self._neighbours.events(name, request, self._heartbeat * MISSED, tell)
        finally:
            for call in going.values():
                listener.tell(CallOver(call.id, call.carrier_call_id, call.duration, None))

    async def _stream(self, request: web.Request, listener: Listener) -> web.StreamResponse:
        # X-Accel-Buffering: nginx would collect events otherwise.
        headers = {"Content-Type": EVENTS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        try:
            while (happening := await listener.next(self._heartbeat)) or not listener.closed:
                text = self._event(happening) if happening else ":\n\n"
                async with asyncio.timeout(STALLED):
                    await response.write(text.encode())
        except TimeoutError:
            _log.info("a listener does not read; it is let go of")
            if request.transport:
                request.transport.abort()
        except ConnectionError:
            _log.debug("a listener is gone")
        return response

    def _event(self, happening: Happening) -> str:
        """One event; JSON has no line breaks of its own."""
        kind = type(happening).__struct_config__.tag
        return f"event: {kind}\ndata: {self._answers.text(happening)}\n\n"

    # -- in another process ------------------------------------------------------------------------------------------

    def _wherever(self, handler: Handler) -> Handler:
        """*handler*, in the process that carries the call."""

        async def handle(request: web.Request, holder: Holder) -> web.StreamResponse:
            try:
                return await handler(request, holder)
            except NotLive:
                return await self._elsewhere(request)

        return handle

    async def _elsewhere(self, request: web.Request) -> web.StreamResponse:
        call = f"{BASE}/live/{quote(request.match_info['call'], safe='')}"
        try:
            name = await self._neighbours.who_has(request, call)
            if not name:
                raise Problem(404, NOT_LIVE)
            if request.path.endswith("/events"):
                if await self._neighbours.handed_to(name, request):
                    return web.Response(status=499)  # nobody reads this: the connection is the other's
                raise Problem(503, UNKNOWN, Retry_After="5")
            return await self._neighbours.answer_of(name, request, LONGEST_ACT)
        except Unanswered:
            raise Problem(503, UNKNOWN, Retry_After="5") from None

    # -- stepping in -------------------------------------------------------------------------------------------------

    async def _hang_up(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        order = await read_body(request, HangUpOrder)
        return await self._done(request, holder, "hang up", lambda call: self._live.hang_up(call, order.reason))

    async def _say(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        order = await read_body(request, SayOrder)
        return await self._done(
            request,
            holder,
            "say",
            lambda call: self._live.say(call, order.text, interruptible=order.interruptible, verbatim=order.verbatim),
        )

    async def _transfer(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        order = await read_body(request, TransferOrder)
        return await self._done(
            request, holder, "transfer", lambda call: self._live.transfer(call, order.target, order.briefing)
        )

    async def _done(
        self, request: web.Request, holder: Holder, what: str, act: Callable[[str], Awaitable[Transferred | None]]
    ) -> web.StreamResponse:
        call = request.match_info["call"]
        await self._live.get(call)
        _log.info("an operator steps in", call_id=call, what=what, key=holder.name)
        try:
            transferred = await act(call)
        except NotTalking:
            raise Problem(409, NOT_TALKING) from None
        except ToolError as error:
            raise Problem(400, str(error)) from None
        if transferred and not transferred.accepted:
            # Whoever was asked and did not come is named; who may not be asked is not.
            raise Problem(409 if transferred.name else 403, transferred.why_not)
        return await self._answers.json(Accepted(call, transferred.name if transferred else None), 202)
