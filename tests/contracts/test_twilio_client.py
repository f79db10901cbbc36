"""Every request that we make of Twilio's REST API is the one that Twilio's own client makes for the same thing: both go
to the simulated API, which takes them as strictly as the real one, and what arrived there is compared byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from telephony.carriers.twilio_calls import Detection, NewCall, create_call, find_calls, hang_up, read_call, redirect
from telephony.carriers.twilio_conferences import (
    NewParticipant,
    create_participant,
    end_conference,
    list_participants,
    remove_participant,
    update_participant,
)
from telephony.carriers.twilio_messages import create_message
from telephony.carriers.twilio_numbers import fetch_account, find_numbers, point_number, read_account, read_numbers
from telephony.carriers.twilio_recordings import pause_recording, resume_recording, start_recording, stop_recording
from telephony.carriers.twilio_rest import RestApi
from telephony.commands import HttpRequest
from telephony.errors import CarrierRefused
from telephony.links.http import perform
from telephony.settings import TwilioSettings
from telephony.simulate.board import PhoneNumber
from telephony.simulate.callee import Callee
from telephony.simulate.conference import ConferenceNoun
from telephony.simulate.live import LiveCall
from telephony.simulate.rest import TwilioRest

pytestmark = pytest.mark.timeout(30)

ACCOUNT, TOKEN = "AC" + "7" * 32, "secret"
CALL, OTHER, SERVICE = "CA" + "8" * 32, "CA" + "9" * 32, "MG" + "5" * 32
US, THEM, DESK = "+15550100", "+15550177", "sip:desk@pbx.example.com"
TOLD = "https://voice.example.com/twilio/status?intent=a%20b&x=1"
SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TWIML = "<Response><Say>Grüße &amp; more</Say></Response>"

OURS = PhoneNumber(US)

Ours = Callable[[RestApi], HttpRequest]
Theirs = Callable[[Client], Any]

OPERATIONS: dict[str, tuple[Ours, Theirs]] = {
    "a call": (
        lambda api: create_call(api, NewCall(to=THEM, from_number=US, time_limit=600, url=TOLD)),
        lambda client: client.calls.create(to=THEM, from_=US, time_limit=600, url=TOLD, method="POST", timeout=60),
    ),
    "a call with everything": (
        lambda api: create_call(
            api,
            NewCall(
                to=THEM,
                from_number=US,
                time_limit=1800,
                url=TOLD,
                fallback_url="https://voice.example.com/fallback",
                status_callback=TOLD,
                status_events=("answered", "initiated"),
                ring=25,
                send_digits="ww12#",
                caller_id=US,
                reason="Your order, ready?",
                detection=Detection(
                    mode="DetectMessageEnd",
                    timeout=20,
                    speech_threshold=2000,
                    speech_end_threshold=900,
                    silence_timeout=4000,
                    status_callback="https://voice.example.com/amd",
                ),
                record=True,
                recording_channels="dual",
                recording_callback="https://voice.example.com/recorded",
                recording_events=("in-progress", "completed"),
            ),
        ),
        lambda client: client.calls.create(
            to=THEM,
            from_=US,
            time_limit=1800,
            url=TOLD,
            method="POST",
            fallback_url="https://voice.example.com/fallback",
            fallback_method="POST",
            status_callback=TOLD,
            status_callback_method="POST",
            status_callback_event=["answered", "initiated"],
            timeout=25,
            send_digits="ww12#",
            caller_id=US,
            call_reason="Your order, ready?",
            machine_detection="DetectMessageEnd",
            machine_detection_timeout=20,
            machine_detection_speech_threshold=2000,
            machine_detection_speech_end_threshold=900,
            machine_detection_silence_timeout=4000,
            async_amd="true",
            async_amd_status_callback="https://voice.example.com/amd",
            async_amd_status_callback_method="POST",
            record=True,
            recording_channels="dual",
            recording_status_callback="https://voice.example.com/recorded",
            recording_status_callback_method="POST",
            recording_status_callback_event=["in-progress", "completed"],
        ),
    ),
    "a call with its instructions": (
        lambda api: create_call(
            api, NewCall(to="sip:desk@pbx.example.com", from_number=US, time_limit=60, twiml=TWIML)
        ),
        lambda client: client.calls.create(to=DESK, from_=US, time_limit=60, twiml=TWIML, timeout=60),
    ),
    "hang up": (
        lambda api: hang_up(api, CALL),
        lambda client: client.calls(CALL).update(status="completed"),
    ),
    "redirect to instructions": (
        lambda api: redirect(api, CALL, twiml=TWIML),
        lambda client: client.calls(CALL).update(twiml=TWIML),
    ),
    "redirect to an address": (
        lambda api: redirect(api, CALL, url=TOLD),
        lambda client: client.calls(CALL).update(url=TOLD, method="POST"),
    ),
    "find calls": (
        lambda api: find_calls(api, THEM, SINCE),
        lambda client: client.calls.page(to=THEM, start_time_after=SINCE, page_size=50),
    ),
    "a participant": (
        lambda api: create_participant(api, "room-1", NewParticipant(to=THEM, from_number=US, time_limit=600)),
        lambda client: client.conferences("room-1").participants.create(to=THEM, from_=US, time_limit=600, timeout=60),
    ),
    "a participant with everything": (
        lambda api: create_participant(
            api,
            "room-1",
            NewParticipant(
                to=THEM,
                from_number=US,
                time_limit=600,
                label="",
                ring=20,
                muted=True,
                beep="onEnter",
                start_on_enter=False,
                end_on_exit=True,
                early_media=False,
                status_callback=TOLD,
                conference_callback="https://voice.example.com/conference",
                conference_events=("join", "leave", "end"),
                reason="A caller",
            ),
        ),
        lambda client: client.conferences("room-1").participants.create(
            to=THEM,
            from_=US,
            time_limit=600,
            timeout=20,
            muted=True,
            beep="onEnter",
            start_conference_on_enter=False,
            end_conference_on_exit=True,
            early_media=False,
            status_callback=TOLD,
            status_callback_method="POST",
            status_callback_event=["initiated", "ringing", "answered", "completed"],
            conference_status_callback="https://voice.example.com/conference",
            conference_status_callback_method="POST",
            conference_status_callback_event=["join", "leave", "end"],
            call_reason="A caller",
        ),
    ),
    "hold": (
        lambda api: update_participant(api, "room", CALL, hold=True, hold_url="https://voice.example.com/hold"),
        lambda client: (
            client.conferences("room")
            .participants(CALL)
            .update(hold=True, hold_url="https://voice.example.com/hold", hold_method="POST")
        ),
    ),
    "unmute, and end with them": (
        lambda api: update_participant(api, "room", CALL, muted=False, end_on_exit=True),
        lambda client: client.conferences("room").participants(CALL).update(muted=False, end_conference_on_exit=True),
    ),
    "announce": (
        lambda api: update_participant(api, "room", CALL, announce_url="http://127.0.0.1:9/announcement"),
        lambda client: (
            client.conferences("room")
            .participants(CALL)
            .update(announce_url="http://127.0.0.1:9/announcement", announce_method="POST")
        ),
    ),
    "who is in a conference": (
        lambda api: list_participants(api, "room"),
        lambda client: client.conferences("room").participants.page(),
    ),
    "put out": (
        lambda api: remove_participant(api, "room", CALL),
        lambda client: client.conferences("room").participants(CALL).delete(),
    ),
    "end a conference": (
        lambda api: end_conference(api, "room"),
        lambda client: client.conferences("room").update(status="completed"),
    ),
    "a message": (
        lambda api: create_message(api, THEM, "Grüße + 100 % & more", from_number=US),
        lambda client: client.messages.create(to=THEM, from_=US, body="Grüße + 100 % & more"),
    ),
    "a message by a service": (
        lambda api: create_message(api, THEM, "Hi", service_sid=SERVICE, status_callback="", validity=600),
        lambda client: client.messages.create(to=THEM, messaging_service_sid=SERVICE, body="Hi", validity_period=600),
    ),
    "record": (
        lambda api: start_recording(
            api, CALL, track="inbound", status_callback=TOLD, status_events=("completed", "absent")
        ),
        lambda client: client.calls(CALL).recordings.create(
            recording_channels="dual",
            recording_track="inbound",
            recording_status_callback=TOLD,
            recording_status_callback_method="POST",
            recording_status_callback_event=["completed", "absent"],
        ),
    ),
    "pause a recording": (
        lambda api: pause_recording(api, CALL, behaviour="skip"),
        lambda client: client.calls(CALL).recordings("Twilio.CURRENT").update(status="paused", pause_behavior="skip"),
    ),
    "resume a recording": (
        lambda api: resume_recording(api, CALL),
        lambda client: client.calls(CALL).recordings("Twilio.CURRENT").update(status="in-progress"),
    ),
    "stop a recording": (
        lambda api: stop_recording(api, CALL),
        lambda client: client.calls(CALL).recordings("Twilio.CURRENT").update(status="stopped"),
    ),
    "the account": (lambda api: fetch_account(api), lambda client: client.api.accounts(ACCOUNT).fetch()),
    "a number": (
        lambda api: find_numbers(api, US),
        lambda client: client.incoming_phone_numbers.page(phone_number=US, page_size=1000),
    ),
    "all numbers": (
        lambda api: find_numbers(api),
        lambda client: client.incoming_phone_numbers.page(page_size=1000),
    ),
    "where the calls of a number go": (
        lambda api: point_number(api, OURS.sid, voice_url=TOLD, status_callback=TOLD),
        lambda client: client.incoming_phone_numbers(OURS.sid).update(
            voice_url=TOLD, voice_method="POST", status_callback=TOLD, status_callback_method="POST"
        ),
    ),
}


class Elsewhere(TwilioHttpClient):
    """Twilio's own HTTP client, which finds the API at *base*."""

    def __init__(self, base: str) -> None:
        super().__init__(pool_connections=True)
        self._base = base

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        return super().request(method, url.replace("https://api.twilio.com", self._base), *args, **options)


async def by_their_client(rest: TwilioRest, operation: Theirs) -> Any:
    """What *operation* gives when Twilio's client does it, which blocks."""
    http_client = Elsewhere(rest.base_url)
    try:
        return await asyncio.to_thread(operation, Client(ACCOUNT, TOKEN, http_client=http_client))
    finally:
        http_client.session.close()


async def by_ours(rest: TwilioRest, operation: Ours) -> dict[str, Any]:
    settings = TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), api_base=rest.base_url)
    async with aiohttp.ClientSession() as session:
        return (await perform(session, operation(RestApi(settings)))).body


@pytest.fixture
async def rest() -> AsyncIterator[TwilioRest]:
    async with TwilioRest(ACCOUNT, TOKEN) as server:
        server.callees[THEM] = Callee(does="busy")
        yield server


def set_out(rest: TwilioRest) -> None:
    """A call that is recorded and in a conference with another, so that there is something to ask of it."""
    board = rest.board
    for sid in (CALL, OTHER):
        live = LiveCall(sid, ACCOUNT, "+15550142", US, 60)
        board.add(live)
        live.answer()
        board.conferences.join(live, ConferenceNoun(name="room"))
    board.recordings.clear()
    board.phone_numbers = {OURS.sid: OURS}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_our_request_is_the_one_that_twilios_own_client_makes(rest: TwilioRest, name: str) -> None:
    ours, theirs = OPERATIONS[name]
    for doing in (by_their_client(rest, theirs), by_ours(rest, ours)):
        set_out(rest)
        if "a recording" in name:
            await by_ours(rest, lambda api: start_recording(api, CALL))
            rest.received.pop()
        await doing
    official, own = rest.received
    assert own == official
    assert official[2] or official[0] != "POST"


async def test_their_client_reads_what_the_simulated_api_answers(rest: TwilioRest) -> None:
    set_out(rest)
    placed = await by_their_client(rest, OPERATIONS["a call"][1])
    assert (placed.status, placed.direction, placed.to, placed._from, placed.queue_time) == (
        "queued",
        "outbound-api",
        THEM,
        US,
        "0",
    )
    message = await by_their_client(rest, OPERATIONS["a message"][1])
    assert (message.body, message.status, message.date_created.tzinfo) == ("Grüße + 100 % & more", "queued", UTC)
    recording = await by_their_client(rest, OPERATIONS["record"][1])
    assert (recording.call_sid, recording.status, recording.channels) == (CALL, "in-progress", 2)
    page = await by_their_client(rest, OPERATIONS["who is in a conference"][1])
    assert [(one.call_sid, one.status, one.hold) for one in page] == [
        (CALL, "connected", False),
        (OTHER, "connected", False),
    ]
    conference = await by_their_client(rest, OPERATIONS["end a conference"][1])
    assert (conference.status, conference.reason_conference_ended) == ("completed", "conference-ended-via-api")


async def test_a_refusal_is_the_same_to_both(rest: TwilioRest) -> None:
    rest.board.numbers = {US}
    with pytest.raises(TwilioRestException) as theirs:
        await by_their_client(rest, lambda client: client.messages.create(to=THEM, from_=THEM, body="Hi"))
    with pytest.raises(CarrierRefused) as ours:
        await by_ours(rest, lambda api: create_message(api, THEM, "Hi", from_number=THEM))
    assert (ours.value.status, ours.value.code) == (theirs.value.status, theirs.value.code) == (400, 21606)
    assert theirs.value.msg.removeprefix("Unable to create record: ") in str(ours.value)


async def test_the_account_is_read_as_their_client_reads_it(rest: TwilioRest) -> None:
    ours = read_account(await by_ours(rest, fetch_account))
    theirs = await by_their_client(rest, OPERATIONS["the account"][1])
    assert (ours.sid, ours.status, ours.type) == (theirs.sid, theirs.status, theirs.type) == (ACCOUNT, "active", "Full")


async def test_a_number_is_read_as_their_client_reads_it(rest: TwilioRest) -> None:
    set_out(rest)
    await by_ours(rest, OPERATIONS["where the calls of a number go"][0])
    (ours,) = read_numbers(await by_ours(rest, OPERATIONS["a number"][0]))
    (theirs,) = await by_their_client(rest, OPERATIONS["a number"][1])
    assert (ours.sid, ours.phone_number, ours.voice_url, ours.voice_method, ours.status_callback) == (
        theirs.sid,
        theirs.phone_number,
        theirs.voice_url,
        theirs.voice_method,
        theirs.status_callback,
    )
    assert (ours.voice_url, ours.trunk_sid, theirs.trunk_sid) == (TOLD, "", None)
    assert ours.voiceless is not theirs.capabilities["voice"] is True


async def test_what_was_placed_is_read_as_their_client_reads_it(rest: TwilioRest) -> None:
    ours = read_call(await by_ours(rest, OPERATIONS["a call"][0]))
    theirs = await by_their_client(rest, lambda client: client.calls(ours.sid).fetch())
    assert (ours.sid, ours.to_number, ours.from_number, ours.direction) == (
        theirs.sid,
        theirs.to,
        theirs._from,
        theirs.direction,
    )
