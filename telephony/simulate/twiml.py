"""TwiML as a strict reader understands it: the verbs a bridge uses, and a complaint about everything else.

Numbers are those of Twilio's debugger: 12100 the document cannot be parsed, 12200 something in it is not in the schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import msgspec

from telephony.sim.caller_inbox import TwilioWarning
from telephony.simulate import twiml_input
from telephony.simulate.conference import ConferenceNoun
from telephony.simulate.dialling import Target
from telephony.simulate.route import loopback, resolve
from telephony.simulate.telling import Callbacks
from telephony.simulate.twiml_input import GatherVerb, RecordVerb

PARSE_FAILURE = 12100
SCHEMA = 12200
STREAM_SCHEME = 31922
STREAM_TRACK = 31941
LONGEST = 65_536
"""Characters of a document; Twilio takes 64 kB."""
PARAMETER_LIMIT = 500
"""Name and value of a `<Parameter>` together must stay below this many characters."""

PHONE = re.compile(r"\+[1-9]\d{1,14}")
SIP = re.compile(r"sips?:[!-~]{1,250}")


class SayVerb(msgspec.Struct, frozen=True):
    text: str


class PauseVerb(msgspec.Struct, frozen=True):
    seconds: float


class HangupVerb(msgspec.Struct, frozen=True):
    pass


class RejectVerb(msgspec.Struct, frozen=True):
    reason: str


class RedirectVerb(msgspec.Struct, frozen=True):
    url: str
    method: str


class DialVerb(msgspec.Struct, frozen=True):
    target: str
    """What is dialled: a number, or the inner elements' text."""
    action: str
    method: str
    timeout: int = 30
    """Seconds it may ring."""
    caller_id: str = ""
    """The number that is shown there; empty for the caller's own."""
    targets: tuple[Target, ...] = ()
    """Everybody who is rung, at once."""
    conference: ConferenceNoun | None = None
    """Joined instead."""


class ReferVerb(msgspec.Struct, frozen=True):
    target: str
    """`sip:…`"""
    action: str
    method: str


class StreamNoun(msgspec.Struct, frozen=True):
    url: str
    """Absolute, without the query that Twilio strips."""
    parameters: dict[str, str]
    status_callback: str = ""
    status_method: str = "POST"
    name: str = ""


class ConnectVerb(msgspec.Struct, frozen=True):
    stream: StreamNoun
    action: str
    method: str


Verb = (
    RecordVerb
    | GatherVerb
    | SayVerb
    | PauseVerb
    | HangupVerb
    | RejectVerb
    | RedirectVerb
    | DialVerb
    | ReferVerb
    | ConnectVerb
)


Read = Callable[[str], str]
Listening = Callable[[ElementTree.Element, Read, Read, Callable[[str], object]], RecordVerb | GatherVerb]


class Document(msgspec.Struct, frozen=True):
    """What is to be done, in order, and what is wrong with it."""

    verbs: tuple[Verb, ...]
    problems: tuple[TwilioWarning, ...]


def parse(text: str, base: str) -> Document:
    """Read a document that was fetched from *base*, to which its addresses may be relative. It never raises: what
    cannot be understood is a problem and is left out."""
    reader = _Reader(base)
    return Document(tuple(reader.read(text)), tuple(reader.problems))


_ATTRIBUTES: dict[str, str] = {
    "Response": "",
    "Say": "voice language loop",
    "Pause": "length",
    "Play": "loop digits",
    "Record": twiml_input.RECORD,
    "Gather": twiml_input.GATHER,
    "Hangup": "",
    "Reject": "reason",
    "Redirect": "method",
    "Connect": "action method",
    "Stream": "url name track statusCallback statusCallbackMethod",
    "Parameter": "name value",
    "Dial": "action method timeout hangupOnStar timeLimit callerId record trim recordingStatusCallback "
    "recordingStatusCallbackMethod recordingStatusCallbackEvent answerOnBridge ringTone recordingTrack sequential "
    "referUrl referMethod events",
    "Refer": "action method",
    "Number": "url method byoc sendDigits statusCallback statusCallbackEvent statusCallbackMethod",
    "Conference": "muted beep startConferenceOnEnter endConferenceOnExit waitUrl waitMethod maxParticipants record "
    "trim coach region statusCallback statusCallbackEvent statusCallbackMethod recordingStatusCallback "
    "recordingStatusCallbackMethod recordingStatusCallbackEvent eventCallbackUrl participantLabel",
    "Sip": "username password url method statusCallback statusCallbackEvent statusCallbackMethod",
}


class _Reader:
    def __init__(self, base: str) -> None:
        self._base = base
        self.problems: list[TwilioWarning] = []
        self._verbs: dict[str, Callable[[ElementTree.Element], Verb | None]] = {
            "Say": lambda element: SayVerb(_text(element)),
            "Pause": self._pause,
            "Record": lambda element: self._listens(element, twiml_input.record),
            "Gather": lambda element: self._listens(element, twiml_input.gather),
            "Hangup": lambda element: HangupVerb(),
            "Reject": self._reject,
            "Redirect": lambda element: RedirectVerb(resolve(self._base, _text(element)), self._method(element)),
            "Dial": self._dial,
            "Refer": self._refer,
            "Connect": self._connect,
        }

    def read(self, text: str) -> list[Verb]:
        if len(text) > LONGEST:
            return self._complain(PARSE_FAILURE, f"the document has {len(text)} characters; Twilio takes {LONGEST}")
        if "<!DOCTYPE" in text:
            return self._complain(PARSE_FAILURE, "a document type declaration has no place in TwiML")
        try:
            root = ElementTree.fromstring(text.strip())  # noqa: S314  without a DOCTYPE there is nothing to expand
        except (ElementTree.ParseError, ValueError) as error:
            return self._complain(PARSE_FAILURE, f"the document is not XML: {error}")
        if root.tag != "Response":
            return self._complain(PARSE_FAILURE, f"the document's element is <{root.tag}>; it must be <Response>")
        self._check(root)
        verbs = []
        for element in root:
            verb = self._verb(element)
            if verb is not None:
                verbs.append(verb)
        return verbs

    def _verb(self, element: ElementTree.Element) -> Verb | None:
        if element.tag not in self._verbs:
            self._complain(SCHEMA, f"<{element.tag}> is not a verb that this simulation knows; it is skipped")
            return None
        self._check(element)
        return self._verbs[element.tag](element)

    def _pause(self, element: ElementTree.Element) -> Verb | None:
        length = element.get("length", "1")
        if not re.fullmatch(r"\d{1,5}", length):
            self._complain(SCHEMA, f"<Pause length={length!r}> is not a whole number of seconds")
            return None
        return PauseVerb(float(length))

    def _listens(self, element: ElementTree.Element, read: Listening) -> Verb:
        for child in element:
            self._check(child)

        def complain(message: str) -> None:
            self._complain(SCHEMA, message)

        def address(attribute: str) -> str:
            return self._address(element, attribute)

        return read(element, address, lambda attribute: self._method(element, attribute), complain)

    def _reject(self, element: ElementTree.Element) -> Verb:
        reason = element.get("reason", "rejected")
        if reason not in ("rejected", "busy"):
            self._complain(SCHEMA, f"<Reject reason={reason!r}> is neither rejected nor busy")
        return RejectVerb(reason)

    def _dial(self, element: ElementTree.Element) -> Verb:
        for child in element:
            self._check(child)
        target = " ".join(filter(None, (part.strip() for part in element.itertext())))
        if not target:
            self._complain(SCHEMA, "<Dial> names nobody to dial")
        for number in [element, *element.findall("Number")]:
            if (digits := (number.text or "").strip()) and not PHONE.fullmatch(digits):
                self._complain(SCHEMA, f"<{number.tag}> holds {digits[:40]!r}, which is no phone number")
        conferences = element.findall("Conference")
        if conferences and len(element) > 1:
            self._complain(SCHEMA, "<Dial> takes one <Conference> and nothing beside it")
        plain = [Target((element.text or "").strip())] if (element.text or "").strip() else []
        return DialVerb(
            target,
            self._address(element, "action"),
            self._method(element),
            self._dial_timeout(element),
            self._caller_id(element),
            (*plain, *(self._target(child) for child in element if child.tag in ("Number", "Sip"))),
            self._conference(conferences[0]) if conferences else None,
        )

    def _target(self, element: ElementTree.Element) -> Target:
        address = _text(element)
        if element.tag == "Sip" and not SIP.fullmatch(address):
            self._complain(SCHEMA, f"<Sip> holds {address[:40]!r}, which is no SIP address")
        told = self._callbacks(element, ("initiated", "ringing", "answered", "completed"))
        return Target(address, self._address(element, "url"), self._method(element), told)

    def _conference(self, element: ElementTree.Element) -> ConferenceNoun:
        names = ("muted", "startConferenceOnEnter", "endConferenceOnExit")
        for name in names:
            if element.get(name, "true") not in ("true", "false"):
                self._complain(SCHEMA, f"<Conference {name}={element.get(name)!r}> is neither true nor false")
        if element.get("beep", "true") not in ("true", "false", "onEnter", "onExit"):
            self._complain(SCHEMA, f"<Conference beep={element.get('beep')!r}> is none of true, false, onEnter, onExit")
        return ConferenceNoun(
            name=_text(element),
            muted=element.get("muted") == "true",
            start_on_enter=element.get("startConferenceOnEnter") != "false",
            end_on_exit=element.get("endConferenceOnExit") == "true",
            label=element.get("participantLabel", ""),
            callbacks=self._callbacks(
                element, ("start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement")
            ),
        )

    def _callbacks(self, element: ElementTree.Element, events: tuple[str, ...]) -> Callbacks:
        wanted = tuple(element.get("statusCallbackEvent", "completed" if "completed" in events else "").split())
        for event in wanted:
            if event not in events:
                self._complain(SCHEMA, f"<{element.tag} statusCallbackEvent>: {event!r} is none of {', '.join(events)}")
        url = self._address(element, "statusCallback")
        return Callbacks(url, self._method(element, "statusCallbackMethod"), wanted)

    def _refer(self, element: ElementTree.Element) -> Verb | None:
        for child in element:
            self._check(child)
        target = _text(element)
        if len(element) != 1 or element[0].tag not in ("Sip", "ReferSip") or not SIP.fullmatch(target):
            self._complain(SCHEMA, "<Refer> needs exactly one <Sip> with a SIP address and nothing else")
            return None
        return ReferVerb(target, self._address(element, "action"), self._method(element))

    def _dial_timeout(self, element: ElementTree.Element) -> int:
        timeout = element.get("timeout", "30")
        if not (timeout.isascii() and timeout.isdigit() and 5 <= int(timeout) <= 600):
            self._complain(SCHEMA, f"<Dial timeout={timeout!r}> is not a number of seconds from 5 to 600")
            return 30
        return int(timeout)

    def _caller_id(self, element: ElementTree.Element) -> str:
        shown = element.get("callerId", "")
        if shown and not PHONE.fullmatch(shown):
            self._complain(SCHEMA, f"<Dial callerId={shown!r}> is no phone number")
        if element.get("answerOnBridge", "false") not in ("true", "false"):
            self._complain(SCHEMA, f"<Dial answerOnBridge={element.get('answerOnBridge')!r}> is neither true nor false")
        return shown

    def _connect(self, element: ElementTree.Element) -> Verb | None:
        streams = [child for child in element if child.tag == "Stream"]
        for child in element:
            self._check(child)
        if len(streams) != 1 or len(element) != 1:
            self._complain(SCHEMA, "<Connect> needs exactly one <Stream> and nothing else")
            return None
        stream = self._stream(streams[0])
        if stream is None:
            return None
        return ConnectVerb(stream, self._address(element, "action"), self._method(element))

    def _stream(self, element: ElementTree.Element) -> StreamNoun | None:
        given = element.get("url", "")
        url, _, query = resolve(self._base, given).partition("?")
        if given.startswith("/"):
            url = url.replace("http", "ws", 1)
        if query:
            self._complain(SCHEMA, f"<Stream url>: Twilio strips the query {query[:40]!r}; use <Parameter>")
        if not url.startswith("wss://") and not (url.startswith("ws://") and loopback(url)):
            self._complain(STREAM_SCHEME, f"<Stream url={url!r}>: only wss is taken")
            return None
        if element.get("track", "inbound_track") != "inbound_track":
            self._complain(STREAM_TRACK, f"<Connect><Stream track={element.get('track')!r}>: only inbound_track works")
            return None
        callback = self._address(element, "statusCallback")
        method = self._method(element, "statusCallbackMethod")
        return StreamNoun(url, self._parameters(element), callback, method, element.get("name", ""))

    def _parameters(self, stream: ElementTree.Element) -> dict[str, str]:
        parameters: dict[str, str] = {}
        for element in stream:
            self._check(element)
            name, value = element.get("name"), element.get("value")
            if element.tag != "Parameter" or not name or value is None:
                self._complain(SCHEMA, "<Stream> takes <Parameter name value> and nothing else")
            elif len(name) + len(value) >= PARAMETER_LIMIT:
                self._complain(SCHEMA, f"<Parameter name={name[:40]!r}>: name and value exceed {PARAMETER_LIMIT - 1}")
            else:
                parameters[name] = value
        return parameters

    def _address(self, element: ElementTree.Element, attribute: str) -> str:
        value = element.get(attribute, "")
        return resolve(self._base, value) if value else ""

    def _method(self, element: ElementTree.Element, attribute: str = "method") -> str:
        method = element.get(attribute, "POST").upper()
        if method not in ("GET", "POST"):
            self._complain(SCHEMA, f"<{element.tag} {attribute}={method!r}> is neither GET nor POST")
            return "POST"
        return method

    def _check(self, element: ElementTree.Element) -> None:
        """Complain about attributes that Twilio does not document."""
        if element.tag not in _ATTRIBUTES:
            self._complain(SCHEMA, f"<{element.tag}> has no place here")
            return
        for name in element.attrib:
            if name not in _ATTRIBUTES[element.tag].split():
                self._complain(SCHEMA, f"<{element.tag}> has no attribute {name!r}")

    def _complain(self, code: int, message: str) -> list[Verb]:
        self.problems.append(TwilioWarning(code, f"TwiML: {message}"))
        return []


def _text(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())
