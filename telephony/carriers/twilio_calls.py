"""Calls in Twilio's REST API: place one, hang it up, give it other instructions, find those that were placed.

(Twilio docs, "Call resource"; limits as its OpenAPI description of `CreateCall` and `UpdateCall` has them.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from telephony.carriers.twilio_rest import (
    PHONE,
    TWIML_LIMIT,
    RestApi,
    Values,
    checked_number,
    checked_sid,
    form_of,
    within,
    words,
)
from telephony.commands import HttpRequest
from telephony.errors import CarrierError, ConfigurationError

CallEvent = Literal["initiated", "ringing", "answered", "completed"]
EVERY_EVENT: tuple[CallEvent, ...] = ("initiated", "ringing", "answered", "completed")
LONGEST_CALL = 86_400
"""Seconds."""
KEYS = re.compile(r"[0-9A-D#*wW]{1,32}")
"""Digits that are pressed once somebody has answered; `w` waits half a second, `W` a whole one."""
ADDRESS = re.compile(r"(client|sips?):[!-~]{1,250}")
MOST_FOUND = 50


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """Find out whether a machine has answered."""

    mode: Literal["Enable", "DetectMessageEnd"] = "Enable"
    """`Enable` tells as soon as it is clear; `DetectMessageEnd` waits for the beep of a machine."""
    timeout: int | None = None
    """Seconds, 3 to 59; 30 unless given."""
    speech_threshold: int | None = None
    """Milliseconds of speech, 1000 to 6000, beyond which it is a machine's."""
    speech_end_threshold: int | None = None
    """Milliseconds of quiet, 500 to 5000, after which somebody has stopped speaking."""
    silence_timeout: int | None = None
    """Milliseconds of initial quiet, 2000 to 10000, after which nothing is known."""
    status_callback: str = ""
    """Told what was found out while the call goes on. Without it nothing else happens until it is known, and whoever
    answered hears nothing for about four seconds."""


class NewCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call to be placed."""

    to: str
    """E.164, `sip:…` or `client:…`."""
    from_number: str
    """A number of the account's, or one verified with it."""
    time_limit: int
    """Seconds after which Twilio hangs up. Always given: without it a forgotten call lasts four hours."""
    url: str = ""
    """Asked for instructions once somebody has answered."""
    twiml: str = ""
    """The instructions themselves, instead of *url*."""
    fallback_url: str = ""
    status_callback: str = ""
    status_events: tuple[CallEvent, ...] = EVERY_EVENT
    ring: int = 60
    """Seconds it may ring; Twilio may add five."""
    send_digits: str = ""
    caller_id: str = ""
    """For calls to SIP: what is shown instead of *from_number*."""
    reason: str = ""
    """Shown to whoever is called where the network can (branded calls)."""
    detection: Detection | None = None
    record: bool = False
    recording_channels: Literal["", "mono", "dual"] = ""
    recording_callback: str = ""
    recording_events: tuple[str, ...] = ()


class CallResource(msgspec.Struct, frozen=True):
    """What Twilio says of a call."""

    sid: str
    status: str
    """`queued`, `ringing`, `in-progress`, `completed`, `busy`, `failed`, `no-answer`, `canceled`; an open list."""
    from_number: str = ""
    to_number: str = ""
    direction: str = ""
    answered_by: str = ""
    duration: str = ""
    """Seconds, as text; empty while it lasts."""
    created: str = ""
    """When it was asked for, as RFC 2822 writes dates."""


def create_call(api: RestApi, call: NewCall) -> HttpRequest:
    """Places *call*. It is not repeated after a failure that may have happened behind Twilio's door: whoever needs to
    know looks for the call with `find_calls` first. Raises `ConfigurationError` for what Twilio would refuse."""
    if not ADDRESS.fullmatch(call.to):
        checked_number("to", call.to)
    if bool(call.url) == bool(call.twiml):
        problem = "a call needs either an address that gives instructions or the instructions, and one of them only"
        raise ConfigurationError("url", problem, "Give url or twiml.")
    if call.send_digits and not KEYS.fullmatch(call.send_digits):
        problem = f"{call.send_digits[:40]!a} are no keys"
        raise ConfigurationError("send_digits", problem, "Write at most 32 of 0-9, A-D, #, *, w and W.")
    form: Values = {
        "To": call.to,
        "From": checked_number("from", call.from_number) if PHONE.fullmatch(call.to) else call.from_number,
        "Method": "POST" if call.url else "",
        "FallbackUrl": call.fallback_url,
        "FallbackMethod": "POST" if call.fallback_url else "",
        "StatusCallback": call.status_callback,
        "StatusCallbackEvent": tuple(call.status_events) if call.status_callback else (),
        "StatusCallbackMethod": "POST" if call.status_callback else "",
        "SendDigits": call.send_digits,
        "Timeout": within("ring", call.ring, 1, 600),
        **_recording(call),
        **_detection(call),
        "CallReason": call.reason,
        "TimeLimit": within("time_limit", call.time_limit, 1, LONGEST_CALL),
        "Url": call.url,
        "Twiml": _twiml(call.twiml),
    }
    return api.post("Calls", form_of(form), "create call")


def hang_up(api: RestApi, call_sid: str) -> HttpRequest:
    """Ends a call, also one that is ringing; one that is gone already counts as success."""
    path = f"Calls/{checked_sid('CA', call_sid, 'call')}"
    return api.post(path, (("Status", "completed"),), "hang up", idempotent=True, gone_is_success=True)


def redirect(api: RestApi, call_sid: str, *, twiml: str = "", url: str = "", purpose: str = "redirect") -> HttpRequest:
    """Other instructions for a live call, which end its stream: *twiml*, or whatever *url* answers. Twice is not the
    same as once: what they say would begin anew."""
    form = form_of({"Url": url, "Method": "POST" if url else "", "Twiml": _twiml(twiml)})
    return api.post(f"Calls/{checked_sid('CA', call_sid, 'call')}", form, purpose)


def find_calls(api: RestApi, to: str, since: datetime) -> HttpRequest:
    """The newest calls to a number that began at *since* or later. Twilio compares whole days in UTC."""
    day = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    query: Values = {"To": to, "StartTime>": day, "PageSize": MOST_FOUND}
    return api.get("Calls", form_of(query), "find calls")


def read_call(body: Mapping[str, Any]) -> CallResource:
    """Raises `CarrierError` if *body* is no call."""
    sid, *rest = words(body, "sid", "status", "from", "to", "direction", "answered_by", "duration", "date_created")
    if not re.fullmatch("CA[0-9a-fA-F]{32}", sid):
        raise CarrierError(f"Twilio answered with {sid[:60]!a} where the id of a call was expected")
    return CallResource(sid, *rest)


def read_calls(body: Mapping[str, Any]) -> list[CallResource]:
    """What `find_calls` was answered. Raises `CarrierError` if it is no list of calls."""
    calls = body.get("calls")
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise CarrierError("Twilio answered without a list of calls")
    return [read_call(call) for call in calls]


def _recording(call: NewCall) -> dict[str, Any]:
    return {
        "Record": True if call.record else None,
        "RecordingChannels": call.recording_channels if call.record else "",
        "RecordingStatusCallback": call.recording_callback,
        "RecordingStatusCallbackMethod": "POST" if call.recording_callback else "",
    }


def _detection(call: NewCall) -> dict[str, Any]:
    found = call.detection
    between = {
        "RecordingStatusCallbackEvent": call.recording_events,
        "CallerId": call.caller_id,
    }
    if found is None:
        return between
    return {
        "MachineDetection": found.mode,
        "MachineDetectionTimeout": within("detection.timeout", found.timeout, 3, 59),
        **between,
        "MachineDetectionSpeechThreshold": within("detection.speech_threshold", found.speech_threshold, 1000, 6000),
        "MachineDetectionSpeechEndThreshold": within(
            "detection.speech_end_threshold", found.speech_end_threshold, 500, 5000
        ),
        "MachineDetectionSilenceTimeout": within("detection.silence_timeout", found.silence_timeout, 2000, 10_000),
        "AsyncAmd": True if found.status_callback else None,
        "AsyncAmdStatusCallback": found.status_callback,
        "AsyncAmdStatusCallbackMethod": "POST" if found.status_callback else "",
    }


def _twiml(twiml: str) -> str:
    if len(twiml) > TWIML_LIMIT:
        problem = f"it has {len(twiml)} characters and Twilio takes at most {TWIML_LIMIT}"
        raise ConfigurationError("twiml", problem, "Redirect to a URL that answers with it instead.")
    return twiml
