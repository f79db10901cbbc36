"""A call as a trace: what lies in what, how it is named, and that nobody's words or numbers are in it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from telephony.diagnosis.spans import Span, spans_of
from telephony.records import CallRecord, Finding, Moment, Termination, ToolUse, Turn

WORDS = "My number is +15550142"


def a_call(**changes: Any) -> CallRecord:
    record = CallRecord(
        id="20261122-184000-abc123",
        carrier="twilio",
        carrier_call_id="CA42",
        agent="desk",
        from_number="+15550142",
        to_number="+15550100",
        duration=20.0,
        model="xai/grok-voice",
        termination=Termination("completed", "caller", "forwarded to +15550142"),
        turns=[
            Turn("caller", heard=WORDS, started_at=4.0, ended_at=5.0),
            Turn("agent", heard=WORDS, started_at=6.2, ended_at=9.0, speech_stopped_at=5.0, sent_at=6.0, vad_at=5.3),
        ],
        tools=[ToolUse("fc_1", "look_up", f'{{"a": "{WORDS}"}}', WORDS, "timeout", 5.2, 5.8)],
        usage={"input_tokens": 900, "output_tokens": 100},
        cost=0.25,
        currency="USD",
        findings=[Finding(5.0, 2.6, "pause", "tool_without_say", WORDS)],
        notes=[WORDS],
    )
    return msgspec.structs.replace(record, **changes)


def first_session(at: float = 0.0) -> list[Moment]:
    return [
        Moment(at, "asked for session", "first"),
        Moment(at + 0.3, "connected", "xai/grok-voice"),
        Moment(at + 0.5, "ready"),
        Moment(at + 0.5, "took over", "first"),
    ]


def named(span: Span, name: str) -> list[Span]:
    return [child for child in span.children if child.name == name]


def test_a_call_is_a_span_with_what_the_conventions_call_it() -> None:
    span = spans_of(a_call(), first_session())
    assert (span.name, span.kind, span.start, span.end, span.error) == ("invoke_agent desk", "server", 0.0, 20.0, "")
    assert span.attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "desk",
        "gen_ai.conversation.id": "20261122-184000-abc123",
        "gen_ai.provider.name": "x_ai",
        "gen_ai.request.model": "grok-voice",
        "gen_ai.usage.input_tokens": 900,
        "gen_ai.usage.output_tokens": 100,
        "telephony.carrier": "twilio",
        "telephony.call.id": "CA42",
        "telephony.direction": "inbound",
        "telephony.cost": 0.25,
        "telephony.currency": "USD",
        "telephony.result": "completed",
        "telephony.ended_by": "caller",
        "telephony.reason": "forwarded to a number",
    }
    (pause,) = span.happenings
    assert (pause.at, pause.name) == (5.0, "pause")
    assert pause.attributes == {"telephony.cause": "tool_without_say", "telephony.seconds": 2.6}
    assert spans_of(a_call(direction="outbound")).kind == "client"


def test_turns_functions_and_sessions_lie_in_it_in_the_order_of_time() -> None:
    span = spans_of(a_call(), first_session())
    assert [(child.name, child.start, child.end) for child in span.children] == [
        ("chat xai/grok-voice", 0.0, 20.0),
        ("turn caller", 4.0, 5.0),
        ("execute_tool look_up", 5.2, 5.8),
        ("turn agent", 6.2, 9.0),
    ]
    (turn,) = named(span, "turn agent")
    assert turn.attributes == {"telephony.speaker": "agent", "telephony.interrupted": False, "telephony.latency": 1.2}
    assert [(step.at, step.name) for step in turn.happenings] == [
        (5.0, "caller stopped"),
        (5.3, "model noticed"),
        (6.0, "first audio sent"),
    ]
    (use,) = named(span, "execute_tool look_up")
    assert use.error == "timeout"
    assert use.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look_up",
        "gen_ai.tool.call.id": "fc_1",
        "gen_ai.tool.type": "function",
        "telephony.outcome": "timeout",
        "error.type": "timeout",
    }


def test_a_session_that_is_lost_ends_there_and_the_next_begins_when_it_is_asked_for() -> None:
    moments = [
        *first_session(),
        Moment(8.0, "lost", "the socket closed (1011)"),
        Moment(8.0, "asked for session", "lost"),
        Moment(8.4, "connected", "openai/gpt-realtime"),
        Moment(8.6, "took over", "lost"),
    ]
    sessions = [child for child in spans_of(a_call(), moments).children if child.kind == "client"]
    assert [(each.name, each.start, each.end, each.error) for each in sessions] == [
        ("chat xai/grok-voice", 0.0, 8.0, "the socket closed (1011)"),
        ("chat openai/gpt-realtime", 8.0, 20.0, ""),
    ]
    assert sessions[0].attributes["error.type"] == "lost"
    assert sessions[1].attributes["gen_ai.provider.name"] == "openai"
    assert sessions[1].attributes["telephony.why"] == "lost"
    assert [step.name for step in sessions[1].happenings] == ["connected", "took over"]


def test_a_session_that_is_replaced_overlaps_the_one_that_takes_over() -> None:
    moments = [
        *first_session(),
        Moment(10.0, "asked for session", "rotate"),
        Moment(10.5, "connected", "xai/grok-voice"),
        Moment(12.0, "took over", "rotate"),
    ]
    sessions = [child for child in spans_of(a_call(), moments).children if child.kind == "client"]
    assert [(each.start, each.end, each.error) for each in sessions] == [(0.0, 12.0, ""), (10.0, 20.0, "")]


def test_a_model_that_was_never_reached_is_shown_as_lost() -> None:
    moments = [Moment(0.0, "asked for session", "first"), Moment(4.0, "lost", "HTTP 401"), Moment(4.0, "gone", "x")]
    ended = Termination("failed", "model", "HTTP 401")
    span = spans_of(a_call(model="", termination=ended), moments)
    (session,) = [child for child in span.children if child.kind == "client"]
    assert (session.name, session.end, session.error) == ("chat", 4.0, "HTTP 401")
    assert (span.error, span.attributes["error.type"]) == ("HTTP 401", "failed")


def test_no_word_and_no_number_is_in_a_trace() -> None:
    text = str(spans_of(a_call(), first_session()))
    assert not re.search(r"5550142|5550100|My number", text)


TIMES = st.floats(-5, 100, allow_nan=False)


@given(
    st.lists(st.tuples(TIMES, st.none() | TIMES), max_size=5),
    st.lists(
        st.builds(
            Moment,
            TIMES,
            st.sampled_from(["asked for session", "connected", "ready", "took over", "lost", "gone"]),
            st.sampled_from(["", "first", "lost", "xai/grok"]),
        ),
        max_size=12,
    ),
)
def test_every_span_lies_in_its_call_whatever_the_clocks_said(
    turns: list[tuple[float, float | None]], moments: list[Moment]
) -> None:
    spoken = [Turn("agent", heard="x", started_at=since, ended_at=until) for since, until in turns]
    span = spans_of(a_call(turns=spoken), moments)
    assert len(named(span, "turn agent")) == len(turns)
    assert all(0 <= child.start <= child.end <= span.end for child in span.children)
    assert [child.start for child in span.children] == sorted(child.start for child in span.children)
    asked = sum(moment.what == "asked for session" for moment in moments)
    assert sum(child.kind == "client" for child in span.children) == asked
