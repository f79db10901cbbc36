"""An agent's settings in a header: all of them come back, and nonsense names where it stands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.cassette.format import Cassette, header_line
from telephony.cassette.recorder import header_of
from telephony.cassette.resolved import agent_of, call_settings, rest_of
from telephony.errors import CassetteError
from telephony.events import CallStarted
from telephony.settings import (
    AUDIO_FORMATS,
    CallSettings,
    Clips,
    Limits,
    SessionConfig,
    ToolSpec,
    TurnDetection,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=3)
MAYBE = st.none() | TEXT
POSITIVE = st.floats(0.001, 1e6)
TOOLS = st.builds(ToolSpec, TEXT, TEXT, OBJECTS, POSITIVE, st.booleans(), MAYBE)
TURNS = st.builds(
    TurnDetection,
    type=st.sampled_from(["server_vad", "semantic_vad"]),
    threshold=st.floats(0, 1),
    silence_duration_ms=st.integers(0, 10_000),
    prefix_padding_ms=st.integers(0, 10_000),
)
WHOLE = ("caller_silence_prompts", "replacements", "tool_calls")
LIMITS = st.builds(
    Limits,
    **{name: st.integers(1, 1000) if name in WHOLE else POSITIVE for name in Limits.model_fields},
)
SESSIONS = st.builds(
    SessionConfig,
    instructions=TEXT,
    voice=MAYBE,
    audio=st.sampled_from([*AUDIO_FORMATS.values()]),
    turn_detection=TURNS,
    tools=st.lists(TOOLS, max_size=2).map(tuple),
    provider_tools=st.lists(OBJECTS, max_size=2).map(tuple),
    language=MAYBE,
    keyterms=st.lists(TEXT, max_size=3).map(tuple),
    reasoning_effort=MAYBE,
    extra=OBJECTS,
)
SETTINGS = st.builds(
    CallSettings,
    agent=TEXT,
    session=SESSIONS,
    limits=LIMITS,
    greeting=MAYBE,
    greeting_interruptible=st.booleans(),
    speaks_first=st.booleans(),
    clips=st.builds(Clips, st.binary(max_size=9), st.binary(max_size=9), st.binary(max_size=9)),
    hang_up_tool=MAYBE,
    transfer_to=TEXT,
)
STARTED = CallStarted("CA1", "MZ1", AUDIO_FORMATS["pcmu"])


def kept(settings: CallSettings) -> CallSettings:
    """What a cassette of a call with *settings* holds."""
    header = Cassette("a.jsonl", [header_line(header_of(settings, STARTED, "twilio", "xai"))]).header
    return call_settings(header.agent, header.settings, "a.jsonl")


@given(SETTINGS)
def test_settings_come_back_from_a_header(settings: CallSettings) -> None:
    assert kept(settings) == settings


@pytest.mark.parametrize("name", AUDIO_FORMATS)
def test_every_format_of_audio_comes_back(name: str) -> None:
    settings = CallSettings("desk", SessionConfig(audio=AUDIO_FORMATS[name]))
    assert agent_of(settings)["audio"] == name
    assert kept(settings) == settings


def test_recorded_sentences_come_back_to_the_byte_and_absent_ones_take_no_room() -> None:
    settings = CallSettings("desk", SessionConfig(), clips=Clips(apology=bytes(range(256)) * 9))
    assert [*rest_of(settings)["clips"]] == ["apology"]
    assert kept(settings).clips == settings.clips


@pytest.mark.parametrize("field", CallSettings.__struct_fields__)
def test_no_setting_of_a_call_is_left_out(field: str) -> None:
    """Whoever adds a setting has to put it into the header, too."""
    settings = CallSettings("desk", SessionConfig())
    names = {"agent": "name", "session": "instructions"}
    assert names.get(field, field) in {**agent_of(settings), **rest_of(settings)}


@pytest.mark.parametrize("field", SessionConfig.__struct_fields__)
def test_no_setting_of_a_session_is_left_out(field: str) -> None:
    assert {"extra": "session"}.get(field, field) in agent_of(CallSettings("desk", SessionConfig()))


def test_what_a_header_leaves_out_is_as_it_is_by_default_today() -> None:
    assert call_settings({"name": "desk"}, {}) == CallSettings("desk", SessionConfig())


@pytest.mark.parametrize("key", [*agent_of(CallSettings("desk", SessionConfig())), "mood"])
def test_each_key_may_be_left_out_or_be_a_stranger_but_the_name(key: str) -> None:
    settings = CallSettings("desk", SessionConfig(), limits=Limits(session=7))
    agent, rest = agent_of(settings), rest_of(settings)
    agent.pop(key, None) if key != "mood" else agent.update(mood="sunny")
    if key == "name":
        with pytest.raises(CassetteError, match=r"^a\.jsonl: .*agent\.name.*missing"):
            call_settings(agent, rest, "a.jsonl")
    else:
        assert call_settings(agent, rest, "a.jsonl") == settings


AGENT: list[tuple[str, Any]] = [
    ("name", 3), ("greeting", 3), ("greeting_interruptible", "yes"), ("speaks_first", None), ("hang_up_tool", []),
    ("instructions", 3), ("instructions", None), ("voice", {}), ("language", 1), ("reasoning_effort", []),
    ("audio", "mp3"), ("audio", ["pcm16"]), ("audio", None), ("turn_detection", 3), ("turn_detection", {"type": "x"}),
    ("turn_detection", {"mood": 1}), ("keyterms", "abc"), ("keyterms", [3]), ("tools", {}), ("tools", [{}]),
    ("tools", [{"name": "a", "description": "b", "parameters": 3}]), ("provider_tools", "abc"), ("provider_tools", [3]),
    ("session", []), ("session", "x"),
]  # fmt: skip
REST: list[tuple[str, Any]] = [
    ("limits", []), ("limits", {"session": "soon"}), ("limits", {"tool_calls": 0}), ("limits", {"mood": 1}),
    ("clips", {"apology": "*"}), ("clips", {"apology": 3}), ("clips", "x"), ("transfer_to", 3),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), AGENT, ids=str)
def test_nonsense_in_the_agent_names_file_and_key(key: str, value: Any) -> None:
    with pytest.raises(CassetteError, match=rf"^calls/a\.jsonl: the settings in its header .*agent\.{key}: "):
        call_settings({"name": "desk", key: value}, {}, "calls/a.jsonl")


@pytest.mark.parametrize(("key", "value"), REST, ids=str)
def test_nonsense_in_the_rest_names_file_and_key(key: str, value: Any) -> None:
    with pytest.raises(CassetteError, match=rf"^calls/a\.jsonl: the settings in its header .*settings\.{key}: "):
        call_settings({"name": "desk"}, {key: value}, "calls/a.jsonl")


@given(OBJECTS, OBJECTS, st.sampled_from([key for key, _ in AGENT]), st.sampled_from([key for key, _ in REST]), VALUES)
def test_whatever_a_header_holds_it_is_settings_or_a_cassette_error(
    agent: dict[str, Any], rest: dict[str, Any], one: str, other: str, value: Any
) -> None:
    try:
        made = call_settings({"name": "desk", **agent, one: value}, {**rest, other: value})
    except CassetteError:
        return
    assert kept(made) == json_like(made)


def json_like(settings: CallSettings) -> CallSettings:
    assert json.loads(json.dumps(agent_of(settings)))
    return settings
