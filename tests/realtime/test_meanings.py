"""What single events mean, in all the forms in which servers are known to send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telephony.events import (
    CallerTranscript,
    ItemTruncated,
    ModelNoise,
    ModelTranscript,
    ResponseDone,
    ResponseStarted,
    SessionReady,
    SpeechStarted,
    SpeechStopped,
)
from telephony.realtime.decoder import Decoder
from telephony.realtime.meanings import MEANINGS


def decode(message: dict[str, Any]) -> list[Any]:
    return Decoder().decode(json.dumps(message))


@pytest.mark.parametrize("kind", sorted(MEANINGS))
def test_an_event_with_nothing_but_its_type_is_understood(kind):
    assert decode({"type": kind})


def test_an_event_with_nothing_but_its_type_claims_nothing():
    assert decode({"type": "session.updated"}) == [SessionReady()]
    assert decode({"type": "response.created"}) == [ResponseStarted("")]
    assert decode({"type": "input_audio_buffer.speech_started"}) == [SpeechStarted("")]


@pytest.mark.parametrize(
    ("response", "status", "reason"),
    [
        ({"status": "completed", "status_details": "unimplemented"}, "completed", ""),
        ({"status": "failed", "status_details": "overloaded"}, "failed", "overloaded"),
        ({"status": "canceled"}, "cancelled", ""),
        ({"status": "paused"}, "incomplete", "paused"),
        ({"output": [{"type": "message"}]}, "completed", ""),
        ({}, "cancelled", ""),
        ({"status": "failed", "status_details": {"error": {"type": "server_error"}}}, "failed", "server_error"),
    ],
)
def test_the_end_of_a_response_is_read_in_every_form(response, status, reason):
    assert decode({"type": "response.done", "response": {"id": "r"} | response}) == [ResponseDone("r", status, reason)]


def test_a_response_is_named_by_the_event_where_it_does_not_name_itself():
    assert decode({"type": "response.created", "response_id": "r"}) == [ResponseStarted("r")]


@pytest.mark.parametrize(
    ("session", "detects"),
    [
        ({"turn_detection": {"type": "server_vad"}}, True),
        ({"turn_detection": {"type": None}}, False),
        ({"turn_detection": None}, False),
        ({"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}, True),
        ({"audio": {"input": {"turn_detection": None}}}, False),
        ({"turn_detection": {"type": None}, "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}, False),
        ({}, None),
    ],
)
def test_turn_detection_is_read_where_the_provider_acts_on_it(session, detects):
    assert decode({"type": "session.updated", "session": session}) == [SessionReady(turn_detection=detects)]


@pytest.mark.parametrize(
    ("status", "final"), [({}, True), ({"status": "completed"}, True), ({"status": "late"}, False)]
)
def test_a_transcript_is_final_unless_it_says_otherwise(status, final):
    kind = "conversation.item.input_audio_transcription.completed"
    message = {"type": kind, "item_id": "i", "transcript": "Hello?"} | status
    assert decode(message) == [CallerTranscript("i", "Hello?", final)]


def test_times_may_be_fractions_and_may_be_missing():
    assert decode({"type": "input_audio_buffer.speech_started", "audio_start_ms": 12.7}) == [SpeechStarted("", 12)]
    assert decode({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": True}) == [SpeechStopped("", None)]
    assert decode({"type": "conversation.item.truncated", "item_id": "i"}) == [ItemTruncated("i", 0, None)]


def test_words_without_a_time_have_none():
    message = {"type": "response.output_text.delta", "response_id": "r", "item_id": "i", "delta": "Hi"}
    assert decode(message) == [ModelTranscript("r", "i", "Hi")]
    assert decode(message | {"delta": ""}) == [ModelNoise("response.output_text.delta")]
