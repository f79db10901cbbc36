"""Text messages in Twilio's REST API (Twilio docs, "Message resource")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from telephony.carriers.twilio_rest import RestApi, Values, checked_number, checked_sid, form_of, within, words
from telephony.commands import HttpRequest
from telephony.errors import CarrierError, ConfigurationError

LONGEST_MESSAGE = 1600
"""Characters; beyond it Twilio answers 21617."""
LONGEST_VALIDITY = 36_000
"""Seconds that a message may wait to be sent."""


class MessageResource(msgspec.Struct, frozen=True):
    """What Twilio says of a message."""

    sid: str
    status: str
    """`queued`, `accepted`, `sending`, `sent`, `delivered`, `undelivered`, `failed`; an open list."""
    from_number: str = ""
    to_number: str = ""
    error_code: str = ""


def create_message(
    api: RestApi,
    to: str,
    body: str,
    *,
    from_number: str = "",
    service_sid: str = "",
    status_callback: str = "",
    validity: int | None = None,
) -> HttpRequest:
    """Sends *body* from a number of the account's, or by its messaging service. *validity*: seconds after which it is
    not worth sending any more. Not repeated: it would arrive twice. Raises `ConfigurationError` for what Twilio would
    refuse."""
    if not body.strip():
        raise ConfigurationError("body", "the message has no words", "Write some.")
    if len(body) > LONGEST_MESSAGE:
        problem = f"the message has {len(body)} characters and Twilio takes at most {LONGEST_MESSAGE}"
        raise ConfigurationError("body", problem, "Send less, or several.")
    if bool(from_number) == bool(service_sid):
        problem = "a message needs either a number it comes from or a messaging service, and one of them only"
        raise ConfigurationError("from", problem, "Give from_number or service_sid.")
    form: Values = {
        "To": checked_number("to", to),
        "StatusCallback": status_callback,
        "ValidityPeriod": within("validity", validity, 1, LONGEST_VALIDITY),
        "From": checked_number("from", from_number) if from_number else "",
        "MessagingServiceSid": checked_sid("MG", service_sid, "messaging service") if service_sid else "",
        "Body": body,
    }
    return api.post("Messages", form_of(form), "create message")


def read_message(body: Mapping[str, Any]) -> MessageResource:
    """Raises `CarrierError` if *body* is no message."""
    sid, *rest = words(body, "sid", "status", "from", "to", "error_code")
    if not re.fullmatch("(SM|MM)[0-9a-fA-F]{32}", sid):
        raise CarrierError(f"Twilio answered with {sid[:60]!a} where the id of a message was expected")
    return MessageResource(sid, *rest)
