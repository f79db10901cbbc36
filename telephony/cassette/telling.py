"""Messages, and what differs between two calls, in a few words of plain text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from telephony.cassette.compare import AudioDifference, where
from telephony.cassette.format import Line
from telephony.cassette.replay import Divergence

TELLING = (
    "name", "audio_end_ms", "transcript", "text", "delta", "arguments", "outcome", "output", "digit", "status",
    "reason", "result", "by", "message", "code", "model", "purpose", "item_id", "callSid", "call_id", "instructions",
)  # fmt: skip
"""Fields that say most about a message, the most telling first."""
FIELDS = 2
"""Fields that are told of a message."""
LONGEST = 44
"""Characters of a value."""


def kind(line: Line) -> str:
    """What a message is: its type, or the name of its event."""
    if line.ch == "record":
        return "what remains of the call"
    message = line.message
    if isinstance(message, dict):
        return str(message.get("type") or message.get("event") or "message")
    return "woken" if line.ch == "timer" else "message"


def fields(line: Line) -> list[tuple[str, str]]:
    """The few fields that matter, as JSON that is cut where it is long."""
    if line.ch == "record" or kind(line).endswith("audio.delta"):
        return []
    found: dict[str, Any] = {}
    for name, each in _leaves(line.message):
        if name in TELLING and name not in found and each not in ("", None):
            found[name] = each
    return [(name, value(found[name])) for name in TELLING if name in found][:FIELDS]


def brief(line: Line) -> str:
    """`conversation.item.truncate  audio_end_ms 2480, item_id "item_7"`."""
    told = ", ".join(f"{name} {each}" for name, each in fields(line))
    return f"{kind(line)}  {told}" if told else kind(line)


def _leaves(message: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(message, dict):
        for name, each in message.items():
            if isinstance(each, dict | list):
                yield from _leaves(each)
            else:
                yield name, each
    elif isinstance(message, list):
        for each in message:
            yield from _leaves(each)


def value(something: Any, longest: int = LONGEST) -> str:
    """As JSON, cut to *longest* characters; `(absent)` stays as it is."""
    text = something if something == "(absent)" else json.dumps(something, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


# -- what differs ----------------------------------------------------------------------------------------------------


def sentence(divergence: Divergence) -> str:
    """The first thing that differs, in one sentence."""
    expected, got = divergence.expected, divergence.got
    if divergence.failure:
        what = f"the replay failed here: {divergence.failure.what} ({divergence.failure.where})"
    elif expected is None or got is None:
        line = expected or got
        named = f"{where(line)}: {kind(line)}" if line else "nothing"
        what = f"{named} {'no longer goes out' if expected else 'goes out, and did not then'}"
    elif divergence.audio:
        what = f"the audio to the {expected.ch} differs: {audio(divergence.audio)}"
    else:
        changes = [f"{each.path} {value(each.expected)} → {value(each.got)}" for each in divergence.differences[:3]]
        more = f" and {len(divergence.differences) - 3} more" if len(divergence.differences) > 3 else ""
        what = f"{where(expected)}: {kind(expected)} differs: {', '.join(changes).strip()}{more}"
    return f"at {divergence.t:.1f} s (line {divergence.number}) {what}"


def audio(difference: AudioDifference) -> str:
    """`samples 0-159 of 160 differ, at most 12 of 32768, -71 dB below the audio`."""
    if difference.shift:
        later = "later" if difference.shift > 0 else "earlier"
        milliseconds = abs(difference.shift) * 1000 / difference.rate
        return f"the same audio, {abs(difference.shift)} samples ({milliseconds:g} ms) {later}"
    common = min(difference.expected_samples, difference.got_samples)
    told = [f"{difference.differing} of {common} samples differ, the first is {difference.first}"]
    told.append(f"by {difference.loudest} of 32768 at most")
    if difference.level_db is not None:
        side = "below" if difference.level_db <= 0 else "above"
        told.append(f"{abs(difference.level_db):g} dB {side} the audio")
    if difference.expected_samples != difference.got_samples:
        told.append(f"{difference.expected_samples} samples then and {difference.got_samples} now")
    return ", ".join(told)
