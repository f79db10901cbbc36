"""What calls add up to, for Prometheus.

Everything is counted from finished records, so that a number and the call behind it never disagree. Labels are what a
configuration or a closed list names: never a call, a number, or anything that a caller or a model has written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

from telephony.bridge.calls import Keeper
from telephony.records import CallRecord, Finding, ToolUse, Turn

DURATIONS = (5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
"""Seconds: the upper bounds of the buckets, as of those below."""
LATENCIES = (0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 6, 10)
BARGE_INS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2)
PAUSES = (2, 2.5, 3, 4, 5, 7.5, 10, 15, 30)
TOOLS = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30)
TOKENS = ("input_tokens", "output_tokens", "total_tokens")
"""Of a record's `usage`; providers count much else besides, under names of their own."""
UNKNOWN = "other"
"""The tool of a name that the agent does not have: a model may call anything."""


class Metrics:
    """The numbers of one process. *tools* are the names of each agent's tools."""

    def __init__(self, tools: Mapping[str, frozenset[str]]) -> None:
        self._tools = dict(tools)
        self.registry = registry = CollectorRegistry()
        """Where they are; whoever counts something else adds it here."""
        self._calls = Counter("telephony_calls", "Calls that are over.", ["agent", "result", "by"], registry=registry)
        self._durations = _seconds(registry, "call_duration", "How long calls lasted.", ["agent"], DURATIONS)
        explanation = "From the beginning of the media stream to the agent's first word, as heard."
        self._first = _seconds(registry, "first_audio", explanation, ["agent"], LATENCIES)
        explanation = "From the caller's last sound to the agent's first, as heard."
        self._latencies = _seconds(registry, "turn_latency", explanation, ["agent"], LATENCIES)
        self._barge_ins = Counter(
            "telephony_barge_ins", "Turns of the agent that the caller interrupted.", ["agent"], registry=registry
        )
        explanation = "From the caller's first sound to the agent's silence."
        self._barge_in = _seconds(registry, "barge_in", explanation, ["agent"], BARGE_INS)
        self._pauses = Counter(
            "telephony_pauses", "Pauses that callers had to wait through.", ["agent", "cause"], registry=registry
        )
        self._pause_seconds = _seconds(registry, "pause", "How long these were.", ["agent", "cause"], PAUSES)
        self._findings = Counter(
            "telephony_speech_problems",
            "Overlaps, false interruptions, repeated answers and cut-off goodbyes.",
            ["agent", "kind", "cause"],
            registry=registry,
        )
        self._tool_seconds = _seconds(registry, "tool", "How long tools ran.", ["tool", "outcome"], TOOLS)
        self._tokens = Counter(
            "telephony_tokens", "Tokens that models have charged.", ["agent", "kind"], registry=registry
        )
        self._cost = Counter(
            "telephony_cost", "What calls have cost, by `tariffs`.", ["agent", "currency"], registry=registry
        )

    def know(self, agent: str, tools: Iterable[str]) -> None:
        """These are the tools of an agent."""
        self._tools[agent] = frozenset(tools)

    def count(self, record: CallRecord) -> None:
        """A call is over."""
        end, agent = record.termination, record.agent
        if end is not None:
            self._calls.labels(agent, end.result, end.by).inc()
        self._durations.labels(agent).observe(record.duration)
        spoken = [turn for turn in record.turns if turn.speaker == "agent" and turn.heard]
        if spoken:
            self._first.labels(agent).observe(spoken[0].started_at)
        for turn in record.turns:
            if turn.latency is not None:
                self._latencies.labels(agent).observe(turn.latency)
            if turn.interrupted and turn.speaker == "agent":
                self._count_barge_in(agent, turn, record.turns)
        for finding in record.findings:
            self._count_finding(agent, finding)
        for use in record.tools:
            self._count_tool(agent, use)
        for kind in TOKENS:
            self._tokens.labels(agent, kind.removesuffix("_tokens")).inc(max(0, record.usage.get(kind, 0)))
        if record.currency:
            self._cost.labels(agent, record.currency).inc(max(0.0, record.cost))

    def _count_barge_in(self, agent: str, cut: Turn, turns: Iterable[Turn]) -> None:
        self._barge_ins.labels(agent).inc()
        if cut.ended_at is None:
            return
        begun = [
            t.started_at for t in turns if t.speaker == "caller" and cut.started_at <= t.started_at <= cut.ended_at
        ]
        if begun:
            self._barge_in.labels(agent).observe(cut.ended_at - max(begun))

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
        return generate_latest(self.registry), CONTENT_TYPE_LATEST


def _seconds(
    registry: CollectorRegistry, what: str, explanation: str, labels: Sequence[str], buckets: Sequence[float]
) -> Histogram:
    return Histogram(f"telephony_{what}_seconds", explanation, labels, buckets=buckets, registry=registry)


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
