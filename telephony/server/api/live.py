"""Calls that go on: watched as server-sent events, and acted upon.

Whoever listens is first told how the calls stand, and then what happens. The stream is kept alive by a comment while
nothing does; whoever does not read is told how much was dropped for them, and in the end is let go of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Protocol

import msgspec
import structlog
from aiohttp import web
from msgspec import Meta
from structlog.typing import FilteringBoundLogger

from telephony.bridge.switchboard import Happening, Listener, LiveCall, NotLive, NotTalking, TooManyListeners
from telephony.errors import ToolError
from telephony.server.api.keys import Holder
from telephony.server.api.problem import Problem
from telephony.server.api.requests import Answers, read_body
from telephony.server.api.route import EVENTS, JSON, Route
from telephony.tools.context import LONGEST_BRIEFING, Transferred

HEARTBEAT = 15.0
"""Seconds between two signs of life; proxies close what is silent for a minute."""
STALLED = 10.0
"""Seconds a listener may leave its socket unread once that is full."""
LONGEST = 1000
"""Characters that are said at once; it takes a minute."""
NOT_LIVE = "There is no such call, or it is over."
NOT_TALKING = "The agent does not speak with the caller yet, or takes leave already."

_log: FilteringBoundLogger = structlog.get_logger("telephony.api")

Words = Annotated[str, Meta(min_length=1, max_length=LONGEST)]


class LiveCalls(Protocol):
    """Where live calls are: in this process (`bridge.switchboard`), or in several. All methods take our id of a call or
    the carrier's, and raise `NotLive` if none of that id goes on."""

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

    def __init__(self, live: LiveCalls, answers: Answers, heartbeat: float = HEARTBEAT) -> None:
        self._live = live
        self._answers = answers
        self._heartbeat = heartbeat

    def routes(self) -> Iterator[Route]:
        events = {200: {EVENTS: Happening}}
        yield Route("GET", "/live", "live:read", self._list, "The calls that go on.", {200: {JSON: LiveList}})
        yield Route(
            "GET",
            "/live/events",
            "live:read",
            self._listen,
            "What happens in all calls, as it happens.",
            events,
            (503,),
        )
        yield Route(
            "GET", "/live/{call}", "live:read", self._show, "A call as it stands.", {200: {JSON: LiveCall}}, (404,)
        )
        yield Route(
            "GET",
            "/live/{call}/events",
            "live:read",
            self._listen,
            "What happens in a call, until it is over.",
            events,
            (404, 503),
        )
        for path, handler, about, body in (
            ("hang-up", self._hang_up, "End a call once what is being said was heard.", HangUpOrder),
            ("say", self._say, "Have the agent say something.", SayOrder),
            ("transfer", self._transfer, "Put the caller through, if `dialling` allows it.", TransferOrder),
        ):
            problems = (400, 404, 408, 413, 415) + (() if path == "hang-up" else (409,))
            yield Route(
                "POST",
                f"/live/{{call}}/{path}",
                "live:write",
                handler,
                about,
                {202: {JSON: Accepted}},
                problems,
                body=body,
            )

    # -- watching ----------------------------------------------------------------------------------------------------

    async def _list(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        return await self._answers.json(LiveList(await self._live.calls()))

    async def _show(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        try:
            return await self._answers.json(await self._live.get(request.match_info["call"]))
        except NotLive:
            raise Problem(404, NOT_LIVE) from None

    async def _listen(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        try:
            async with self._live.listen(request.match_info.get("call", "")) as listener:
                return await self._stream(request, listener)
        except NotLive:
            raise Problem(404, NOT_LIVE) from None
        except TooManyListeners:
            raise Problem(503, "Too many listen already. Ask again.", Retry_After="10") from None

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
        _log.info("an operator steps in", call_id=call, what=what, key=holder.name)
        try:
            transferred = await act(call)
        except NotLive:
            raise Problem(404, NOT_LIVE) from None
        except NotTalking:
            raise Problem(409, NOT_TALKING) from None
        except ToolError as error:
            raise Problem(400, str(error)) from None
        if transferred and not transferred.accepted:
            # Whoever was asked and did not come is named; who may not be asked is not.
            raise Problem(409 if transferred.name else 403, transferred.why_not)
        return await self._answers.json(Accepted(call, transferred.name if transferred else None), 202)
