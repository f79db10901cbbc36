"""Twilio's switch for one simulated call: asks for instructions, carries them out verb by verb, tells those who asked
to be told, and ends the call. Whatever the REST API says comes first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import aiohttp
import msgspec

from telephony.sim.caller import EndedBy, SimulatedCaller
from telephony.sim.caller_line import StreamIds
from telephony.simulate.board import Switchboard
from telephony.simulate.conference import ConferenceNoun
from telephony.simulate.dialling import Leg, Target, dialled
from telephony.simulate.live import CallState, LiveCall, Source, new_sid
from telephony.simulate.requests import Courier, Fields, completed_fields, stream_fields
from telephony.simulate.route import resolve
from telephony.simulate.stream import MediaStream, StreamRefusedError, open_socket
from telephony.simulate.twiml import (
    PARSE_FAILURE,
    SCHEMA,
    ConnectVerb,
    DialVerb,
    HangupVerb,
    PauseVerb,
    RedirectVerb,
    ReferVerb,
    RejectVerb,
    SayVerb,
    StreamNoun,
    Verb,
    parse,
)
from telephony.simulate.twiml_input import GatherVerb, RecordVerb
from telephony.simulate.voicemail import Recorder

MOST_DOCUMENTS = 50
"""TwiML documents in one call. More of them are a loop."""
SECONDS_PER_WORD = 0.3
"""How long `<Say>` takes."""
DIAL_SECONDS = 0.1
"""How long the other end of a `<Dial>` talks, if it answers and nothing else is known of it."""
CONFERENCE_SECONDS = 86_400.0
"""Longer than any call may last."""


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
        board: Switchboard | None = None,
        stays: float | None = None,
    ) -> None:
        """*board* has the callees and conferences that can be dialled; *dial_status* is what becomes of all others.
        *stays*: seconds after which this telephone's owner leaves a conference; None: never."""
        self.streams: list[str] = []
        """Ids of the media streams that opened."""
        self.dialled: list[str] = []
        """Targets of `<Dial>`."""
        self.hung_up = False
        """Whether instructions said so."""
        self._session = session
        self._courier = courier
        self._caller = caller
        self._live = live
        self._dial_status = dial_status
        self._board = board
        self._stays = CONFERENCE_SECONDS if stays is None else stays
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._here = ""
        """The address of the current document."""
        self._group = asyncio.TaskGroup()
        """Owns the callbacks."""

    async def run(self, first: str | Source | Sequence[Verb], status_callback: str | None = None) -> None:
        """From the *first* instructions, which are a webhook's unless they are given, to the status callback. All of it
        is bounded and no task is left behind."""
        webhook_url = first if isinstance(first, str) else first.url if isinstance(first, Source) else ""
        self._here = webhook_url
        async with self._group:
            end = await self._begin(Source(first) if isinstance(first, str) else first)
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

    async def whisper(self, source: Source) -> bool:
        """Let whoever was dialled hear instructions of their own. False if those hung up on them."""
        async with self._group:
            await self._follow(_Next("whisper", source))
        return not self.hung_up

    async def _begin(self, first: Source | Sequence[Verb]) -> _End:
        if isinstance(first, Source):
            return await self._follow(_Next("voice", first))
        result = await self._perform(first)
        return result if isinstance(result, _End) else await self._follow(result)

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
            self.hung_up = True
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
        if isinstance(verb, ReferVerb):
            return await self._refer(verb)
        if isinstance(verb, RecordVerb | GatherVerb):
            return await self._listen(verb)
        if isinstance(verb, SayVerb):
            self._observe("carrier says", verb.text)
            return await self._pass(SECONDS_PER_WORD * len(verb.text.split()))
        return await self._pass(verb.seconds if isinstance(verb, PauseVerb) else 0.0)

    # -- verbs that take time --------------------------------------------------------------------------------------

    async def _pass(self, seconds: float, until: Callable[[], bool] = bool) -> _End | None:
        left = self._began + self._live.time_limit - self._clock()
        told = await self._live.pause(min(seconds, max(0.0, left)), until)
        return _End("carrier") if not told and seconds >= left else None

    async def _listen(self, verb: RecordVerb | GatherVerb) -> _Next | _End | None:
        """Hear what the caller says or types. Who hangs up after the tone has left a message all the same."""
        recorder = Recorder(self._courier, self._caller, self._live, self._board, self._beside)
        if isinstance(verb, RecordVerb):
            self._observe("carrier records", "")
            answer = await recorder.record(verb)
        else:
            self._observe("carrier says", verb.say)
            answer = await recorder.gather(verb)
        if answer.hung_up:
            self._live.finish("completed")
            if answer.asks and isinstance(verb, RecordVerb):
                await self._courier.instructions("action", verb.action or self._here, verb.method, answer.extra)
            return _End("caller")
        if self._live.told is not None or not answer.asks:
            return None
        return _Next("action", Source(verb.action or self._here, verb.method), answer.extra)

    def _beside(self, work: Coroutine[object, object, object], name: str) -> None:
        self._group.create_task(work, name=name)

    async def _dial(self, verb: DialVerb) -> _Next | _End | None:
        self.dialled.append(verb.target)
        self._observe("carrier dials", verb.target)
        board = self._board
        if board and verb.conference:
            return await self._confer(verb, verb.conference, board)
        target = next((target for target in verb.targets if board and target.address in board.callees), None)
        if board and target:
            return await self._ring(verb, target, board)
        answered = self._dial_status == "completed"
        end = await self._pass(DIAL_SECONDS if answered else 0.0)
        extra = dialled(self._dial_status, new_sid("CA"), 1 if answered else None, bridged=True)
        return self._dialled(verb, self._dial_status, end, extra)

    async def _ring(self, verb: DialVerb, target: Target, board: Switchboard) -> _Next | _End | None:
        """Ring somebody of the simulation. Of several, the first that it has is fastest."""
        leg = Leg(board, self._live, target, verb.caller_id or self._live.from_number)
        seconds, status = leg.callee.ringing(verb.timeout, board.ring)
        if seconds:
            leg.rings()
        bridged, end = False, await self._pass(seconds)
        if end is not None or self._live.told is not None:
            status = "canceled"
        elif status == "in-progress":
            leg.live.status = "ringing"
            callee = leg.answers()
            whisper = Switch(self._session, leg.courier, callee, leg.live, "failed", board)
            bridged = not target.url or await whisper.whisper(Source(target.url, target.method))
            if bridged:
                stays = leg.callee.stays
                end = await self._pass(self._live.time_limit if stays is None else stays)
            status = "completed"
        leg.ends(status)
        took = leg.live.duration if status == "completed" else None
        return self._dialled(verb, status, end, dialled(status, leg.live.sid, took, bridged=bridged))

    async def _confer(self, verb: DialVerb, noun: ConferenceNoun, board: Switchboard) -> _Next | _End | None:
        conference, participant = board.conferences.join(self._live, noun)
        end = await self._pass(self._stays, lambda: participant.left)
        if end is None and not participant.left and self._live.told is None:
            end = _End("caller")
        conference.leave(participant)
        extra = dialled("answered", new_sid("CA"), self._live.duration)
        return self._dialled(verb, f"left ({conference.reason or 'goes on'})", end, extra)

    def _dialled(self, verb: DialVerb, status: str, end: _End | None, extra: Fields) -> _Next | _End | None:
        self._observe("carrier dialled", f"{verb.target}: {status}")
        if end is not None or self._live.told is not None or not verb.action:
            return end
        return _Next("action", Source(verb.action, verb.method), extra)

    async def _refer(self, verb: ReferVerb) -> _Next | _End | None:
        """Ask the caller's own SIP telephone to call somebody else; only calls by SIP can be asked."""
        self._observe("carrier refers", verb.target)
        callee = self._board.callees.get(verb.target) if self._board else None
        by_sip = any(side.startswith(("sip:", "sips:")) for side in (self._live.from_number, self._live.to_number))
        if not by_sip:
            self._warn(SCHEMA, "<Refer> works on calls by SIP only")
        taken = by_sip and callee is not None and callee.does in ("answers", "machine")
        extra = [("ReferCallStatus", "completed" if taken else "failed"), ("ReferSipResponseCode", "202")]
        extra.append(("NotifySipResponseCode", callee.sip_code if callee else "404"))
        if not by_sip:
            extra = extra[:1]
        return _Next("action", Source(verb.action, verb.method), extra) if verb.action else None

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
