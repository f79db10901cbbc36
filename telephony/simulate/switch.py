"""Twilio's switch for one simulated call: asks for instructions, carries them out verb by verb, tells those who asked
to be told, and ends the call. Whatever the REST API says comes first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp
import msgspec

from telephony.sim.caller import EndedBy, SimulatedCaller
from telephony.sim.caller_line import StreamIds
from telephony.simulate.live import CallState, LiveCall, Source, new_sid
from telephony.simulate.requests import Courier, Fields, completed_fields, stream_fields
from telephony.simulate.route import resolve
from telephony.simulate.stream import MediaStream, StreamRefusedError, open_socket
from telephony.simulate.twiml import (
    PARSE_FAILURE,
    ConnectVerb,
    DialVerb,
    HangupVerb,
    PauseVerb,
    RedirectVerb,
    RejectVerb,
    SayVerb,
    StreamNoun,
    Verb,
    parse,
)

MOST_DOCUMENTS = 50
"""TwiML documents in one call. More of them are a loop."""
SECONDS_PER_WORD = 0.3
"""How long `<Say>` takes."""
DIAL_SECONDS = 0.1
"""How long the other end of a `<Dial>` talks, if it answers."""


class _Next(msgspec.Struct, frozen=True):
    """Ask there for further instructions."""

    purpose: str
    source: Source
    extra: Fields = []


class _End(msgspec.Struct, frozen=True):
    """The call is over."""

    by: EndedBy
    status: CallState = "completed"


class Switch:
    """Carries one call out. `run` it once; what it did stands in its attributes and in *caller*."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        courier: Courier,
        caller: SimulatedCaller,
        live: LiveCall,
        dial_status: str,
    ) -> None:
        self.streams: list[str] = []
        """Ids of the media streams that opened."""
        self.dialled: list[str] = []
        """Targets of `<Dial>`."""
        self._session = session
        self._courier = courier
        self._caller = caller
        self._live = live
        self._dial_status = dial_status
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._here = ""
        """The address of the current document."""
        self._group = asyncio.TaskGroup()
        """Owns the callbacks."""

    async def run(self, webhook_url: str, status_callback: str | None = None) -> None:
        """From the webhook to the status callback. All of it is bounded and no task is left behind."""
        self._here = webhook_url
        async with self._group:
            end = await self._follow(_Next("voice", Source(webhook_url)))
            self._live.finish(end.status)
            if end.by == "server":
                self._caller.closed(self._clock())
            else:
                self._caller.hang_up(self._clock(), end.by)
        if status_callback:
            address = resolve(webhook_url, status_callback)
            await self._courier.tell("completed", address, "POST", completed_fields(self._live))
        for exchange in self._courier.made:
            if exchange.problem:
                self._warn(exchange.code, exchange.problem)

    # -- documents -------------------------------------------------------------------------------------------------

    async def _follow(self, step: _Next) -> _End:
        for _ in range(MOST_DOCUMENTS):
            verbs = await self._fetch(step)
            if verbs is None:
                return _End("carrier", "failed")
            result = await self._perform(verbs)
            if isinstance(result, _End):
                return result
            step = result
        self._warn(PARSE_FAILURE, f"{MOST_DOCUMENTS} documents did not bring the call to an end: they go in circles")
        return _End("carrier", "failed")

    async def _fetch(self, step: _Next) -> Sequence[Verb] | None:
        """The verbs of a document, or None if there is none to be had."""
        text = step.source.twiml
        if not text:
            self._here = resolve(self._here, step.source.url)
            answer = await self._courier.instructions(step.purpose, self._here, step.source.method, step.extra)
            if answer.problem:
                return None
            text = answer.body
        document = parse(text, self._here)
        for problem in document.problems:
            self._warn(problem.code, problem.message)
        broken = any(problem.code == PARSE_FAILURE for problem in document.problems)
        return None if broken else document.verbs

    async def _perform(self, verbs: Sequence[Verb]) -> _Next | _End:
        end = _End("agent")
        for verb in verbs:
            result = self._told() or await self._do(verb) or self._told()
            if result is not None:
                return result
            # A call whose last instruction was a stream ends when our server closes it; otherwise the TwiML ends it.
            end = _End("server" if isinstance(verb, ConnectVerb) else "agent")
        return self._told() or end

    async def _do(self, verb: Verb) -> _Next | _End | None:
        if isinstance(verb, HangupVerb):
            return _End("agent")
        if isinstance(verb, RejectVerb) and self._live.status == "ringing":
            return _End("agent", "busy" if verb.reason == "busy" else "failed")
        if isinstance(verb, RedirectVerb):
            return _Next("redirect", Source(verb.url, verb.method))
        self._live.answer()
        if isinstance(verb, ConnectVerb):
            return await self._connect(verb)
        if isinstance(verb, DialVerb):
            return await self._dial(verb)
        if isinstance(verb, SayVerb):
            self._observe("carrier says", verb.text)
            return await self._pass(SECONDS_PER_WORD * len(verb.text.split()))
        return await self._pass(verb.seconds if isinstance(verb, PauseVerb) else 0.0)

    # -- verbs that take time --------------------------------------------------------------------------------------

    async def _pass(self, seconds: float) -> _End | None:
        left = self._began + self._live.time_limit - self._clock()
        told = await self._live.pause(min(seconds, max(0.0, left)))
        return _End("carrier") if not told and seconds >= left else None

    async def _dial(self, verb: DialVerb) -> _Next | _End | None:
        self.dialled.append(verb.target)
        self._observe("carrier dials", verb.target)
        answered = self._dial_status == "completed"
        end = await self._pass(DIAL_SECONDS if answered else 0.0)
        self._observe("carrier dialled", f"{verb.target}: {self._dial_status}")
        if end is not None or not verb.action:
            return end
        extra = [("DialCallStatus", self._dial_status), ("DialCallSid", new_sid("CA"))]
        if answered:
            extra += [("DialCallDuration", "1"), ("DialBridged", "true")]
        return _Next("action", Source(verb.action, verb.method), extra)

    async def _connect(self, verb: ConnectVerb) -> _Next | _End | None:
        sid = new_sid("MZ")
        try:
            socket = await open_socket(self._session, self._courier.route, verb.stream, self._courier.auth_token)
        except StreamRefusedError as refused:
            self._warn(refused.code, str(refused))
            self._tell(verb.stream, sid, "stream-error", str(refused))
        else:
            self.streams.append(sid)
            self._tell(verb.stream, sid, "stream-started")
            ids = StreamIds(self._live.account_sid, self._live.sid, sid)
            stream = MediaStream(socket, self._caller, self._live, self._clock)
            end = await stream.run(ids, verb.stream.parameters, self._began)
            self._tell(verb.stream, sid, "stream-stopped")
            if end == "caller hung up":
                return _End("caller")
            if end == "time limit":
                return _End("carrier")
        told = self._told()
        if told is not None or not verb.action:
            return told
        return _Next("action", Source(verb.action, verb.method))

    # -- small things ----------------------------------------------------------------------------------------------

    def _told(self) -> _Next | _End | None:
        """What the REST API wants now."""
        told = self._live.take_told()
        if told is None:
            return None
        return _End("agent") if told == "hang up" else _Next("redirect", told)

    def _tell(self, noun: StreamNoun, sid: str, event: str, error: str = "") -> None:
        if not noun.status_callback:
            return
        fields = stream_fields(self._live, sid, noun.name, event, error)
        tell = self._courier.tell(event, noun.status_callback, noun.status_method, fields)
        self._group.create_task(tell, name=f"{sid} {event}")

    def _observe(self, kind: str, text: str) -> None:
        self._caller.note(self._clock(), kind, text)

    def _warn(self, code: int, message: str) -> None:
        self._caller.warn(code, message, self._clock())
