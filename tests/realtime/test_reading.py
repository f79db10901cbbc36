"""Reading what may not be there, or may be something else."""

from __future__ import annotations

import pytest

from telephony.realtime.reading import child, children, flat_numbers, integer, number, text

ODD = {"words": "x", "count": 3, "part": 0.5, "flag": True, "nothing": None, "list": [{"a": 1}, 7], "inner": {"b": {}}}


@pytest.mark.parametrize("key", ["count", "flag", "nothing", "list", "inner", "absent"])
def test_what_is_no_string_reads_as_an_empty_one(key):
    assert text(ODD, key) == ""


def test_a_boolean_is_not_a_number():
    assert number(ODD, "flag") is None
    assert number(ODD, "part") == 0.5
    assert (integer(ODD, "part"), integer(ODD, "flag", default=9), integer(ODD, "absent")) == (0, 9, 0)


def test_a_path_that_breaks_off_leads_to_an_empty_object():
    assert child(ODD, "inner", "b", "c") == child(ODD, "words", "b") == {}
    assert child(ODD, "inner") == {"b": {}}


def test_only_objects_count_as_children():
    assert children(ODD, "list") == [{"a": 1}]
    assert children(ODD, "words") == []


def test_numbers_at_any_depth_are_named_by_their_place():
    assert flat_numbers(ODD | {"inner": {"b": {"c": 1, "d": "x"}}}) == {"count": 3, "part": 0.5, "inner.b.c": 1}
