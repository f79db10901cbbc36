"""How many may connect: all together, from one address, and how fast."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.server.crowd import Crowd, CrowdLimits, crowd_of
from telephony.settings.connections import ConnectionSettings

LIMITS = CrowdLimits(most=100, per_address=10, per_second=5, trusted=("10.0.0.0/8", "::1/128"))
STRANGER = "203.0.113.7"


def entered(crowd: Crowd, address: str, count: int, now: float = 0.0) -> int:
    return sum(crowd.enter(address, now) for _ in range(count))


def test_one_address_has_so_many_places_and_others_have_theirs() -> None:
    crowd = Crowd(LIMITS)
    assert entered(crowd, STRANGER, 50) == 10
    assert entered(crowd, "203.0.113.8", 50) == 10
    assert crowd.refused == 80


def test_all_together_have_their_bound_proxies_as_well() -> None:
    crowd = Crowd(LIMITS)
    assert entered(crowd, "10.1.2.3", 500) == 100
    assert not crowd.enter(STRANGER, 0)


def test_who_has_gone_makes_room() -> None:
    crowd = Crowd(LIMITS)
    entered(crowd, STRANGER, 10)
    for _ in range(6):
        crowd.leave(STRANGER)
    assert entered(crowd, STRANGER, 50, now=10) == 6


def test_who_is_there_whatever_the_limits_say_counts_as_well() -> None:
    crowd = Crowd(LIMITS)
    for _ in range(4):
        crowd.count(STRANGER)
    assert entered(crowd, STRANGER, 50) == 6


def test_who_comes_and_goes_too_fast_waits() -> None:
    crowd = Crowd(LIMITS)
    taken = 0
    for _ in range(100):
        if crowd.enter(STRANGER, 0):
            taken += 1
            crowd.leave(STRANGER)
    assert taken == 20
    assert [crowd.enter(STRANGER, 1.0) for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.parametrize("address", ["10.9.9.9", "::1", "::ffff:10.0.0.1", "", "/run/socket"])
def test_proxies_and_sockets_of_this_machine_are_not_counted_by_address(address: str) -> None:
    assert entered(Crowd(LIMITS), address, 50) == 50


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_what_one_customer_has_counts_as_one_address(one: str, other: str, same: bool) -> None:
    crowd = Crowd(LIMITS)
    entered(crowd, one, 10)
    assert crowd.enter(other, 0) != same


@given(st.lists(st.tuples(st.sampled_from([STRANGER, "10.0.0.1", "2001:db8::1"]), st.floats(0, 5))))
def test_there_are_never_more_than_the_limits_say(arrivals: list[tuple[str, float]]) -> None:
    crowd = Crowd(LIMITS)
    now, inside = 0.0, dict.fromkeys([STRANGER, "10.0.0.1", "2001:db8::1"], 0)
    for address, later in arrivals:
        now += later
        inside[address] += crowd.enter(address, now)
    assert sum(inside.values()) <= LIMITS.most
    assert max(inside[STRANGER], inside["2001:db8::1"]) <= LIMITS.per_address


def test_the_last_files_of_a_process_are_for_no_strangers_and_no_proxies() -> None:
    crowd = crowd_of(ConnectionSettings(), files=100)
    assert [crowd.enter(address, 0.0, file) for address in (STRANGER, "127.0.0.1") for file in (74, 75, 99)] == [
        *[True, False, False] * 2
    ]
    assert crowd.refused == 4
