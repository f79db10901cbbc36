"""Requests about the account's numbers; tests/contracts/test_twilio_client.py shows that they are those of Twilio's own
client."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from telephony.carriers.twilio_numbers import (
    AccountResource,
    NumberResource,
    fetch_account,
    find_numbers,
    point_number,
    read_account,
    read_numbers,
)
from telephony.carriers.twilio_rest import RestApi
from telephony.errors import CarrierError, ConfigurationError
from telephony.settings import TwilioSettings

API = RestApi(TwilioSettings(account_sid="AC" + "1" * 32, auth_token=SecretStr("a token")))
SID = "PN" + "2" * 32


def test_one_number_or_all_of_them_are_looked_for() -> None:
    one, every = find_numbers(API, "+15550100"), find_numbers(API)
    assert one.url.endswith("/IncomingPhoneNumbers.json?PhoneNumber=%2B15550100&PageSize=1000")
    assert every.url.endswith("/IncomingPhoneNumbers.json?PageSize=1000")
    with pytest.raises(ConfigurationError, match="no phone number"):
        find_numbers(API, "5550100")


def test_a_webhook_may_be_set_twice() -> None:
    request = point_number(API, SID, voice_url="https://x.example/voice", status_callback="https://x.example/status")
    assert (request.method, request.idempotent) == ("POST", True)
    assert dict(request.form)["VoiceUrl"] == "https://x.example/voice"


def test_a_number_is_named_by_its_id() -> None:
    with pytest.raises(CarrierError, match="number id"):
        point_number(API, "../Calls", voice_url="https://x.example", status_callback="https://x.example")


@pytest.mark.parametrize("able", [{"voice": False}, {"voice": True}, {}, None])
def test_what_twilio_says_of_a_number_is_read(able: Any) -> None:
    body = {"sid": SID, "phone_number": "+15550100", "voice_url": None, "trunk_sid": "TK1", "capabilities": able}
    (read,) = read_numbers({"incoming_phone_numbers": [body]})
    assert read == NumberResource(SID, "+15550100", trunk_sid="TK1", voiceless=able == {"voice": False})


@pytest.mark.parametrize("body", [{}, {"incoming_phone_numbers": [1]}, {"incoming_phone_numbers": [{"sid": "CA1"}]}])
def test_what_is_no_list_of_numbers_is_not_read(body: dict[str, Any]) -> None:
    with pytest.raises(CarrierError):
        read_numbers(body)


def test_what_twilio_says_of_the_account_is_read() -> None:
    assert fetch_account(API).url.endswith(f"/2010-04-01/Accounts/{API.account_sid}.json")
    body = {"sid": API.account_sid, "status": "active", "type": "Trial", "friendly_name": None}
    assert read_account(body) == AccountResource(API.account_sid, "active", "Trial")
    with pytest.raises(CarrierError, match="id of an account"):
        read_account({})
