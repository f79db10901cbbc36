"""Two recorded calls compared: who the agent was, what was said and done, and every message that went out.

They are two calls, and no call has the ids or the times of another. So times are left out, and an id counts as the same
if it is the same one in the order of their first appearance. Messages are aligned by their kind on each channel, audio
is compared as audio, and marks are left out, for they follow it.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Literal

import msgspec

from telephony.audio.format import AudioFormat
from telephony.cassette.brief import is_sound, kind_of, sound_of, spoken_with_model
from telephony.cassette.compare import AudioDifference, Difference, Hearing, differences, where
from telephony.cassette.format import Cassette, Channel, Line
from telephony.cassette.player import NewCarrier, line_of
from telephony.cassette.replay import remains, replay
from telephony.errors import CassetteError
from telephony.records import CallRecord

CHANNELS: tuple[Channel, ...] = ("carrier", "model", "tool", "session", "rest", "call")
"""Channels on which something goes out that others notice."""
IDS = ("item_id", "response_id", "call_id", "event_id", "streamSid", "previous_item_id")
SAID = ("speaker", "heard", "unheard", "interrupted")
RAN = ("name", "arguments", "output", "outcome")


class Change(msgspec.Struct):
    """One thing that is not the same: changed, or only in the first (`gone`) or the second (`new`)."""

    kind: Literal["changed", "gone", "new"]
    then: Any = None
    now: Any = None
    fields: list[Difference] = []
    """Where it is a message that changed: how."""


class Messages(msgspec.Struct):
    """What went out on one channel."""

    channel: str
    same: int
    """Messages that are the same in both; audio is not counted."""
    changes: list[Change]
    seconds: tuple[float, float]
    """Seconds of audio in the first and the second."""
    audio: AudioDifference | None
    """How the audio differs; None if it does not, as far as both go."""

    @property
    def is_same(self) -> bool:
        return not self.changes and self.audio is None and self.seconds[0] == self.seconds[1]


class Comparison(msgspec.Struct):
    """How two recorded calls differ."""

    header: list[Difference]
    turns: list[Change]
    tools: list[Change]
    end: list[Difference]
    messages: list[Messages]

    @property
    def is_same(self) -> bool:
        told = self.header or self.turns or self.tools or self.end
        return not told and all(channel.is_same for channel in self.messages)


def compare(then: Cassette, now: Cassette, new_carrier: NewCarrier) -> Comparison:
    """Compare *now* with *then*. Raises `CassetteError` for a file that cannot be read."""
    one, other = _conversation(then, new_carrier), _conversation(now, new_carrier)
    sent, sends = _messages(then), _messages(now)
    channels = list(dict.fromkeys([*sent, *sends]))
    return Comparison(
        _fields(_header(then), _header(now)),
        _aligned([_part(turn, SAID) for turn in one.turns], [_part(turn, SAID) for turn in other.turns]),
        _aligned([_part(use, RAN) for use in one.tools], [_part(use, RAN) for use in other.tools]),
        _fields(_end(one), _end(other)),
        [_Channel(then, now, new_carrier, channel).compared(sent, sends) for channel in channels],
    )


# -- the header and the conversation ---------------------------------------------------------------------------------


def _header(cassette: Cassette) -> dict[str, Any]:
    """What decides how a call behaves; recorded sentences by their length."""
    header = cassette.header
    settings = dict(header.settings)
    if isinstance(clips := settings.get("clips"), dict):
        settings["clips"] = {name: f"{len(str(clip)) * 3 // 4} bytes" for name, clip in clips.items()}
    return {"carrier": header.carrier, "dialect": header.dialect, "agent": header.agent, "settings": settings}


def _fields(then: Any, now: Any) -> list[Difference]:
    one, other = (Line(0.0, "call", "out", _raw(value)) for value in (then, now))
    return differences(one, other)


def _conversation(cassette: Cassette, new_carrier: NewCarrier) -> CallRecord:
    """What remained of the call, or what would have if the recording breaks off before its end."""
    last = None
    for line in cassette.lines:
        if line.ch == "record":
            last = line.msg
    if last is None:
        return replay(cassette, new_carrier).record
    try:
        return remains(last)
    except msgspec.ValidationError as problem:
        what = f"what remained of the call cannot be read ({problem})"
        raise CassetteError(f"{cassette.name}: {what}. Record the call again.") from None


def _end(record: CallRecord) -> Any:
    return msgspec.to_builtins(record.termination) if record.termination else {}


def _part(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _aligned(then: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[Change]:
    changes = []
    for one, other in _pairs([str(value) for value in then], [str(value) for value in now]):
        before = None if one is None else then[one]
        after = None if other is None else now[other]
        if before != after:
            changes.append(Change(_kind(before, after), before, after))
    return changes


def _kind(before: Any, after: Any) -> Literal["changed", "gone", "new"]:
    if before is None:
        return "new"
    return "gone" if after is None else "changed"


def _pairs(then: list[str], now: list[str]) -> Iterator[tuple[int | None, int | None]]:
    """Places that belong together in two lists; what was replaced is paired in order."""
    for _, i1, i2, j1, j2 in SequenceMatcher(None, then, now, autojunk=False).get_opcodes():
        yield from zip_longest(range(i1, i2), range(j1, j2))


# -- what goes out ---------------------------------------------------------------------------------------------------


def _messages(cassette: Cassette) -> dict[str, list[Line]]:
    """What went out on each channel, but audio and marks; a channel of nothing but audio has an empty list."""
    found: dict[str, list[Line]] = {}
    names: dict[str, str] = {}
    for line in cassette.lines:
        if line.dir == "out" and line.ch in CHANNELS:
            lines = found.setdefault(where(line), [])
            message = line.message
            if not is_sound(line, message) and kind_of(message) != "mark":
                lines.append(msgspec.structs.replace(line, msg=_raw(_renamed(message, names))))
    return found


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """*value* with ids by the order of their first appearance, which *names* remembers."""
    if isinstance(value, list):
        return [_renamed(entry, names) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        key: names.setdefault(entry, f"id {len(names) + 1}")
        if key in IDS and isinstance(entry, str) and entry
        else _renamed(entry, names)
        for key, entry in value.items()
    }


class _Channel:
    """One channel of both calls."""

    def __init__(self, then: Cassette, now: Cassette, new_carrier: NewCarrier, channel: str) -> None:
        self._then, self._now = then, now
        self._new_carrier = new_carrier
        self._channel = channel

    def compared(self, sent: dict[str, list[Line]], sends: dict[str, list[Line]]) -> Messages:
        """*sent*, *sends*: the messages of all channels."""
        before, after = sent.get(self._channel, []), sends.get(self._channel, [])
        changes: list[Change] = []
        same = 0
        kinds = [[kind_of(line.message) for line in lines] for lines in (before, after)]
        for one, other in _pairs(*kinds):
            then = None if one is None else before[one].message
            now = None if other is None else after[other].message
            if then is None or now is None:
                changes.append(Change(_kind(then, now), then, now))
            elif kind_of(then) != kind_of(now):
                changes += [Change("gone", then), Change("new", None, now)]
            elif fields := _fields(then, now):
                changes.append(Change("changed", then, now, fields))
            else:
                same += 1
        seconds, audio = self._audio()
        return Messages(self._channel, same, changes, seconds, audio)

    def _audio(self) -> tuple[tuple[float, float], AudioDifference | None]:
        """Seconds on both sides, and how the audio differs from the first message on that does."""
        formats = [self._format(cassette) for cassette in (self._then, self._now)]
        hearing = Hearing(self._channel.partition(" ")[0], formats[0])
        lengths, differs = [0, 0], False
        for one, other in zip_longest(_sound(self._then, self._channel), _sound(self._now, self._channel)):
            payloads = [sound_of(line) or b"" if line else b"" for line in (one, other)]
            lengths = [length + len(payload) for length, payload in zip(lengths, payloads, strict=True)]
            differs = differs or payloads[0] != payloads[1]
            if differs:
                hearing.hear([one] if one else [], [other] if other else [])
        then, now = (
            round(length / audio.bytes_per_sample / audio.rate, 3)
            for length, audio in zip(lengths, formats, strict=True)
        )
        comparable = formats[0] == formats[1] and all(lengths)
        return (then, now), hearing.verdict() if comparable else None

    def _format(self, cassette: Cassette) -> AudioFormat:
        if self._channel.startswith("carrier"):
            return line_of(cassette, self._new_carrier)
        return spoken_with_model(cassette.header)


def _sound(cassette: Cassette, channel: str) -> Iterator[Line]:
    for line in cassette.lines:
        if line.dir == "out" and where(line) == channel and is_sound(line, line.message):
            yield line
