"""A line of a cassette in a few words, for people: who spoke to whom, what kind of message it is, what matters in it.

Whatever is missing or of another kind than expected is left out: the messages are a stranger's. So are the words, which
are not made safe for a terminal here.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from telephony.audio.format import MULAW_8K, PCM16_24K, AudioFormat
from telephony.cassette.format import Channel, Header, Line
from telephony.settings import AUDIO_FORMATS

PARTNERS: Mapping[Channel, str] = {
    "carrier": "carrier",
    "model": "model",
    "tool": "tool",
    "session": "model",
    "rest": "carrier",
    "call": "call",
    "timer": "timer",
    "record": "record",
}
"""Who is on the other end of each channel."""

PARTS = (
    "start", "stop", "mark", "dtmf", "session", "conversation", "response", "item", "error", "status_details",
    "termination",
)  # fmt: skip
"""Objects within a message that are looked into."""
IDS = ("callSid", "response_id", "item_id", "call_id", "id")
QUOTED = ("transcript", "text", "delta", "instructions", "output", "message", "reason")
PLAIN = ("digit", "status", "outcome", "code", "audio_start_ms", "audio_end_ms", "model", "dialect", "result", "by")
CALLED = ("name", "arguments")
PREFIXES = ("conversation.item.input_audio_", "input_audio_buffer.", "response.output_audio_")
"""What goes without saying at the beginning of a name."""
LONGEST = 120
"""Characters of a text that are shown."""
ID_LENGTH = 8
"""Characters of an id that are shown, its last ones."""


class Brief(msgspec.Struct, frozen=True):
    """One message."""

    source: str
    """Who sent it: `us`, `carrier`, `model`, `tool` …"""
    target: str
    what: str
    """Its kind, as the wire names it."""
    words: str
    """What matters in it; may be empty."""

    @property
    def text(self) -> str:
        return f"{self.what} {self.words}".rstrip()


class Entry(msgspec.Struct):
    """One message, or several of a kind that follow each other."""

    t: float
    """Seconds: when the first of them came or went."""
    source: str
    target: str
    text: str
    until: float = 0.0
    """Seconds: when the last of them did."""
    count: int = 1
    """How many messages it stands for."""


# -- one line --------------------------------------------------------------------------------------------------------


def brief(line: Line, *, ids: bool = True) -> Brief:
    """*line* in a few words, with or without the *ids* in it."""
    partner = PARTNERS.get(line.ch, line.ch) + (f" {line.session}" if line.session else "")
    source, target = (partner, "us") if line.dir == "in" else ("us", partner)
    message = line.message
    if line.ch == "timer":
        return Brief(source, target, "wakes" if line.dir == "in" else "is set", _moment(message))
    if not isinstance(message, dict):
        return Brief(source, target, "?", _excerpt(str(message)))
    what = kind_of(message) or ("what remains of the call" if line.ch == "record" else "?")
    payload = sound_of(line)
    words = f"{len(payload)} bytes" if payload is not None else _words(message, what, IDS if ids else ())
    return Brief(source, target, what, words)


def entry_of(line: Line, *, short: bool = False) -> Entry:
    """*line* alone; in *short*, without ids and without what goes without saying in the name of its kind."""
    told = brief(line, ids=not short)
    text = told.text
    if short:
        text = text.removeprefix(next(filter(text.startswith, PREFIXES), ""))
    return Entry(line.t, told.source, told.target, text, line.t)


def kind_of(message: Any) -> str:
    """What kind of message it is, as its wire names it; empty if it does not say."""
    kind = (message.get("type") or message.get("event")) if isinstance(message, dict) else None
    return kind if isinstance(kind, str) else ""


def is_sound(line: Line, message: Any) -> bool:
    """Whether *message*, which stands in *line*, carries audio."""
    kind = kind_of(message)
    if line.ch == "carrier":
        return kind == "media"
    return line.ch == "model" and (kind == "input_audio_buffer.append" or kind.endswith("audio.delta"))


def sound_of(line: Line) -> bytes | None:
    """The audio that a line carries in either direction; None if it is not there for that."""
    message = line.message
    if not is_sound(line, message):
        return None
    media = message.get("media") if line.ch == "carrier" else message
    value = None
    if isinstance(media, dict):
        value = media.get("payload" if line.ch == "carrier" else "audio" if line.dir == "out" else "delta")
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        return b""


def without_audio(line: Line) -> Any:
    """The message of *line*, with audio by the number of its bytes."""
    message = line.message
    if not is_sound(line, message):
        return message
    length = {"bytes": len(sound_of(line) or b"")}
    if line.ch == "carrier":
        media = message.get("media")
        return message | {"media": (media if isinstance(media, dict) else {}) | {"payload": length}}
    return message | {"audio" if line.dir == "out" else "delta": length}


def _moment(due: Any) -> str:
    return f"for {due:.3f} s" if isinstance(due, float | int) and not isinstance(due, bool) else ""


def _words(message: dict[str, Any], what: str, ids: tuple[str, ...]) -> str:
    """The fields that matter, in the order of the message and of the objects in it; then the *ids*."""
    found: list[str] = []
    named: list[str] = []
    places = [message]
    for place in places:
        places += [place[name] for name in PARTS if isinstance(place.get(name), dict)]
        if called := _called(place):
            found.append(called)
        named += [f"…{place[name][-ID_LENGTH:]}" for name in ids if isinstance(place.get(name), str) and place[name]]
        found += [_plain(name, place[name]) for name in PLAIN if _says(place.get(name))]
        found += [f"“{_excerpt(place[name])}”" for name in QUOTED if isinstance(place.get(name), str) and place[name]]
        found += [f"“{_excerpt(text)}”" for text in _contents(place)]
    return ", ".join(part for part in dict.fromkeys(found + named) if not what.endswith(f".{part}"))


def _called(place: dict[str, Any]) -> str:
    """A name and, for a function, its arguments as they were written."""
    name, arguments = place.get("name"), place.get("arguments")
    if not isinstance(name, str):
        return _excerpt(arguments) if isinstance(arguments, str) else ""
    return f"{name}({_arguments(arguments)})" if isinstance(arguments, str) else name


def _arguments(text: str) -> str:
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError):
        arguments = None
    if isinstance(arguments, dict):
        text = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
    return _excerpt(text)


def _contents(place: dict[str, Any]) -> Iterator[str]:
    """The texts of an item's parts."""
    content = place.get("content")
    for part in content if isinstance(content, list) else []:
        text = (part.get("text") or part.get("transcript")) if isinstance(part, dict) else None
        if isinstance(text, str) and text:
            yield text


def _says(value: Any) -> bool:
    return value not in ("", "in_progress") and isinstance(value, str | int | float)


def _plain(name: str, value: Any) -> str:
    return f"{value} ms" if name.endswith("_ms") else _excerpt(str(value))


def _excerpt(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


# -- many lines ------------------------------------------------------------------------------------------------------


def spoken_with_model(header: Header) -> AudioFormat:
    """In which format audio goes to and comes from the model, as far as the agent's settings say."""
    return AUDIO_FORMATS.get(str(header.agent.get("audio")), PCM16_24K)


def fold(
    lines: Iterable[Line], model: AudioFormat = PCM16_24K, carrier: AudioFormat = MULAW_8K, *, short: bool = False
) -> Iterator[Entry]:
    """The lines in their order, with audio, marks, timers and pieces of text that follow each other in one entry each.

    *model*, *carrier*: in which formats it is spoken on the two wires, to tell seconds. *short* as in
    `entry_of`.
    """
    runs: dict[tuple[str, str, str], _Run] = {}
    for line in lines:
        run = _run(line)
        if run is None:
            yield from _closed(runs, model, carrier)
            yield entry_of(line, short=short)
            continue
        runs.setdefault((run.kind, run.entry.source, run.entry.target), run).take(line)
    yield from _closed(runs, model, carrier)


class _Run:
    """Messages of one kind."""

    def __init__(self, kind: str, entry: Entry) -> None:
        self.kind = kind
        self.entry = entry
        self._bytes = 0
        self._texts: list[str] = []

    def take(self, line: Line) -> None:
        self.entry.count += 1
        self.entry.until = line.t
        if self.kind == "audio":
            self._bytes += len(sound_of(line) or b"")
        elif self.kind == "text" and isinstance(delta := line.message.get("delta"), str):
            self._texts.append(delta)
        elif self.kind == "mark" and isinstance(mark := line.message.get("mark"), dict):
            self._texts.append(str(mark.get("name", "")))

    def close(self, model: AudioFormat, carrier: AudioFormat) -> Entry:
        self.entry.text = self._text(carrier if "carrier" in (self.entry.source, self.entry.target) else model)
        return self.entry

    def _text(self, audio: AudioFormat) -> str:
        count = self.entry.count
        if self.kind == "audio":
            agent = self.entry.target == "carrier" or self.entry.source.startswith("model")
            whose = "the agent's" if agent else "the caller's"
            seconds = self._bytes / audio.bytes_per_sample / audio.rate
            return f"{_number(count, 'frame')} of {whose} audio, {seconds:.2f} s"
        if self.kind == "mark":
            names = " to ".join(dict.fromkeys([*self._texts[:1], *self._texts[-1:]]))
            return f"{_number(count, 'mark')} {names}".rstrip()
        if self.kind == "text":
            return f"{_number(count, 'piece')} of text “{_excerpt(''.join(self._texts))}”"
        return f"{_number(count, 'timer')} {'fired' if self.entry.target == 'us' else 'set'}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _run(line: Line) -> _Run | None:
    """The run that a line is the first of; None for one that stands alone."""
    message = line.message if line.ch in ("carrier", "model") else None
    kind = ""
    if line.ch == "timer":
        kind = "timer"
    elif is_sound(line, message):
        kind = "audio"
    elif line.ch == "carrier" and kind_of(message) == "mark":
        kind = "mark"
    elif line.ch == "model" and line.dir == "in" and kind_of(message).endswith(".delta"):
        kind = "text"
    if not kind:
        return None
    told = brief(line)
    return _Run(kind, Entry(line.t, told.source, told.target, "", line.t, 0))


def _closed(runs: dict[tuple[str, str, str], _Run], model: AudioFormat, carrier: AudioFormat) -> Iterator[Entry]:
    yield from (run.close(model, carrier) for run in runs.values())
    runs.clear()
