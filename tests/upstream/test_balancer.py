"""Who gets the next session, on a clock that only the test moves."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.errors import ConfigurationError
from telephony.settings import RouterSettings
from telephony.upstream import Balancer, Deployment, Failure, Lease

FELL = Failure("elsewhere", "1011")
WRONG = Failure("fatal", "401")


def place(model: str, name: str = "voice", **fields) -> Deployment:
    return Deployment(name, "xai", model, "xai", f"ws://{model}.example.com", **fields)


def balancer(*places: Deployment, **settings) -> Balancer:
    return Balancer(places, RouterSettings(**settings))


def names(leases: list[Lease | None]) -> str:
    return "".join(lease.deployment.model if lease else "-" for lease in leases)


def test_the_least_busy_gets_the_next_session():
    pool = balancer(place("a"), place("b"), place("c"))
    leases = [pool.take("voice", 0) for _ in range(9)]
    assert Counter(names(leases)) == {"a": 3, "b": 3, "c": 3}
    for lease in leases:
        if lease.deployment.model == "b":
            pool.release(lease)
    assert names([pool.take("voice", 1) for _ in range(3)]) == "bbb"


def test_weights_are_shares_of_the_sessions():
    pool = balancer(place("a", weight=3), place("b"))
    assert Counter(names([pool.take("voice", 0) for _ in range(80)])) == {"a": 60, "b": 20}


def test_in_turn_by_weight_never_bunches():
    pool = balancer(place("a", weight=5), place("b"), place("c"), routing_strategy="simple-shuffle")
    assert names([pool.take("voice", 0) for _ in range(14)]) == "aabacaa" * 2


@pytest.mark.parametrize("strategy", ["least-busy", "simple-shuffle"])
def test_a_weight_of_nothing_is_asked_when_the_others_cannot_be(strategy):
    pool = balancer(place("a", max_sessions=2), place("b", weight=0), routing_strategy=strategy)
    assert names([pool.take("voice", 0) for _ in range(4)]) == "aabb"


def test_short_sessions_are_spread_too():
    pool = balancer(place("a"), place("b"))
    found = []
    for now in range(6):
        lease = pool.take("voice", now)
        found.append(lease)
        pool.release(lease)
    assert names(found) == "ababab"


def test_a_lower_order_comes_first():
    pool = balancer(place("b", order=2), place("a", order=1, max_sessions=2))
    assert names([pool.take("voice", 0) for _ in range(3)]) == "aab"


def test_no_limit_of_sessions_is_ever_passed_and_each_is_given_back_once():
    pool = balancer(place("a", max_sessions=1), place("b", max_sessions=1))
    first, second, third = (pool.take("voice", 0) for _ in range(3))
    assert third is None
    pool.release(first)
    pool.release(first)
    assert names([pool.take("voice", 1), pool.take("voice", 1)]) == "a-"
    assert pool.sessions(second.deployment) == 1


def test_one_that_failed_is_passed_over_until_its_cool_down_is_over_and_one_session_tried_it():
    pool = balancer(place("a"), place("b"), cooldown_time=30)
    lease = pool.take("voice", 0)
    pool.failed(lease, FELL, 0)
    pool.release(lease)
    assert pool.resting(1) == {"xai/a at ws://a.example.com": "1011"}
    assert names([pool.take("voice", 29) for _ in range(3)]) == "bbb"
    trial = pool.take("voice", 31)
    assert names([trial, pool.take("voice", 31)]) == "ab"
    pool.succeeded(trial, 32)
    assert names([pool.take("voice", 32) for _ in range(2)]) == "aa"
    assert pool.resting(32) == {}


def test_a_trial_that_is_given_up_makes_room_for_the_next():
    pool = balancer(place("a"), place("b"), cooldown_time=30)
    pool.failed(pool.take("voice", 0), FELL, 0)
    pool.take("voice", 1)
    pool.release(pool.take("voice", 31))
    assert pool.take("voice", 31).probe


def test_those_that_were_asked_already_are_left_out():
    a, b = place("a"), place("b")
    pool = balancer(a, b)
    assert names([pool.take("voice", 0, {a}) for _ in range(2)]) == "bb"
    assert pool.take("voice", 0, {a, b}) is None


def test_when_nobody_is_well_the_one_that_comes_back_first_is_asked():
    a, b = place("a"), place("b")
    pool = balancer(a, b)
    pool.failed(pool.take("voice", 0), WRONG, 0)
    pool.failed(pool.take("voice", 1), FELL, 1)
    assert names([pool.take("voice", 2), pool.take("voice", 2, {b})]) == "ba"


def test_other_deployments_of_the_name_come_before_other_names():
    pool = balancer(
        place("a", max_sessions=1),
        place("b", max_sessions=1),
        place("c", name="second", max_sessions=1),
        place("d", name="third", max_sessions=1),
        place("e", name="other"),
        fallbacks=[{"voice": ["second"]}, {"second": ["third", "voice"]}],
    )
    assert names([pool.take("voice", 0) for _ in range(5)]) == "abcd-"
    assert [it.model for it in pool.candidates("voice")] == ["a", "b", "c", "d"]
    assert [it.model for it in pool.candidates("other")] == ["e"]


def test_another_name_that_is_well_comes_before_a_deployment_that_is_not():
    pool = balancer(place("a"), place("b", name="second"), fallbacks=[{"voice": ["second"]}])
    pool.failed(pool.take("voice", 0), FELL, 0)
    assert names([pool.take("voice", 1), pool.take("voice", 31)]) == "ba"


def test_some_names_are_there_for_any_other():
    pool = balancer(
        place("a"),
        place("b", name="any"),
        place("c", name="last"),
        fallbacks=[{"*": ["any"]}],
        default_fallbacks=["last"],
    )
    assert [it.model for it in pool.candidates("voice")] == ["a", "b", "c"]
    assert [it.model for it in pool.candidates("last")] == ["c", "b"]


def test_a_fallback_that_is_nobody_is_no_obstacle():
    pool = balancer(place("a", max_sessions=1), fallbacks=[{"voice": ["chat", "voice"]}])
    assert names([pool.take("voice", 0), pool.take("voice", 0)]) == "a-"


def test_a_name_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match=r"Did you mean voice\?"):
        balancer(place("a")).take("voise", 0)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.floats(0, 5)), min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from(["take", "fail", "fine", "release"]), st.integers(0, 99)), max_size=60),
    st.sampled_from(["least-busy", "simple-shuffle"]),
)
def test_every_session_is_counted_and_given_back_once_whatever_happens(places, steps, strategy):
    deployments = [place(str(i), max_sessions=cap, weight=weight) for i, (cap, weight) in enumerate(places)]
    pool = balancer(*deployments, routing_strategy=strategy)
    held: list[Lease] = []
    for now, (what, number) in enumerate(steps):
        if what == "take":
            lease = pool.take("voice", now)
            full = len(held) == sum(cap for cap, _ in places)
            assert (lease is None) == full  # whoever has a place is asked in the end
            held += [lease] if lease else []
        elif held:
            lease = held[number % len(held)]
            if what == "fail":
                pool.failed(lease, FELL, now)
            elif what == "fine":
                pool.succeeded(lease, now)
            else:
                held.remove(lease)
                pool.release(lease)
                pool.release(lease)
        for deployment in deployments:
            count = sum(lease.deployment == deployment for lease in held)
            assert pool.sessions(deployment) == count <= deployment.max_sessions


def test_the_wanted_one_is_taken_before_all_others_though_it_has_just_failed():
    a, b = place("a"), place("b")
    pool = balancer(a, b)
    lease = pool.take("voice", 0, wanted=b)
    assert names([lease]) == "b"
    pool.failed(lease, FELL, 1)
    pool.release(lease)
    assert names([pool.take("voice", 2)]) == "a"
    assert names([pool.take("voice", 2, wanted=b)]) == "b"


def test_the_wanted_one_is_not_taken_where_it_is_full_was_tried_or_serves_another_name():
    a, b, other = place("a"), place("b", max_sessions=1), place("c", name="other")
    pool = balancer(a, b, other)
    assert names([pool.take("voice", 0, {b}, wanted=b)]) == "a"
    assert names([pool.take("voice", 0, wanted=other)]) == "b"
    assert names([pool.take("voice", 0, wanted=b)]) == "a"


def test_a_name_is_failing_while_everybody_behind_it_rests_and_until_one_may_be_tried():
    pool = balancer(place("a"), place("b", "spare"), fallbacks=[{"voice": ["spare"]}], cooldown_time=30)
    for model, at in (("voice", 0), ("spare", 10)):
        assert not pool.failing("voice", at)
        lease = pool.take(model, at)
        pool.failed(lease, FELL, at)
        pool.release(lease)
    assert pool.failing("voice", 11)
    assert not pool.failing("voice", 30), "the next call tries the first of them"
    probe = pool.take("voice", 30)
    assert pool.failing("voice", 31), "one call at a time"
    pool.succeeded(probe, 32)
    assert not pool.failing("voice", 33)


def test_how_a_deployment_is_doing_is_told():
    pool = balancer(place("a", max_sessions=3), cooldown_time=30)
    assert [(it.state, it.why, it.sessions, it.max_sessions) for it in pool.standings(0)] == [("well", "", 0, 3)]
    lease = pool.take("voice", 0)
    pool.failed(lease, FELL, 1)
    assert [(it.state, it.why, it.retry_in, it.sessions) for it in pool.standings(11)] == [("resting", "1011", 20.0, 1)]
    assert [(it.state, it.retry_in) for it in pool.standings(32)] == [("on trial", 0.0)]
    pool.succeeded(pool.take("voice", 32), 33)
    assert [it.state for it in pool.standings(33)] == ["well"]
