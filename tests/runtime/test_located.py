"""Values that know where they were written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telephony.runtime.located import NOTHING, Located, dotted, merge, nested

keys = st.sampled_from(["a", "b", "c"])
plain_trees = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(keys, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=12,
)


def located(value: object, place: str) -> Located:
    if isinstance(value, dict):
        return Located({key: located(item, place) for key, item in value.items()}, place)
    if isinstance(value, list):
        return Located([located(item, place) for item in value], place)
    return Located(value, place)


@given(plain_trees)
def test_places_come_off_again(value: object) -> None:
    assert located(value, "x").plain() == value


def test_later_layers_win_key_by_key_and_keep_their_place() -> None:
    below = located({"a": 1, "b": {"c": 2, "d": [1, 2]}}, "file:1")
    above = located({"b": {"c": 3, "d": [4]}}, "PORT")
    merged = merge([below, above])
    assert merged.plain() == {"a": 1, "b": {"c": 3, "d": [4]}}
    assert merged.at(("b", "c")).place == "PORT"
    assert merged.at(("a",)).place == "file:1"


@given(plain_trees)
def test_nothing_changes_nothing(value: object) -> None:
    tree = located({"root": value}, "x")
    assert merge([tree, NOTHING]).plain() == merge([NOTHING, tree]).plain() == tree.plain()


def test_a_path_that_ends_early_gives_the_innermost_place() -> None:
    tree = Located({"agents": Located([Located({"voice": Located("eve", "f:3")}, "f:2")], "f:1")}, "f:0")
    assert tree.at(("agents", 0, "voice")).place == "f:3"
    assert tree.at(("agents", 0, "model")).place == "f:2"
    assert tree.at(("agents", 7, "voice")).place == "f:1"
    assert tree.at(("numbers",)).place == "f:0"
    assert tree.at(("agents", 0, "voice", "deeper")).place == "f:3"


def test_nested_puts_a_leaf_under_its_path() -> None:
    assert nested(["twilio", "api_base"], Located("x", "flag")).plain() == {"twilio": {"api_base": "x"}}


def test_keys_are_called_as_people_write_them() -> None:
    assert dotted(("model_list", 0, "litellm_params", "model")) == "model_list[0].litellm_params.model"
    assert dotted(("port",)) == "port"
