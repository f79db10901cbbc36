"""What a process measures while it runs: what its calls hold at the moment of a scrape, how late its event loop is, how
it goes with the models, and what the public port answers.

What adds up over whole calls is in `metrics`. Labels are names of routes, models and the like, from a configuration or
a closed list.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Count
from collections.abc import Awaitable, Callable, Iterable, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from telephony.bridge.calls import Calls
from telephony.errors import UpstreamError, UpstreamRefused
from telephony.records import Moment
from telephony.store.keeper import RecordKeeper
from telephony.upstream.deployment import Deployment
from telephony.upstream.failures import Failure
from telephony.upstream.pool import Upstream
from telephony.version import __version__

LAGS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)
CONNECTS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 4, 8)
REQUESTS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)
"""Seconds: the upper bounds of the buckets."""
NOWHERE = "other"
"""The route of a request for something that is not there: a stranger may ask for anything."""
FIRST = "first"
"""Why a session was asked for that replaces none."""


class Running:
    """Counts what happens. Its `asked`, `failed` and `failed_over` are what `Upstream` tells."""

    def __init__(self, registry: CollectorRegistry) -> None:
        info = Gauge("telephony_build_info", "The version that runs.", ["version"], registry=registry)
        info.labels(__version__).set(1)
        ProcessCollector(registry=registry)
        self._lag = Histogram(
            "telephony_event_loop_lag_seconds",
            "How much later than it was due work begins.",
            buckets=LAGS,
            registry=registry,
        )
        self._connects = Histogram(
            "telephony_upstream_connect_seconds",
            "Until a session with a model was open, or was refused (the HTTP handshake), or came to nothing.",
            ["model", "outcome"],
            buckets=CONNECTS,
            registry=registry,
        )
        self._errors = Counter(
            "telephony_upstream_errors",
            "Failures of models, at the beginning of a session or in it.",
            ["model", "kind"],
            registry=registry,
        )
        self._failovers = Counter(
            "telephony_upstream_failovers",
            "Sessions that this model took after others had failed.",
            ["model"],
            registry=registry,
        )
        self._replaced = Counter(
            "telephony_sessions_replaced",
            "Sessions with models that were replaced in the middle of a call.",
            ["why"],
            registry=registry,
        )
        self._requests = Counter(
            "telephony_requests",
            "Requests to the public port, by HTTP status; `closed` for a WebSocket that is over.",
            ["route", "code"],
            registry=registry,
        )
        self._streams = Counter(
            "telephony_streams_refused", "Media streams that did not prove to be a call's.", registry=registry
        )
        self._request_seconds = Histogram(
            "telephony_request_seconds",
            "How long requests took to answer, WebSockets left out.",
            ["route"],
            buckets=REQUESTS,
            registry=registry,
        )

    def late(self, seconds: float) -> None:
        """The event loop came round so much later than it was due."""
        self._lag.observe(seconds)

    def asked(self, deployment: Deployment, seconds: float, error: UpstreamError | None) -> None:
        outcome = "ok" if error is None else "refused" if isinstance(error, UpstreamRefused) else "lost"
        self._connects.labels(model_of(deployment), outcome).observe(seconds)

    def failed(self, deployment: Deployment, failure: Failure) -> None:
        self._errors.labels(model_of(deployment), failure.kind).inc()

    def failed_over(self, deployment: Deployment) -> None:
        self._failovers.labels(model_of(deployment)).inc()

    def moments(self, moments: Iterable[Moment]) -> None:
        """All of this happened in a call."""
        for moment in moments:
            if moment.what == "took over" and moment.detail != FIRST:
                self._replaced.labels(moment.detail).inc()

    def refused(self) -> None:
        """A media stream was refused."""
        self._streams.inc()

    def count_requests_of(self, app: web.Application) -> None:
        """Count what *app*, which has not started, is asked."""

        @web.middleware
        async def counting(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            loop, resource = asyncio.get_running_loop(), request.match_info.route.resource
            route = resource.canonical if resource else NOWHERE
            began, code = loop.time(), "500"
            try:
                response = await handler(request)
            except web.HTTPException as answer:
                code = str(answer.status)
                raise
            except asyncio.CancelledError:
                code = "cancelled"
                raise
            else:
                code = str(response.status)
                if isinstance(response, web.WebSocketResponse):
                    code = "closed"
                else:
                    self._request_seconds.labels(route).observe(loop.time() - began)
                return response
            finally:
                self._requests.labels(route, code).inc()

        app.middlewares.insert(0, counting)


class Now(Collector):
    """What there is at the moment of a scrape. *limit* is how many calls there may be at once."""

    def __init__(
        self, calls: Calls, upstream: Upstream, keeper: RecordKeeper, ready: Callable[[], bool], limit: int | None
    ) -> None:
        self._calls = calls
        self._upstream = upstream
        self._keeper = keeper
        self._ready = ready
        self._limit = limit

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        yield _gauge("telephony_ready", "1 if calls may be sent here.", float(self._ready()))
        yield _gauge("telephony_draining", "1 if no new call is taken any more.", float(self._calls.draining))
        yield from self._of_calls()
        yield from self._of_models()
        yield from self._of_records()
        yield _gauge("telephony_tasks", "Tasks of the event loop.", len(asyncio.all_tasks()))

    def _of_calls(self) -> Iterator[Metric]:
        directions = Count(bridge.context.direction for bridge in self._calls.live.values())
        active = GaugeMetricFamily("telephony_calls_active", "Calls that go on.", labels=["direction"])
        for direction in ("inbound", "outbound"):
            active.add_metric([direction], directions[direction])
        yield active
        if self._limit is not None:
            yield _gauge("telephony_calls_limit", "Calls that there may be at once (`max_calls`).", self._limit)
        unsent = GaugeMetricFamily("telephony_unsent_bytes", "Bytes that wait to be sent.", labels=["to"])
        queues = [bridge.unsent for bridge in self._calls.live.values()]
        unsent.add_metric(["carrier"], sum(carrier for carrier, _ in queues))
        unsent.add_metric(["model"], sum(model for _, model in queues))
        yield unsent
        waiting = self._calls.writes_waiting
        yield _gauge("telephony_writes_waiting", "Pieces of recordings and cassettes not on the disk yet.", waiting)

    def _of_models(self) -> Iterator[Metric]:
        balancer = self._upstream.balancer
        sessions: Count[str] = Count()
        for deployment in dict.fromkeys(balancer.deployments):
            sessions[model_of(deployment)] += balancer.sessions(deployment)
        active = GaugeMetricFamily("telephony_sessions_active", "Sessions with models.", labels=["model"])
        for model, count in sessions.items():
            active.add_metric([model], count)
        yield active
        resting = len(balancer.resting(asyncio.get_running_loop().time()))
        yield _gauge("telephony_upstream_resting", "Deployments that have failed and rest.", resting)

    def _of_records(self) -> Iterator[Metric]:
        keeper = self._keeper
        waiting = GaugeMetricFamily("telephony_records_waiting", "Call records not in the store yet.", labels=["where"])
        waiting.add_metric(["disk"], len(keeper.spooled))
        waiting.add_metric(["memory"], len(keeper.in_memory))
        yield waiting
        yield CounterMetricFamily("telephony_records_lost", "Call records that were lost.", value=keeper.lost)


def model_of(deployment: Deployment) -> str:
    """A deployment in a label."""
    return f"{deployment.provider}/{deployment.model}"


def _gauge(name: str, explanation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, explanation, value=value)
