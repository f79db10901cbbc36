"""Calls as OpenTelemetry traces, exported by OTLP over HTTP: the extra `otel`.

Whether and where to is said by OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT` and the like) and by no
setting of ours. A trace is made when its call is over. Sockets are not instrumented: a span for a WebSocket would be as
long as the call and show the URL with all that is in it. Where nothing is to be traced, the SDK is not imported.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.bridge.calls import Keeper
from telephony.diagnosis.spans import Span, Value, spans_of
from telephony.errors import ConfigurationError
from telephony.records import CallRecord, Moment
from telephony.tools.threads import Threads
from telephony.version import __version__

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter

SERVICE = "telephony"
"""`service.name`, unless the environment names another."""
SWITCHES = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""One of these must be set for anything to be traced."""
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
OVER_HTTP = "http/protobuf"
LAST_EXPORT = 5.0
"""Seconds that what is still to be exported may take when the process ends."""
WAITING = 1000
"""Calls of which moments are remembered until their record is finished; the oldest are forgotten."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.tracing")


class Tracer:
    """Exports the trace of each call that is over. *mask* is what every text in it goes through."""

    def __init__(self, exporter: SpanExporter, environ: Mapping[str, str], mask: Callable[[str], str] = str) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        about = {"service.version": __version__} | ({} if named else {"service.name": SERVICE})
        self._provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(SERVICE, __version__)
        self._mask = mask
        self._moments: OrderedDict[str, list[Moment]] = OrderedDict()

    def moments(self, record: CallRecord, moments: list[Moment]) -> None:
        """All of this happened in one stream of a call."""
        self._moments.setdefault(record.id, []).extend(moments)
        while len(self._moments) > WAITING:
            self._moments.popitem(last=False)

    def over(self, record: CallRecord) -> None:
        """A call is over. It raises nothing."""
        moments = self._moments.pop(record.id, [])
        began = record.started_at or datetime.now(UTC) - timedelta(seconds=record.duration)
        try:
            self._export(spans_of(record, moments), round(began.timestamp() * 1e9), None)
        except Exception:  # noqa: BLE001  a trace is never why the record of a call is not kept
            _log.exception("a call could not be traced", call_id=record.carrier_call_id)

    def _export(self, span: Span, began: int, parent: Context | None) -> None:
        """Hand *span* and all below it over; *began* is when the call did, in nanoseconds since 1970."""
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

        def at(seconds: float) -> int:
            return began + round(seconds * 1e9)

        made = self._tracer.start_span(
            self._mask(span.name),
            parent,
            kind=SpanKind[span.kind.upper()],
            attributes=self._masked(span.attributes),
            start_time=at(span.start),
        )
        for event in span.happenings:
            made.add_event(event.name, self._masked(event.attributes), at(event.at))
        if span.error:
            made.set_status(Status(StatusCode.ERROR, self._mask(span.error)))
        context = set_span_in_context(made, parent)
        for child in span.children:
            self._export(child, began, context)
        made.end(at(span.end))

    def _masked(self, attributes: Mapping[str, Value]) -> dict[str, Value]:
        return {key: self._mask(value) if isinstance(value, str) else value for key, value in attributes.items()}

    async def close(self) -> None:
        """Export what waits. Bounded, and so it is done in a thread that may be left behind."""
        try:
            async with asyncio.timeout(LAST_EXPORT):
                await Threads(1).run(self._provider.shutdown, "export traces")
        except TimeoutError:
            _log.warning("traces were not exported in time", seconds=LAST_EXPORT)


class TracingKeeper:
    """Keeps records as *keeper* does, and traces those that are finished."""

    def __init__(self, keeper: Keeper, tracer: Tracer) -> None:
        self._keeper = keeper
        self._tracer = tracer

    async def begin(self, record: CallRecord) -> object:
        return await self._keeper.begin(record)

    async def save(self, record: CallRecord) -> object:
        return await self._keeper.save(record)

    async def finish(self, record: CallRecord) -> object:
        kept = await self._keeper.finish(record)
        await asyncio.to_thread(self._tracer.over, record)  # an hour of talk is a thousand spans
        return kept


def make_tracer(environ: Mapping[str, str], mask: Callable[[str], str] = str) -> Tracer | None:
    """A tracer, if *environ* wants one. Raises `ConfigurationError` for a wish that cannot be fulfilled; that the extra
    is not installed is only warned of, since clusters set these variables for everybody."""
    wanted = environ.get("OTEL_TRACES_EXPORTER", "otlp").strip()
    if not any(environ.get(name) for name in SWITCHES) or wanted == "none":
        return None
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if wanted != "otlp":
        raise ConfigurationError("OTEL_TRACES_EXPORTER", f"it is {wanted!r}", "Set it to otlp, or to none.")
    for name in PROTOCOLS:
        if environ.get(name, OVER_HTTP) not in ("", OVER_HTTP):
            remedy = f"Set it to {OVER_HTTP}; collectors listen for that on port 4318."
            raise ConfigurationError(name, f"it is {environ[name]!r}, and traces go by OTLP over HTTP", remedy)
    # The SDK looks nowhere but in the environment of the process; ours may also come from a file.
    for name in environ:
        if name.startswith("OTEL_"):
            os.environ.setdefault(name, environ[name])
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        _log.warning("no traces: the extra is not installed", remedy="pip install 'telephony-bridge[otel]'")
        return None
    return Tracer(OTLPSpanExporter(), environ, mask)
