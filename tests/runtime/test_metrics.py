"""What calls add up to: every number, and nothing in a label that somebody could choose."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from telephony.records import CallRecord, Finding, Termination, ToolUse, Turn
from telephony.runtime.metrics import CountingKeeper, Metrics

SECRET = "+15550142"


def a_call() -> CallRecord:
    return CallRecord(
        id="20261122-184000-abc123",
        carrier="twilio",
        carrier_call_id="CA42",
        agent="desk",
        from_number=SECRET,
        to_number=SECRET,
        duration=27.4,
        termination=Termination("completed", "caller", f"{SECRET} hung up"),
        turns=[
            Turn("caller", heard=SECRET, started_at=4.0, ended_at=5.0),
            Turn("agent", heard=SECRET, started_at=6.2, speech_stopped_at=5.0),
            Turn("agent", heard="Yes.", started_at=9.0),
        ],
        tools=[
            ToolUse("fc_1", "look_up", SECRET, SECRET, "ok", 5.2, 5.8),
            ToolUse("fc_2", SECRET, "{}", "", "error", 5.2, 5.2),
            ToolUse("fc_3", "look_up", "{}", "", "running", 6.0),
        ],
        findings=[
            Finding(5.0, 2.6, "pause", "tool_without_say", SECRET),
            Finding(9.0, 1.4, "cut-off goodbye", "line_lost", SECRET),
        ],
        notes=[SECRET],
        usage={"input_tokens": 900, "output_tokens": 100, "total_tokens": 1000, "input_token_details.text": 7},
        cost=0.25,
        currency="USD",
    )


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every sample by its name and labels, those left out that only say when a series began."""
    body, content_type = metrics.page()
    assert content_type.startswith("text/plain")
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@pytest.fixture
def metrics() -> Metrics:
    return Metrics({"desk": frozenset({"look_up"})})


def test_a_finished_call_is_counted_with_all_that_it_is_made_of(metrics: Metrics) -> None:
    metrics.count(a_call())
    metrics.count(a_call())
    found = samples(metrics)
    assert found["telephony_calls_total", "agent=desk", "by=caller", "result=completed"] == 2
    assert found["telephony_call_duration_seconds_sum", "agent=desk"] == 54.8
    assert found["telephony_turn_latency_seconds_count", "agent=desk"] == 2
    assert found["telephony_turn_latency_seconds_sum", "agent=desk"] == pytest.approx(2.4)
    assert found["telephony_pauses_total", "agent=desk", "cause=tool_without_say"] == 2
    assert found["telephony_pause_seconds_sum", "agent=desk", "cause=tool_without_say"] == 5.2
    problem = ("telephony_speech_problems_total", "agent=desk", "cause=line_lost", "kind=cut_off_goodbye")
    assert found[problem] == 2
    assert found["telephony_tool_seconds_count", "outcome=ok", "tool=look_up"] == 2
    assert found["telephony_tool_seconds_sum", "outcome=ok", "tool=look_up"] == pytest.approx(1.2)


def test_the_wait_for_the_first_word_is_measured_from_the_beginning_of_the_stream(metrics: Metrics) -> None:
    metrics.count(a_call())
    assert samples(metrics)["telephony_first_audio_seconds_sum", "agent=desk"] == 6.2


def test_an_interruption_is_counted_and_how_long_the_agent_took_to_fall_silent(metrics: Metrics) -> None:
    record = a_call()
    record.turns = [
        Turn("agent", heard="As I was", interrupted=True, started_at=1.0, ended_at=3.2),
        Turn("caller", heard="Stop.", started_at=3.0),
        Turn("agent", heard="Of", interrupted=True, started_at=5.0, ended_at=6.0),
    ]
    metrics.count(record)
    found = samples(metrics)
    assert found["telephony_barge_ins_total", "agent=desk"] == 2
    assert found["telephony_barge_in_seconds_count", "agent=desk"] == 1
    assert found["telephony_barge_in_seconds_sum", "agent=desk"] == pytest.approx(0.2)


def test_tokens_and_money_are_summed(metrics: Metrics) -> None:
    metrics.count(a_call())
    metrics.count(a_call())
    found = samples(metrics)
    tokens = [found["telephony_tokens_total", "agent=desk", f"kind={kind}"] for kind in ("input", "output", "total")]
    assert tokens == [1800, 200, 2000]
    assert found["telephony_cost_total", "agent=desk", "currency=USD"] == 0.5
    assert len([key for key in found if key[0] == "telephony_tokens_total"]) == 3


def test_a_tool_that_the_agent_does_not_have_is_counted_without_its_name(metrics: Metrics) -> None:
    metrics.count(a_call())
    assert samples(metrics)["telephony_tool_seconds_count", "outcome=error", "tool=other"] == 1


def test_tools_that_became_known_later_are_counted_by_name(metrics: Metrics) -> None:
    metrics.know("desk", ["look_up", SECRET])
    metrics.count(a_call())
    assert ("telephony_tool_seconds_count", "outcome=error", f"tool={SECRET}") in samples(metrics)


def test_nothing_of_a_caller_or_of_one_call_is_in_a_label(metrics: Metrics) -> None:
    metrics.count(a_call())
    body, _ = metrics.page()
    assert not re.search(r"5550142|abc123|CA42|hung up|fc_", body.decode())


def test_a_pause_falls_into_a_bucket_of_its_length(metrics: Metrics) -> None:
    metrics.count(a_call())
    found = samples(metrics)
    name, labels = "telephony_pause_seconds_bucket", ("agent=desk", "cause=tool_without_say")
    assert (found[name, *labels, "le=2.5"], found[name, *labels, "le=3.0"]) == (0, 1)


def test_two_processes_in_one_interpreter_do_not_share_their_numbers(metrics: Metrics) -> None:
    metrics.count(a_call())
    assert not [key for key in samples(Metrics({})) if key[0] == "telephony_calls_total"]


async def test_records_are_counted_when_they_are_finished_and_kept_all_the_same(metrics: Metrics) -> None:
    kept: list[str] = []

    class Shelf:
        async def begin(self, record: CallRecord) -> None:
            kept.append("begin")

        async def save(self, record: CallRecord) -> None:
            kept.append("save")

        async def finish(self, record: CallRecord) -> None:
            kept.append("finish")

    keeper = CountingKeeper(Shelf(), metrics)
    await keeper.begin(a_call())
    await keeper.save(a_call())
    assert ("telephony_calls_total", "agent=desk", "by=caller", "result=completed") not in samples(metrics)
    await keeper.finish(a_call())
    assert kept == ["begin", "save", "finish"]
    assert samples(metrics)["telephony_calls_total", "agent=desk", "by=caller", "result=completed"] == 1
