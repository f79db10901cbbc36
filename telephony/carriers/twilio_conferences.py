"""Conferences in Twilio's REST API: call somebody into one, hold, mute or remove them, end it.

A conference is named by whoever opens it; the name is as good as its id wherever a request needs one, and is unique
among those of the account that are going on (Twilio docs, "Conference Participant resource").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from telephony.carriers.twilio_calls import EVERY_EVENT, LONGEST_CALL, CallEvent
from telephony.carriers.twilio_rest import RestApi, Values, checked_number, checked_sid, form_of, within, words
from telephony.commands import HttpRequest
from telephony.errors import CarrierError, ConfigurationError

ConferenceEvent = Literal["start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"]
NAME = re.compile(r"[0-9A-Za-z_.:@-]{1,128}")
"""A conference's name as we write them; Twilio takes more, but not everywhere the same."""


class NewParticipant(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is called and joins the conference on answering."""

    to: str
    from_number: str
    time_limit: int
    """Seconds after which Twilio hangs up on them."""
    label: str = ""
    """A name by which requests can find them in the conference."""
    ring: int = 60
    """Seconds it may ring."""
    muted: bool | None = None
    beep: Literal["", "true", "false", "onEnter", "onExit"] = ""
    start_on_enter: bool | None = None
    end_on_exit: bool | None = None
    """Whether the conference ends for everybody when they leave."""
    early_media: bool | None = None
    """Whether the others hear it ring; true unless given."""
    status_callback: str = ""
    """Told of the call to them."""
    status_events: tuple[CallEvent, ...] = EVERY_EVENT
    conference_callback: str = ""
    """Told of the conference."""
    conference_events: tuple[ConferenceEvent, ...] = ("start", "end", "join", "leave")
    reason: str = ""


class ParticipantResource(msgspec.Struct, frozen=True):
    """What Twilio says of somebody in a conference."""

    call_sid: str
    conference_sid: str
    status: str
    """`queued`, `connecting`, `ringing`, `connected`, `complete`, `failed`; an open list."""
    label: str = ""
    muted: bool = False
    hold: bool = False


def create_participant(api: RestApi, conference: str, participant: NewParticipant) -> HttpRequest:
    """Calls somebody into a conference, which begins with them if there is none. Not repeated: it would call twice."""
    one = participant
    form: Values = {
        "From": checked_number("from", one.from_number),
        "To": checked_number("to", one.to),
        "StatusCallback": one.status_callback,
        "StatusCallbackMethod": "POST" if one.status_callback else "",
        "StatusCallbackEvent": tuple(one.status_events) if one.status_callback else (),
        "Label": one.label,
        "Timeout": within("ring", one.ring, 5, 600),
        "Muted": one.muted,
        "Beep": one.beep,
        "StartConferenceOnEnter": one.start_on_enter,
        "EndConferenceOnExit": one.end_on_exit,
        "EarlyMedia": one.early_media,
        "ConferenceStatusCallback": one.conference_callback,
        "ConferenceStatusCallbackMethod": "POST" if one.conference_callback else "",
        "ConferenceStatusCallbackEvent": tuple(one.conference_events) if one.conference_callback else (),
        "CallReason": one.reason,
        "TimeLimit": within("time_limit", one.time_limit, 1, LONGEST_CALL),
    }
    return api.post(f"{_path(conference)}/Participants", form_of(form), "create participant")


def update_participant(
    api: RestApi,
    conference: str,
    call_sid: str,
    *,
    muted: bool | None = None,
    hold: bool | None = None,
    hold_url: str = "",
    announce_url: str = "",
    end_on_exit: bool | None = None,
) -> HttpRequest:
    """Mutes or holds somebody, or lets them hear what *announce_url* says. An announcement is not repeated: it would be
    heard twice."""
    form: Values = {
        "Muted": muted,
        "Hold": hold,
        "HoldUrl": hold_url,
        "HoldMethod": "POST" if hold_url else "",
        "AnnounceUrl": announce_url,
        "AnnounceMethod": "POST" if announce_url else "",
        "EndConferenceOnExit": end_on_exit,
    }
    path = _participant(conference, call_sid)
    return api.post(path, form_of(form), "update participant", idempotent=not announce_url)


def remove_participant(api: RestApi, conference: str, call_sid: str) -> HttpRequest:
    """Puts somebody out of a conference. Whoever was called into it is hung up on; a call that joined by instructions
    goes on with what follows its `<Dial>`."""
    return api.delete(_participant(conference, call_sid), "remove participant")


def list_participants(api: RestApi, conference: str) -> HttpRequest:
    """Who is in a conference; `read_participants` reads the answer."""
    return api.get(f"{_path(conference)}/Participants", (), "list participants")


def end_conference(api: RestApi, conference: str) -> HttpRequest:
    """Ends a conference for everybody; one that is over counts as success."""
    form = (("Status", "completed"),)
    return api.post(_path(conference), form, "end conference", idempotent=True, gone_is_success=True)


def read_participant(body: Mapping[str, Any]) -> ParticipantResource:
    """Raises `CarrierError` if *body* is no participant."""
    call_sid, conference_sid, status, label = words(body, "call_sid", "conference_sid", "status", "label")
    if not re.fullmatch("CA[0-9a-fA-F]{32}", call_sid):
        raise CarrierError(f"Twilio answered with {call_sid[:60]!a} where the call of a participant was expected")
    muted, hold = body.get("muted") is True, body.get("hold") is True
    return ParticipantResource(call_sid, conference_sid, status, label, muted, hold)


def read_participants(body: Mapping[str, Any]) -> list[ParticipantResource]:
    """What `list_participants` was answered. Raises `CarrierError` if it is no list of them."""
    found = body.get("participants")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise CarrierError("Twilio answered without a list of participants")
    return [read_participant(one) for one in found]


def _path(conference: str) -> str:
    if not NAME.fullmatch(conference):
        problem = f"{conference[:60]!a} is no name for a conference"
        raise ConfigurationError("conference", problem, "Use up to 128 letters, digits and _ . : @ -")
    return f"Conferences/{quote(conference, safe='')}"


def _participant(conference: str, call_sid: str) -> str:
    return f"{_path(conference)}/Participants/{checked_sid('CA', call_sid, 'call')}"
