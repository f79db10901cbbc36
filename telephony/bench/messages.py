"""Prepared messages, byte for byte as Twilio and xAI word them, around noise that no two frames share."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from telephony.audio.format import MULAW_8K, AudioFormat
from telephony.audio.transcode import Transcoder

FRAME_MS = 20
"""Milliseconds in a message of the carrier's."""
DELTA_MS = 100
"""Milliseconds in a delta of the model's."""
STREAM_ID = "MZ" + "5" * 32
CALL_ID = "CA" + "6" * 32
ACCOUNT = "AC" + "0" * 32


def noise(audio: AudioFormat, milliseconds: int, seed: int = 0) -> bytes:
    """Noise at about the level of speech, in any format."""
    pcm = AudioFormat("pcm16", audio.rate)
    count = pcm.samples(bytes(pcm.bytes_in(milliseconds)))
    samples = np.random.default_rng(seed).normal(0, 3000, count).clip(-32768, 32767)
    return Transcoder(pcm, audio).feed(samples.astype("<i2").tobytes())


def mulaw_frame(seed: int = 0) -> bytes:
    """20 ms of the caller."""
    return noise(MULAW_8K, FRAME_MS, seed)


# -- the carrier's -------------------------------------------------------------------------------------------------


def start(stream_id: str = STREAM_ID, call_id: str = CALL_ID, parameters: dict[str, str] | None = None) -> str:
    """The message that begins a stream."""
    opening = {
        "accountSid": ACCOUNT,
        "streamSid": stream_id,
        "callSid": call_id,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": parameters or {},
    }
    return _dense({"event": "start", "sequenceNumber": "1", "start": opening, "streamSid": stream_id})


class MediaWriter:
    """Media messages of one stream. Only numbers change between them, so that writing one costs next to nothing."""

    def __init__(self, stream_id: str = STREAM_ID, payload: bytes | None = None) -> None:
        audio = base64.b64encode(payload or mulaw_frame()).decode()
        self._head = '{"event":"media","sequenceNumber":"'
        self._chunk = '","media":{"track":"inbound","chunk":"'
        self._time = '","timestamp":"'
        self._tail = f'","payload":"{audio}"}},"streamSid":"{stream_id}"}}'

    def __call__(self, number: int) -> str:
        """The *number*th frame, from 0."""
        return f"{self._head}{number + 2}{self._chunk}{number + 1}{self._time}{number * FRAME_MS}{self._tail}"


def mark(name: str, stream_id: str = STREAM_ID) -> str:
    """A mark coming back."""
    return _dense({"event": "mark", "sequenceNumber": "4", "mark": {"name": name}, "streamSid": stream_id})


def stop(stream_id: str = STREAM_ID, call_id: str = CALL_ID) -> str:
    """The end of a stream."""
    ending = {"accountSid": ACCOUNT, "callSid": call_id}
    return _dense({"event": "stop", "sequenceNumber": "5", "stop": ending, "streamSid": stream_id})


# -- the model's ---------------------------------------------------------------------------------------------------


def session_updated(session: dict[str, Any]) -> str:
    """The model accepts *session*."""
    return _dense({"type": "session.updated", "event_id": "event_1", "session": session})


def speech_started(item: str, at_ms: int) -> str:
    return _dense(
        {"type": "input_audio_buffer.speech_started", "event_id": "event_2", "item_id": item, "audio_start_ms": at_ms}
    )


def speech_stopped(item: str, at_ms: int) -> str:
    return _dense(
        {"type": "input_audio_buffer.speech_stopped", "event_id": "event_3", "item_id": item, "audio_end_ms": at_ms}
    )


def caller_said(item: str, words: str) -> str:
    kind = "conversation.item.input_audio_transcription.completed"
    return _dense({"type": kind, "event_id": "event_4", "item_id": item, "transcript": words, "status": "completed"})


def response_created(response: str) -> str:
    opened = {"id": response, "object": "realtime.response", "status": "in_progress", "output": []}
    return _dense({"type": "response.created", "event_id": "event_5", "response": opened})


def response_done(response: str, status: str) -> str:
    closed = {"id": response, "object": "realtime.response", "status": status, "output": []}
    return _dense({"type": "response.done", "event_id": "event_6", "response": closed})


def words(response: str, item: str, text: str) -> str:
    return _dense(_part("response.output_audio_transcript.delta", response, item) | {"delta": text})


def audio_delta(response: str, item: str, payload: bytes) -> str:
    delta = base64.b64encode(payload).decode()
    return _dense(_part("response.output_audio.delta", response, item) | {"delta": delta})


def _part(kind: str, response: str, item: str) -> dict[str, Any]:
    return {
        "type": kind,
        "event_id": "event_7",
        "response_id": response,
        "item_id": item,
        "output_index": 0,
        "content_index": 0,
    }


def _dense(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))
