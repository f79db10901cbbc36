"""Traces as they leave the process: through the SDK's own exporter in memory, and as OTLP to a server on loopback."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from collectors import Collector, collecting, values
from offices import opened, outside, settings_for
from telephony.agents.agent import Agent
from telephony.errors import ConfigurationError
from telephony.records import CallRecord, Moment, Termination, ToolUse, Turn
from telephony.runtime import tracing
from telephony.runtime.tracing import Tracer, TracingKeeper, make_tracer
from telephony.tools import tool

BEGAN = datetime(2026, 11, 22, 18, 40, tzinfo=UTC)
SECRET = "planted-7c1f-secret"


@pytest.fixture(autouse=True)
def environment_as_before() -> Iterator[None]:
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


def a_call() -> CallRecord:
    return CallRecord(
        "c1",
        "twilio",
        "CA42",
        "desk",
        started_at=BEGAN,
        duration=20.0,
        model="xai/grok-voice",
        termination=Termination("failed", "model", f"HTTP 401: {SECRET}"),
        turns=[Turn("agent", heard="Hello.", started_at=1.0, ended_at=2.5)],
        tools=[ToolUse("fc_1", "look_up", "{}", "{}", "ok", 5.2, 5.8)],
    )


MOMENTS = [Moment(0.0, "asked for session", "first"), Moment(0.5, "took over", "first")]


async def test_one_call_is_one_trace_with_its_times_and_without_secrets() -> None:
    exporter = InMemorySpanExporter()
    tracer = Tracer(exporter, {}, lambda text: text.replace(SECRET, "***"))
    tracer.moments(a_call(), MOMENTS)
    tracer.over(a_call())
    tracer.over(a_call())
    await tracer.close()
    spans = exporter.get_finished_spans()
    traces = {span.context.trace_id for span in spans if span.context}
    assert len(traces) == 2, "each call has a trace of its own"
    first = spans[:4]
    assert [span.name for span in first] == [
        "chat xai/grok-voice",
        "turn agent",
        "execute_tool look_up",
        "invoke_agent desk",
    ]
    root = first[-1]
    assert root.parent is None
    assert all(span.parent and root.context and span.parent.span_id == root.context.span_id for span in first[:-1])
    began = round(BEGAN.timestamp() * 1e9)
    assert (root.start_time, root.end_time) == (began, began + 20_000_000_000)
    assert (first[1].start_time, first[1].end_time) == (began + 1_000_000_000, began + 2_500_000_000)
    assert root.status.description == "HTTP 401: ***"
    assert root.resource.attributes["service.name"] == "telephony"
    assert SECRET not in "".join(span.to_json() for span in spans)
    assert len(spans[4:]) == 3, "moments are told once"


async def test_a_record_is_kept_before_it_is_traced_and_whatever_becomes_of_that() -> None:
    kept: list[str] = []

    class Shelf:
        async def begin(self, record: CallRecord) -> None:
            kept.append("begin")

        async def save(self, record: CallRecord) -> None:
            kept.append("save")

        async def finish(self, record: CallRecord) -> str:
            kept.append("finish")
            return "stored"

    def broken(text: str) -> str:
        assert kept[-1] == "finish"
        raise ZeroDivisionError

    tracer = Tracer(InMemorySpanExporter(), {}, broken)
    keeper = TracingKeeper(Shelf(), tracer)
    await keeper.begin(a_call())
    await keeper.save(a_call())
    with capture_logs() as logs:
        assert await keeper.finish(a_call()) == "stored"
    await tracer.close()
    assert kept == ["begin", "save", "finish"]
    assert [line["event"] for line in logs] == ["a call could not be traced"]


async def test_moments_of_calls_that_never_end_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "WAITING", 2)
    exporter = InMemorySpanExporter()
    tracer = Tracer(exporter, {})
    for number in range(3):
        record = a_call()
        record.id = str(number)
        tracer.moments(record, MOMENTS)
    for number in range(3):
        record = a_call()
        record.id = str(number)
        tracer.over(record)
    await tracer.close()
    assert sum(span.name.startswith("chat") for span in exporter.get_finished_spans()) == 2


# -- whether -------------------------------------------------------------------------------------------------------

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "true"},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_traced_unless_the_environment_says_where_to(environ: dict[str, str]) -> None:
    assert make_tracer(environ) is None


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, r"OTEL_TRACES_EXPORTER: it is 'zipkin'.*Set it to otlp"),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, r"OTEL_EXPORTER_OTLP_PROTOCOL: it is 'grpc'.*4318"),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_is_a_matter_of_configuration(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        make_tracer(environ)


def test_without_the_extra_calls_are_answered_and_somebody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with capture_logs() as logs:
        assert make_tracer(ENDPOINT) is None
    assert "telephony-bridge[otel]" in logs[0]["remedy"]


def test_the_sdk_is_not_imported_where_nothing_is_traced() -> None:
    program = (
        "import sys; from telephony.runtime import office, tracing; assert tracing.make_tracer({}) is None;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environ, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"


# -- over the wire -------------------------------------------------------------------------------------------------


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as collector:
        yield collector


@tool
async def look_up() -> str:
    """Look it up."""
    await asyncio.sleep(0.05)
    return "found"


SCRIPT = {
    "replies": [
        {"on": "greeting", "say": "Hello, this is Acme."},
        {"on": "speech", "hears": "Where is it?", "call": {"name": "look_up"}},
        {"on": "tool", "say": "It is here."},
    ]
}


async def test_a_call_over_real_sockets_arrives_at_a_collector_as_one_trace(
    tmp_path: Path, collector: Collector
) -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server.port}",
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={SECRET}",
        "OTEL_SERVICE_NAME": "front-office",
    }
    agent = Agent("frontdesk", greeting="Hello, this is Acme.", tools=[look_up])
    steps = [{"wait": "agent"}, {"say": "Where is it?"}, {"wait": "agent"}, "hang_up"]
    async with outside(SCRIPT) as around:
        settings = settings_for(tmp_path, around.model.url, around.rest.base_url)
        async with opened(settings, around, agent, environ=environ) as made:
            record = await made.record(await made.call(*steps))
    assert collector.services == {"front-office"}
    assert set(collector.keys) == {SECRET}
    assert len({span.trace_id for span in collector.spans}) == 1
    (root,) = [span for span in collector.spans if not span.parent_span_id]
    assert values(root.attributes)["telephony.call.id"] == record.carrier_call_id
    assert values(root.attributes)["gen_ai.conversation.id"] == record.id
    names = [span.name for span in collector.spans]
    assert names.count("turn agent") == 2
    assert names.count("turn caller") == 1
    assert names.count("execute_tool look_up") == 1
    assert sum(name.startswith("chat xai/") for name in names) == 1
    assert not [span for span in collector.spans if "Acme" in str(span) or "/twilio/media" in str(span)]
    (use,) = [span for span in collector.spans if span.name == "execute_tool look_up"]
    assert use.end_time_unix_nano - use.start_time_unix_nano >= 50_000_000


async def test_a_collector_that_does_not_answer_holds_up_neither_a_call_nor_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "LAST_EXPORT", 0.2)
    never = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await never.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    agent = Agent("frontdesk", greeting="Hello, this is Acme.")
    with capture_logs() as logs:
        async with outside(SCRIPT) as around:
            settings = settings_for(tmp_path, around.model.url, around.rest.base_url)
            async with opened(settings, around, agent, environ=environ) as made:
                record = await made.record(await made.call({"wait": "agent"}, "hang_up"))
    assert record.termination is not None
    assert record.termination.result == "completed"
    assert "traces were not exported in time" in [line["event"] for line in logs]
    never.set()
    server.close()
