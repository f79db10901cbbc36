"""The same for the same, another for another."""

from __future__ import annotations

from telephony.scrub.standins import StandIns, spoken


def test_the_same_original_has_the_same_stand_in_and_another_has_another() -> None:
    stand_ins = StandIns([])
    assert stand_ins.word("tasha", name=True) == stand_ins.word("tasha", name=False) == "name1"
    assert stand_ins.word("margherita", name=False) == "longword2"
    assert stand_ins.email("A@b.org") == stand_ins.email("a@B.org") == "person1@example.com"
    assert stand_ins.email("c@b.org") == "person2@example.com"


def test_what_is_there_already_is_not_given_to_somebody_else() -> None:
    stand_ins = StandIns([])
    stand_ins.occupied("name1")
    stand_ins.occupied("9901")
    assert stand_ins.word("tasha", name=True) == "name2"
    assert stand_ins.number("4711", 4) == "9902"


def test_a_number_stays_what_it_seems_to_be() -> None:
    stand_ins = StandIns([])
    assert stand_ins.number("4155552671", 10) == "2995550101"
    assert stand_ins.number("4111111111111111", 16) == "4000056655665556"
    assert stand_ins.number("4111111111111112", 16) == "9999999999999001"
    assert stand_ins.number("202026", 3) == "991"
    assert stand_ins.number("2995550101", 10) == "2995550101"


def test_when_all_test_cards_are_given_out_there_are_still_rows() -> None:
    stand_ins = StandIns([])
    assert stand_ins.number("30569309025904", 14) == "36227206271667"
    assert stand_ins.number("38520000023237", 14) == "99999999999001"
    assert stand_ins.number("30569309025904", 14) == "36227206271667"


def test_nothing_to_avoid_gets_into_a_stand_in() -> None:
    avoid = ["name"]
    stand_ins = StandIns(avoid)
    assert stand_ins.word("tasha", name=True) == "word1"
    avoid.append("01")
    assert stand_ins.number("4711", 4) == "9902"


def test_there_is_a_stand_in_even_if_nothing_is_left_to_choose() -> None:
    assert StandIns(["9"]).number("4711", 4) == "9901"


def test_shapes_are_kept() -> None:
    stand_ins = StandIns([])
    assert stand_ins.code("AB-12c") == "XX-91x"
    assert stand_ins.code("ab12C") == "xx91X"
    assert stand_ins.code("AB-12d") == "XX-92x"
    assert stand_ins.identifier("CAff", 2) == "CA01"
    assert (spoken("9", "Five"), spoken("9", "FIVE"), spoken("9", "five")) == ("Nine", "NINE", "nine")
