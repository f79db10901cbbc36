"""Which keys a client may send."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.sim.model_client import ModelClient
from telephony.sim.model_schema import OPENAI_EVENTS, OPENAI_SESSION, XAI_EVENTS, XAI_SESSION, misshapen, unknown


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ({"instructions": "x", "tools": [{"any": "thing"}]}, []),
        ({"audio": {"input": {"voice": "x"}}}, ["audio.input.voice"]),
        ({"audio": {"output": {"voice": {"id": "voice_x"}}}}, []),
        ({"instructions": {"text": "x"}}, ["instructions.text"]),
        ({"a": 1, "b": 2}, ["a", "b"]),
    ],
)
def test_unknown_paths_are_found(value: dict[str, Any], paths: list[str]) -> None:
    assert list(unknown(value, OPENAI_SESSION)) == paths


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ({"audio": None}, ["audio"]),
        ({"audio": {"input": []}}, ["audio.input"]),
        ({"audio": {"input": {"format": "pcm16", "turn_detection": None}}}, ["audio.input.format"]),
        ({"instructions": 5, "tools": None}, []),
    ],
)
def test_values_that_should_be_objects_are_found(value: dict[str, Any], paths: list[str]) -> None:
    assert list(misshapen(value, OPENAI_SESSION)) == paths


def test_providers_differ_where_they_differ() -> None:
    assert list(unknown({"voice": "eve", "replace": {"a": "b"}}, XAI_SESSION)) == []
    assert list(unknown({"voice": "eve"}, OPENAI_SESSION)) == ["voice"]
    assert set(OPENAI_EVENTS) - set(XAI_EVENTS) == {"conversation.item.retrieve"}


def test_openai_refuses_an_event_for_an_unknown_key() -> None:
    client = ModelClient({"profile": "openai"})
    client.send("response.create", response={"modalities": ["audio"]}, event_id="mine")
    error = client.last("error")["error"]
    assert error["code"] == "unknown_parameter"
    assert error["param"] == "response.modalities"
    assert error["event_id"] == "mine"
    assert client.all("response.created") == []
    assert client.faults == ["unknown_parameter"]


def test_xai_takes_the_event_and_says_nothing_of_the_unknown_key() -> None:
    client = ModelClient({"profile": "xai"})
    client.send("response.create", response={"output_modalities": ["audio"]})
    assert client.all("response.created")
    assert client.all("error") == []
    assert client.faults == ["unknown_parameter"]
