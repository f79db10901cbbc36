"""Sessions: what each provider merges, echoes, ignores, refuses, and forgets."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_24K
from telephony.sim.model_checks import write_format
from telephony.sim.model_client import ModelClient
from telephony.sim.model_session import OpenAiSession, XaiSession

FUNCTION = {"type": "function", "name": "f", "description": "Does it.", "parameters": {"type": "object"}}
VAD = {"type": "server_vad", "create_response": True}


def openai(**fields: Any) -> dict[str, Any]:
    return {"type": "realtime", **fields}


def faults(session: OpenAiSession | XaiSession, wanted: dict[str, Any], *, spoke: bool = False) -> list[str]:
    return [problem.fault for problem in session.update(wanted, spoke=spoke)]


# -- OpenAI ----------------------------------------------------------------------------------------------------------


def test_openai_detects_turns_from_the_first_moment() -> None:
    session = OpenAiSession("gpt-realtime")
    assert session.turns is not None
    assert session.turns.silence_ms == 200
    assert not session.transcribes


def test_openai_merges_updates_and_echoes_everything() -> None:
    session = OpenAiSession("gpt-realtime")
    assert faults(session, openai(instructions="Be brief.", tools=[FUNCTION])) == []
    heard = {
        "format": {"type": "audio/pcmu"},
        "transcription": {"model": "w"},
        "turn_detection": {"type": "server_vad"},
    }
    assert faults(session, openai(audio={"input": heard})) == []
    body = session.body()
    assert body["instructions"] == "Be brief."
    assert body["tools"] == [FUNCTION]
    assert body["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert body["audio"]["input"]["transcription"] == {"language": None, "prompt": None, "model": "w"}
    assert body["audio"]["input"]["turn_detection"]["prefix_padding_ms"] == 300
    assert body["audio"]["output"] == {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "alloy", "speed": 1.0}
    assert session.input == MULAW_8K
    assert session.output == PCM16_24K
    assert session.transcribes


def test_openai_can_switch_turn_detection_off() -> None:
    session = OpenAiSession("gpt-realtime")
    assert faults(session, openai(audio={"input": {"turn_detection": None}})) == []
    assert session.turns is None


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ({"instructions": "x"}, "missing_session_type"),
        (openai(voice="marin"), "unknown_parameter"),
        (openai(turn_detection=VAD), "unknown_parameter"),
        (openai(input_audio_format="pcm16"), "unknown_parameter"),
        (openai(audio={"input": {"turn_detection": {"type": "server_vad", "threshhold": 1}}}), "unknown_parameter"),
        (openai(audio={"input": None}), "invalid_type"),
        (openai(audio={"input": {"format": {"type": "audio/pcm", "rate": 8000}}}), "invalid_format"),
        (openai(audio={"output": {"format": {"type": "audio/opus"}}}), "invalid_format"),
        (openai(audio={"output": {"format": {"type": "audio/pcmu", "rate": 24_000}}}), "invalid_format"),
        (openai(audio={"input": {"turn_detection": {"type": "vad"}}}), "invalid_turn_detection"),
        (openai(audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 2}}}), "invalid_turn_detection"),
        (openai(audio={"input": {"turn_detection": True}}), "invalid_type"),
        (openai(audio={"output": {"speed": 3}}), "invalid_speed"),
        (openai(tools={}), "invalid_tool"),
        (openai(tools=[{"type": "function"}]), "invalid_tool"),
        (openai(tools=["f"]), "invalid_tool"),
        (openai(tools=[{"type": "function", "function": {"name": "f"}}]), "invalid_tool"),
        (openai(tools=[FUNCTION, FUNCTION]), "invalid_tool"),
        (openai(output_modalities=["text"]), "unsupported_modality"),
        (openai(model="gpt-other"), "model_changed"),
    ],
)
def test_openai_refuses_the_whole_update_for_one_mistake(wanted: dict[str, Any], fault: str) -> None:
    session = OpenAiSession("gpt-realtime")
    before = str(session.body())
    assert faults(session, wanted) == [fault]
    assert str(session.body()) == before


def test_openai_keeps_the_voice_once_it_spoke() -> None:
    session = OpenAiSession("gpt-realtime")
    other = openai(audio={"output": {"voice": "marin"}})
    assert faults(session, other, spoke=True) == ["voice_changed"]
    assert faults(session, other) == []
    assert faults(session, other, spoke=True) == []


# -- xAI -------------------------------------------------------------------------------------------------------------


def test_xai_begins_with_manual_turns_and_says_so() -> None:
    session = XaiSession("grok-voice-latest")
    assert session.turns is None
    assert session.body()["turn_detection"] == {"type": None}
    assert session.body()["voice"] == "ara"


def test_xai_echoes_functions_nested_and_its_own_keys() -> None:
    session = XaiSession("grok-voice-latest")
    assert faults(session, {"tools": [FUNCTION], "turn_detection": VAD, "voice": "eve"}) == []
    body = session.body()
    inner = {key: value for key, value in FUNCTION.items() if key != "type"}
    assert body["tools"] == [{"type": "function", "function": inner}]
    assert body["voice"] == "eve"
    assert body["input_audio_format"] == "not specified"
    assert body["temperature"] == -1.0
    assert "id" not in body
    assert "input_audio_transcription" not in body


def test_xai_takes_functions_nested_too() -> None:
    session = XaiSession("grok-voice-latest")
    nested = {"type": "function", "function": {"name": "f"}}
    assert faults(session, {"tools": [nested], "turn_detection": VAD}) == []
    assert session.body()["tools"] == [nested]
    assert faults(session, {"tools": [{"type": "function", "function": "f"}], "turn_detection": VAD}) == [
        "invalid_tool"
    ]


def test_xai_falls_back_to_manual_turns_when_an_update_leaves_them_out() -> None:
    session = XaiSession("grok-voice-latest")
    faults(session, {"turn_detection": VAD, "instructions": "x"})
    assert session.turns is not None
    assert session.turns.threshold == 0.85
    assert faults(session, {"audio": {"input": {"format": {"type": "audio/pcma"}}}}) == ["missing_turn_detection"]
    assert session.turns is None
    assert session.input == ALAW_8K
    assert session.body()["instructions"] == "x"


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ({"audio": {"output": {"voice": "eve"}}}, "misplaced_setting"),
        ({"audio": {"input": {"turn_detection": VAD}}}, "misplaced_setting"),
        ({"output_modalities": ["audio"]}, "unknown_parameter"),
        ({"turn_detection": {"type": "server_vad"}}, "missing_create_response"),
    ],
)
def test_xai_ignores_in_silence_what_it_does_not_know(wanted: dict[str, Any], fault: str) -> None:
    session = XaiSession("grok-voice-latest")
    problems = session.update({"turn_detection": VAD, "instructions": "kept", **wanted}, spoke=False)
    assert [problem.fault for problem in problems] == [fault]
    assert all(problem.silent for problem in problems)
    assert session.body()["instructions"] == "kept"


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ({"turn_detection": {**VAD, "type": "semantic_vad"}}, "invalid_turn_detection"),
        ({"turn_detection": {**VAD, "threshold": 0.95}}, "invalid_turn_detection"),
        ({"turn_detection": {**VAD, "silence_duration_ms": -1}}, "invalid_turn_detection"),
        ({"audio": {"output": {"format": {"type": "audio/pcm", "rate": 44_100}}}}, "invalid_format"),
        ({"audio": {"output": {"speed": 0.5}}}, "invalid_speed"),
    ],
)
def test_xai_refuses_values_out_of_range_and_keeps_what_it_had(wanted: dict[str, Any], fault: str) -> None:
    session = XaiSession("grok-voice-latest")
    faults(session, {"turn_detection": VAD})
    assert faults(session, {"turn_detection": VAD, "instructions": "new", **wanted}) == [fault]
    assert session.turns is not None
    assert session.body()["instructions"] == ""


def test_xai_speaks_pcm_at_telephone_rates() -> None:
    session = XaiSession("grok-voice-latest")
    wanted = {"turn_detection": VAD, "audio": {"output": {"format": {"type": "audio/pcm", "rate": 8000}}}}
    assert faults(session, wanted) == []
    assert session.output == PCM16_8K
    assert session.body()["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 8000}


# -- on the wire -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_update_is_acknowledged_in_a_moment(profile: str) -> None:
    client = ModelClient({"profile": profile})
    client.send("session.update", session=client.session())
    assert client.all("session.updated") == []
    client.wait(0.02)
    assert client.last("session.updated")["session"]["audio"]["input"]["format"] == write_format(PCM16_24K)


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_session_can_stay_unready(profile: str) -> None:
    client = ModelClient({"profile": profile, "never_ready": True})
    client.configure()
    client.wait(60)
    assert client.all("session.updated") == []


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_wrong_format_can_be_echoed_and_spoken(profile: str) -> None:
    replies = [{"on": "greeting", "say": "Hello"}]
    client = ModelClient({"profile": profile, "echo_wrong_format": True, "replies": replies}, audio=MULAW_8K)
    client.configure()
    assert client.last("session.updated")["session"]["audio"]["output"]["format"] == write_format(PCM16_24K)
    client.send("response.create")
    client.wait(2)
    item = client.last("response.output_item.done")["item"]["id"]
    assert len(client.audio_of(item)) == pytest.approx(5 * 60 * 48, abs=200)


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_update_without_a_session_is_refused(profile: str) -> None:
    client = ModelClient({"profile": profile})
    client.send("session.update")
    assert client.faults == ["missing_parameter"]
    assert client.all("error")
