"""How function calls are put together: once per call, whatever a server leaves out or repeats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telephony.events import Event, ModelFault, ModelNoise, ResponseDone, ToolRequested
from telephony.realtime.decoder import Decoder

ARGUMENTS = '{"day":"Saturday"}'


def item(**more: Any) -> dict[str, Any]:
    return {"id": "item_1", "type": "function_call", "call_id": "call_1", "name": "opening_hours"} | more


def replay(*messages: dict[str, Any]) -> list[Event]:
    decoder = Decoder()
    events = [event for message in messages for event in decoder.decode(json.dumps(message))]
    return [event for event in events if not isinstance(event, ModelNoise)]


ADDED = {"type": "response.output_item.added", "response_id": "resp_1", "item": item(arguments="")}
ARGUMENTS_DONE = {
    "type": "response.function_call_arguments.done",
    "response_id": "resp_1",
    "item_id": "item_1",
    "call_id": "call_1",
    "name": "opening_hours",
    "arguments": ARGUMENTS,
}
ITEM_DONE = {
    "type": "response.output_item.done",
    "response_id": "resp_1",
    "item": item(status="completed", arguments=ARGUMENTS),
}
RESPONSE_DONE = {
    "type": "response.done",
    "response": {"id": "resp_1", "status": "completed", "output": [item(status="completed", arguments=ARGUMENTS)]},
}
REQUEST = ToolRequested("resp_1", "call_1", "opening_hours", ARGUMENTS, "item_1")


def without(message: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key not in keys}


def test_a_call_reported_three_times_is_requested_once():
    done = ResponseDone("resp_1")
    assert replay(ADDED, ARGUMENTS_DONE, ARGUMENTS_DONE, ITEM_DONE, RESPONSE_DONE) == [REQUEST, done]


def test_a_missing_name_is_taken_from_the_item_that_announced_the_call():
    assert replay(ADDED, without(ARGUMENTS_DONE, "name")) == [REQUEST]


def test_a_missing_call_id_is_taken_from_the_item_that_announced_the_call():
    assert replay(ADDED, without(ARGUMENTS_DONE, "name", "call_id")) == [REQUEST]


def test_a_name_that_only_the_finished_item_tells_is_waited_for():
    assert replay(without(ARGUMENTS_DONE, "name"), ITEM_DONE) == [REQUEST]


def test_a_finished_item_without_arguments_lends_its_name_to_those_that_came():
    bare = {"type": "response.output_item.done", "response_id": "resp_1", "item": item(status="completed")}
    assert replay(without(ARGUMENTS_DONE, "name"), bare) == [REQUEST]


def test_a_call_whose_name_never_comes_is_requested_so_that_it_can_be_answered():
    last = {"type": "response.done", "response": {"id": "resp_1", "status": "completed", "output": []}}
    request, _ = replay(without(ARGUMENTS_DONE, "name"), last)
    assert request == ToolRequested("resp_1", "call_1", "", ARGUMENTS, "item_1")


@pytest.mark.parametrize("message", [ITEM_DONE, RESPONSE_DONE])
def test_a_call_is_found_in_finished_items_where_its_own_event_never_came(message):
    assert replay(message)[0] == REQUEST


def test_the_request_comes_before_the_end_of_its_response():
    assert [type(event) for event in replay(RESPONSE_DONE)] == [ToolRequested, ResponseDone]


def test_a_call_that_was_cut_off_is_not_requested():
    cut = item(status="incomplete", arguments='{"day":"Sat')
    message = {"type": "response.done", "response": {"id": "resp_1", "status": "cancelled", "output": [cut]}}
    assert replay(message) == [ResponseDone("resp_1", "cancelled")]


def test_a_call_from_the_history_we_replayed_is_not_requested():
    created = {"type": "conversation.item.done", "item": item(status="completed", arguments=ARGUMENTS)}
    assert replay(created) == []


def test_parallel_calls_are_all_requested():
    second = ARGUMENTS_DONE | {"call_id": "call_2", "item_id": "item_2"}
    assert [event.call_id for event in replay(ARGUMENTS_DONE, second)] == ["call_1", "call_2"]


def test_a_call_that_nothing_identifies_is_a_fault():
    (fault,) = replay(without(ARGUMENTS_DONE, "call_id", "item_id"))
    assert isinstance(fault, ModelFault)


def test_a_finished_item_that_nobody_named_is_left_for_a_later_report():
    nameless = {"type": "response.output_item.done", "item": without(item(status="completed"), "name")}
    assert replay(nameless, RESPONSE_DONE) == [REQUEST, ResponseDone("resp_1")]
