"""The resources of the REST API as JSON: Twilio's fields, as far as a simulation has something to say in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from telephony.simulate.board import CallRecording, Message, PhoneNumber, Switchboard
from telephony.simulate.conference import Conference, Participant
from telephony.simulate.live import LiveCall

VERSION = "2010-04-01"


def call(live: LiveCall, queue_time: float = 0.0) -> dict[str, Any]:
    """*queue_time*: seconds that it waited for its turn."""
    uri = f"{_account(live.account_sid)}/Calls/{live.sid}"
    dialled = live.began if live.status != "queued" else None
    return {
        "sid": live.sid,
        "date_created": _date(live.created),
        "date_updated": _date(live.ended or live.created),
        "parent_call_sid": live.parent_sid or None,
        "account_sid": live.account_sid,
        "to": live.to_number,
        "to_formatted": live.to_number,
        "from": live.from_number,
        "from_formatted": live.from_number,
        "phone_number_sid": None,
        "status": live.status,
        "start_time": _date(dialled),
        "end_time": _date(live.ended),
        "duration": str(live.duration) if live.ended else None,
        "price": None,
        "price_unit": "USD",
        "direction": live.direction,
        "answered_by": live.answered_by or None,
        "api_version": VERSION,
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": str(round(queue_time * 1000)),
        "trunk_sid": None,
        "uri": f"{uri}.json",
        "subresource_uris": {"recordings": f"{uri}/Recordings.json"},
    }


def conference(one: Conference) -> dict[str, Any]:
    uri = f"{_account(one.account_sid)}/Conferences/{one.sid}"
    return {
        "account_sid": one.account_sid,
        "date_created": _date(one.created),
        "date_updated": _date(one.created),
        "api_version": VERSION,
        "friendly_name": one.name,
        "region": "us1",
        "sid": one.sid,
        "status": one.status,
        "uri": f"{uri}.json",
        "subresource_uris": {"participants": f"{uri}/Participants.json"},
        "reason_conference_ended": one.reason,
        "call_sid_ending_conference": None,
    }


def participant(one: Participant, inside: Conference) -> dict[str, Any]:
    states = {"queued": "queued", "ringing": "ringing", "in-progress": "connected" if one.joined else "connecting"}
    return {
        "account_sid": inside.account_sid,
        "call_sid": one.live.sid,
        "label": one.label or None,
        "call_sid_to_coach": one.coaching or None,
        "coaching": bool(one.coaching),
        "conference_sid": inside.sid,
        "date_created": _date(one.created),
        "date_updated": _date(one.created),
        "end_conference_on_exit": one.end_on_exit,
        "muted": one.muted,
        "hold": one.hold,
        "start_conference_on_enter": one.start_on_enter,
        "status": states.get(one.live.status, "complete"),
        "queue_time": "0",
        "uri": f"{_account(inside.account_sid)}/Conferences/{inside.sid}/Participants/{one.live.sid}.json",
    }


def message(one: Message, account_sid: str) -> dict[str, Any]:
    return {
        "body": one.body,
        "num_segments": str(-(-len(one.body) // 160) or 1),
        "direction": "outbound-api",
        "from": one.from_number or None,
        "to": one.to_number,
        "date_updated": _date(one.created),
        "price": None,
        "error_message": None,
        "uri": f"{_account(account_sid)}/Messages/{one.sid}.json",
        "account_sid": account_sid,
        "num_media": "0",
        "status": "accepted" if one.service else "queued",
        "messaging_service_sid": one.service or None,
        "sid": one.sid,
        "date_sent": None,
        "date_created": _date(one.created),
        "error_code": None,
        "price_unit": "USD",
        "api_version": VERSION,
        "subresource_uris": {"media": f"{_account(account_sid)}/Messages/{one.sid}/Media.json"},
    }


def recording(one: CallRecording, account_sid: str) -> dict[str, Any]:
    return {
        "account_sid": account_sid,
        "api_version": VERSION,
        "call_sid": one.call_sid,
        "conference_sid": None,
        "date_created": _date(one.created),
        "date_updated": _date(one.created),
        "start_time": _date(one.created),
        "duration": None,
        "sid": one.sid,
        "price": None,
        "uri": f"{_account(account_sid)}/Calls/{one.call_sid}/Recordings/{one.sid}.json",
        "encryption_details": None,
        "price_unit": "USD",
        "status": one.status,
        "channels": one.channels,
        "source": one.source,
        "error_code": None,
        "track": "both",
    }


def account(board: Switchboard) -> dict[str, Any]:
    return {
        "sid": board.account_sid,
        "friendly_name": "Simulated",
        "status": board.account_status,
        "type": board.account_type,
        "owner_account_sid": board.account_sid,
        "date_created": _date(board.created),
        "date_updated": _date(board.created),
        "uri": f"{_account(board.account_sid)}.json",
        "subresource_uris": {"calls": f"{_account(board.account_sid)}/Calls.json"},
    }


def phone_number(one: PhoneNumber, account_sid: str) -> dict[str, Any]:
    return {
        "sid": one.sid,
        "account_sid": account_sid,
        "friendly_name": one.friendly_name,
        "phone_number": one.phone_number,
        "voice_url": one.voice_url,
        "voice_method": one.voice_method,
        "voice_fallback_url": one.voice_fallback_url,
        "voice_fallback_method": one.voice_fallback_method,
        "voice_caller_id_lookup": False,
        "voice_application_sid": one.voice_application_sid or None,
        "voice_receive_mode": "voice",
        "trunk_sid": one.trunk_sid or None,
        "date_created": _date(one.created),
        "date_updated": _date(one.updated),
        "sms_url": "",
        "sms_method": "POST",
        "sms_fallback_url": "",
        "sms_fallback_method": "POST",
        "sms_application_sid": "",
        "status_callback": one.status_callback,
        "status_callback_method": one.status_callback_method,
        "address_requirements": "none",
        "beta": False,
        "capabilities": {"voice": one.takes_calls, "sms": True, "mms": True, "fax": False},
        "origin": "twilio",
        "status": "in-use",
        "api_version": VERSION,
        "uri": f"{_account(account_sid)}/IncomingPhoneNumbers/{one.sid}.json",
    }


def listed(name: str, items: Sequence[dict[str, Any]], path: str, size: int, page: int) -> dict[str, Any]:
    """A page of a list, newest first."""
    first = page * size
    uri = path + f"?PageSize={size}"
    return {
        name: list(items[first : first + size]),
        "page": page,
        "page_size": size,
        "start": first,
        "end": max(first, min(first + size, len(items)) - 1),
        "uri": f"{uri}&Page={page}",
        "first_page_uri": f"{uri}&Page=0",
        "previous_page_uri": f"{uri}&Page={page - 1}" if page else None,
        "next_page_uri": f"{uri}&Page={page + 1}" if first + size < len(items) else None,
    }


def _account(sid: str) -> str:
    return f"/{VERSION}/Accounts/{sid}"


def _date(moment: datetime | None) -> str | None:
    return format_datetime(moment) if moment else None
