"""What tools declare sensitive is on no cassette, and the cassette still tells two calls apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.cassette.veil import Veil
from telephony.settings import CallSettings, SessionConfig, ToolSpec

CARD = "4111 1111 1111 1111"


def veil(*names: str) -> Veil:
    made = Veil()
    made.cover(CallSettings("desk", SessionConfig(tools=(ToolSpec("pay", "Pays.", {}, sensitive=names),))))
    return made


def call(**arguments: Any) -> str:
    """A message that asks for a function, as one wire has it."""
    item = {"type": "function_call", "name": "pay", "arguments": json.dumps(arguments)}
    return json.dumps({"type": "response.output_item.done", "item": item})


def shown(text: str) -> Any:
    return json.loads(json.loads(text)["item"]["arguments"])


@pytest.mark.parametrize(
    "message",
    [
        call(card=CARD, amount=5),
        json.dumps({"type": "response.function_call_arguments.done", "arguments": json.dumps({"card": CARD})}),
        json.dumps({"type": "response.done", "response": {"output": [{"arguments": json.dumps({"card": CARD})}]}}),
        json.dumps({"type": "RunTool", "call_id": "c", "name": "pay", "arguments": json.dumps({"card": CARD})}),
        json.dumps({"tools": [{"name": "pay", "arguments": json.dumps({"card": CARD})}]}),
    ],
)
def test_it_is_hidden_in_every_message_that_carries_arguments(message: str) -> None:
    text = veil("card")(message)
    assert "4111" not in text
    assert "**** **** **** ****" in text


def test_a_piece_of_the_arguments_is_hidden_whole() -> None:
    message = json.dumps({"type": "response.function_call_arguments.delta", "delta": '{"card": "4111'})
    assert json.loads(veil("card")(message))["delta"] == "******** *****"


def test_what_was_hidden_once_is_hidden_wherever_it_stands_later() -> None:
    cover = veil("card")
    cover(call(card=CARD))
    assert cover('{"output": "Paid with 4111 1111 1111 1111."}') == '{"output": "Paid with **** **** **** ****."}'


def test_without_anything_sensitive_messages_are_not_looked_into() -> None:
    assert Veil()(call(card=CARD)) == call(card=CARD)
    assert veil("other")(call(card=CARD)) == call(card=CARD)


def test_what_nobody_can_read_is_left_to_others() -> None:
    assert veil("card")('"arguments": {') == '"arguments": {'


@given(st.lists(st.text() | st.integers() | st.sampled_from(["a", "b", 1, 2, "1"]), max_size=30))
def test_two_values_stay_two_and_one_stays_one(values: list[Any]) -> None:
    cover = veil("card")
    pairs = {(json.dumps(value), shown(cover(call(card=value)))["card"]) for value in values if not _hidden(value)}
    assert len({value for value, _ in pairs}) == len({stars for _, stars in pairs}) == len(pairs)


@given(st.lists(st.text(max_size=4) | st.integers(), max_size=20))
def test_a_replay_of_what_was_hidden_hides_nothing_more(values: list[Any]) -> None:
    recording, replaying = veil("card"), veil("card")
    for value in values:
        once = recording(call(card=value))
        assert replaying(once) == once


def _hidden(value: Any) -> bool:
    return isinstance(value, str) and (not value or set(value) <= {"*", " "})
