"""Places: taken all together or not at all, and never one more than there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telephony.agents.places import Cap, Full, Places

LINE = Cap("number", "*", 2)
EVERYWHERE = Cap("all", "", 3)


def test_the_last_place_is_given_once() -> None:
    places = Places()
    assert [places.take(call, [LINE]) for call in ("a", "b", "c")] == [None, None, Full("number", "*", 2)]
    assert "c" not in places
    assert places.release("a")
    assert places.take("c", [LINE]) is None


def test_a_call_that_finds_one_count_full_is_part_of_none() -> None:
    places = Places()
    for call in ("a", "b"):
        places.take(call, [EVERYWHERE, LINE])
    assert places.take("c", [EVERYWHERE, LINE]) == Full("number", "*", 2)
    assert (places.count("all"), len(places)) == (2, 2)


def test_a_call_that_asks_again_does_not_stand_in_its_own_way() -> None:
    places = Places()
    single = [Cap("agent", "desk", 1)]
    assert [places.take("a", single), places.take("a", single)] == [None, None]
    assert places.count("agent", "desk") == 1


def test_a_place_is_given_back_once() -> None:
    places = Places()
    places.take("a", [LINE])
    assert [places.release("a"), places.release("a"), places.count("number", "*")] == [True, False, 0]


def test_the_calls_of_a_worker_can_be_told() -> None:
    places = Places()
    for call, worker in (("a", "1"), ("b", "2"), ("c", "1")):
        places.take(call, [Cap("worker", worker)])
    assert places.of("worker", "1") == ["a", "c"]


def test_whoever_is_turned_away_leaves_a_record_that_says_what_was_full() -> None:
    assert str(Full("all", "", 3)) == "3 calls are going on"
    assert str(Full("number", "*", 3)) == "3 calls are going on for this number"
    assert str(Full("agent", "desk", 3)) == "3 calls are going on with desk"
    assert "sessions" in str(Full("model", "grok", 3))
    assert "process" in str(Full("worker", "1-2", 3))


CALLS = st.sampled_from("abcdefgh")
CAPS = st.lists(
    st.builds(Cap, st.sampled_from(["all", "number", "agent"]), st.sampled_from("xy"), st.none() | st.integers(1, 3)),
    unique_by=lambda cap: (cap.kind, cap.name),
)


@given(st.lists(st.tuples(CALLS, st.none() | CAPS)))
def test_counts_are_those_of_the_calls_that_hold_places(steps: list[tuple[str, list[Cap] | None]]) -> None:
    places, held = Places(), dict[str, list[Cap]]()
    for call, caps in steps:
        held.pop(call, None)
        if caps is None:
            places.release(call)
        elif places.take(call, caps) is None:
            held[call] = caps
        else:
            assert call not in places
        for kind in ("all", "number", "agent"):
            for name in "xy":
                there = sum((cap.kind, cap.name) == (kind, name) for each in held.values() for cap in each)
                assert places.count(kind, name) == there
