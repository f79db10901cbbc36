"""Callers who are sent on, in TwiML: by a `<Dial>`, into a conference where somebody waits, or by a SIP REFER.

Each names an address that is asked for further instructions. Without one, Twilio would go on with the next verb, and
say that nobody is there also to somebody who has just spoken with them (Twilio docs, "<Dial>": action).
"""

from __future__ import annotations

import re
from typing import Any

from twilio.twiml.voice_response import VoiceResponse

from telephony.carriers.base import ColleagueCall
from telephony.carriers.twilio_rest import checked_number
from telephony.carriers.twilio_say import spoken
from telephony.commands import Sending

SIP = re.compile(r"sips?:[A-Za-z0-9._~+*!$'-]{1,64}@[A-Za-z0-9.-]{1,255}(:[0-9]{1,5})?")
"""An address without parameters and headers, which could redirect the call (RFC 3261, 19.1)."""
DIAL_LIMIT = 14_400
"""Seconds that a `<Dial>` lasts at most where it says nothing (Twilio docs)."""


def sending_on(to: str, sending: Sending, ended_url: str) -> str:
    """Sends a caller on to the number or `sip:` address *to*; *ended_url* is asked for instructions after it rang there
    in vain, was busy, or the conversation is over. Raises `ConfigurationError` for a number that is none."""
    by_sip = SIP.fullmatch(to)
    if not by_sip:
        checked_number("fallback.transfer", to)
    if sending.caller_id:
        checked_number("fallback.caller_id", sending.caller_id)
    response = VoiceResponse()
    if sending.refer and by_sip:
        response.refer(action=ended_url, method="POST").sip(to)
        return str(response.to_xml())
    limit = None if sending.time_limit == DIAL_LIMIT else sending.time_limit
    if sending.room:
        dial = response.dial(action=ended_url, method="POST", time_limit=limit)
        _room(dial, sending.room)
        return str(response.to_xml())
    dial = response.dial(
        action=ended_url,
        method="POST",
        timeout=sending.timeout,
        time_limit=limit,
        caller_id=sending.caller_id or None,
        answer_on_bridge=True,
    )
    if by_sip:
        dial.sip(to)
    else:
        dial.number(to)
    return str(response.to_xml())


def briefing(call: ColleagueCall) -> str:
    """What somebody hears who is called before the caller is put through, and where they wait then."""
    response = spoken(call.briefing)
    dial = response.dial()
    _room(dial, call.room, status_callback=call.room_url, status_callback_method="POST", status_callback_event="join")
    return str(response.to_xml())


def _room(dial: Any, name: str, **more: str) -> None:
    """Whoever of the two leaves, the other is not left alone. Music plays until there are two (Twilio docs,
    "<Conference>")."""
    dial.conference(name, beep="false", start_conference_on_enter=True, end_conference_on_exit=True, **more)
