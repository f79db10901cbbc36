"""The account and its phone numbers in Twilio's REST API: which they are, where calls go, sending those elsewhere.

(Twilio docs, "Account resource" and "IncomingPhoneNumber resource".)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from telephony.carriers.twilio_rest import RestApi, Values, checked_number, checked_sid, form_of, words
from telephony.commands import HttpRequest
from telephony.errors import CarrierError

MOST_NUMBERS = 1000
"""Numbers that one answer may hold."""


class AccountResource(msgspec.Struct, frozen=True):
    """What Twilio says of the account."""

    sid: str
    status: str
    """`active`, `suspended` or `closed`; an open list."""
    type: str
    """`Trial` or `Full`."""


class NumberResource(msgspec.Struct, frozen=True):
    """What Twilio says of a number of the account's."""

    sid: str
    phone_number: str
    """E.164."""
    voice_url: str = ""
    """Asked for instructions when a call comes in, unless the number has a trunk or an application."""
    voice_method: str = ""
    status_callback: str = ""
    """Told when a call is over."""
    status_callback_method: str = ""
    voice_application_sid: str = ""
    """The TwiML application that takes its calls; then `voice_url` is ignored."""
    trunk_sid: str = ""
    """The SIP trunk that takes its calls; then `voice_url` is ignored."""
    voiceless: bool = False
    """Whether it cannot do voice at all."""


_TEXTS = tuple(name for name in NumberResource.__struct_fields__ if name != "voiceless")


def fetch_account(api: RestApi) -> HttpRequest:
    """Looks at the account itself."""
    return api.get("", (), "look at the account")


def read_account(body: Mapping[str, Any]) -> AccountResource:
    """Raises `CarrierError` if *body* is no account."""
    sid, status, kind = words(body, "sid", "status", "type")
    if not re.fullmatch("AC[0-9a-fA-F]{32}", sid):
        raise CarrierError(f"Twilio answered with {sid[:60]!a} where the id of an account was expected")
    return AccountResource(sid, status, kind)


def find_numbers(api: RestApi, number: str = "") -> HttpRequest:
    """Looks for *number* (E.164) among the account's, or for all of them. Twilio also gives numbers of which it is only
    a part."""
    query: Values = {"PhoneNumber": checked_number("number", number) if number else "", "PageSize": MOST_NUMBERS}
    return api.get("IncomingPhoneNumbers", form_of(query), "find numbers")


def point_number(api: RestApi, sid: str, *, voice_url: str, status_callback: str) -> HttpRequest:
    """Sends the calls of a number to *voice_url*, and word of their end to *status_callback*."""
    form: Values = {
        "StatusCallback": status_callback,
        "StatusCallbackMethod": "POST",
        "VoiceMethod": "POST",
        "VoiceUrl": voice_url,
    }
    path = f"IncomingPhoneNumbers/{checked_sid('PN', sid, 'number')}"
    return api.post(path, form_of(form), "set the webhook of a number", idempotent=True)


def read_number(body: Mapping[str, Any]) -> NumberResource:
    """Raises `CarrierError` if *body* is no number."""
    texts = dict(zip(_TEXTS, words(body, *_TEXTS), strict=True))
    if not re.fullmatch("PN[0-9a-fA-F]{32}", texts["sid"]):
        raise CarrierError(f"Twilio answered with {texts['sid'][:60]!a} where the id of a number was expected")
    able = body.get("capabilities")
    return NumberResource(**texts, voiceless=isinstance(able, Mapping) and able.get("voice") is False)


def read_numbers(body: Mapping[str, Any]) -> list[NumberResource]:
    """What `find_numbers` was answered. Raises `CarrierError` if it is no list of numbers."""
    numbers = body.get("incoming_phone_numbers")
    if not isinstance(numbers, list) or not all(isinstance(number, dict) for number in numbers):
        raise CarrierError("Twilio answered without a list of numbers")
    return [read_number(number) for number in numbers]
