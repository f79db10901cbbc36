"""xAI's wire, one fixture per kind of message, and the session it is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K
from telephony.commands import AddMessage, AddToolCall, ConfigureSession, SpeakVerbatim
from telephony.errors import ConfigurationError
from telephony.events import (
    CallerTranscript,
    ConversationOpened,
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
from telephony.realtime import dialect
from telephony.realtime.xai import XAI
from telephony.settings import SessionConfig, ToolSpec, TurnDetection

WIRE = Path(__file__).parents[2] / "fixtures" / "wire" / "xai"

MEANS: dict[str, type[Event]] = {
    "conversation.item.added-assistant": HistoryReplayed,
    "conversation.item.added-function_call": HistoryReplayed,
    "conversation.item.added-user": HistoryReplayed,
    "conversation.item.truncated": ItemTruncated,
    "error-active-response": ModelError,
    "error-inactivity": ModelError,
    "error-invalid-format": ModelError,
    "error-max-duration": ModelError,
    "error-no-active-response": ModelError,
    "error-truncate": ModelError,
    "input_audio_buffer.speech_started": SpeechStarted,
    "input_audio_buffer.speech_stopped": SpeechStopped,
    "input_audio_buffer.timeout_triggered": SilenceReported,
    "response.created": ResponseStarted,
    "response.done": ResponseDone,
    "response.done-bare": ResponseDone,
    "response.function_call_arguments.done": ToolRequested,
    "response.output_audio.delta": ModelAudio,
    "response.output_audio.done": ModelAudioDone,
    "response.output_audio_transcript.delta": ModelTranscript,
    "response.output_audio_transcript.done": ModelTranscript,
    "response.output_item.done-function_call": ToolRequested,
    "response.text.delta": ModelTranscript,
    "session.created": SessionCreated,
    "session.updated": SessionReady,
    "session.updated-manual-turns": SessionReady,
    "session.updated-pcmu": SessionReady,
    "transcription.completed": CallerTranscript,
    "transcription.completed-in_progress": CallerTranscript,
    "transcription.updated": CallerTranscript,
}
"""Everything else in the folder is to be noise, and known."""


def decode(name: str) -> Event:
    events = XAI(SessionConfig()).decode((WIRE / f"{name}.json").read_text())
    assert len(events) == 1
    return events[0]


def session(config: SessionConfig) -> dict:
    (message,) = XAI(config).encode(ConfigureSession())
    update = json.loads(message)
    assert update["type"] == "session.update"
    return update["session"]


@pytest.mark.parametrize("name", sorted(path.stem for path in WIRE.glob("*.json")))
def test_every_kind_of_message_means_what_it_should(name):
    event = decode(name)
    assert type(event) is MEANS.get(name, ModelNoise)
    if isinstance(event, ModelNoise):
        assert event.known


def test_the_session_is_announced_with_its_id_and_its_model(wire):
    assert decode("session.created") == SessionCreated(
        wire("xai", "session.created")["session"]["id"], "grok-voice-latest"
    )


@pytest.mark.parametrize(
    ("name", "ready"),
    [
        ("session.updated", SessionReady(PCM16_24K, PCM16_24K, turn_detection=True)),
        ("session.updated-pcmu", SessionReady(MULAW_8K, MULAW_8K, turn_detection=True)),
        ("session.updated-manual-turns", SessionReady(PCM16_24K, None, turn_detection=False)),
    ],
)
def test_the_acknowledged_configuration_is_read_back(name, ready):
    assert decode(name) == ready


def test_a_transcript_is_final_only_when_it_is_completed():
    assert not decode("transcription.updated").final
    assert not decode("transcription.completed-in_progress").final
    done = decode("transcription.completed")
    assert done.final
    assert done.text == "When do you open on Saturday?"


def test_words_say_where_in_the_audio_they_begin():
    assert decode("response.output_audio_transcript.delta").start_ms == 1540


def test_usage_at_the_top_of_the_event_is_found():
    done = decode("response.done")
    assert done.status == "completed"
    assert done.reason == ""
    assert done.usage["output_token_details.audio_tokens"] == 129
    assert done.usage["output_audio_seconds"] == 2.58


def test_a_bare_end_of_a_response_is_a_cancellation_of_the_response_it_names(wire):
    done = decode("response.done-bare")
    assert done == ResponseDone(wire("xai", "response.done-bare")["response_id"], "cancelled")


def test_what_remains_of_a_truncated_item_is_kept():
    event = decode("conversation.item.truncated")
    assert (event.audio_end_ms, event.transcript) == (640, "We are open")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("error-active-response", "active_response"),
        ("error-no-active-response", "no_active_response"),
        ("error-truncate", "benign"),
        ("error-invalid-format", "recoverable"),
        ("error-max-duration", "session_over"),
        ("error-inactivity", "session_over"),
    ],
)
def test_errors_are_told_apart_by_their_words(name, kind):
    assert decode(name).kind == kind


def test_voice_and_turn_detection_stand_at_the_top_of_the_session():
    config = SessionConfig(
        instructions="Be brief.",
        voice="eve",
        turn_detection=TurnDetection(threshold=0.7, silence_duration_ms=650, prefix_padding_ms=200),
        language="es-MX",
        keyterms=("Acme",),
        reasoning_effort="none",
    )
    pcm = {"type": "audio/pcm", "rate": 24000}
    assert session(config) == {
        "instructions": "Be brief.",
        "voice": "eve",
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.7,
            "silence_duration_ms": 650,
            "prefix_padding_ms": 200,
            "create_response": True,
            "interrupt_response": True,
        },
        "reasoning": {"effort": "none"},
        "audio": {
            "input": {
                "format": pcm,
                "transcription": {"model": "grok-transcribe", "language_hint": "es-MX", "keyterms": ["Acme"]},
            },
            "output": {"format": pcm},
        },
        "tools": [],
    }


def test_tools_are_sent_flat():
    parameters = {"type": "object", "properties": {"day": {"type": "string"}}}
    tool = ToolSpec("opening_hours", "When the shop is open.", parameters)
    assert session(SessionConfig(tools=(tool,)))["tools"] == [
        {"type": "function", "name": "opening_hours", "description": tool.description, "parameters": parameters}
    ]


@pytest.mark.parametrize("audio", [PCM16_8K, PCM16_16K, PCM16_24K, MULAW_8K, ALAW_8K])
def test_every_format_is_spoken_both_ways(audio):
    both = session(SessionConfig(audio=audio))["audio"]
    assert both["input"]["format"] == both["output"]["format"]
    assert ("rate" in both["input"]["format"]) == (audio.encoding == "pcm16")


def test_a_text_is_said_word_for_word_without_asking_for_a_response():
    messages = dialect("xai", SessionConfig()).encode(SpeakVerbatim("This call is recorded.", interruptible=False))
    assert [json.loads(message) for message in messages] == [
        {
            "type": "conversation.item.create",
            "item": {
                "type": "force_message",
                "role": "assistant",
                "interruptible": False,
                "content": [{"type": "output_text", "text": "This call is recorded."}],
            },
        }
    ]


@pytest.mark.parametrize(
    ("config", "key"),
    [
        (SessionConfig(turn_detection=TurnDetection(type="semantic_vad")), "agents.*.turn_detection.type"),
        (SessionConfig(turn_detection=TurnDetection(threshold=0.95)), "agents.*.turn_detection.threshold"),
        (SessionConfig(keyterms=("x" * 51,)), "agents.*.keyterms"),
        (SessionConfig(keyterms=("x",) * 101), "agents.*.keyterms"),
    ],
)
def test_what_xai_would_refuse_is_refused_before_a_call(config, key):
    with pytest.raises(ConfigurationError) as refusal:
        dialect("xai", config)
    assert refusal.value.key == key


def test_items_added_once_the_session_is_configured_are_not_taken_for_a_replay():
    speaker = XAI(SessionConfig())
    speaker.decode((WIRE / "session.updated.json").read_text())
    (event,) = speaker.decode((WIRE / "conversation.item.added-assistant.json").read_text())
    assert isinstance(event, ModelNoise)


def test_what_the_agent_said_before_is_seeded_as_plain_text():
    (message,) = XAI(SessionConfig()).encode(AddMessage("It has shipped.", "assistant"))
    assert json.loads(message)["item"]["content"] == [{"type": "text", "text": "It has shipped."}]


def test_a_call_is_told_under_the_id_by_which_a_resumed_conversation_may_know_it():
    own = "call-cf1fe525-ffd0-4ad9-8c4e-ca916f4bd6ff-0"
    (message,) = XAI(SessionConfig()).encode(AddToolCall(own, "lookup", "{}"))
    assert json.loads(message)["item"]["call_id"] == own
    (message,) = XAI(SessionConfig()).encode(AddToolCall(own * 2, "lookup", "{}"))
    assert len(json.loads(message)["item"]["call_id"]) == 43


def test_tools_that_it_runs_itself_are_sent_as_they_are():
    offered = ({"type": "web_search"}, {"type": "mcp", "server_label": "shop"})
    (message,) = XAI(SessionConfig(provider_tools=offered)).encode(ConfigureSession())
    assert json.loads(message)["session"]["tools"] == list(offered)


def test_a_conversation_can_be_resumed_only_where_the_session_asks_for_that():
    message = (WIRE / "conversation.created.json").read_text()
    (event,) = XAI(SessionConfig(extra={"resumption": {"enabled": True}})).decode(message)
    assert isinstance(event, ConversationOpened)
    (event,) = XAI(SessionConfig()).decode(message)
    assert isinstance(event, ModelNoise)
