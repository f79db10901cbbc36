"""The playout buffer: what was played, when, and which marks are due."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.sim.playout import SILENCE, Playout

A, B, C = b"\x10" * 800, b"\x20" * 400, b"\x30" * 160


def test_audio_is_played_in_order_from_the_moment_it_arrives() -> None:
    playout = Playout(10.0)
    playout.queue(A, 10.5)
    playout.queue(B, 10.5)
    assert playout.heard(0, 5400) == SILENCE * 4000 + A + B + SILENCE * 200
    assert [playout.played(10.5), playout.played(10.55), playout.played(10.65), playout.played(99)] == [
        0,
        400,
        1200,
        1200,
    ]


def test_audio_that_comes_too_late_is_played_after_a_gap() -> None:
    playout = Playout(0.0)
    playout.queue(C, 0.0)
    playout.queue(C, 0.05)
    assert playout.heard(0, 560) == C + SILENCE * 240 + C
    assert playout.played(0.03) == 160


def test_a_mark_comes_back_when_everything_before_it_was_played() -> None:
    playout = Playout(0.0)
    playout.queue(A, 0.0)
    playout.mark("a", 0.0)
    playout.queue(B, 0.0)
    playout.mark("b", 0.0)
    assert playout.due(0.0999) == []
    assert playout.deadline() == pytest.approx(0.1)
    assert playout.due(0.1) == ["a"]
    assert playout.due(0.2) == ["b"]
    assert playout.deadline() is None


def test_a_mark_with_nothing_buffered_comes_back_at_once() -> None:
    playout = Playout(0.0)
    playout.mark("empty", 3.0)
    assert playout.due(3.0) == ["empty"]
    playout.queue(C, 3.0)
    assert playout.due(4.0) == []
    playout.mark("after", 4.0)
    assert playout.due(4.0) == ["after"]


def test_clear_cuts_between_two_samples_and_returns_every_outstanding_mark() -> None:
    playout = Playout(0.0)
    playout.queue(A, 0.0)
    playout.mark("a", 0.0)
    playout.queue(B, 0.0)
    playout.mark("b", 0.0)
    assert playout.due(0.11) == ["a"]
    assert playout.clear(0.11) == ["b"]
    assert playout.buffered(0.11) == 0
    assert playout.heard(0, 2000) == A + B[:80] + SILENCE * 1120
    assert playout.due(9.0) == []


def test_audio_after_a_clear_begins_at_once() -> None:
    playout = Playout(0.0)
    playout.queue(A * 10, 0.0)
    playout.clear(0.05)
    playout.queue(C, 0.05)
    assert playout.heard(0, 600) == A[:400] + C + SILENCE * 40
    assert playout.played(1.0) == 560


def test_more_than_ten_minutes_of_audio_are_refused() -> None:
    playout = Playout(0.0)
    assert playout.queue(bytes(8000 * 600), 0.0)
    assert not playout.queue(b"\x00", 0.0)
    assert playout.queue(bytes(8000), 1.0)
    assert playout.received == 8000 * 601


def test_what_was_played_of_one_utterance_is_counted_by_the_senders_own_bytes() -> None:
    playout = Playout(0.0)
    playout.queue(A, 0.0)
    second = playout.received
    playout.queue(A, 0.0)
    playout.queue(B, 0.0)
    assert playout.played_of(second, playout.received, 0.05) == 0
    assert playout.played_of(second, playout.received, 0.125) == 200
    playout.clear(0.125)
    assert playout.played_of(second, playout.received, 9.0) == 200
    third = playout.received
    playout.queue(C, 9.0)
    assert playout.played_of(third, playout.received, 9.01) == 80
    assert playout.played_of(0, second, 9.01) == 800


@given(st.integers(0, 8000 * 3600), st.sampled_from([0.0, 1.1, 12345.678, 987654.321]))
def test_a_time_computed_from_a_sample_leads_back_to_it(sample: int, origin: float) -> None:
    playout = Playout(origin)
    assert playout.position(playout.time_of(sample)) == sample


Deed = st.tuples(st.sampled_from(["queue", "clear", "mark", "wait"]), st.integers(1, 900))


@settings(max_examples=60)
@given(st.lists(Deed, max_size=40))
def test_nothing_is_played_twice_and_every_mark_comes_back_once(deeds: list[tuple[str, int]]) -> None:
    playout, now, sent, returned = Playout(0.0), 0.0, 0, []
    for deed, size in deeds:
        returned += playout.due(now)
        if deed == "queue":
            playout.queue(bytes([size % 128]) * size, now)
        elif deed == "clear":
            returned += playout.clear(now)
        elif deed == "mark":
            playout.mark(f"m{sent}", now)
            sent += 1
        else:
            now += size / 8000
    end = now + playout.buffered(now) / 8000
    returned += playout.due(end)
    assert returned == [f"m{number}" for number in range(sent)]
    spans = [(stretch.start, stretch.end) for stretch in playout.timeline]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    assert len(playout.heard(0, playout.position(end))) == playout.position(end)
    assert playout.played(end) == sum(len(stretch.payload) for stretch in playout.timeline)
    assert playout.played(end) == playout.played_of(0, playout.received, end)
