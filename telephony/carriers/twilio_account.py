"""A Twilio account: what its webhooks say, whether they are genuine, what to answer, and REST requests as values.

TwiML is built by the `twilio` package and never by formatting strings, for parameters may hold what a caller wrote.
The package's own REST client is left alone: importing it takes a third of a second and its calls block; the requests we
need are plain values that `links.http` makes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import get_args
from urllib.parse import quote

from twilio.twiml.voice_response import Connect, VoiceResponse

from telephony.carriers.base import CallStatus, IncomingCall, StatusUpdate, StreamOffer
from telephony.carriers.twilio_signature import PublicUrl, Signatures
from telephony.commands import HttpRequest
from telephony.errors import CarrierError, ConfigurationError
from telephony.settings import TwilioSettings

CALL_ID = re.compile(r"CA[0-9a-fA-F]{32}")
PARAMETER_LIMIT = 500
"""Name and value of a `<Parameter>` together must stay below this many characters."""
TWIML_LIMIT = 4000
"""Characters of TwiML that a REST request may carry."""
PHONE = re.compile(r"\+[1-9][0-9]{1,14}")
"""A number that can be dialled from anywhere (ITU-T E.164)."""
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document can hold, escaped or not."""

_STATUSES = frozenset(get_args(CallStatus))


class TwilioAccount:
    """Implements `carriers.base.Account`. *public_url* is the address at which Twilio reaches us."""

    def __init__(self, public_url: str, settings: TwilioSettings) -> None:
        self._signatures = Signatures(PublicUrl.parse(public_url), settings)
        self._sid = settings.account_sid
        self._token = settings.auth_token
        self._api_base = settings.api_base.rstrip("/")

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
        """What became of the call that a transfer placed; `completed` if somebody took it."""
        status = form.get("DialCallStatus", "").strip().lower()
        if status == "answered":  # of several numbers that rang at once, this one was fastest
            return "completed"
        return status if status in _STATUSES else "unknown"  # type: ignore[return-value]  # narrowed by the set

    # -- what we answer ------------------------------------------------------------------------------------------

    def offer_stream(self, offer: StreamOffer) -> str:
        """TwiML that connects the call to our media socket; raise `ConfigurationError` if Twilio would refuse it."""
        if "?" in offer.media_url or not offer.media_url.startswith(("wss://", "ws://")):
            raise ConfigurationError(
                "media_url",
                f"{offer.media_url!r} is no WebSocket address without a query",
                "Twilio strips queries from stream addresses; hand values over as parameters.",
            )
        response = VoiceResponse()
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

    def apologise(self, sentence: str) -> str:
        """TwiML that says *sentence* and hangs up."""
        response = VoiceResponse()
        response.say(NOT_XML.sub(" ", sentence))
        response.hangup()
        return str(response.to_xml())

    def finish(self) -> str:
        """TwiML that ends the call."""
        response = VoiceResponse()
        response.hangup()
        return str(response.to_xml())

    # -- what we ask of the REST API -----------------------------------------------------------------------------

    def hang_up(self, call_id: str) -> HttpRequest:
        """Ends a call, also one that is ringing inside a `<Dial>`; raise `CarrierError` if *call_id* is none."""
        return self._update(call_id, ("Status", "completed"), purpose="hang up", idempotent=True)

    def redirect(self, call_id: str, twiml: str) -> HttpRequest:
        """Runs *twiml* on a live call, which ends its stream; raise `CarrierError` if *call_id* is none."""
        if len(twiml) > TWIML_LIMIT:
            problem = f"it has {len(twiml)} characters and Twilio takes at most {TWIML_LIMIT}"
            raise ConfigurationError("twiml", problem, "Redirect to a URL that answers with it instead.")
        return self._update(call_id, ("Twiml", twiml), purpose="redirect", idempotent=False)

    def transfer(self, call_id: str, to: str, *, ended_url: str, caller_id: str = "", timeout: int = 20) -> HttpRequest:
        """Sends the caller on to the number *to*, which ends the stream; *ended_url* is asked for instructions after
        it rang there for *timeout* seconds, was busy, or the conversation is over. Whoever is called sees the number
        *caller_id*, or the caller's own.

        Without an address to ask, Twilio would go on with the next verb, and say that nobody is there also to somebody
        who has just spoken with them. Raises `CarrierError` if *call_id* is none, `ConfigurationError` for a number.
        """
        for key, number in (("transfer", to), ("caller_id", caller_id or to)):
            if not PHONE.fullmatch(number):
                remedy = "Write a plus, the country code and the number: 2 to 15 digits."
                raise ConfigurationError(f"fallback.{key}", f"{number[:60]!a} is no phone number", remedy)
        response = VoiceResponse()
        dial = response.dial(
            action=ended_url, method="POST", timeout=timeout, caller_id=caller_id or None, answer_on_bridge=True
        )
        dial.number(to)
        update = ("Twiml", str(response.to_xml()))
        return self._update(call_id, update, purpose="transfer", idempotent=False)

    def _update(self, call_id: str, change: tuple[str, str], *, purpose: str, idempotent: bool) -> HttpRequest:
        if not self._sid:
            raise ConfigurationError("twilio.account_sid", "it is not set", "Set TWILIO_ACCOUNT_SID.")
        if not CALL_ID.fullmatch(call_id):
            raise CarrierError(f"{call_id[:60]!a} is no Twilio call id (CA and 32 hexadecimal digits)")
        return HttpRequest(
            method="POST",
            url=f"{self._api_base}/2010-04-01/Accounts/{quote(self._sid, safe='')}/Calls/{call_id}.json",
            form=(change,),
            auth=(self._sid, self._token.get_secret_value()),
            gone_is_success=idempotent,
            idempotent=idempotent,
            purpose=purpose,
        )


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
