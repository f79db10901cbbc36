"""Twilio Media Streams: tolerant of what comes in, strict in what goes out.

Twilio is not alone in speaking this dialect: Somleng, SignalWire and others send the same messages with fields missing,
numbers for strings and ids elsewhere. So only `event` is required of a message, and nothing is said to the carrier but
what Twilio documents, for an extra field is its warning 31951 and a binary frame its warning 31950.

Frames lost, repeated or late are not this file's business: it reports where a frame belongs (`at_ms`), and the
conversation makes a timeline of it.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from typing import Any

import msgspec

from telephony.audio.format import MULAW_8K, AudioFormat, Encoding
from telephony.carriers.base import NORMAL, POLICY_VIOLATION, UNSUPPORTED_DATA, Traits
from telephony.commands import CarrierCommand, ClearPlayback, Play, SendMark
from telephony.events import CallerAudio, CallStarted, CarrierFault, CarrierStopped, Event, KeyPressed, MarkReached

FAULTS_ALLOWED = 20
"""Unusable messages a stream may send before it counts as broken."""
LONGEST_FRAME_MS = 200
"""A longer payload is cut into events of at most this length, so that one message cannot stall a call."""
KEYS = frozenset("0123456789*#ABCD")
_DIGIT = re.compile("[0-9A-Da-d]")

ENCODINGS: dict[str, Encoding] = {
    "mulaw": "mulaw",
    "x-mulaw": "mulaw",
    "pcmu": "mulaw",
    "basic": "mulaw",
    "alaw": "alaw",
    "x-alaw": "alaw",
    "pcma": "alaw",
    "l16": "pcm16",
    "x-l16": "pcm16",
}
"""What follows `audio/` in a media format, lower case. Twilio sends `audio/x-mulaw`, SignalWire also `audio/x-L16`."""
RATES: dict[Encoding, tuple[int, ...]] = {"mulaw": (8000,), "alaw": (8000,), "pcm16": (8000, 16000, 24000)}


# -- the messages, as msgspec reads them: fields that are not named here are skipped unread ------------------------


class _Audio(msgspec.Struct, gc=False):
    payload: bytes
    timestamp: int | str | float | None = None
    track: str | None = None


class _Media(msgspec.Struct, tag_field="event", tag="media", gc=False):
    media: _Audio
    streamSid: str | None = None  # noqa: N815  the wire's own name, here and below


class _Format(msgspec.Struct):
    encoding: str | None = None
    sampleRate: int | float | str | None = None  # noqa: N815
    channels: int | float | str | None = None


class _Opening(msgspec.Struct):
    streamSid: str | None = None  # noqa: N815
    callSid: str | None = None  # noqa: N815
    accountSid: str | None = None  # noqa: N815
    mediaFormat: _Format | None = None  # noqa: N815
    customParameters: dict[str, Any] | None = None  # noqa: N815


class _Start(msgspec.Struct, tag_field="event", tag="start"):
    start: _Opening
    streamSid: str | None = None  # noqa: N815
    customParameters: dict[str, Any] | None = None  # noqa: N815  Somleng puts them here


class _Key(msgspec.Struct):
    digit: str | int


class _Dtmf(msgspec.Struct, tag_field="event", tag="dtmf"):
    dtmf: _Key
    streamSid: str | None = None  # noqa: N815


class _Label(msgspec.Struct):
    name: str


class _Mark(msgspec.Struct, tag_field="event", tag="mark"):
    mark: _Label
    streamSid: str | None = None  # noqa: N815


class _Stop(msgspec.Struct, tag_field="event", tag="stop"):
    streamSid: str | None = None  # noqa: N815


class _Connected(msgspec.Struct, tag_field="event", tag="connected"):
    pass


class _Envelope(msgspec.Struct):
    event: str


_Message = _Media | _Mark | _Dtmf | _Start | _Stop | _Connected
_MESSAGE: msgspec.json.Decoder[_Message] = msgspec.json.Decoder(_Message)
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_KNOWN = frozenset({"media", "mark", "dtmf", "start", "stop", "connected"})


class TwilioStream:
    """The codec of one media stream; it implements `carriers.base.Carrier`."""

    traits = Traits(name="twilio", audio=MULAW_8K)

    def __init__(self) -> None:
        self.ignored = 0
        """Messages of kinds we do not know and audio of tracks we did not ask for."""
        self.faults = 0
        """Messages that could not be used."""
        self.close_code = NORMAL
        self._silence = MULAW_8K.silence(1)[:1]
        self._sample_size = MULAW_8K.bytes_per_sample
        self._longest = MULAW_8K.bytes_in(LONGEST_FRAME_MS)
        self._stream_id = ""
        self._over = False
        self._media_head = self._mark_head = ""

    # -- in ------------------------------------------------------------------------------------------------------

    def decode(self, message: str | bytes) -> list[Event]:
        """Events of one message; never raises. After `stop` or a fatal fault there are none."""
        if self._over:
            return []
        if not isinstance(message, str):
            return self._broken("a binary frame: Media Streams are text only", UNSUPPORTED_DATA)
        try:
            parsed = _MESSAGE.decode(message)
        except (ValueError, RecursionError) as problem:  # what msgspec and lone surrogates raise; nesting too deep
            return self._unread(message, problem)
        if type(parsed) is _Media:
            return self._media(parsed)
        return self._control(parsed)

    def hide(self, message: str | bytes) -> str | bytes:
        """The same with a key that says nothing, or with silence; `*` and `#` end numbers and stay what they are."""
        try:
            parsed, plain = _MESSAGE.decode(message), msgspec.json.decode(message)
        except (ValueError, RecursionError):
            return message
        if isinstance(parsed, _Dtmf):
            plain["dtmf"]["digit"] = _DIGIT.sub("0", str(parsed.dtmf.digit))
        elif isinstance(parsed, _Media):
            silence = self._silence * len(parsed.media.payload)
            plain["media"]["payload"] = b2a_base64(silence, newline=False).decode("ascii")
        return msgspec.json.encode(plain).decode()

    def _media(self, message: _Media) -> list[Event]:
        ours = self._stream_id and message.streamSid == self._stream_id
        if not ours and (fault := self._stranger(message.streamSid, "media")):
            return fault
        audio = message.media
        if audio.track and audio.track.startswith("outbound"):
            self.ignored += 1
            return []
        payload, at_ms = audio.payload, _milliseconds(audio.timestamp)
        if len(payload) % self._sample_size:
            return self._fault(f"media: half a sample in {len(payload)} bytes")
        longest = self._longest
        if len(payload) <= longest:
            return [CallerAudio(payload, at_ms)] if payload else []
        return [
            CallerAudio(payload[cut : cut + longest], None if at_ms is None else at_ms + piece * LONGEST_FRAME_MS)
            for piece, cut in enumerate(range(0, len(payload), longest))
        ]

    def _control(self, message: _Mark | _Dtmf | _Start | _Stop | _Connected | _Media) -> list[Event]:
        match message:
            case _Mark():
                return self._stranger(message.streamSid, "mark") or [MarkReached(message.mark.name)]
            case _Start():
                return self._start(message)
            case _Dtmf():
                return self._stranger(message.streamSid, "dtmf") or self._dtmf(message.dtmf)
            case _Stop():
                return self._stop(message)
        return []

    def _start(self, message: _Start) -> list[Event]:
        if self._stream_id:
            return self._broken("a second start")
        opening = message.start
        stream_id = opening.streamSid or message.streamSid
        if not stream_id or not opening.callSid:
            return self._broken("start: it names no " + ("call" if stream_id else "stream"))
        audio = _audio_format(opening.mediaFormat)
        if isinstance(audio, str):
            return self._broken(audio)
        self._sample_size, self._longest = audio.bytes_per_sample, audio.bytes_in(LONGEST_FRAME_MS)
        self._silence = audio.silence(1)[:1]
        self._stream_id = stream_id
        self._media_head = f'{{"event":"media","streamSid":{_quoted(stream_id)},"media":{{"payload":"'
        self._mark_head = f'{{"event":"mark","streamSid":{_quoted(stream_id)},"mark":{{"name":'
        given = {**(message.customParameters or {}), **(opening.customParameters or {})}
        parameters = {name: value if isinstance(value, str) else _quoted(value) for name, value in given.items()}
        return [CallStarted(opening.callSid, stream_id, audio, opening.accountSid or "", parameters)]

    def _dtmf(self, key: _Key) -> list[Event]:
        digit = str(key.digit).upper()
        if digit not in KEYS:
            return self._fault(f"dtmf: no key of a keypad: {_excerpt(digit)}")
        return [KeyPressed(digit)]

    def _stop(self, message: _Stop) -> list[Event]:
        """A `stop` before any `start` ends the stream all the same: there is nothing else it could mean."""
        if self._stream_id and (fault := self._stranger(message.streamSid, "stop")):
            return fault
        self._over = True
        return [CarrierStopped()]

    # -- what is wrong with a message ----------------------------------------------------------------------------

    def _stranger(self, stream_id: str | None, kind: str) -> list[Event]:
        """The fault of a message that is not of this stream; empty if it is, or does not say (SignalWire)."""
        if not self._stream_id:
            return self._broken("media before start") if kind == "media" else self._fault(f"{kind} before start")
        if stream_id and stream_id != self._stream_id:
            return self._broken(f"{kind} of another stream: {_excerpt(stream_id)}")
        return []

    def _unread(self, message: str, problem: Exception) -> list[Event]:
        """A kind of message that we do not know is the future, not a fault."""
        try:
            known = _ENVELOPE.decode(message).event in _KNOWN
        except (ValueError, RecursionError):
            known = True
        if known:
            return self._fault(f"{type(problem).__name__}: {_excerpt(str(problem))}")
        self.ignored += 1
        return []

    def _fault(self, reason: str) -> list[Event]:
        self.faults += 1
        if self.faults > FAULTS_ALLOWED:
            return self._broken(f"more than {FAULTS_ALLOWED} unusable messages, the last: {reason}")
        return [CarrierFault(reason)]

    def _broken(self, reason: str, code: int = POLICY_VIOLATION) -> list[Event]:
        self._over = True
        self.close_code = code
        return [CarrierFault(reason, fatal=True)]

    # -- out -----------------------------------------------------------------------------------------------------

    def encode(self, command: CarrierCommand) -> list[str]:
        """Messages for one command: nothing before the stream began and after it ended."""
        if not self._stream_id or self._over:
            return []
        match command:
            case Play():
                if not command.payload:
                    return []
                return [f'{self._media_head}{b2a_base64(command.payload, newline=False).decode("ascii")}"}}}}']
            case SendMark():
                return [f"{self._mark_head}{_quoted(command.name)}}}}}"]
            case ClearPlayback():
                return [f'{{"event":"clear","streamSid":{_quoted(self._stream_id)}}}']


def _quoted(value: Any) -> str:
    """*value* as JSON."""
    return msgspec.json.encode(value).decode()


def _excerpt(text: str) -> str:
    """At most 80 printable characters, for a log line: the text is a stranger's."""
    return ascii(text[:80])[1:-1]


def _milliseconds(timestamp: float | str | None) -> int | None:
    """`media.timestamp`: a string with Twilio, a number elsewhere, anything from a stranger."""
    if isinstance(timestamp, str):
        return int(timestamp) if timestamp.isdecimal() and len(timestamp) <= 12 else None
    if timestamp is None or not 0 <= timestamp < 1e12:
        return None
    return int(timestamp)


def _whole(number: float | str | None, default: int) -> int:
    """A count that may be missing, written as a string, or nonsense (-1)."""
    if number is None or number == "":
        return default
    if isinstance(number, str):
        return int(number) if number.isdecimal() and len(number) <= 12 else -1
    return int(number)


def _audio_format(told: _Format | None) -> AudioFormat | str:
    """The format a stream announces, or what is wrong with it. A missing one is Twilio's own: mu-law at 8 kHz."""
    if told is None:
        return MULAW_8K
    name = (told.encoding or "audio/x-mulaw").lower().removeprefix("audio/")
    rate, channels = _whole(told.sampleRate, 8000), _whole(told.channels, 1)
    encoding = ENCODINGS.get(name)
    if encoding is None or rate not in RATES[encoding] or channels != 1:
        return "start: audio we cannot speak: " + _excerpt(f"{channels} x {rate} Hz {name}")
    return AudioFormat(encoding, rate)
