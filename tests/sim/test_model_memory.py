"""The conversation as the model remembers it."""

from __future__ import annotations

from telephony.sim.model_memory import Memory, keep, satisfies
from telephony.sim.model_wire import Item


def call(call_id: str, name: str = "f") -> Item:
    return Item(f"item_{call_id}", "function_call", "tool", call_id=call_id, name=name)


def test_items_stand_in_order_and_can_be_put_between() -> None:
    memory = Memory()
    for name in ("a", "b"):
        memory.add(Item(name, "message", "user"))
    memory.add(Item("between", "message", "user"), after="a")
    assert memory.last is memory.get("b")
    memory.forget("b")
    assert memory.last is memory.get("between")
    assert memory.knew("b")
    assert not memory.knew("c")


def test_calls_wait_until_they_are_answered() -> None:
    memory = Memory()
    memory.add(call("1"))
    memory.add(call("2"))
    memory.answer("1", "one")
    assert [item.call_id for item in memory.waiting] == ["2"]
    assert memory.outputs_of("f") == ["one"]
    assert memory.answered("1")
    assert memory.called("3") is None


def test_what_is_new_is_taken_up_once() -> None:
    memory = Memory()
    memory.add(call("1"))
    memory.answer("1", "one")
    memory.fresh_words, memory.fresh_ms = 3, 500.0
    assert memory.fresh_outputs == 1
    spent = memory.taken_up()
    assert (spent.input_words, spent.input_ms) == (3, 500.0)
    assert (memory.fresh_outputs, memory.fresh_words, memory.fresh_ms) == (0, 0, 0.0)


def test_cut_item_keeps_the_words_that_fit() -> None:
    item = Item("a", "message", "assistant", text="one two three four", spoken=True, audio_ms=2000)
    keep(item, 1100)
    assert (item.text, item.audio_ms) == ("one two", 1100)
    silent = Item("b", "message", "assistant", text="one", spoken=True)
    keep(silent, 0)
    assert silent.text == "one"


def test_json_text_counts_as_its_value() -> None:
    assert satisfies('"shipped today"', "shipped today")
    assert satisfies("[1, 2]", [1, 2])
    assert not satisfies("{", {})
