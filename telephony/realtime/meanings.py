"""What each event of a realtime model means for the call: one small function per event, all of them forgetful.

What an event means together with others (the function calls) is the decoder's; see there for the rules they keep.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from typing import Any, Literal

from telephony.events import (
    CallerTranscript,
    CallerTranscriptDelta,
    Event,
    ItemTruncated,
    ModelAudio,
    ModelAudioDone,
    ModelError,
    ModelFault,
    ModelTranscript,
    ResponseDone,
    ResponseStarted,
    SessionCreated,
    SessionReady,
    SilenceReported,
    SpeechStarted,
    SpeechStopped,
)
from telephony.realtime.complaints import understand
from telephony.realtime.formats import from_wire
from telephony.realtime.reading import JsonObject, child, children, flat_numbers, integer, number, text

AUDIO_DELTA = "response.output_audio.delta"


# -- the session ---------------------------------------------------------------------------------------------------


def _session_created(event: JsonObject) -> list[Event]:
    session = child(event, "session")
    return [SessionCreated(text(session, "id"), text(session, "model"))]


def session_updated(event: JsonObject) -> list[Event]:
    session = child(event, "session")
    heard = from_wire(child(session, "audio", "input").get("format")) or from_wire(session.get("input_audio_format"))
    spoken = from_wire(child(session, "audio", "output").get("format")) or from_wire(session.get("output_audio_format"))
    return [SessionReady(heard, spoken, _detects_turns(session))]


def _detects_turns(session: JsonObject) -> bool | None:
    """xAI acts on the key at the top of the session and OpenAI on the one under `audio.input`, which it never puts on
    top. Absent from both, nobody knows; `null` and `{"type": null}` both mean that the model waits to be asked."""
    for place in (session, child(session, "audio", "input")):
        if "turn_detection" in place:
            return bool(text(child(place, "turn_detection"), "type"))
    return None


# -- the caller ----------------------------------------------------------------------------------------------------


def _speech_started(event: JsonObject) -> list[Event]:
    return [SpeechStarted(text(event, "item_id"), _milliseconds(event, "audio_start_ms"))]


def _speech_stopped(event: JsonObject) -> list[Event]:
    return [SpeechStopped(text(event, "item_id"), _milliseconds(event, "audio_end_ms"))]


def _milliseconds(event: JsonObject, key: str) -> int | None:
    value = number(event, key)
    return None if value is None else int(value)


def _silence_reported(event: JsonObject) -> list[Event]:
    return [SilenceReported(text(event, "item_id"))]


def _transcript_delta(event: JsonObject) -> list[Event]:
    more = text(event, "delta")
    return [CallerTranscriptDelta(text(event, "item_id"), more)] if more else []


def _transcript_updated(event: JsonObject) -> list[Event]:
    return [CallerTranscript(text(event, "item_id"), text(event, "transcript"), final=False)]


def _transcript_completed(event: JsonObject) -> list[Event]:
    """xAI repeats `completed` while the caller speaks, marked `"status": "in_progress"`; only the last one is final."""
    final = text(event, "status") in {"", "completed"}
    return [CallerTranscript(text(event, "item_id"), text(event, "transcript"), final)]


def _transcript_failed(event: JsonObject) -> list[Event]:
    """The words are lost, the conversation is not: the model itself hears audio."""
    error = understand(event)
    return [ModelError("recoverable", error.code, f"the caller's words were not transcribed: {error.message}")]


# -- the agent -----------------------------------------------------------------------------------------------------


def _response_created(event: JsonObject) -> list[Event]:
    return [ResponseStarted(_response_id(event))]


def _response_id(event: JsonObject) -> str:
    return text(child(event, "response"), "id") or text(event, "response_id")


def _audio_delta(event: JsonObject) -> list[Event]:
    """Audio that the fast path did not take: odd in form, or empty."""
    try:
        payload = binascii.a2b_base64(text(event, "delta").encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeError) as error:
        return [ModelFault(f"audio that is not base64: {error}")]
    if not payload:
        return [] if isinstance(event.get("delta"), str) else [ModelFault("an audio delta without audio")]
    index = integer(event, "content_index")
    return [ModelAudio(text(event, "response_id"), text(event, "item_id"), payload, index)]


def _audio_done(event: JsonObject) -> list[Event]:
    return [ModelAudioDone(text(event, "response_id"), text(event, "item_id"))]


def _words(event: JsonObject) -> list[Event]:
    more = text(event, "delta")
    if not more:
        return []
    start = number(event, "start_time")
    start_ms = None if start is None else round(start * 1000)
    return [ModelTranscript(text(event, "response_id"), text(event, "item_id"), more, start_ms=start_ms)]


def _words_done(event: JsonObject) -> list[Event]:
    whole = text(event, "transcript") or text(event, "text")
    return [ModelTranscript(text(event, "response_id"), text(event, "item_id"), whole, final=True)] if whole else []


def response_done(event: JsonObject) -> ResponseDone:
    response = child(event, "response")
    usage = child(response, "usage") or child(event, "usage")
    status, unknown = _status(response)
    return ResponseDone(_response_id(event), status, _reason(response) or unknown, flat_numbers(usage))


_Status = Literal["completed", "cancelled", "failed", "incomplete"]
_STATUSES: dict[str, _Status] = {
    "completed": "completed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "failed": "failed",
    "incomplete": "incomplete",
}


def _status(response: JsonObject) -> tuple[_Status, str]:
    """The status and, if it is none we know, what was said instead.

    A cancelled reply of xAI's can end in a bare `response.done`; without output and status nothing was completed, and
    a function with side effects had better not run on the strength of it.
    """
    said = text(response, "status")
    if not said:
        return ("completed" if children(response, "output") else "cancelled"), ""
    return (_STATUSES[said], "") if said in _STATUSES else ("incomplete", said)


def _reason(response: JsonObject) -> str:
    details: Any = response.get("status_details")
    if isinstance(details, str):
        return "" if details == "unimplemented" else details
    if not isinstance(details, dict):
        return ""
    error = child(details, "error")
    return text(error, "code") or text(error, "type") or text(details, "reason")


def _item_truncated(event: JsonObject) -> list[Event]:
    transcript = event.get("transcript")
    left = transcript if isinstance(transcript, str) else None
    return [ItemTruncated(text(event, "item_id"), integer(event, "audio_end_ms"), left)]


def _error(event: JsonObject) -> list[Event]:
    return [understand(event)]


_TRANSCRIPTION = "conversation.item.input_audio_transcription"
MEANINGS: Mapping[str, Callable[[JsonObject], list[Event]]] = {
    "session.created": _session_created,
    "input_audio_buffer.speech_started": _speech_started,
    "input_audio_buffer.speech_stopped": _speech_stopped,
    "input_audio_buffer.timeout_triggered": _silence_reported,
    f"{_TRANSCRIPTION}.delta": _transcript_delta,
    f"{_TRANSCRIPTION}.updated": _transcript_updated,
    f"{_TRANSCRIPTION}.completed": _transcript_completed,
    f"{_TRANSCRIPTION}.failed": _transcript_failed,
    "response.created": _response_created,
    AUDIO_DELTA: _audio_delta,
    "response.output_audio.done": _audio_done,
    "response.output_audio_transcript.delta": _words,
    "response.output_audio_transcript.done": _words_done,
    "response.output_text.delta": _words,
    "response.output_text.done": _words_done,
    "conversation.item.truncated": _item_truncated,
    "error": _error,
}
"""What to make of an event; an empty list means that there was nothing in it."""
