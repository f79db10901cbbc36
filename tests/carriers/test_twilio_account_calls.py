"""Calls that an account places: what is asked for, what is read of the answers, and what machine detection says."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from pydantic import SecretStr

from telephony.carriers.base import OutboundCall, PlacedCall
from telephony.carriers.twilio_account import TwilioAccount
from telephony.errors import CarrierError, ConfigurationError
from telephony.settings import TwilioSettings

CALL = "CA0123456789abcdef0123456789abcdef"
ACCOUNT = TwilioAccount(
    "https://voice.example.com", TwilioSettings(account_sid="AC" + "1" * 32, auth_token=SecretStr("a token"))
)
PLACED = OutboundCall(
    to_number="+15550177",
    from_number="+15550100",
    answer_url="https://voice.example.com/answered?intent=1",
    status_url="https://voice.example.com/status?intent=1",
    ring=25,
    time_limit=900,
)


def test_a_call_is_placed_with_a_bound_for_everything() -> None:
    request = ACCOUNT.place(PLACED)
    assert request.url.endswith("/Calls.json")
    assert (request.idempotent, request.gone_is_success) == (False, False)
    form = dict(request.form)
    assert (form["Timeout"], form["TimeLimit"], form["Url"]) == ("25", "900", PLACED.answer_url)
    assert [value for name, value in request.form if name == "StatusCallbackEvent"] == [
        "initiated",
        "ringing",
        "answered",
        "completed",
    ]
    assert "MachineDetection" not in form


@pytest.mark.parametrize(("after_the_tone", "mode"), [(False, "Enable"), (True, "DetectMessageEnd")])
def test_machines_are_found_out_while_the_call_goes_on(after_the_tone: bool, mode: str) -> None:
    call = msgspec.structs.replace(PLACED, machine_url="https://voice.example.com/amd", after_the_tone=after_the_tone)
    form = dict(ACCOUNT.place(call).form)
    assert (form["MachineDetection"], form["AsyncAmd"]) == (mode, "true")
    assert form["AsyncAmdStatusCallback"] == "https://voice.example.com/amd"


@pytest.mark.parametrize(("key", "change"), [("to", {"to_number": "911"}), ("from", {"from_number": "client:a"})])
def test_only_full_numbers_call_and_are_called(key: str, change: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ACCOUNT.place(msgspec.structs.replace(PLACED, **change))
    assert caught.value.key == key


def test_what_was_placed_is_read() -> None:
    body = {"sid": CALL, "status": "queued", "from": "+15550100", "date_created": "Fri, 02 Jan 2026 03:04:05 +0000"}
    call = PlacedCall(CALL, "queued", "+15550100", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert ACCOUNT.placed(body) == call
    others = [{**body, "direction": direction} for direction in ("inbound", "outbound-dial", "outbound-api")]
    assert ACCOUNT.calls_found({"calls": others}) == [call]
    assert ACCOUNT.placed({"sid": CALL, "status": "levitating", "date_created": "soon"}) == PlacedCall(CALL, "unknown")


@pytest.mark.parametrize(
    ("told", "who"),
    [
        ("human", "human"),
        ("machine_start", "machine"),
        ("machine_end_beep", "after the tone"),
        ("machine_end_silence", "after the tone"),
        ("machine_end_other", "after the tone"),
        ("fax", "machine"),
        ("unknown", "unknown"),
        ("", "unknown"),
        ("parrot", "unknown"),
    ],
)
def test_who_answered_is_read(told: str, who: str) -> None:
    assert ACCOUNT.answered_by({"CallSid": CALL, "AnsweredBy": told}) == who
    with pytest.raises(CarrierError, match="CallSid"):
        ACCOUNT.answered_by({"AnsweredBy": told})
