"""A call as a trace: one span for the call, and in it one for each turn, each session with a model and each function.

It is made from the record when the call is over, so that nothing has to be traced while somebody speaks. Nothing that
anybody said is in it, and no telephone number.

Names of attributes are those of OpenTelemetry's conventions for generative AI (`gen_ai.*`, semantic-conventions-genai,
2026) and for errors; what these do not know is `telephony.*`. They are in this file and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from telephony.records import CallRecord, Moment, ToolUse, Turn

OPERATION, PROVIDER = "gen_ai.operation.name", "gen_ai.provider.name"
MODEL, AGENT, CONVERSATION = "gen_ai.request.model", "gen_ai.agent.name", "gen_ai.conversation.id"
INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
TOOL, TOOL_CALL, TOOL_TYPE = "gen_ai.tool.name", "gen_ai.tool.call.id", "gen_ai.tool.type"
ERROR = "error.type"
PROVIDERS = {"xai": "x_ai", "azure": "azure.ai.openai"}
"""How the conventions call providers whose prefix in a `model_list` is another."""
NUMBER = re.compile(r"\+\d{6,15}")
"""A telephone number (E.164) in a reason, such as that of somebody who was forwarded."""

Value = str | int | float | bool
Attributes = Mapping[str, Value]


class Happening(msgspec.Struct, frozen=True):
    """Something in a span that takes no time."""

    at: float
    """Seconds since the call began, as everywhere here."""
    name: str
    attributes: Attributes = {}


class Span(msgspec.Struct, frozen=True):
    """A stretch of a call."""

    name: str
    kind: Literal["server", "client", "internal"]
    start: float
    end: float
    attributes: Attributes = {}
    error: str = ""
    """What went wrong; empty if nothing did."""
    happenings: Sequence[Happening] = ()
    children: Sequence[Span] = ()
    """In the order of time."""


def spans_of(record: CallRecord, moments: Iterable[Moment] = ()) -> Span:
    """The trace of a call that is over. *moments*: what happened in it, as the exchange knows; without them no session
    with a model is shown."""
    end, reason = record.termination, ""
    found = [*map(_turn, record.turns), *map(_tool, record.tools), *_sessions(record, moments)]
    children = [_within(record.duration, span) for span in found]
    attributes: dict[str, Value] = {
        OPERATION: "invoke_agent",
        AGENT: record.agent,
        CONVERSATION: record.id,
        "telephony.carrier": record.carrier,
        "telephony.call.id": record.carrier_call_id,
        "telephony.direction": record.direction,
        **_model(record.model),
    }
    for name, key in ((INPUT, "input_tokens"), (OUTPUT, "output_tokens")):
        if key in record.usage:
            attributes[name] = record.usage[key]
    if record.currency:
        attributes |= {"telephony.cost": record.cost, "telephony.currency": record.currency}
    if end:
        reason = NUMBER.sub("a number", end.reason)
        attributes |= {"telephony.result": end.result, "telephony.ended_by": end.by, "telephony.reason": reason}
        if end.result != "completed":
            attributes[ERROR] = end.result
    return Span(
        f"invoke_agent {record.agent}",
        "server" if record.direction == "inbound" else "client",
        0.0,
        record.duration,
        attributes,
        reason if end and end.result != "completed" else "",
        [
            Happening(found.at, found.kind, {"telephony.cause": found.cause, "telephony.seconds": found.seconds})
            for found in record.findings
        ],
        sorted(children, key=lambda span: (span.start, span.end)),
    )


def _turn(turn: Turn) -> Span:
    attributes: dict[str, Value] = {"telephony.speaker": turn.speaker, "telephony.interrupted": turn.interrupted}
    if turn.latency is not None:
        attributes["telephony.latency"] = round(turn.latency, 6)
    steps = {
        "caller stopped": turn.speech_stopped_at,
        "model noticed": turn.vad_at,
        "response opened": turn.response_at,
        "first audio received": turn.first_audio_at,
        "first audio sent": turn.sent_at,
        "playback confirmed": turn.confirmed_at,
    }
    happenings = [Happening(at, name) for name, at in steps.items() if at is not None]
    until = turn.started_at if turn.ended_at is None else turn.ended_at
    name = f"turn {turn.speaker}"
    return Span(name, "internal", turn.started_at, until, attributes, happenings=sorted(happenings, key=_at))


def _tool(use: ToolUse) -> Span:
    attributes: dict[str, Value] = {
        OPERATION: "execute_tool",
        TOOL: use.name,
        TOOL_CALL: use.call_id,
        TOOL_TYPE: "function",
        "telephony.outcome": use.outcome,
    }
    well = use.outcome in ("ok", "running", "detached")
    if not well:
        attributes[ERROR] = use.outcome
    until = use.started_at if use.finished_at is None else use.finished_at
    error = "" if well else use.outcome
    return Span(f"execute_tool {use.name}", "internal", use.started_at, until, attributes, error)


class _Session:
    """One session, as it goes."""

    def __init__(self, asked: Moment) -> None:
        self.start = asked.at
        self.why = asked.detail
        self.model = ""
        self.happenings: list[Happening] = []

    def over(self, at: float, otherwise: str, error: str = "") -> Span:
        model = self.model or otherwise
        attributes: dict[str, Value] = {OPERATION: "chat", "telephony.why": self.why, **_model(model)}
        if error:
            attributes[ERROR] = "lost"
        name = f"chat {model}".rstrip()
        return Span(name, "client", self.start, at, attributes, error, self.happenings)


def _sessions(record: CallRecord, moments: Iterable[Moment]) -> list[Span]:
    """From when each was asked for to when another took over, it was lost, or the call ended."""
    current: _Session | None = None
    coming: _Session | None = None
    found: list[Span] = []
    for moment in moments:
        match moment.what:
            case "asked for session":
                if coming:  # it came to nothing, and that was no loss
                    found.append(coming.over(moment.at, "", "withdrawn"))
                coming = _Session(moment)
            case "connected" | "ready" | "unacknowledged" if coming:
                coming.model = moment.detail or coming.model
                coming.happenings.append(Happening(moment.at, moment.what))
            case "took over" if coming:
                if current:
                    found.append(current.over(moment.at, record.model))
                current, coming = coming, None
                current.happenings.append(Happening(moment.at, moment.what))
            case "lost" if current:
                found.append(current.over(moment.at, record.model, moment.detail))
                current = None
            case "lost" if coming:
                found.append(coming.over(moment.at, "", moment.detail))
                coming = None
    if current:
        found.append(current.over(record.duration, record.model))
    if coming:
        found.append(coming.over(record.duration, ""))
    return found


def _model(name: str) -> dict[str, Value]:
    """What `xai/grok-voice` says of a model."""
    provider, _, model = name.rpartition("/")
    named = {MODEL: model} if model else {}
    return {PROVIDER: PROVIDERS.get(provider, provider), **named} if provider else dict(named)


def _within(duration: float, span: Span) -> Span:
    """A span that lies in the call and does not end before it begins, whatever clocks said."""
    start = min(max(0.0, span.start), duration)
    return msgspec.structs.replace(span, start=start, end=min(max(start, span.end), duration))


def _at(happening: Happening) -> float:
    return happening.at
