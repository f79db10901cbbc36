"""How strictly the parameters of a request are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from telephony.simulate import parameters
from telephony.simulate.parameters import Form, read
from telephony.simulate.refusals import RefusedError

KNOWN: dict[str, Any] = {
    "CREATE_CALL": parameters.CREATE_CALL,
    "UPDATE_CALL": parameters.UPDATE_CALL,
    "LIST_CALLS": parameters.LIST_CALLS,
    "CREATE_PARTICIPANT": parameters.CREATE_PARTICIPANT,
    "UPDATE_PARTICIPANT": parameters.UPDATE_PARTICIPANT,
    "UPDATE_CONFERENCE": parameters.UPDATE_CONFERENCE,
    "CREATE_MESSAGE": parameters.CREATE_MESSAGE,
    "CREATE_RECORDING": parameters.CREATE_RECORDING,
    "UPDATE_RECORDING": parameters.UPDATE_RECORDING,
    "LIST_NUMBERS": parameters.LIST_NUMBERS,
    "UPDATE_NUMBER": parameters.UPDATE_NUMBER,
}


@pytest.mark.parametrize(
    ("resource", "name", "value", "code"),
    [
        ("CREATE_CALL", "to", "+15550177", 20001),
        ("CREATE_CALL", "Timeout", "0", 20001),
        ("CREATE_CALL", "Timeout", "601", 20001),
        ("CREATE_CALL", "Timeout", "1e2", 20001),
        ("CREATE_CALL", "Timeout", "٣", 20001),
        ("CREATE_CALL", "TimeLimit", "", 20001),
        ("CREATE_CALL", "Record", "True", 20001),
        ("CREATE_CALL", "AsyncAmd", "yes", 20001),
        ("CREATE_CALL", "MachineDetection", "enable", 20001),
        ("CREATE_CALL", "MachineDetectionTimeout", "2", 20001),
        ("CREATE_CALL", "StatusCallbackEvent", "answer", 20001),
        ("CREATE_CALL", "StatusCallbackEvent", "", 20001),
        ("CREATE_CALL", "StatusCallbackMethod", "PUT", 20001),
        ("CREATE_CALL", "StatusCallback", "/status", 21609),
        ("CREATE_CALL", "Url", "ftp://x.example", 21205),
        ("CREATE_CALL", "Url", "https://x.example/a b", 21205),
        ("CREATE_CALL", "SendDigits", "1-2", 20001),
        ("CREATE_CALL", "Twiml", "x" * 4001, 20001),
        ("UPDATE_CALL", "Status", "complete", 20001),
        ("UPDATE_CALL", "Timeout", "10", 20001),
        ("LIST_CALLS", "StartTime>", "yesterday", 20001),
        ("CREATE_PARTICIPANT", "Beep", "never", 20001),
        ("CREATE_PARTICIPANT", "Url", "https://x.example", 20001),
        ("CREATE_PARTICIPANT", "ConferenceStatusCallbackEvent", "joined", 20001),
        ("UPDATE_PARTICIPANT", "Hold", "1", 20001),
        ("UPDATE_CONFERENCE", "Status", "in-progress", 20001),
        ("CREATE_MESSAGE", "ValidityPeriod", "36001", 20001),
        ("CREATE_MESSAGE", "MessagingServiceSid", "MG1", 20001),
        ("CREATE_RECORDING", "RecordingChannels", "stereo", 20001),
        ("UPDATE_RECORDING", "Status", "resumed", 20001),
        ("LIST_NUMBERS", "PageSize", "1001", 20001),
        ("LIST_NUMBERS", "PhoneNumber", "", 20001),
        ("UPDATE_NUMBER", "PhoneNumber", "+15550100", 20001),
        ("UPDATE_NUMBER", "VoiceUrl", "voice.example.com", 21205),
        ("UPDATE_NUMBER", "VoiceMethod", "PUT", 20001),
        ("UPDATE_NUMBER", "StatusCallback", "/status", 21609),
        ("UPDATE_NUMBER", "TrunkSid", "TK1", 20001),
    ],
)
def test_what_twilio_would_not_take_is_refused(resource: str, name: str, value: str, code: int) -> None:
    with pytest.raises(RefusedError) as caught:
        read([(name, value)], KNOWN[resource])
    assert (caught.value.status, caught.value.code) == (400, code)
    assert name in str(caught.value)


def test_what_can_be_given_once_is_not_given_twice() -> None:
    with pytest.raises(RefusedError, match="'To' was given twice"):
        read([("To", "a"), ("To", "a")], parameters.CREATE_CALL)


def test_a_file_is_no_value() -> None:
    with pytest.raises(RefusedError):
        read([("To", object())], parameters.CREATE_CALL)


def test_repeated_values_keep_their_order_and_may_come_in_one() -> None:
    form = read(
        [("StatusCallbackEvent", "answered"), ("StatusCallbackEvent", "ringing initiated")], parameters.CREATE_CALL
    )
    assert form.texts("StatusCallbackEvent") == ["answered", "ringing", "initiated"]
    assert form.plain() == {"StatusCallbackEvent": "answered ringing initiated"}


def test_what_takes_something_away_is_empty() -> None:
    form = read([("VoiceUrl", ""), ("TrunkSid", ""), ("StatusCallback", "")], parameters.UPDATE_NUMBER)
    assert form.plain() == {"VoiceUrl": "", "TrunkSid": "", "StatusCallback": ""}


def test_what_is_absent_is_what_one_says_it_is() -> None:
    form = Form({"Muted": ["false"], "Timeout": ["5"]})
    assert (form.text("To"), form.text("Method", "POST"), form.texts("x")) == ("", "POST", [])
    assert (form.number("Timeout", 60), form.number("TimeLimit", 7)) == (5, 7)
    assert (form.flag("Muted", True), form.flag("Hold", True), form.flag("Hold")) == (False, True, False)
    assert "Muted" in form
    assert "Hold" not in form


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_every_name_is_written_as_twilio_writes_names(known: Mapping[str, Any]) -> None:
    assert all(name[0].isupper() and name.rstrip("<>").isalnum() for name in known)
