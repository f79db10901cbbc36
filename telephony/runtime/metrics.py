"""What calls add up to, for Prometheus.

Everything is counted from finished records, so that a number and the call behind it never disagree. Labels are what a
configuration or a closed list names: never a call, a number, or anything that a caller or a model has written.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

from telephony.bridge.calls import Keeper
from telephony.records import CallRecord, Finding, ToolUse

DURATIONS = (5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
"""Seconds: the upper bounds of the buckets, as of those below."""
LATENCIES = (0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 6, 10)
PAUSES = (2, 2.5, 3, 4, 5, 7.5, 10, 15, 30)
TOOLS = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30)
UNKNOWN = "other"
"""The tool of a name that the agent does not have: a model may call anything."""


class Metrics:
    """The numbers of one process. *tools* are the names of each agent's tools."""

    def __init__(self, tools: Mapping[str, frozenset[str]]) -> None:
        self._tools = tools
        self._registry = registry = CollectorRegistry()
        self._calls = Counter("telephony_calls", "Calls that are over.", ["agent", "result", "by"], registry=registry)
        self._durations = Histogram(
            "telephony_call_duration_seconds", "How long calls lasted.", ["agent"], buckets=DURATIONS, registry=registry
        )
        self._latencies = Histogram(
            "telephony_turn_latency_seconds",
            "From the caller's last sound to the agent's first, as heard.",
            ["agent"],
            buckets=LATENCIES,
            registry=registry,
        )
        self._pauses = Counter(
            "telephony_pauses", "Pauses that callers had to wait through.", ["agent", "cause"], registry=registry
        )
        self._pause_seconds = Histogram(
            "telephony_pause_seconds", "How long these were.", ["agent", "cause"], buckets=PAUSES, registry=registry
        )
        self._findings = Counter(
            "telephony_speech_problems",
            "Overlaps, false interruptions, repeated answers and cut-off goodbyes.",
            ["agent", "kind", "cause"],
            registry=registry,
        )
        self._tool_seconds = Histogram(
            "telephony_tool_seconds", "How long tools ran.", ["tool", "outcome"], buckets=TOOLS, registry=registry
        )

    def count(self, record: CallRecord) -> None:
        """A call is over."""
        end = record.termination
        if end is not None:
            self._calls.labels(record.agent, end.result, end.by).inc()
        self._durations.labels(record.agent).observe(record.duration)
        for turn in record.turns:
            if turn.latency is not None:
                self._latencies.labels(record.agent).observe(turn.latency)
        for finding in record.findings:
            self._count_finding(record.agent, finding)
        for use in record.tools:
            self._count_tool(record.agent, use)

    def _count_finding(self, agent: str, finding: Finding) -> None:
        if finding.kind == "pause":
            self._pauses.labels(agent, finding.cause).inc()
            self._pause_seconds.labels(agent, finding.cause).observe(finding.seconds)
        else:
            kind = finding.kind.replace(" ", "_").replace("-", "_")
            self._findings.labels(agent, kind, finding.cause).inc()

    def _count_tool(self, agent: str, use: ToolUse) -> None:
        if use.finished_at is None:
            return
        name = use.name if use.name in self._tools.get(agent, frozenset()) else UNKNOWN
        self._tool_seconds.labels(name, use.outcome).observe(max(0.0, use.finished_at - use.started_at))

    def page(self) -> tuple[bytes, str]:
        """What a scrape gets, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class CountingKeeper:
    """Keeps records as *keeper* does, and counts those that are finished."""

    def __init__(self, keeper: Keeper, metrics: Metrics) -> None:
        self._keeper = keeper
        self._metrics = metrics

    async def begin(self, record: CallRecord) -> object:
        return await self._keeper.begin(record)

    async def save(self, record: CallRecord) -> object:
        return await self._keeper.save(record)

    async def finish(self, record: CallRecord) -> object:
        self._metrics.count(record)
        return await self._keeper.finish(record)
