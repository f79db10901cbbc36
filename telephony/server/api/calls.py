"""Calls that were taken or placed: found, read, heard, replayed.

A page ends with a cursor that names the place of its last call, not its number: calls that begin meanwhile, or are
deleted, move nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from telephony.agents.numbers import is_e164, normal
from telephony.encryption.keys import KeyRing
from telephony.errors import ConfigurationError
from telephony.records import CallRecord, Finding, Result, Termination, ToolUse, Turn
from telephony.server.api.files import file_answer
from telephony.server.api.keys import Holder
from telephony.server.api.problem import Problem
from telephony.server.api.requests import UNKNOWN, Answers, read_query
from telephony.server.api.route import BASE, JSON, Route
from telephony.store.base import COUNTED, CallFilter, CallStore, CallSummary, Position

WAV = "audio/wav"
JSON_LINES = "application/jsonl"
TEXT = "text/plain"
ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
"""Our ids and those of carriers."""
MOST = 200
"""Calls on a page."""

State = Literal["running"] | Result


class CallHead(msgspec.Struct, rename={"from_number": "from", "to_number": "to"}):
    """What a call is known by."""

    id: str
    carrier: str
    carrier_call_id: str
    agent: str
    from_number: str
    to_number: str
    direction: Literal["inbound", "outbound"]
    started_at: datetime | None
    duration: float
    """Seconds; of a running call as last kept."""
    model: str
    state: State
    termination: Termination | None
    """How it ended; null while it runs."""


class CallLine(CallHead):
    """A call without its contents."""

    turns: int
    tools: int
    findings: int

    @classmethod
    def of(cls, call: CallSummary) -> CallLine:
        return cls(**_shared(call), **{name: getattr(call, name) for name in COUNTED})


class CallPage(msgspec.Struct):
    """Some calls, newest first."""

    calls: list[CallLine]
    next_cursor: str | None
    """Give it as `cursor` for the next page; null if this was the last."""


class CallTurn(msgspec.Struct):
    """One stretch of speech by one side. Times are seconds since the call began."""

    speaker: Literal["caller", "agent", "keypad"]
    heard: str
    """Of the agent: the words the caller heard. Of the caller: what the model understood."""
    unheard: str
    """The agent's words that never reached the caller's ear."""
    interrupted: bool
    started_at: float
    ended_at: float | None
    final: bool
    """False while a caller's words are still provisional."""
    latency: float | None
    """Seconds of silence before it, where it answers somebody."""

    @classmethod
    def of(cls, turn: Turn) -> CallTurn:
        return cls(**{name: getattr(turn, name) for name in cls.__struct_fields__})


class Call(CallHead):
    """Everything that is kept of a call."""

    turns: list[CallTurn]
    tools: list[ToolUse]
    findings: list[Finding]
    usage: dict[str, Any]
    """Summed over the responses, with the provider's own keys flattened by dots."""
    cost: float
    currency: str
    notes: list[str]
    """What went wrong and was survived, one sentence each."""
    recording: str | None
    """Where it can be heard; null if none was made."""
    cassette: str | None
    """Where everything that passed through it is; null if that was not kept."""

    @classmethod
    def of(cls, record: CallRecord) -> Call:
        here = f"{BASE}/calls/{record.id}"
        same = ("tools", "findings", "usage", "cost", "currency", "notes")
        return cls(
            **_shared(record),
            **{name: getattr(record, name) for name in same},
            turns=[CallTurn.of(turn) for turn in record.turns],
            recording=f"{here}/recording" if record.recording else None,
            cassette=f"{here}/cassette" if record.cassette else None,
        )


class Transcript(msgspec.Struct):
    """Who said what."""

    id: str
    state: State
    turns: list[CallTurn]


class CallsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which calls, and how many."""

    limit: Annotated[int, Meta(ge=1, le=MOST)] = 50
    """Calls on a page."""
    cursor: str | UnsetType = UNSET
    """`next_cursor` of the page before."""
    agent: str | UnsetType = UNSET
    """Only this agent's."""
    number: str | UnsetType = UNSET
    """Only those from or to this number."""
    direction: Literal["inbound", "outbound"] | UnsetType = UNSET
    state: Literal["running", "completed", "failed", "aborted"] | UnsetType = UNSET
    since: datetime | UnsetType = UNSET
    """Only those that started then or later; without a zone, UTC."""
    until: datetime | UnsetType = UNSET
    """Only those that started before."""
    problems: bool = False
    """Only those that did not run their course, or in which something was found."""


class CallsApi:
    """The routes. *keys* decrypt what is encrypted."""

    def __init__(self, store: CallStore, answers: Answers, keys: KeyRing | None = None) -> None:
        self._store = store
        self._answers = answers
        self._keys = keys or KeyRing()

    def routes(self) -> Iterator[Route]:
        yield Route(
            "GET",
            "/calls",
            "calls:read",
            self._list,
            "Calls, newest first, page by page.",
            {200: {JSON: CallPage}},
            (400,),
            query=CallsQuery,
        )
        yield Route("GET", "/calls/{call}", "calls:read", self._show, "A call.", {200: {JSON: Call}}, (404,))
        yield Route(
            "GET",
            "/calls/{call}/transcript",
            "calls:read",
            self._transcript,
            "Who said what in a call; with Accept: text/plain, to be read.",
            {200: {JSON: Transcript, TEXT: None}},
            (404,),
        )
        files = (
            ("recording", WAV, "the caller left, the agent right"),
            ("cassette", JSON_LINES, "every message, for replay"),
        )
        for what, content_type, about in files:
            yield Route(
                "GET",
                f"/calls/{{call}}/{what}",
                "calls:audio",
                self._recording if what == "recording" else self._cassette,
                f"The {what} of a call: {about}.",
                {200: {content_type: None}, 206: {content_type: None}},
                (404, 416),
                headers={"Range": "A part of it, as `bytes=0-65535`."},
            )

    async def _list(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        query = read_query(request, CallsQuery)
        before = _position(query.cursor) if isinstance(query.cursor, str) else None
        found = await self._store.list(query.limit + 1, before=before, where=_filter(query))
        shown = found[: query.limit]
        cursor = _cursor(shown[-1].position) if len(found) > len(shown) else None
        return await self._answers.json(CallPage([CallLine.of(call) for call in shown], cursor))

    async def _show(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        return await self._answers.json(Call.of(await self._record(request)))

    async def _transcript(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        record = await self._record(request)
        turns = [CallTurn.of(turn) for turn in record.turns]
        if _wants_text(request):
            return web.Response(text=await self._answers.plain("".join(map(_line, turns))), content_type=TEXT)
        return await self._answers.json(Transcript(record.id, _state(record), turns))

    async def _recording(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        return await file_answer(request, (await self._record(request)).recording, WAV, self._keys)

    async def _cassette(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        # Unlike a recording, what a killed process left of a cassette is not finished by the next one.
        name = (await self._record(request)).cassette
        return await file_answer(request, name, JSON_LINES, self._keys, may_be_cut=True)

    async def _record(self, request: web.Request) -> CallRecord:
        wanted = request.match_info["call"]
        try:
            record = await self._store.get(wanted) if ID.fullmatch(wanted) else None
        except ConfigurationError:  # several begin or end with it
            record = None
        if record is None or wanted not in (record.id, record.carrier_call_id):
            raise Problem(404, UNKNOWN)
        return record


# -- words ---------------------------------------------------------------------------------------------------------


def _shared(call: CallRecord | CallSummary) -> dict[str, Any]:
    """What a call and a line of a list have in common."""
    own = ("id", "carrier", "carrier_call_id", "agent", "from_number", "to_number", "direction", "started_at")
    values = {name: getattr(call, name) for name in (*own, "duration", "model", "termination")}
    return {**values, "state": _state(call)}


def _state(call: CallRecord | CallSummary) -> State:
    return call.termination.result if call.termination else "running"


def _wants_text(request: web.Request) -> bool:
    accepted = request.headers.get("Accept", "")
    return TEXT in accepted and JSON not in accepted


def _line(turn: CallTurn) -> str:
    cut = f" [not heard: {turn.unheard}]" if turn.unheard else ""
    words = " ".join(f"{turn.heard}{cut}".split())
    minutes, seconds = divmod(turn.started_at, 60)
    return f"{minutes:02.0f}:{seconds:04.1f} {turn.speaker}: {words}\n"


# -- pages ---------------------------------------------------------------------------------------------------------


def _cursor(position: Position) -> str:
    """In hexadecimal, which looks like no secret."""
    return msgspec.json.encode(position).hex()


def _position(cursor: str) -> Position:
    try:
        return msgspec.json.decode(bytes.fromhex(cursor), type=Position)
    except (ValueError, msgspec.DecodeError):
        raise Problem(400, "cursor: it is none of ours. Give next_cursor of a page as it is.") from None


def _filter(query: CallsQuery) -> CallFilter:
    """The filter of a store."""
    given = {name: getattr(query, name) for name in ("agent", "direction", "state")}
    number = query.number
    if isinstance(number, str):
        number = normal(number) if is_e164(normal(number)) else number.strip()
    given |= {"number": number, "since": _moment(query.since), "until": _moment(query.until)}
    return CallFilter(problems=query.problems, **{name: value for name, value in given.items() if value is not UNSET})


def _moment(time: datetime | UnsetType) -> datetime | UnsetType:
    if time is UNSET:
        return time
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        raise Problem(400, f"{time}: there is no such time.") from None
