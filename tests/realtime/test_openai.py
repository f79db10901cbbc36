"""OpenAI's wire, one fixture per kind of message, and the session it is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K
from telephony.commands import AddToolCall, ConfigureSession, RequestResponse, SendToolOutput, SpeakVerbatim
from telephony.errors import ConfigurationError
from telephony.events import (
    CallerTranscript,
    CallerTranscriptDelta,
    Event,
    HistoryReplayed,
    ItemTruncated,
    ModelAudio,
    ModelAudioDone,
    ModelError,
    ModelNoise,
    ModelTranscript,
    ResponseDone,
    ResponseStarted,
    SessionCreated,
    SessionReady,
    SilenceReported,
    SpeechStarted,
    SpeechStopped,
    ToolRequested,
)
from telephony.realtime.openai import OpenAI
from telephony.settings import SessionConfig, TurnDetection

WIRE = Path(__file__).parents[2] / "fixtures" / "wire" / "openai"

MEANS: dict[str, type[Event]] = {
    "conversation.item.truncated": ItemTruncated,
    "input_audio_buffer.speech_started": SpeechStarted,
    "input_audio_buffer.speech_stopped": SpeechStopped,
    "input_audio_buffer.timeout_triggered": SilenceReported,
    "response.created": ResponseStarted,
    "response.function_call_arguments.done": ToolRequested,
    "response.output_audio.delta": ModelAudio,
    "response.output_audio.done": ModelAudioDone,
    "response.output_audio_transcript.delta": ModelTranscript,
    "response.output_audio_transcript.done": ModelTranscript,
    "response.output_item.done-function_call": ToolRequested,
    "response.output_text.delta": ModelTranscript,
    "response.output_text.done": ModelTranscript,
    "session.created": SessionCreated,
    "transcription.completed": CallerTranscript,
    "transcription.delta": CallerTranscriptDelta,
    "transcription.failed": ModelError,
}
"""Beside these: errors, ends of responses, acknowledged sessions. Everything else is to be noise, and known."""


def meaning(name: str) -> type[Event]:
    families = (
        ("conversation.item.added", HistoryReplayed),
        ("error-", ModelError),
        ("response.done", ResponseDone),
        ("session.updated", SessionReady),
    )
    for prefix, event in families:
        if name.startswith(prefix):
            return event
    return MEANS.get(name, ModelNoise)


def decode(name: str) -> list[Event]:
    return OpenAI(SessionConfig()).decode((WIRE / f"{name}.json").read_text())


def session(config: SessionConfig) -> dict:
    (message,) = OpenAI(config).encode(ConfigureSession())
    return json.loads(message)["session"]


@pytest.mark.parametrize("name", sorted(path.stem for path in WIRE.glob("*.json")))
def test_every_kind_of_message_means_what_it_should(name):
    event = decode(name)[-1]
    assert type(event) is meaning(name)
    if isinstance(event, ModelNoise):
        assert event.known


@pytest.mark.parametrize(
    ("name", "ready"),
    [
        ("session.updated", SessionReady(PCM16_24K, PCM16_24K, turn_detection=True)),
        ("session.updated-pcmu", SessionReady(MULAW_8K, MULAW_8K, turn_detection=True)),
        ("session.updated-manual-turns", SessionReady(ALAW_8K, ALAW_8K, turn_detection=False)),
        ("session.updated-beta", SessionReady(MULAW_8K, PCM16_24K, turn_detection=True)),
    ],
)
def test_the_acknowledged_configuration_is_read_back(name, ready):
    assert decode(name) == [ready]


def test_the_callers_words_arrive_in_pieces_and_then_whole():
    (delta,) = decode("transcription.delta")
    (whole,) = decode("transcription.completed")
    assert (delta.text, whole.text, whole.final) == (" When do", "When do you open on Saturday?", True)
    assert delta.item_id == whole.item_id


def test_a_failed_transcription_is_told_and_ends_nothing():
    (error,) = decode("transcription.failed")
    assert (error.kind, error.code) == ("recoverable", "audio_unintelligible")


def test_usage_is_flattened_by_dots():
    (done,) = decode("response.done")
    assert done.usage["input_token_details.cached_tokens_details.text_tokens"] == 32
    assert done.usage["total_tokens"] == 198


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("response.done", "completed", ""),
        ("response.done-cancelled", "cancelled", "turn_detected"),
        ("response.done-failed", "failed", "rate_limit_exceeded"),
        ("response.done-incomplete", "incomplete", "max_output_tokens"),
    ],
)
def test_a_response_says_how_and_why_it_ended(name, status, reason):
    (done,) = decode(name)
    assert (done.status, done.reason) == (status, reason)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("error-active-response", "active_response"),
        ("error-no-active-response", "no_active_response"),
        ("error-truncate-beyond", "benign"),
        ("error-truncate-empty", "benign"),
        ("error-unknown-parameter", "recoverable"),
        ("error-truncation-setting", "recoverable"),
        ("error-session-expired", "session_over"),
        ("error-invalid-api-key", "fatal"),
        ("error-quota", "fatal"),
    ],
)
def test_errors_are_told_apart_by_their_codes(name, kind):
    (error,) = decode(name)
    assert error.kind == kind


def test_voice_and_turn_detection_stand_where_ga_wants_them():
    config = SessionConfig(
        instructions="Be brief.",
        voice="marin",
        audio=MULAW_8K,
        language="es-MX",
        keyterms=("Acme", "Zorro"),
        reasoning_effort="low",
    )
    assert session(config) == {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": "Be brief.",
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"},
                "transcription": {
                    "model": "gpt-4o-mini-transcribe",
                    "language": "es",
                    "prompt": "Names and terms to expect: Acme, Zorro.",
                },
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.6,
                    "silence_duration_ms": 500,
                    "prefix_padding_ms": 300,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"},
        },
        "tools": [],
        "reasoning": {"effort": "low"},
    }


def test_semantic_turn_detection_has_no_thresholds():
    config = SessionConfig(turn_detection=TurnDetection(type="semantic_vad"))
    assert session(config)["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "create_response": True,
        "interrupt_response": True,
    }


@pytest.mark.parametrize("audio", [PCM16_8K, PCM16_16K])
def test_narrow_pcm_is_refused_with_the_key_and_the_remedy(audio):
    with pytest.raises(ConfigurationError, match=r"agents\.\*\.audio.*Use pcm16 or pcmu or pcma"):
        OpenAI(SessionConfig(audio=audio))


def test_a_text_to_be_said_word_for_word_is_asked_for_without_tools():
    (message,) = OpenAI(SessionConfig()).encode(SpeakVerbatim("Thanks for {calling} Acme."))
    request = json.loads(message)
    assert request["type"] == "response.create"
    assert "<say>\nThanks for {calling} Acme.\n</say>" in request["response"]["instructions"]
    assert request["response"]["tool_choice"] == "none"


def test_instructions_for_one_response_are_optional():
    plain, guided = (
        json.loads(OpenAI(SessionConfig()).encode(command)[0]) for command in (RequestResponse(), RequestResponse("Hi"))
    )
    assert plain == {"type": "response.create"}
    assert guided == {"type": "response.create", "response": {"instructions": "Hi"}}


def test_a_call_seeded_from_another_provider_goes_by_a_short_id_and_its_output_by_the_same():
    long = "call-" + "0" * 38
    speaker = OpenAI(SessionConfig())
    (call,) = speaker.encode(AddToolCall(long, "lookup", "{}"))
    (output,) = speaker.encode(SendToolOutput(long, "{}"))
    call_id = json.loads(call)["item"]["call_id"]
    assert len(call_id) == 32
    assert json.loads(output)["item"]["call_id"] == call_id


def test_the_models_own_call_ids_are_sent_back_as_they_are_however_long():
    long = "call-" + "0" * 38
    (output,) = OpenAI(SessionConfig()).encode(SendToolOutput(long, "{}"))
    assert json.loads(output)["item"]["call_id"] == long


def test_what_only_xai_runs_is_left_out_and_a_server_needs_nobodys_approval():
    offered = ({"type": "web_search"}, {"type": "mcp", "server_label": "shop"})
    (message,) = OpenAI(SessionConfig(provider_tools=offered)).encode(ConfigureSession())
    tools = json.loads(message)["session"]["tools"]
    assert tools == [{"type": "mcp", "server_label": "shop", "require_approval": "never"}]
