"""The client's items: outputs without calls, truncation beyond what was sent, and everything else it gets wrong."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.sim.model_client import ModelClient

CALLING = [{"on": "greeting", "call": {"name": "find", "arguments": {"id": 1}}}, {"on": "tool", "say": "Found."}]
SAYING = [{"on": "greeting", "say": "One two three four five six seven eight nine ten."}]


def ready(profile: str, replies: list[dict[str, Any]]) -> ModelClient:
    client = ModelClient({"profile": profile, "replies": replies})
    client.configure()
    client.send("response.create")
    client.wait(3)
    return client


def output(client: ModelClient, call_id: str, text: Any = "done") -> list[dict[str, Any]]:
    item = {"type": "function_call_output", "call_id": call_id, "output": text}
    return client.send("conversation.item.create", item=item)


def call_id(client: ModelClient) -> str:
    return str(client.last("response.function_call_arguments.done")["call_id"])


def item_id(client: ModelClient) -> str:
    return str(client.last("response.output_item.done")["item"]["id"])


def truncate(client: ModelClient, item: str, end: Any, index: Any = 0) -> list[dict[str, Any]]:
    return client.send("conversation.item.truncate", item_id=item, content_index=index, audio_end_ms=end)


def both(test: Any) -> Any:
    return pytest.mark.parametrize("profile", ["xai", "openai"])(test)


@both
def test_output_is_acknowledged_as_an_item(profile: str) -> None:
    client = ready(profile, CALLING)
    answer = output(client, call_id(client), "shipped")
    assert answer[0]["type"] == "conversation.item.added"
    assert answer[0]["item"]["output"] == "shipped"
    assert client.faults == []


@both
def test_output_for_no_call_is_refused(profile: str) -> None:
    client = ready(profile, CALLING)
    (error,) = output(client, "call_unknown")
    assert error["type"] == "error"
    assert "call_unknown" in error["error"]["message"]
    assert client.faults == ["orphan_tool_output"]


@both
def test_second_output_for_a_call_is_a_fault(profile: str) -> None:
    client = ready(profile, CALLING)
    output(client, call_id(client))
    assert output(client, call_id(client)) == []
    assert client.faults == ["duplicate_tool_output"]


@both
def test_output_must_be_a_string(profile: str) -> None:
    client = ready(profile, CALLING)
    output(client, call_id(client), {"status": "shipped"})
    assert client.faults == ["invalid_item"]
    assert "string" in client.last("error")["error"]["message"]


@both
def test_truncation_is_acknowledged_and_shortens_the_item(profile: str) -> None:
    client = ready(profile, SAYING)
    (answer,) = truncate(client, item_id(client), 1500)
    assert answer["type"] == "conversation.item.truncated"
    assert answer["audio_end_ms"] == 1500
    if profile == "xai":
        assert answer["transcript"] == "One two three four five"
    else:
        assert "transcript" not in answer
    truncate(client, item_id(client), 1600)
    assert client.faults == ["truncate_too_far"]
    assert client.last("error")["error"]["message"] == "Audio content of 1500ms is already shorter than 1600ms"


@both
def test_truncation_while_speaking_counts_what_was_sent(profile: str) -> None:
    client = ModelClient({"profile": profile, "replies": SAYING, "speed": [1, 1], "delta_ms": [100, 100]})
    client.configure()
    client.send("response.create")
    client.wait(1.0)
    item = client.last("response.output_item.added")["item"]["id"]
    sent_ms = len(client.audio_of(item)) / 48
    assert 0 < sent_ms < 1000
    truncate(client, item, int(sent_ms) + 100)
    assert client.faults == ["truncate_too_far"]
    truncate(client, item, int(sent_ms))
    assert client.faults == ["truncate_too_far"]


@both
def test_truncation_to_nothing_is_refused(profile: str) -> None:
    client = ready(profile, SAYING)
    truncate(client, item_id(client), 0)
    assert client.faults == ["truncate_zero"]
    assert client.last("error")["error"]["message"] == "Only model output audio messages can be truncated."


@both
def test_truncation_of_what_is_not_the_models_speech_is_refused(profile: str) -> None:
    client = ready(profile, CALLING)
    truncate(client, item_id(client), 100)
    truncate(client, "no such item", 100)
    assert client.faults == ["truncate_not_audio", "unknown_item"]


@both
@pytest.mark.parametrize(("end", "index"), [(-1, 0), ("100", 0), (None, 0), (True, 0), (100, 1)])
def test_truncation_needs_whole_numbers(profile: str, end: Any, index: Any) -> None:
    client = ready(profile, SAYING)
    truncate(client, item_id(client), end, index)
    assert client.faults == ["invalid_truncation"]


@both
def test_deleted_item_is_gone(profile: str) -> None:
    client = ready(profile, SAYING)
    (answer,) = client.send("conversation.item.delete", item_id=item_id(client))
    assert answer["type"] == "conversation.item.deleted"
    truncate(client, item_id(client), 100)
    assert client.all("error")


def test_unknown_items_are_named_by_openai_only() -> None:
    for profile, words in (("xai", "Item not found"), ("openai", "the item with id 'x' does not exist")):
        client = ready(profile, SAYING)
        client.send("conversation.item.delete", item_id="x")
        assert words in client.last("error")["error"]["message"]
        client.send("conversation.item.delete")
        assert client.faults == ["unknown_item", "missing_parameter"]


@both
def test_item_can_be_put_behind_another(profile: str) -> None:
    client = ready(profile, SAYING)
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hm"}]}
    client.send("conversation.item.create", item={**message, "id": "item_mine"}, previous_item_id=item_id(client))
    assert client.last("conversation.item.added")["item"]["id"] == "item_mine"
    client.send("conversation.item.create", item=message, previous_item_id="item_theirs")
    assert client.faults == ["unknown_item"]


@both
@pytest.mark.parametrize(
    ("item", "fault"),
    [
        (None, "missing_parameter"),
        ({"type": "song"}, "invalid_item"),
        ({"type": "message", "role": "caller", "content": []}, "invalid_item"),
        ({"type": []}, "invalid_item"),
        ({"type": "message", "role": ["user"], "content": []}, "invalid_item"),
        ({"type": "message", "role": "user"}, "missing_parameter"),
        (
            {"type": "message", "role": "user", "content": [{"type": "output_text", "text": "x"}]},
            "invalid_content_type",
        ),
        ({"type": "message", "role": "user", "content": ["x"]}, "invalid_content_type"),
        ({"type": "function_call", "name": "f", "arguments": "{}"}, "missing_parameter"),
        ({"type": "function_call_output", "output": "x"}, "missing_parameter"),
    ],
)
def test_items_are_checked(profile: str, item: Any, fault: str) -> None:
    client = ready(profile, SAYING)
    client.send("conversation.item.create", item=item)
    assert client.faults == [fault]
    assert client.all("error")


def test_assistant_text_is_output_text_with_openai_and_either_with_xai() -> None:
    for profile, faults in (("openai", ["invalid_content_type"]), ("xai", [])):
        client = ready(profile, SAYING)
        for kind in ("output_text", "text"):
            content = [{"type": kind, "text": "I said so."}]
            client.send("conversation.item.create", item={"type": "message", "role": "assistant", "content": content})
        assert client.faults == faults


@both
def test_call_that_is_brought_along_twice_is_a_fault_and_stays_one(profile: str) -> None:
    client = ready(profile, CALLING)
    call = {"type": "function_call", "name": "find", "arguments": "{}", "call_id": call_id(client)}
    assert client.send("conversation.item.create", item=call) == []
    assert client.faults == ["duplicate_tool_call"]
    assert [item.type for item in client.model.items] == ["function_call"]


@both
def test_item_that_the_provider_only_dislikes_is_added(profile: str) -> None:
    client = ready(profile, SAYING)
    item = {"type": "message", "role": "assistant", "content": [{"type": "input_text", "text": "Hm"}]}
    client.send("conversation.item.create", item=item)
    assert client.faults == ["invalid_content_type"]
    assert len(client.model.items) == (2 if profile == "xai" else 1)


def test_xai_places_messages_behind_the_item_before_and_functions_behind_nothing() -> None:
    client = ready("xai", SAYING)
    said = item_id(client)
    call = {"type": "function_call", "name": "find", "arguments": '{"a":1}', "call_id": "call_1"}
    (added,) = client.send("conversation.item.create", item=call)
    assert (added["previous_item_id"], added["item"]["arguments"]) == (None, "")
    (answered,) = output(client, "call_1")
    assert answered["previous_item_id"] is None
    content = [{"type": "text", "text": "Hm"}]
    (message,) = client.send(
        "conversation.item.create", item={"type": "message", "role": "assistant", "content": content}
    )
    assert message["previous_item_id"] == answered["item"]["id"] != said


def test_seeded_call_can_be_answered_and_openai_limits_its_id() -> None:
    call = {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call-" + "x" * 36 + "-0"}
    client = ready("xai", SAYING)
    client.send("conversation.item.create", item=call)
    output(client, call["call_id"])
    assert client.faults == []
    client = ready("openai", SAYING)
    client.send("conversation.item.create", item=call)
    assert client.faults == ["invalid_item"]
