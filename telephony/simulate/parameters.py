"""The parameters of the REST requests that a simulation knows, and how strictly they are read: a name that Twilio does
not have, a value of the wrong type, or something given twice that can be given once is refused in Twilio's way.

Names and ranges are those of Twilio's OpenAPI description. What is known and has no effect here is taken all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from telephony.simulate.refusals import BAD_CALLBACK, BAD_URL, PARAMETER, RefusedError, bad

LONGEST_TWIML = 4000
"""Characters (Twilio docs, "Call resource")."""

Check = Callable[[str, str], None]
Known = Mapping[str, tuple[Check, bool]]
"""By name: what a value must be, and whether the name may come several times."""


class Form:
    """A form that was checked. A name that is absent is empty text, no text, or nothing to count."""

    def __init__(self, values: dict[str, list[str]]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, otherwise: str = "") -> str:
        return self._values[name][0] if name in self._values else otherwise

    def texts(self, name: str) -> list[str]:
        """The values of a repeated name; Twilio also takes them in one, with spaces between."""
        return [word for value in self._values.get(name, []) for word in value.split()]

    def number(self, name: str, otherwise: int) -> int:
        return int(self.text(name)) if name in self._values else otherwise

    def flag(self, name: str, otherwise: bool = False) -> bool:
        return self.text(name) == "true" if name in self._values else otherwise

    def plain(self) -> dict[str, str]:
        """For tests to look at: repeated values in one text."""
        return {name: " ".join(values) for name, values in self._values.items()}


def read(pairs: Iterable[tuple[str, object]], known: Known) -> Form:
    """The *pairs* of a form, if every one is *known*, well written and not given too often. Raises `RefusedError`."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in known:
            raise RefusedError(400, PARAMETER, f"Parameter '{name}' is not known for this resource")
        check, repeated = known[name]
        if (name in values and not repeated) or not isinstance(value, str):
            raise RefusedError(400, PARAMETER, f"Parameter '{name}' was given twice")
        check(name, value)
        values.setdefault(name, []).append(value)
    return Form(values)


# -- what a value may be -------------------------------------------------------------------------------------------


def _text(name: str, value: str) -> None:
    """Anything."""


def _url(code: int) -> Check:
    def check(name: str, value: str) -> None:
        host = re.match(r"https?://(?:[^/@?#]*@)?([^/?#:]+)", value)
        if not host or "_" in host[1] or re.search(r"\s", value):
            raise bad(name, value, "a valid URL", code)

    return check


def _choice(*choices: str) -> Check:
    def check(name: str, value: str) -> None:
        if value not in choices:
            raise bad(name, value, f"one of {', '.join(choices)}")

    return check


def _choices(*choices: str) -> Check:
    one = _choice(*choices)

    def check(name: str, value: str) -> None:
        for word in value.split() or [value]:
            one(name, word)

    return check


def _number(least: int, most: int) -> Check:
    def check(name: str, value: str) -> None:
        if not (value.isascii() and value.isdigit() and len(value) < 9 and least <= int(value) <= most):
            raise bad(name, value, f"a number from {least} to {most}")

    return check


def _pattern(pattern: str, wanted: str) -> Check:
    compiled = re.compile(pattern)

    def check(name: str, value: str) -> None:
        if not compiled.fullmatch(value):
            raise bad(name, value, wanted)

    return check


def _or_empty(check: Check) -> Check:
    def either(name: str, value: str) -> None:
        if value:
            check(name, value)

    return either


def _twiml(name: str, value: str) -> None:
    if len(value) > LONGEST_TWIML:
        raise RefusedError(400, PARAMETER, f"{name} exceeds {LONGEST_TWIML} characters")


def _once(**checks: Check) -> dict[str, tuple[Check, bool]]:
    return {name: (check, False) for name, check in checks.items()}


def _often(**checks: Check) -> dict[str, tuple[Check, bool]]:
    return {name: (check, True) for name, check in checks.items()}


_flag = _choice("true", "false")
_method = _choice("GET", "POST")
_callback = _url(BAD_CALLBACK)
_address = _url(BAD_URL)
_events = _choices("initiated", "ringing", "answered", "completed")
_recorded = _choices("in-progress", "completed", "absent")
_sid = _pattern("[A-Z]{2}[0-9a-fA-F]{32}", "a SID")
_sid_or_none, _address_or_none, _callback_or_none = _or_empty(_sid), _or_empty(_address), _or_empty(_callback)
_day = _pattern(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", "a date")

_STATUS = _once(StatusCallback=_callback, StatusCallbackMethod=_method)
_RECORDING = {
    **_once(
        RecordingChannels=_choice("mono", "dual"),
        RecordingTrack=_choice("inbound", "outbound", "both"),
        RecordingStatusCallback=_callback,
        RecordingStatusCallbackMethod=_method,
        Trim=_choice("trim-silence", "do-not-trim"),
    ),
    **_often(RecordingStatusCallbackEvent=_recorded),
}
_DETECTION = _once(
    MachineDetection=_choice("Enable", "DetectMessageEnd"),
    MachineDetectionTimeout=_number(3, 59),
    MachineDetectionSpeechThreshold=_number(1000, 6000),
    MachineDetectionSpeechEndThreshold=_number(500, 5000),
    MachineDetectionSilenceTimeout=_number(2000, 10_000),
)
_LEG = {
    **_once(
        To=_text,
        From=_text,
        Timeout=_number(1, 600),
        TimeLimit=_number(1, 86_400),
        Record=_flag,
        CallerId=_text,
        CallReason=_text,
        CallToken=_text,
        Byoc=_sid,
        SipAuthUsername=_text,
        SipAuthPassword=_text,
    ),
    **_often(StatusCallbackEvent=_events),
    **_STATUS,
    **_RECORDING,
    **_DETECTION,
}

CREATE_CALL: Known = {
    **_LEG,
    **_once(
        Url=_address,
        Method=_method,
        Twiml=_twiml,
        FallbackUrl=_address,
        FallbackMethod=_method,
        SendDigits=_pattern(r"[0-9A-D#*wW]{1,32}", "at most 32 of 0-9 A-D # * w W"),
        AsyncAmd=_flag,
        AsyncAmdStatusCallback=_callback,
        AsyncAmdStatusCallbackMethod=_method,
        ClientNotificationUrl=_address,
    ),
}
UPDATE_CALL: Known = {
    **_once(
        Status=_choice("completed", "canceled"),
        Url=_address,
        Method=_method,
        Twiml=_twiml,
        FallbackUrl=_address,
        FallbackMethod=_method,
        TimeLimit=_number(1, 86_400),
    ),
    **_STATUS,
}
LIST_CALLS: Known = {
    **_once(To=_text, From=_text, Status=_text, ParentCallSid=_sid, PageSize=_number(1, 1000), Page=_number(0, 10_000)),
    **dict.fromkeys(("StartTime", "StartTime<", "StartTime>"), (_day, False)),
}
CREATE_PARTICIPANT: Known = {
    **_LEG,
    **_once(
        Label=_pattern("[^\x00-\x1f]{1,128}", "a label"),
        Muted=_flag,
        Beep=_choice("true", "false", "onEnter", "onExit"),
        StartConferenceOnEnter=_flag,
        EndConferenceOnExit=_flag,
        WaitUrl=_text,
        WaitMethod=_method,
        EarlyMedia=_flag,
        MaxParticipants=_number(2, 250),
        Coaching=_flag,
        CallSidToCoach=_sid,
        ConferenceRecord=_choice("true", "false", "record-from-start", "do-not-record"),
        ConferenceStatusCallback=_callback,
        ConferenceStatusCallbackMethod=_method,
        AmdStatusCallback=_callback,
        AmdStatusCallbackMethod=_method,
    ),
    **_often(
        ConferenceStatusCallbackEvent=_choices(
            "start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"
        )
    ),
}
UPDATE_PARTICIPANT: Known = _once(
    Muted=_flag,
    Hold=_flag,
    HoldUrl=_address,
    HoldMethod=_method,
    AnnounceUrl=_address,
    AnnounceMethod=_method,
    WaitUrl=_text,
    WaitMethod=_method,
    BeepOnExit=_flag,
    EndConferenceOnExit=_flag,
    Coaching=_flag,
    CallSidToCoach=_sid,
)
UPDATE_CONFERENCE: Known = _once(Status=_choice("completed"), AnnounceUrl=_address, AnnounceMethod=_method)
LIST: Known = _once(PageSize=_number(1, 1000), Page=_number(0, 10_000), Muted=_flag, Hold=_flag, Status=_text)
LIST_CONFERENCES: Known = {**LIST, **_once(FriendlyName=_text)}
CREATE_MESSAGE: Known = {
    **_once(
        To=_text,
        From=_text,
        MessagingServiceSid=_sid,
        Body=_text,
        StatusCallback=_callback,
        ValidityPeriod=_number(1, 36_000),
        MaxPrice=_text,
        ProvideFeedback=_flag,
        SmartEncoded=_flag,
        ShortenUrls=_flag,
        ContentSid=_sid,
        ContentVariables=_text,
    ),
    **_often(MediaUrl=_address),
}
CREATE_RECORDING: Known = _RECORDING
UPDATE_RECORDING: Known = _once(
    Status=_choice("in-progress", "paused", "stopped"), PauseBehavior=_choice("skip", "silence")
)
LIST_NUMBERS: Known = _once(
    Beta=_flag,
    FriendlyName=_text,
    PhoneNumber=_pattern(r"[+0-9*A-Za-z]+", "a number or a part of one"),
    Origin=_choice("twilio", "hosted"),
    PageToken=_text,
    Page=_number(0, 10_000),
    PageSize=_number(1, 1000),
)
UPDATE_NUMBER: Known = _once(
    AccountSid=_sid,
    ApiVersion=_text,
    FriendlyName=_text,
    SmsApplicationSid=_sid_or_none,
    SmsFallbackMethod=_method,
    SmsFallbackUrl=_address_or_none,
    SmsMethod=_method,
    SmsUrl=_address_or_none,
    StatusCallback=_callback_or_none,
    StatusCallbackMethod=_method,
    VoiceApplicationSid=_sid_or_none,
    VoiceCallerIdLookup=_flag,
    VoiceFallbackMethod=_method,
    VoiceFallbackUrl=_address_or_none,
    VoiceMethod=_method,
    VoiceUrl=_address_or_none,
    EmergencyStatus=_choice("Active", "Inactive"),
    EmergencyAddressSid=_sid_or_none,
    TrunkSid=_sid_or_none,
    VoiceReceiveMode=_choice("voice", "fax"),
    IdentitySid=_sid_or_none,
    AddressSid=_sid_or_none,
    BundleSid=_sid_or_none,
)
"""Empty takes away what was there."""
