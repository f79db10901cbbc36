"""Whose call it is: one owner that lives, and calls spread over those that can take them."""

from __future__ import annotations

from collections import Counter

from telephony.agents.places import Cap, Full
from telephony.runtime.workers.registrar import SILENT, TAKING, Registrar

EVERYWHERE = Cap("all", "", 2)


def registrar(*names: str) -> Registrar:
    made = Registrar(shed=0.1)
    for name in names:
        made.join(name, 0.0)
    return made


def test_a_call_keeps_its_owner() -> None:
    desk = registrar("1", "2")
    owner = desk.assign("a", 0.0)
    assert [desk.assign("a", 0.0), desk.known("a")] == [owner, owner]
    assert desk.known("b") == ""


def test_calls_that_come_all_at_once_are_spread_though_none_has_taken_its_place_yet() -> None:
    desk = registrar("1", "2", "3")
    assert set(Counter(desk.assign(str(call), 0.0) for call in range(30)).values()) == {10}


def test_the_worker_with_the_fewest_calls_gets_the_next_one() -> None:
    desk = registrar("1", "2")
    for call in "abc":
        desk.hold(call, [Cap("worker", "1")], "1")
    assert [desk.assign(call, 0.0) for call in "xyz"] == ["2", "2", "2"]


def test_a_call_that_never_took_its_place_counts_for_a_while() -> None:
    desk = registrar("1", "2")
    first = desk.assign("a", 0.0)
    assert desk.assign("b", 0.0) != first
    assert desk.assign("c", TAKING + 0.1, first) == first


def test_among_equals_whoever_asks_is_taken() -> None:
    desk = registrar("1", "2", "3")
    assert desk.assign("a", 0.0, "2") == "2"


def test_one_that_is_late_or_silent_gets_nothing_while_there_are_others() -> None:
    desk = registrar("1", "2")
    desk.report("1", 0.5, 1.0)
    desk.report("2", 0.01, 1.0)
    assert {desk.assign(call, 1.0) for call in "abc"} == {"2"}
    desk.report("1", 0.01, SILENT + 2)
    assert {desk.assign(call, SILENT + 2) for call in "xyz"} == {"1"}, "2 has said nothing for too long"


def test_without_workers_a_call_is_nobodys() -> None:
    assert registrar().assign("a", 0.0) == ""


def test_the_calls_of_a_dead_worker_get_another_owner_and_its_places_are_free() -> None:
    desk = registrar("1", "2")
    for call in ("a", "b"):
        desk.adopt(call, "1")
        assert desk.take(call, [EVERYWHERE, Cap("worker", "1")]) is None
    assert desk.take("c", [EVERYWHERE]) == Full("all", "", 2)
    assert desk.leave("1") == 2
    assert desk.known("a") == ""
    assert desk.assign("a", 0.0) == "2"
    assert desk.take("c", [EVERYWHERE]) is None


def test_a_call_that_goes_on_elsewhere_after_the_death_of_its_owner_is_that_workers() -> None:
    desk = registrar("1", "2")
    desk.adopt("a", "1")
    desk.leave("1")
    desk.hold("a", [EVERYWHERE], "2")
    assert desk.known("a") == "2"
    desk.hold("a", [EVERYWHERE], "3")
    assert desk.known("a") == "2", "it has an owner"
    assert desk.places.count("all") == 1


def test_a_call_that_goes_on_elsewhere_is_nobodys_here() -> None:
    desk = registrar("1", "2")
    desk.assign("a", 0.0)
    desk.disown("a")
    desk.disown("b")
    assert desk.known("a") == ""
