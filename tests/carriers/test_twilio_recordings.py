"""Requests about Twilio's own recordings. That they are those of its own client is shown in
tests/contracts/test_twilio_client.py."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from telephony.carriers.twilio_recordings import (
    RecordingResource,
    pause_recording,
    read_recording,
    resume_recording,
    start_recording,
    stop_recording,
)
from telephony.carriers.twilio_rest import RestApi
from telephony.errors import CarrierError
from telephony.settings import TwilioSettings

CALL, RECORDING = "CA" + "1" * 32, "RE" + "2" * 32
API = RestApi(TwilioSettings(account_sid="AC" + "1" * 32, auth_token=SecretStr("a token")))


def test_a_recording_is_started_once_and_changed_as_often_as_need_be() -> None:
    assert not start_recording(API, CALL).idempotent
    for request in (pause_recording(API, CALL), resume_recording(API, CALL), stop_recording(API, CALL)):
        assert request.idempotent
        assert request.url.endswith("/Recordings/Twilio.CURRENT.json")


def test_a_certain_recording_goes_by_its_id() -> None:
    assert resume_recording(API, CALL, RECORDING).url.endswith(f"/Calls/{CALL}/Recordings/{RECORDING}.json")
    with pytest.raises(CarrierError, match="recording id"):
        resume_recording(API, CALL, "../x")


def test_a_pause_that_fails_is_noticed_and_an_end_that_came_before_is_not() -> None:
    assert not pause_recording(API, CALL).gone_is_success
    assert stop_recording(API, CALL).gone_is_success


def test_what_twilio_says_of_a_recording_is_read() -> None:
    body = {"sid": RECORDING, "call_sid": CALL, "status": "paused"}
    assert read_recording(body) == RecordingResource(RECORDING, CALL, "paused")
    with pytest.raises(CarrierError, match="id of a recording"):
        read_recording({"sid": CALL})
