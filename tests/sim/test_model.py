"""The simulated model as a whole: what it refuses, how sessions end, and that nothing a client sends can break it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.sim.model import SimulatedModel
from telephony.sim.model_client import ModelClient, hum
from telephony.sim.model_schema import OPENAI_EVENTS
from telephony.sim.model_script import ModelScript


def both(test: Any) -> Any:
    return pytest.mark.parametrize("profile", ["xai", "openai"])(test)


@both
@pytest.mark.parametrize("text", ["{", "", "nonsense", '{"type": '])
def test_bad_json_is_answered_and_noted(profile: str, text: str) -> None:
    client = ModelClient({"profile": profile})
    (error,) = client.send_raw(text)
    assert error["type"] == "error"
    assert client.faults == ["bad_json"]


@both
@pytest.mark.parametrize("text", ["[]", "1", "null", '{"typ": "x"}', '{"type": 1}', '{"type": "response.destroy"}'])
def test_unknown_events_are_answered_and_noted(profile: str, text: str) -> None:
    client = ModelClient({"profile": profile})
    (error,) = client.send_raw(text)
    assert error["error"]["type"] == ("invalid_event" if profile == "xai" else "invalid_request_error")
    assert client.faults == ["unknown_event"]


def test_binary_is_refused_by_openai_and_heard_by_xai() -> None:
    for profile, answers in (("openai", 1), ("xai", 0)):
        client = ModelClient({"profile": profile})
        client.configure()
        assert len(client.send_raw(bytes(960))) == answers
        assert client.faults == ["binary_message"]
    agreed = ModelClient({"profile": "xai"})
    agreed.configure(audio={"input": {"transport": "binary"}})
    agreed.send_raw(bytes(960))
    assert agreed.faults == []


@both
@pytest.mark.parametrize(
    ("fields", "fault"),
    [({}, "missing_parameter"), ({"audio": 5}, "missing_parameter"), ({"audio": "!!"}, "bad_base64")],
)
def test_audio_must_be_base64(profile: str, fields: dict[str, Any], fault: str) -> None:
    client = ModelClient({"profile": profile})
    client.configure()
    client.send("input_audio_buffer.append", **fields)
    assert client.faults == [fault]
    assert client.all("error")


def test_append_beyond_the_limit_is_refused() -> None:
    client = ModelClient({"profile": "openai"})
    client.configure()
    client.send("input_audio_buffer.append", audio="A" * (15 * 1024 * 1024 + 4))
    assert client.faults == ["append_too_large"]


@both
def test_session_ends_at_its_limit(profile: str) -> None:
    client = ModelClient({"profile": profile, "session_limit_s": 5})
    client.wait(4.9)
    assert client.model.close_request is None
    client.wait(1)
    assert client.model.close_request == (1001, "session expired")
    assert client.messages[-1]["type"] == "error"


@pytest.mark.parametrize(("code", "close"), [("invalid_api_key", 1008), ("beta_api_shape_disabled", 4000)])
def test_refusal_can_be_the_first_event(code: str, close: int) -> None:
    client = ModelClient({"profile": "openai", "open_error": code})
    (error,) = client.messages
    assert error["error"]["code"] == code
    assert client.model.close_request == (close, code)


@both
def test_session_names_the_model_that_was_asked_for(profile: str) -> None:
    script = ModelScript(profile="xai" if profile == "xai" else "openai")
    created = json.loads(SimulatedModel(script, hum, model="my-model").open(0.0)[0])
    assert created["session"]["model"] == "my-model"
    assert SimulatedModel(script, hum).session["model"] in ("grok-voice-latest", "gpt-realtime")


def test_received_events_are_counted() -> None:
    client = ModelClient({"profile": "xai"})
    client.configure()
    client.speak(100)
    assert client.model.received == {"session.update": 1, "input_audio_buffer.append": 5}


def test_times_are_the_callers_own_clock() -> None:
    model = SimulatedModel(ModelScript(), hum, epoch=500.0)
    ping = json.loads(model.open(1000.0)[-1])
    assert ping["timestamp"] == 1_500_000
    assert model.deadline() == 1010.0
    model.receive("{", 1003.0)
    assert model.faults[0].at == 1003.0


WORDS = [
    "session", "type", "audio", "input", "output", "format", "rate", "turn_detection", "tools", "name",
    "function", "voice", "item", "role", "content", "text", "id", "call_id", "item_id", "content_index",
    "audio_end_ms", "response", "instructions", "metadata", "previous_item_id", "arguments", "event_id",
    "threshold", "idle_timeout_ms", "transcription", "model", "tool_choice", "speed", "silence_duration_ms",
]  # fmt: skip
KEYS = st.sampled_from(WORDS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 3000) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
EVENTS = st.builds(
    lambda kind, fields: {**fields, "type": kind},
    st.sampled_from(sorted(OPENAI_EVENTS)),
    st.dictionaries(KEYS, JSON, max_size=4),
)
ITEMS = st.builds(
    lambda kind, fields: {"type": "conversation.item.create", "item": {**fields, "type": kind}},
    st.sampled_from(["message", "function_call", "function_call_output", "force_message"]),
    st.dictionaries(KEYS, JSON, max_size=5),
)
UPDATES = st.builds(
    lambda session: {"type": "session.update", "session": {"type": "realtime", **session}},
    st.dictionaries(st.sampled_from(["audio", "turn_detection", "tools", "voice", "instructions", "model"]), JSON),
)


@both
@given(events=st.lists(EVENTS | ITEMS | UPDATES, max_size=12))
@settings(max_examples=40, deadline=None)
def test_no_event_breaks_it(profile: str, events: list[dict[str, Any]]) -> None:
    client = ModelClient({"profile": profile, "replies": [{"on": "greeting", "say": "Hi", "call": {"name": "f"}}]})
    for event in events:
        client.send_raw(json.dumps(event))
        client.wait(0.3)
    client.speak(100)
    assert client.model.close_request is None
