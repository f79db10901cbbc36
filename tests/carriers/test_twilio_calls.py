"""Requests about calls; tests/contracts/test_twilio_client.py shows that they are those of Twilio's own client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import SecretStr

from telephony.carriers.twilio_calls import (
    CallResource,
    Detection,
    NewCall,
    create_call,
    find_calls,
    hang_up,
    read_call,
    read_calls,
    redirect,
)
from telephony.carriers.twilio_rest import RestApi
from telephony.errors import CarrierError, ConfigurationError
from telephony.settings import TwilioSettings

CALL = "CA0123456789abcdef0123456789abcdef"
API = RestApi(TwilioSettings(account_sid="AC" + "1" * 32, auth_token=SecretStr("a token")))


def new_call(**changes: Any) -> NewCall:
    plain = {"to": "+15550177", "from_number": "+15550100", "time_limit": 600, "url": "https://voice.example.com/x"}
    return NewCall(**{**plain, **changes})


def test_a_call_always_has_a_time_limit_and_a_ring_timeout() -> None:
    form = dict(create_call(API, new_call()).form)
    assert (form["TimeLimit"], form["Timeout"]) == ("600", "60")
    with pytest.raises(TypeError, match="time_limit"):
        NewCall(to="+15550177", from_number="+15550100")  # type: ignore[call-arg]


def test_placing_a_call_is_not_repeated_and_ending_one_is() -> None:
    assert not create_call(API, new_call()).idempotent
    assert not redirect(API, CALL, twiml="<Response/>").idempotent
    ending = hang_up(API, CALL)
    assert (ending.idempotent, ending.gone_is_success) == (True, True)


def test_nothing_is_told_to_nobody() -> None:
    names = [name for name, _ in create_call(API, new_call(status_callback="")).form]
    assert names == ["To", "From", "Method", "Timeout", "TimeLimit", "Url"]


def test_detection_without_a_callback_waits_for_its_finding() -> None:
    form = dict(create_call(API, new_call(detection=Detection())).form)
    assert form["MachineDetection"] == "Enable"
    assert "AsyncAmd" not in form


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"to": "911"}, "to"),
        ({"to": "sip:\n@x"}, "to"),
        ({"from_number": "Acme"}, "from"),
        ({"url": ""}, "url"),
        ({"twiml": "<Response/>"}, "url"),
        ({"url": "", "twiml": "x" * 4001}, "twiml"),
        ({"time_limit": 0}, "time_limit"),
        ({"time_limit": 86_401}, "time_limit"),
        ({"ring": 601}, "ring"),
        ({"send_digits": "1-2"}, "send_digits"),
        ({"send_digits": "1" * 33}, "send_digits"),
        ({"detection": Detection(timeout=60)}, "detection.timeout"),
        ({"detection": Detection(speech_threshold=900)}, "detection.speech_threshold"),
        ({"detection": Detection(speech_end_threshold=5001)}, "detection.speech_end_threshold"),
        ({"detection": Detection(silence_timeout=1999)}, "detection.silence_timeout"),
    ],
)
def test_what_twilio_would_refuse_is_refused_before_it_is_asked(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        create_call(API, new_call(**changes))
    assert caught.value.key == key


def test_calls_are_looked_for_from_a_moment_in_utc() -> None:
    since = datetime(2026, 1, 2, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert "StartTime%3E=2026-01-01T23%3A00%3A00Z" in find_calls(API, "+15550177", since).url
    assert find_calls(API, "+15550177", datetime(2026, 1, 2, tzinfo=UTC)).idempotent


def test_what_twilio_says_of_a_call_is_read() -> None:
    body = {"sid": CALL, "status": "busy", "from": "+1", "to": "+2", "direction": "outbound-api", "duration": None}
    call = CallResource(CALL, "busy", "+1", "+2", "outbound-api")
    assert read_call(body) == call
    assert read_calls({"calls": [body], "page": 0}) == [call]


@pytest.mark.parametrize("body", [{}, {"sid": None}, {"sid": "CA1"}, {"sid": ["x"]}])
def test_an_answer_without_a_call_is_an_error(body: dict[str, Any]) -> None:
    with pytest.raises(CarrierError, match="id of a call"):
        read_call(body)


@pytest.mark.parametrize("body", [{}, {"calls": {}}, {"calls": [1]}, {"calls": [{}]}])
def test_an_answer_without_a_list_is_an_error(body: dict[str, Any]) -> None:
    with pytest.raises(CarrierError):
        read_calls(body)
