"""Several workers' numbers as one's: no count is lost or told twice, and what is over is not shown as going on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from telephony.runtime.exposition import Workers

LABELS = st.sampled_from(["desk", 'quoted "name"', "back\\slash", "two\nlines", "Müller"])
COUNTS = st.dictionaries(LABELS, st.integers(0, 1000), max_size=4)


class Process:
    """One worker's own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = Counter("telephony_calls", "Calls that are over.", ["agent"], registry=self.registry)
        self.active = Gauge("telephony_calls_active", "Calls.", registry=self.registry)
        self.ready = Gauge("telephony_ready", "Whether calls may come.", registry=self.registry)
        self.draining = Gauge("telephony_draining", "Whether it ends.", registry=self.registry)
        self.began = Gauge("process_start_time_seconds", "Since when.", registry=self.registry)
        self.lag = Histogram("telephony_lag_seconds", "Lag.", buckets=(0.1, 1), registry=self.registry)

    @property
    def text(self) -> str:
        return generate_latest(self.registry).decode()


def values(workers: Workers, *more: str) -> dict[tuple[str, ...], float]:
    body, content_type = workers.page(*more)
    assert content_type.startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


@given(st.lists(COUNTS, max_size=4))
def test_counters_are_summed_whatever_their_labels_say(counts: list[dict[str, int]]) -> None:
    workers, sums = Workers(), dict[str, float]()
    for number, each in enumerate(counts):
        process = Process()
        for agent, count in each.items():
            process.calls.labels(agent).inc(count)
            sums[agent] = sums.get(agent, 0) + count
        workers.see(str(number), process.text)
    found = values(workers)
    assert {key[1]: value for key, value in found.items() if key[0] == "telephony_calls_total"} == sums


def test_histograms_are_summed_bucket_by_bucket() -> None:
    workers = Workers()
    for number, seconds in enumerate((0.05, 0.5, 5)):
        process = Process()
        process.lag.observe(seconds)
        workers.see(str(number), process.text)
    found = values(workers)
    assert [found["telephony_lag_seconds_bucket", le] for le in ("0.1", "1.0", "+Inf")] == [1, 2, 3]
    assert found["telephony_lag_seconds_count",] == 3
    assert found["telephony_lag_seconds_sum",] == pytest.approx(5.55)


def test_all_are_ready_when_each_is_and_draining_when_one_is() -> None:
    workers = Workers()
    for number, (active, ready, draining, began) in enumerate([(3, 1, 0, 100), (4, 0, 1, 200)]):
        process = Process()
        process.active.set(active)
        process.ready.set(ready)
        process.draining.set(draining)
        process.began.set(began)
        workers.see(str(number), process.text)
    found = values(workers)
    names = ("telephony_calls_active", "telephony_ready", "telephony_draining", "process_start_time_seconds")
    assert [found[name,] for name in names] == [7, 0, 1, 100]


def test_what_a_worker_that_is_gone_has_counted_stays_and_what_it_had_goes() -> None:
    workers, first, second = Workers(), Process(), Process()
    first.calls.labels("desk").inc(5)
    first.active.set(2)
    second.calls.labels("desk").inc(1)
    second.active.set(1)
    workers.see("first", first.text)
    workers.gone("first")
    workers.gone("first")
    workers.see("second", second.text)
    found = values(workers)
    assert found["telephony_calls_total", "desk"] == 6
    assert found["telephony_calls_active",] == 1


def test_a_worker_that_is_seen_again_is_not_counted_twice() -> None:
    workers, process = Workers(), Process()
    for _ in range(3):
        process.calls.labels("desk").inc()
        workers.see("one", process.text)
    assert values(workers)["telephony_calls_total", "desk"] == 3


def test_pages_of_others_are_shown_beside_those_of_the_workers() -> None:
    parent = CollectorRegistry()
    Counter("telephony_worker_restarts", "Workers that died.", registry=parent).inc()
    workers = Workers()
    workers.see("one", Process().text)
    found = values(workers, generate_latest(parent).decode())
    assert found["telephony_worker_restarts_total",] == 1
    assert found["telephony_calls_active",] == 0


def test_a_page_that_cannot_be_read_leaves_what_was_known() -> None:
    workers, process = Workers(), Process()
    process.calls.labels("desk").inc()
    workers.see("one", process.text)
    with pytest.raises(ValueError, match=r"."):
        workers.see("one", "telephony_calls_total{agent= what\n")
    assert values(workers)["telephony_calls_total", "desk"] == 1
    assert values(Workers()) == {}
