"""The lines of a cassette: the header, and one message a line.

Messages of the wires stand in a line as they came, not read and written again, so that what replay is fed is what the
call was fed. What is no JSON at all is wrapped: `{"text": "…"}`, and binary as `{"b64": "…"}`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from telephony.encryption.stream import MAGIC
from telephony.errors import CassetteError

FORMAT = 1
"""The version of the format that is written, and the only one there has been."""

Channel = Literal["carrier", "model", "tool", "session", "rest", "call", "timer", "record"]
Direction = Literal["in", "out"]
WIRES = ("carrier", "model")
"""Channels on which messages of others stand as they are."""


class Header(msgspec.Struct, omit_defaults=True):
    """The first line."""

    cassette: int
    """The version of the format."""
    call_id: str
    """The carrier's id of the call."""
    carrier: str
    dialect: str
    """The dialect of whoever was to be asked first; a `ModelConnected` says who it was."""
    agent: dict[str, Any]
    """The agent as it was resolved for this call; see `resolved`."""
    settings: dict[str, Any]
    """Whatever else decides how a call behaves."""
    recorded_at: str = ""
    """UTC, ISO 8601."""
    software: str = ""
    """`telephony` and its version."""
    about: str = ""
    """What the cassette shows, one sentence: for those that are kept as tests."""


class Line(msgspec.Struct, omit_defaults=True, gc=False):
    """One message."""

    t: float
    """Seconds: the time that the exchange was given."""
    ch: Channel
    dir: Direction
    msg: msgspec.Raw
    session: int = 0
    """Which of the call's sessions a message of the model's leg belongs to."""

    @property
    def is_caller_audio(self) -> bool:
        """Whether it seems to be a frame of the caller's audio; all that follows from believing it is speed."""
        return self.ch == "carrier" and _MEDIA(self.msg) is not None

    @property
    def message(self) -> Any:
        """What stands in `msg`, decoded."""
        return _decode_any(self.msg)


decode_line = msgspec.json.Decoder(Line).decode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_MEDIA = re.compile(rb'\{"event": ?"media"').match
_OUT = re.compile(rb'\{"t":[^,]+,"ch":"[a-z]+",(?:"session":\d+,)?"dir":"out"').match
_WRAPPED = re.compile(r'\s*\{\s*"(?:text|b64)"\s*:').match
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
_BREAK = ord("\n")
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_GZIP = b"\x1f\x8b"
_DEEP = 200
"""Brackets in a message that may be nested deeper than everybody who reads it can follow: it is wrapped as well."""


# -- writing -------------------------------------------------------------------------------------------------------


def header_line(header: Header) -> bytes:
    return _encode(header) + b"\n"


def line(now: float, channel: Channel, direction: Direction, message: str, session: int = 0) -> bytes:
    """One line; *message* is JSON without line breaks."""
    if session:
        return f'{{"t":{now!r},"ch":"{channel}","session":{session},"dir":"{direction}","msg":{message}}}\n'.encode()
    return f'{{"t":{now!r},"ch":"{channel}","dir":"{direction}","msg":{message}}}\n'.encode()


def wire_json(message: str | bytes) -> str:
    """A message of a wire as JSON on one line: as it is, or wrapped if it is none."""
    if isinstance(message, bytes):
        return _encode({"b64": base64.b64encode(message).decode()}).decode()
    if message.count("[") + message.count("{") > _DEEP:
        return _as_text(message)
    try:
        _decode_raw(message)
    except (msgspec.DecodeError, UnicodeError):
        return _as_text(message)
    if "\n" in message or "\r" in message:  # between tokens: inside of a string JSON has no line breaks
        message = message.replace("\n", " ").replace("\r", " ")
    return _as_text(message) if _WRAPPED(message) else message


def _as_text(message: str) -> str:
    return _encode({"text": message.encode("utf-8", "replace").decode()}).decode()


def wire_message(message: msgspec.Raw) -> str | bytes:
    """The message of a wire that `wire_json` put into a line. Raises `ValueError` for a wrapper with something else."""
    text = str(message, "utf-8")
    if text.startswith('{"event":') or not _WRAPPED(text):  # the first spares Twilio's messages the search
        return text
    match _decode_any(text):
        case {"b64": str(value), **more} if not more:
            return base64.b64decode(value, validate=True)
        case {"text": str(value), **more} if not more:
            return value
    raise ValueError("neither one text nor one base64 is in it")


# -- reading -------------------------------------------------------------------------------------------------------


class Cassette:
    """A recorded call. It is read as it is asked for, once or again: a file may be large."""

    def __init__(self, name: str, source: Iterable[bytes]) -> None:
        """*name* is what complaints call it; *source* gives its lines each time it is iterated. Raises `CassetteError`
        for a file that is no cassette, or one of a version that is not read here."""
        self.name = name
        self._source = source
        self.header = _header(name, next(iter(source), b""))

    @property
    def lines(self) -> Iterator[Line]:
        """All lines but the header. Raises `CassetteError` for one that cannot be read, unless it is the last: a
        process that was killed leaves half a line."""
        for number, text, line in self.numbered():
            yield line or self._decode(number, text)

    def numbered(self) -> Iterator[tuple[int, bytes, Line | None]]:
        """Number and text of each line, and what it holds if it is a message that came in. Raises as `lines`."""
        entries = enumerate(self._source, 1)
        next(entries, None)
        for number, text in entries:
            if _OUT(text):
                if text[-1] == _BREAK or _is_whole(text):
                    yield number, text, None
                continue
            if text.isspace() or not (text.endswith(b"\n") or _is_whole(text)):
                continue
            try:
                line = decode_line(text)
            except _UNREADABLE as problem:
                raise self._no_line(number, problem) from None
            yield number, text, line if line.dir == "in" else None

    def _decode(self, number: int, text: bytes) -> Line:
        try:
            return decode_line(text)
        except _UNREADABLE as problem:
            raise self._no_line(number, problem) from None

    def _no_line(self, number: int, problem: Exception) -> CassetteError:
        what = f"this is no line of a cassette ({problem})"
        remedy = f"Remove it, or keep what is before it: head -n {number - 1}"
        return CassetteError(f"{self.name}:{number}: {what}. {remedy}")


def _is_whole(text: bytes) -> bool:
    """Whether a last line without a line break is all there: editors leave it out."""
    try:
        decode_line(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def _header(name: str, text: bytes) -> Header:
    try:
        version = _decode_any(text)["cassette"]
    except (msgspec.DecodeError, UnicodeError, RecursionError, KeyError, TypeError):
        raise CassetteError(f"{name}: this is no cassette: {_instead(text)}") from None
    if version != FORMAT:
        newer = isinstance(version, int) and version > FORMAT
        remedy = "Update telephony." if newer else "Record the call again."
        raise CassetteError(f"{name}: it is a cassette of version {version}, and {FORMAT} is read here. {remedy}")
    try:
        return msgspec.json.decode(text, type=Header)
    except msgspec.ValidationError as problem:
        raise CassetteError(f"{name}:1: the header cannot be used ({problem}). Record the call again.") from None


def _instead(text: bytes) -> str:
    """What a file begins with that does not begin with a header, and what to do about it."""
    if text.startswith(_BYTE_ORDER_MARKS):
        return "it begins with a byte order mark, which an editor has added. Save it as UTF-8 without one."
    if text.startswith(_GZIP):
        return "it is compressed. Unpack it first: gzip -dc FILE > CALL.jsonl"
    if text.startswith(MAGIC):
        return "it is encrypted. Decrypt it first: telephony calls decrypt FILE"
    return f'its first line is not {{"cassette": {FORMAT}, …}}. Name a file that `telephony serve` recorded.'
