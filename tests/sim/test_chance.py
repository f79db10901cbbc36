"""Chance from a seed: even, repeatable, and separate for each purpose."""

from __future__ import annotations

import statistics

from telephony.sim.chance import Chance


def draws(seed: int, purpose: str, count: int = 4000) -> list[float]:
    chance = Chance(seed, purpose)
    return [chance.number() for _ in range(count)]


def test_numbers_are_evenly_spread() -> None:
    numbers = draws(3, "marks")
    assert all(0 <= number < 1 for number in numbers)
    assert abs(statistics.fmean(numbers) - 0.5) < 0.02
    tenths = [sum(int(number * 10) == tenth for number in numbers) for tenth in range(10)]
    assert all(320 < count < 480 for count in tenths)


def test_the_same_seed_and_purpose_give_the_same_numbers_and_others_do_not() -> None:
    assert draws(1, "marks") == draws(1, "marks")
    assert draws(1, "marks") != draws(2, "marks")
    assert draws(1, "marks") != draws(1, "frames")


def test_what_is_certain_happens_and_what_is_impossible_does_not() -> None:
    chance = Chance(5, "frames")
    assert all(chance.happens(1.0) for _ in range(1000))
    assert not any(chance.happens(0.0) for _ in range(1000))
    assert all(0 <= chance.up_to(30) < 30 for _ in range(1000))
