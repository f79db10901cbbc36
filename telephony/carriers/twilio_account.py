"""A Twilio account: what its webhooks say, whether they are genuine, what to answer, and REST requests as values.

TwiML is built by the `twilio` package and never by formatting strings, for parameters may hold what a caller wrote.
The package's own REST client is left alone: importing it takes a third of a second and its calls block; the requests we
need are plain values that `links.http` makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, get_args

from twilio.twiml.voice_response import Connect, VoiceResponse

from telephony.carriers import twilio_calls, twilio_recordings, twilio_transfer
from telephony.carriers.base import (
    Announcement,
    CallStatus,
    ColleagueCall,
    IncomingCall,
    MessageTaken,
    OutboundCall,
    PlacedCall,
    StatusUpdate,
    StreamOffer,
)
from telephony.carriers.twilio_rest import RestApi, checked_number, checked_sid
from telephony.carriers.twilio_say import NOT_XML, say, spoken
from telephony.carriers.twilio_signature import PublicUrl, Signatures
from telephony.commands import HttpRequest, Sending
from telephony.errors import CarrierError, ConfigurationError
from telephony.settings import TwilioSettings

PARAMETER_LIMIT = 500
"""Name and value of a `<Parameter>` together must stay below this many characters."""
MESSAGE_SILENCE = 5
"""Seconds of silence that end a message."""
KEY_TIMEOUT = 5
"""Seconds that a caller has to press a key."""

_STATUSES = frozenset(get_args(CallStatus))


class TwilioAccount:
    """Implements `carriers.base.Account`. *public_url* is the address at which Twilio reaches us, *instance_url* one
    that is this process's alone, if it has one."""

    def __init__(self, public_url: str, settings: TwilioSettings, instance_url: str = "") -> None:
        urls = dict.fromkeys(PublicUrl.parse(url) for url in (public_url, instance_url or public_url))
        self._signatures = Signatures(urls, settings)
        self.rest = RestApi(settings)
        """For what `Account` has no verb for: `twilio_calls`, `twilio_conferences`, `twilio_messages`,
        `twilio_recordings`."""

    # -- what Twilio posts ---------------------------------------------------------------------------------------

    def genuine_webhook(
        self, path: str, query: str, headers: Mapping[str, str], form: Sequence[tuple[str, str]], body: bytes
    ) -> bool:
        """See `Signatures.genuine_webhook`: raw *path* and *query*, every pair of the form, blank ones too."""
        return self._signatures.genuine_webhook(path, query, headers, form, body)

    def genuine_media(self, path: str, headers: Mapping[str, str]) -> bool:
        """See `Signatures.genuine_media`."""
        return self._signatures.genuine_media(path, headers)

    def incoming(self, form: Mapping[str, str]) -> IncomingCall:
        """Read a voice webhook; raise `CarrierError` if it names no call."""
        return IncomingCall(
            call_id=_call_sid(form),
            from_number=form.get("From", ""),
            to_number=form.get("To", ""),
            status=form.get("CallStatus", ""),
            account_id=form.get("AccountSid", ""),
            fields=dict(form),
        )

    def status(self, form: Mapping[str, str]) -> StatusUpdate:
        """Read a status callback; raise `CarrierError` if it names no call. An unheard-of status is `unknown`."""
        status = form.get("CallStatus", "").strip().lower()
        notes = (("SIP ", "SipResponseCode"), ("error ", "ErrorCode"), ("", "ErrorMessage"))
        return StatusUpdate(
            call_id=_call_sid(form),
            status=status if status in _STATUSES else "unknown",  # type: ignore[arg-type]  # narrowed by the set
            sequence=_count(form.get("SequenceNumber")),
            duration=_count(form.get("CallDuration")),  # `Duration` is in minutes, rounded up
            reason=", ".join(label + form[field] for label, field in notes if form.get(field)),
        )

    def dialled(self, form: Mapping[str, str]) -> CallStatus:
        """What became of the call that a transfer placed; `completed` if somebody took it. Where the caller was asked
        to place it, Twilio tells what it was told by SIP (Twilio docs, "<Refer>")."""
        status = (form.get("DialCallStatus") or form.get("ReferCallStatus", "")).strip().lower()
        if status == "answered":  # of several numbers that rang at once, this one was fastest
            return "completed"
        return status if status in _STATUSES else "unknown"  # type: ignore[return-value]  # narrowed by the set

    def answered_by(self, form: Mapping[str, str]) -> Literal["human", "machine", "after the tone", "unknown"]:
        """What machine detection found out (Twilio docs, "Answering Machine Detection"). A fax is a machine."""
        _call_sid(form)
        found = form.get("AnsweredBy", "").strip().lower()
        if found.startswith("machine_end"):
            return "after the tone"
        if found in ("machine_start", "fax"):
            return "machine"
        return "human" if found == "human" else "unknown"

    # -- what we answer ------------------------------------------------------------------------------------------

    def offer_stream(self, offer: StreamOffer) -> str:
        """TwiML that connects the call to our media socket; raise `ConfigurationError` if Twilio would refuse it."""
        if "?" in offer.media_url or not offer.media_url.startswith(("wss://", "ws://")):
            raise ConfigurationError(
                "media_url",
                f"{offer.media_url!r} is no WebSocket address without a query",
                "Twilio strips queries from stream addresses; hand values over as parameters.",
            )
        response = spoken(offer.before)
        connect = Connect(action=offer.ended_url or None, method="POST" if offer.ended_url else None)
        stream = connect.stream(
            url=offer.media_url,
            status_callback=offer.status_url or None,
            status_callback_method="POST" if offer.status_url else None,
        )
        for name, value in offer.parameters.items():
            _check_parameter(name, value)
            stream.parameter(name=name, value=value)
        response.append(connect)
        return str(response.to_xml())

    def apologise(self, sentence: str, language: str = "") -> str:
        """TwiML that says *sentence* and hangs up."""
        response = VoiceResponse()
        response.say(NOT_XML.sub(" ", sentence), language=language or None)
        response.hangup()
        return str(response.to_xml())

    def refuse(self, *, busy: bool) -> str:
        """TwiML that does not answer the call."""
        response = VoiceResponse()
        response.reject(reason="busy" if busy else "rejected")
        return str(response.to_xml())

    def forward(self, to: str, before: Announcement, *, ended_url: str, caller_id: str = "", timeout: int = 20) -> str:
        """TwiML that says something and dials *to*; raise `ConfigurationError` for a number that is none."""
        for key, number in (("forward", to), ("caller_id", caller_id or to)):
            checked_number(key, number)
        response = spoken(before)
        dial = response.dial(
            action=ended_url, method="POST", timeout=timeout, caller_id=caller_id or None, answer_on_bridge=True
        )
        dial.number(to)
        return str(response.to_xml())

    def take_message(self, before: Announcement, *, ended_url: str, status_url: str, seconds: int) -> str:
        """TwiML that records a message. Twilio does not ask the action of a `<Record>` in which nobody spoke, but goes
        on with what follows it: so that leads there, too."""
        response = spoken(before)
        response.record(
            action=ended_url,
            method="POST",
            timeout=MESSAGE_SILENCE,
            finish_on_key="#",
            max_length=seconds,
            play_beep=True,
            recording_status_callback=status_url,
            recording_status_callback_method="POST",
            recording_status_callback_event="completed absent",
        )
        response.redirect(ended_url, method="POST")
        return str(response.to_xml())

    def message_taken(self, form: Mapping[str, str]) -> MessageTaken:
        """What the action of a `<Record>` or its status callback says."""
        sid = form.get("RecordingSid", "") or form.get("RecordingUrl", "").rpartition("/")[2]
        if form.get("RecordingStatus", "completed") != "completed":
            sid = ""
        if sid:
            checked_sid("RE", sid, "recording")
        return MessageTaken(_call_sid(form), sid, float(_count(form.get("RecordingDuration")) or 0))

    def message_audio(self, recording_id: str) -> HttpRequest:
        """Fetches a recording as 16-bit PCM; raise `CarrierError` if *recording_id* is none."""
        return twilio_recordings.fetch_audio(self.rest, recording_id)

    def ask_for_key(self, question: Announcement, *, answer_url: str) -> str:
        """TwiML that asks for a key."""
        response = VoiceResponse()
        gather = response.gather(
            input="dtmf",
            num_digits=1,
            timeout=KEY_TIMEOUT,
            action=answer_url,
            method="POST",
            action_on_empty_result=True,
        )
        say(gather, question)
        return str(response.to_xml())

    def key_pressed(self, form: Mapping[str, str]) -> str:
        """The digit that a `<Gather>` got."""
        _call_sid(form)
        return form.get("Digits", "")

    def finish(self) -> str:
        """TwiML that ends the call."""
        response = VoiceResponse()
        response.hangup()
        return str(response.to_xml())

    # -- what we ask of the REST API -----------------------------------------------------------------------------

    def place(self, call: OutboundCall) -> HttpRequest:
        """Places a call, whose instructions are asked for once somebody has answered."""
        detection = None
        if call.machine_url:
            mode: Literal["Enable", "DetectMessageEnd"] = "DetectMessageEnd" if call.after_the_tone else "Enable"
            detection = twilio_calls.Detection(mode=mode, status_callback=call.machine_url)
        new = twilio_calls.NewCall(
            to=checked_number("to", call.to_number),
            from_number=checked_number("from", call.from_number),
            time_limit=call.time_limit,
            url=call.answer_url,
            status_callback=call.status_url,
            ring=call.ring,
            detection=detection,
        )
        return twilio_calls.create_call(self.rest, new)

    def placed(self, body: Mapping[str, Any]) -> PlacedCall:
        """Read the answer to `place`; raise `CarrierError` if it names no call."""
        return _placed(twilio_calls.read_call(body))

    def calls_to(self, number: str, since: datetime) -> HttpRequest:
        """Looks for the calls to a number since *since*, an aware time."""
        return twilio_calls.find_calls(self.rest, number, since)

    def calls_found(self, body: Mapping[str, Any]) -> list[PlacedCall]:
        """Those that the API placed; a `<Dial>` to the same number is another matter."""
        return [_placed(call) for call in twilio_calls.read_calls(body) if call.direction == "outbound-api"]

    def hang_up(self, call_id: str) -> HttpRequest:
        """Ends a call, also one that is ringing inside a `<Dial>`; raise `CarrierError` if *call_id* is none."""
        return twilio_calls.hang_up(self.rest, call_id)

    def redirect(self, call_id: str, twiml: str) -> HttpRequest:
        """Runs *twiml* on a live call, which ends its stream; raise `CarrierError` if *call_id* is none."""
        return twilio_calls.redirect(self.rest, call_id, twiml=twiml)

    def transfer(self, call_id: str, to: str, sending: Sending, *, ended_url: str) -> HttpRequest:
        """See `twilio_transfer.sending_on`. Raises `CarrierError` if *call_id* is none."""
        twiml = twilio_transfer.sending_on(to, sending, ended_url)
        return twilio_calls.redirect(self.rest, call_id, twiml=twiml, purpose="transfer")

    def consult(self, call: ColleagueCall) -> HttpRequest:
        """Calls a colleague, who hears the briefing and waits in the room."""
        new = twilio_calls.NewCall(
            to=call.to,
            from_number=checked_number("caller_id", call.from_number),
            time_limit=call.time_limit,
            twiml=twilio_transfer.briefing(call),
            status_callback=call.status_url,
            ring=call.ring,
        )
        return twilio_calls.create_call(self.rest, new)

    def in_room(self, form: Mapping[str, str]) -> str:
        """Reads the callback of a conference."""
        return _call_sid(form) if form.get("StatusCallbackEvent") == "participant-join" else ""


def _placed(call: twilio_calls.CallResource) -> PlacedCall:
    status = call.status if call.status in _STATUSES else "unknown"
    created: datetime | None = None
    with suppress(ValueError):
        created = parsedate_to_datetime(call.created)
    return PlacedCall(call.sid, status, call.from_number, created)  # type: ignore[arg-type]  # narrowed by the set


def _call_sid(form: Mapping[str, str]) -> str:
    """Twilio's call ids are checked where they enter a URL; other carriers that speak TwiML have their own."""
    call_id = form.get("CallSid", "")
    if not call_id:
        raise CarrierError("The posted form has no CallSid: this is no Twilio webhook")
    return call_id


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 12 else None


def _check_parameter(name: str, value: str) -> None:
    problem = ""
    if not name:
        problem = "it has no name"
    elif len(name) + len(value) >= PARAMETER_LIMIT:
        length = len(name) + len(value)
        problem = f"name and value have {length} characters and Twilio takes fewer than {PARAMETER_LIMIT}"
    elif NOT_XML.search(name) or NOT_XML.search(value):
        problem = "it holds a control character or half a surrogate pair, which XML cannot carry"
    if problem:
        remedy = "Keep the value on our side and hand over a short key."
        raise ConfigurationError(f"parameter {name[:60]!a}", problem, remedy)
