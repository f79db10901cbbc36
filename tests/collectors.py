"""Where traces go in tests: an OTLP collector on loopback."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from telephony.server.app import Server


class Collector:
    """An OTLP collector: what it was sent, and with which headers."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()
        self.keys: list[str | None] = []
        self.bodies: list[bytes] = []
        app = web.Application()
        app.router.add_post("/v1/traces", self._take)
        self.server = Server(app, "127.0.0.1", 0)

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        self.bodies.append(body)
        sent = ExportTraceServiceRequest.FromString(body)
        self.keys.append(request.headers.get("x-api-key"))
        for resource in sent.resource_spans:
            self.services.add(values(resource.resource.attributes)["service.name"])
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return web.Response(content_type="application/x-protobuf")


def values(attributes: Any) -> dict[str, Any]:
    def value(pair: KeyValue) -> Any:
        return getattr(pair.value, pair.value.WhichOneof("value") or "string_value")

    return {pair.key: value(pair) for pair in attributes}


@contextlib.asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """One that listens."""
    collector = Collector()
    await collector.server.start()
    try:
        yield collector
    finally:
        await collector.server.stop()
