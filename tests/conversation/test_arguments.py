"""Whether two function calls ask for the same, and what of their arguments may be shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.conversation.arguments import canonical, found, masked, paths_of, stars, telling, without

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', True),
        ("", "{}", True),
        ('{"a": 1}', '{"a": "1"}', False),
        ('{"a": ', '{"a": ', True),
        ("[" * 100_000, "[", False),
    ],
)
def test_the_same_arguments_are_the_same_however_they_are_written(one: str, other: str, same: bool) -> None:
    assert (canonical(one) == canonical(other)) is same


def test_what_stands_at_a_path_or_below_is_hidden_character_by_character() -> None:
    arguments = '{"card": {"number": "4111 1111", "owner": "Eve"}, "pin": 123, "items": [{"code": "x"}], "n": null}'
    shown = json.loads(masked(arguments, paths_of(["card.number", "pin", "items.code", "n"])))
    assert shown == {
        "card": {"number": "**** ****", "owner": "Eve"},
        "pin": "***",
        "items": [{"code": "*"}],
        "n": None,
    }


def test_arguments_that_nobody_can_read_are_hidden_whole() -> None:
    assert masked('{"pin": 12', paths_of(["pin"])) == "******* **"


def test_without_a_path_nothing_is_touched() -> None:
    assert masked('{ "pin":  1 }', paths_of([])) == '{ "pin":  1 }'
    assert masked('{ "other":  1 }', paths_of(["pin"])) == '{ "other":  1 }'


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES), st.sets(st.sampled_from(["a", "b", "a.b", "c.a"])))
def test_hiding_again_changes_nothing_and_leaves_nothing_to_be_found(value: dict[str, Any], names: set[str]) -> None:
    paths = paths_of(names)
    once = masked(json.dumps(value), paths)
    assert masked(once, paths) == once
    assert all(each == stars(each) for each in found(once, paths))


def test_only_longer_texts_are_known_again_elsewhere() -> None:
    assert telling("411111")
    assert telling(411111)
    assert not any(map(telling, ["41", 41, None]))
    arguments = '{"card": "411111 1", "pin": 1234567, "short": "41"}'
    text = 'no "411111 1" or 1234567 in 41'
    assert without(text, arguments, paths_of(["card", "pin", "short"])) == 'no "****** *" or ******* in 41'
