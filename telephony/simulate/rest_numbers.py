"""The account's phone numbers in the simulated REST API. Nobody can call them; their webhooks can be read and set."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from telephony.simulate import resources
from telephony.simulate.board import PhoneNumber, Switchboard
from telephony.simulate.parameters import Form

_TEXTS = {
    "FriendlyName": "friendly_name",
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
    "VoiceApplicationSid": "voice_application_sid",
    "TrunkSid": "trunk_sid",
}
"""By parameter, what an update changes."""


def find(board: Switchboard, form: Form, path: str) -> dict[str, Any]:
    """List numbers, the newest first. `PhoneNumber` may be a part of one, with `*` for any digit."""
    wanted = form.text("PhoneNumber")
    found = [one for one in reversed(board.phone_numbers.values()) if _matches(one.phone_number, wanted)]
    listed = [resources.phone_number(one, board.account_sid) for one in found]
    size, page = form.number("PageSize", 50), form.number("Page", 0)
    return resources.listed("incoming_phone_numbers", listed, path, size, page)


def _matches(number: str, wanted: str) -> bool:
    starts = range(len(number) - len(wanted) + 1)
    return any(all(w in (n, "*") for w, n in zip(wanted, number[start:], strict=False)) for start in starts)


def update(board: Switchboard, one: PhoneNumber, form: Form) -> dict[str, Any]:
    """Change a number. A trunk takes it from its application, and the other way round."""
    for parameter, field in _TEXTS.items():
        if parameter in form:
            setattr(one, field, form.text(parameter))
    if form.text("TrunkSid"):
        one.voice_application_sid = ""
    elif form.text("VoiceApplicationSid"):
        one.trunk_sid = ""
    one.updated = datetime.now(UTC)
    return resources.phone_number(one, board.account_sid)
