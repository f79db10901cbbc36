"""A deployment's circuit on a clock that only the test moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.upstream.failures import Failure
from telephony.upstream.health import FATAL, LONGEST, Health

FELL = Failure("elsewhere", "1011")
FULL = Failure("later", "429")
WRONG = Failure("fatal", "401")


def test_a_failure_cools_it_down_and_time_brings_it_back():
    health = Health(30, 0)
    health.failed(0, FELL, 1)
    assert [health.is_willing(t) for t in (1, 30.9, 31)] == [False, False, True]
    assert health.cooling.why == "1011"


def test_failures_within_a_minute_are_forgiven_as_far_as_allowed():
    health = Health(30, 2)
    for now in (0, 10, 61):  # the first is forgotten by the time of the third
        health.failed(now, FELL, now)
        assert health.is_willing(now)
    health.failed(62, FELL, 62)
    assert not health.is_willing(62)


@pytest.mark.parametrize(("failure", "length"), [(FULL, 30), (WRONG, FATAL)])
def test_a_plain_no_is_never_forgiven(failure, length):
    health = Health(30, 5)
    health.failed(0, failure, 0)
    assert not health.is_willing(length - 1)
    assert health.is_willing(length)


@pytest.mark.parametrize(("asked", "length"), [(5, 30), (90, 90), (10**9, LONGEST)])
def test_it_is_left_alone_as_long_as_it_asked_within_reason(asked, length):
    health = Health(30, 0)
    health.failed(0, Failure("later", "429", asked), 0)
    assert health.cooling.until == length


def test_when_it_is_back_one_session_tries_and_the_others_wait():
    health = Health(30, 0)
    health.failed(0, FELL, 0)
    assert health.begin(31)
    assert not health.is_willing(31)
    assert not health.begin(31)
    health.succeeded(31, 32)
    health.end()
    assert health.is_willing(32)
    assert not health.begin(32)


def test_a_trial_that_fails_cools_it_down_again_whatever_is_allowed():
    health = Health(30, 1)
    health.failed(0, FELL, 0)
    health.failed(0, FELL, 0)
    assert health.begin(31)
    health.failed(31, FELL, 32)
    health.end()
    assert not health.is_willing(61.9)
    assert health.is_willing(62)


def test_a_trial_that_is_called_off_leaves_the_door_to_the_next():
    health = Health(30, 0)
    health.failed(0, FELL, 0)
    assert health.begin(31)
    health.end()
    assert health.begin(31)


def test_what_comes_late_is_not_held_against_it():
    health = Health(30, 0)
    health.failed(5, FELL, 10)
    health.failed(4, FELL, 20)  # another victim of the same trouble does not make it longer
    assert health.cooling.until == 40
    health.failed(3, FELL, 41)  # nor one that notices after the cool-down
    assert health.is_willing(41)
    health.succeeded(4, 42)  # and an old session that got through does not end it
    assert health.begin(42)
    health.succeeded(42, 43)
    health.end()
    health.failed(4, FELL, 44)
    assert health.is_willing(44)


def test_a_session_opened_for_want_of_others_ends_the_cool_down():
    health = Health(30, 0)
    health.failed(0, FELL, 0)
    health.succeeded(5, 6)
    assert health.is_willing(6)


def test_a_wrong_key_found_while_cooling_makes_it_longer():
    health = Health(30, 0)
    health.failed(0, FELL, 0)
    health.failed(1, WRONG, 2)
    assert health.cooling.until == 2 + FATAL


def test_the_end_of_a_session_is_no_failure():
    health = Health(30, 0)
    health.failed(0, Failure("benign", "1000"), 1)
    assert health.is_willing(1)


@given(
    st.lists(
        st.tuples(st.sampled_from(["fail", "full", "fatal", "fine"]), st.floats(0, 20), st.floats(0, 50)), max_size=30
    )
)
def test_whatever_happened_it_comes_back_when_its_time_is_over(history):
    health, now = Health(30, 1), 0.0
    for what, ago, passed in history:
        now += passed
        began = max(0.0, now - ago)
        match what:
            case "fail":
                health.failed(began, FELL, now)
            case "full":
                health.failed(began, FULL, now)
            case "fatal":
                health.failed(began, WRONG, now)
            case _:
                health.succeeded(began, now)
    assert health.is_willing(now + FATAL)
    assert health.cooling.until <= now + FATAL
