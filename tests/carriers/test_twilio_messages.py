"""Requests about messages; tests/contracts/test_twilio_client.py shows that they are those of Twilio's own client."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from telephony.carriers.twilio_messages import MessageResource, create_message, read_message
from telephony.carriers.twilio_rest import RestApi
from telephony.errors import CarrierError, ConfigurationError
from telephony.settings import TwilioSettings

API = RestApi(TwilioSettings(account_sid="AC" + "1" * 32, auth_token=SecretStr("a token")))
SERVICE = "MG" + "1" * 32


def test_sending_is_not_repeated() -> None:
    request = create_message(API, "+15550177", "Hi", from_number="+15550100")
    assert (request.idempotent, request.form) == (False, (("To", "+15550177"), ("From", "+15550100"), ("Body", "Hi")))


@pytest.mark.parametrize(
    ("to", "body", "options", "key"),
    [
        ("911", "Hi", {"from_number": "+15550100"}, "to"),
        ("+15550177", " ", {"from_number": "+15550100"}, "body"),
        ("+15550177", "x" * 1601, {"from_number": "+15550100"}, "body"),
        ("+15550177", "Hi", {}, "from"),
        ("+15550177", "Hi", {"from_number": "+15550100", "service_sid": SERVICE}, "from"),
        ("+15550177", "Hi", {"from_number": "Acme"}, "from"),
        ("+15550177", "Hi", {"service_sid": SERVICE, "validity": 0}, "validity"),
    ],
)
def test_what_twilio_would_refuse_is_refused_before_it_is_asked(
    to: str, body: str, options: dict[str, Any], key: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        create_message(API, to, body, **options)
    assert caught.value.key == key


def test_a_service_is_named_by_its_id() -> None:
    with pytest.raises(CarrierError, match="messaging service"):
        create_message(API, "+15550177", "Hi", service_sid="MG1")


def test_what_twilio_says_of_a_message_is_read() -> None:
    body = {"sid": "SM" + "2" * 32, "status": "queued", "from": None, "to": "+15550177", "error_code": 30005}
    assert read_message(body) == MessageResource("SM" + "2" * 32, "queued", "", "+15550177", "30005")
    with pytest.raises(CarrierError, match="id of a message"):
        read_message({})
