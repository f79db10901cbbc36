"""Calls found at the carrier, and whose they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from telephony.bridge.matching import matched, may_be
from telephony.carriers.base import PlacedCall
from telephony.store.intents import Intent

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
US, THEM = "+15550100", "+15550177"


def asked(name: str, seconds: float) -> Intent:
    return Intent(name, THEM, US, "desk", created_at=NOON + timedelta(seconds=seconds))


def call(name: str, seconds: float, from_number: str = US) -> PlacedCall:
    created = (NOON + timedelta(seconds=seconds)).replace(microsecond=0)
    return PlacedCall(name, "ringing", from_number=from_number, created_at=created)


def test_of_two_requests_the_one_that_never_arrived_has_no_call() -> None:
    older, younger = asked("a", 0), asked("b", 5)
    assert matched([call("CA1", 5.3)], [older, younger]) == {"b": "CA1"}
    assert matched([call("CA1", 0.3)], [older, younger]) == {"a": "CA1"}


def test_a_clock_that_is_behind_makes_no_call_younger_than_its_request() -> None:
    assert matched([call("CA1", -1.5)], [asked("a", 0)]) == {"a": "CA1"}
    assert matched([call("CA1", -3.5)], [asked("a", 0)]) == {}


def test_a_call_from_another_number_is_nobodys() -> None:
    assert not may_be(call("CA1", 1, "+15550199"), asked("a", 0))
    assert matched([call("CA1", 1, "+15550199")], [asked("a", 0)]) == {}


@given(
    st.lists(st.integers(0, 600), min_size=1, max_size=6, unique=True),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.randoms(use_true_random=False),
)
def test_requests_that_arrived_within_a_second_are_told_from_those_that_did_not(times, arrived, chance) -> None:
    """Whole seconds apart, so that the carrier's clock can tell them apart."""
    intents = [asked(str(at), 3 * at) for at in times]
    calls = [call(f"CA{at}", 3 * at + chance.random()) for at, did in zip(times, arrived, strict=False) if did]
    chance.shuffle(calls)
    chance.shuffle(intents)
    expected = {str(at): f"CA{at}" for at, did in zip(times, arrived, strict=False) if did}
    assert matched(calls, intents) == expected
