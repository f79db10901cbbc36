"""The metrics of several processes as those of one: what a parent answers to a scrape on behalf of its workers.

Counters and histograms are summed, also those of workers that are gone, for a sum that falls looks to Prometheus like a
restart and is counted twice. A gauge says how things are now: a worker that is gone has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

CUMULATIVE = frozenset({"counter", "histogram", "summary"})
"""Types of which the past counts."""
LARGEST = ("_info", "_draining")
"""Ends of names of gauges whose largest value is that of all of them; that of the others is their sum."""
SMALLEST = ("_ready", "_start_time_seconds")
"""Ends of names of those whose smallest is."""
CREATED = "_created"
"""End of the names of series that say since when another counts; of a sum there is no telling."""

Key = tuple[str, tuple[tuple[str, str], ...]]
"""Name and labels of a series."""


class Family:
    """One metric: what it is and its series."""

    def __init__(self, kind: str, explanation: str) -> None:
        self.kind = kind
        self.explanation = explanation
        self.series: dict[Key, float] = {}


Page = Mapping[str, Family]
"""What one scrape says, by the names of the metrics."""


def read_page(text: str) -> dict[str, Family]:
    """A page in Prometheus's text format. Raises `ValueError` if it is none."""
    page: dict[str, Family] = {}
    for metric in text_string_to_metric_families(text):
        if metric.name.endswith(CREATED):
            continue
        family = page.setdefault(metric.name, Family(metric.type, metric.documentation))
        for sample in metric.samples:
            family.series[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return page


def merge(pages: Iterable[Page]) -> dict[str, Family]:
    """*pages* as one."""
    merged: dict[str, Family] = {}
    for page in pages:
        for name, family in page.items():
            into = merged.setdefault(name, Family(family.kind, family.explanation))
            for key, value in family.series.items():
                into.series[key] = _joined(name, family.kind, into.series[key], value) if key in into.series else value
    return merged


def _joined(name: str, kind: str, one: float, other: float) -> float:
    if kind not in CUMULATIVE and name.endswith(LARGEST):
        return max(one, other)
    if kind not in CUMULATIVE and name.endswith(SMALLEST):
        return min(one, other)
    return one + other


class Workers:
    """What is known of the metrics of several processes. A name stands for one process and is never given again."""

    def __init__(self) -> None:
        self._latest: dict[str, Page] = {}
        self._past: Page = {}

    def see(self, worker: str, text: str) -> None:
        """The page of a worker as it is now. Raises `ValueError` if it is none; what was known of it stays then."""
        self._latest[worker] = read_page(text)

    def gone(self, worker: str) -> None:
        """A worker has ended. What it has counted stays in the sums, as far as it was seen."""
        page = self._latest.pop(worker, {})
        self._past = merge([self._past, {name: family for name, family in page.items() if family.kind in CUMULATIVE}])

    def page(self, *more: str) -> tuple[bytes, str]:
        """What a scrape gets, and its content type. *more*: pages beside theirs, such as the parent's own."""
        pages = merge([*map(read_page, more), self._past, *self._latest.values()])
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Shown(pages))
        return generate_latest(registry), CONTENT_TYPE_LATEST


class _Shown(Collector):
    def __init__(self, page: Page) -> None:
        self._page = page

    def collect(self) -> Iterator[Metric]:
        for name, family in self._page.items():
            metric = Metric(name, family.explanation, family.kind)
            for (series, labels), value in family.series.items():
                metric.add_sample(series, dict(labels), value)
            yield metric
