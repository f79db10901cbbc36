"""Pauses before what has died is started again."""

from __future__ import annotations

from telephony.runtime.workers.backoff import FIRST, LASTED, LONGEST, Backoff


def test_pauses_double_up_to_a_bound() -> None:
    backoff = Backoff()
    pauses = [backoff.after(0.0) for _ in range(12)]
    assert pauses[:3] == [FIRST, 2 * FIRST, 4 * FIRST]
    assert pauses[-1] == LONGEST
    assert pauses == sorted(pauses)


def test_whoever_lasted_is_back_soon() -> None:
    backoff = Backoff()
    for _ in range(12):
        backoff.after(1.0)
    assert backoff.after(LASTED) == FIRST
