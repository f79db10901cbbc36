"""Twilio's own recording of a call, in its REST API: start, pause, resume, stop (Twilio docs, "Call Recording")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from telephony.carriers.twilio_rest import RestApi, Values, checked_sid, form_of, words
from telephony.commands import HttpRequest
from telephony.errors import CarrierError

CURRENT = "Twilio.CURRENT"
"""Stands for the recording that a call has just now."""


class RecordingResource(msgspec.Struct, frozen=True):
    """What Twilio says of a recording."""

    sid: str
    call_sid: str
    status: str
    """`in-progress`, `paused`, `stopped`, `processing`, `completed`, `absent`; an open list."""


def start_recording(
    api: RestApi,
    call_sid: str,
    *,
    channels: Literal["", "mono", "dual"] = "dual",
    track: Literal["", "inbound", "outbound", "both"] = "",
    status_callback: str = "",
    status_events: tuple[Literal["in-progress", "completed", "absent"], ...] = (),
) -> HttpRequest:
    """Records a live call. Not repeated: a call can have several recordings."""
    form: Values = {
        "RecordingStatusCallbackEvent": tuple(status_events) if status_callback else (),
        "RecordingStatusCallback": status_callback,
        "RecordingStatusCallbackMethod": "POST" if status_callback else "",
        "RecordingChannels": channels,
        "RecordingTrack": track,
    }
    return api.post(f"{_call(call_sid)}/Recordings", form_of(form), "start recording")


def pause_recording(
    api: RestApi, call_sid: str, recording: str = CURRENT, *, behaviour: Literal["silence", "skip"] = "silence"
) -> HttpRequest:
    """Records silence, or nothing (`skip`), until it is resumed."""
    form = (("Status", "paused"), ("PauseBehavior", behaviour))
    return api.post(_recording(call_sid, recording), form, "pause recording", idempotent=True)


def resume_recording(api: RestApi, call_sid: str, recording: str = CURRENT) -> HttpRequest:
    form = (("Status", "in-progress"),)
    return api.post(_recording(call_sid, recording), form, "resume recording", idempotent=True)


def stop_recording(api: RestApi, call_sid: str, recording: str = CURRENT) -> HttpRequest:
    """Ends a recording for good; one that is gone counts as success."""
    form = (("Status", "stopped"),)
    path = _recording(call_sid, recording)
    return api.post(path, form, "stop recording", idempotent=True, gone_is_success=True)


def fetch_audio(api: RestApi, recording: str) -> HttpRequest:
    """The sound of a recording, as a WAV file of 16-bit PCM at 8000 Hz. It is there some seconds after the recording
    ended, and 404 until then."""
    return api.download(f"Recordings/{checked_sid('RE', recording, 'recording')}", "wav", "fetch recording")


def read_recording(body: Mapping[str, Any]) -> RecordingResource:
    """Raises `CarrierError` if *body* is no recording."""
    sid, call_sid, status = words(body, "sid", "call_sid", "status")
    if not re.fullmatch("RE[0-9a-fA-F]{32}", sid):
        raise CarrierError(f"Twilio answered with {sid[:60]!a} where the id of a recording was expected")
    return RecordingResource(sid, call_sid, status)


def _call(call_sid: str) -> str:
    return f"Calls/{checked_sid('CA', call_sid, 'call')}"


def _recording(call_sid: str, recording: str) -> str:
    sid = recording if recording == CURRENT else checked_sid("RE", recording, "recording")
    return f"{_call(call_sid)}/Recordings/{sid}"
