"""Recorded calls for tests in which personal things were said, typed, looked up and given; and where they are left."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np

from personal import NAMES
from rehearsals import HANG_UP, LOOKUP, rehearse
from telephony.audio.g711 import mulaw_to_pcm
from telephony.cassette.brief import is_sound
from telephony.cassette.format import Cassette, Line
from telephony.cassette.scrubbing.scrub import Scrubbed, scrub
from telephony.runtime.cassettes import new_carrier
from telephony.scrub.vocabulary import COMMON
from telephony.settings import SessionConfig

KEYS = "4155552671"
"""Pressed, one after the other."""
DESK = "+1 415 555 2678"
"""What the agent was told to name."""
STEPS: list[Any] = [
    {"wait": "agent"},
    {"say": "Where is my order?"},
    {"wait": "agent"},
    {"press": f"{KEYS}#"},
    {"wait": "agent"},
    {"say": "Thank you, goodbye."},
    {"wait": "end"},
]


def told(personal: Iterable[str]) -> str:
    return " ".join(f"Hello. My name is {each}, thank you." for each in personal)


def call(personal: Sequence[str], profile: str = "xai") -> Cassette:
    """A call in which the caller, the agent, a function and the carrier tell all of *personal*."""
    arguments = {"customers": [{"name": each, "note": f"Call {each} today."} for each in personal]}
    replies: list[dict[str, Any]] = [
        {"on": "greeting", "say": "Thanks for calling."},
        {"on": "speech", "hears": told(personal), "call": {"name": "lookup_order", "arguments": arguments}},
        {"on": "tool", "say": told(personal)},
        {"on": "text", "say": "You pressed keys."},
        {"on": "speech", "hears": f"It is {personal[0]}.", "say": "Goodbye.", "call": {"name": "hang_up"}},
    ]
    found = {"orders": [{"owner": each, "total": 12.5} for each in personal]}
    session = SessionConfig(tools=(LOOKUP, HANG_UP), instructions=f"Be kind. Our desk is at {DESK}.")
    lines: list[bytes] = []
    tools = {"lookup_order": lambda _: (0.5, found)}
    rehearse(STEPS, replies, profile=profile, tools=tools, session=session, record=lines.append)
    given = {"customers": list(personal), "note": told(personal)}
    return Cassette("call.jsonl", [begun_with(given, line) for line in lines])


def begun_with(given: dict[str, Any], line: bytes) -> bytes:
    """The line, with what was *given* to the stream if it is the one that begins it."""
    if b'"event":"start"' not in line:
        return line
    entry = json.loads(line)
    entry["msg"]["start"]["customParameters"] = given
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def scrubbed(cassette: Cassette, **more: Any) -> Scrubbed:
    return scrub(cassette, new_carrier, **more)


def again(made: Scrubbed) -> Cassette:
    """What was scrubbed, as a cassette."""
    return Cassette("call.jsonl", made.lines)


# -- what is left ------------------------------------------------------------------------------------------------------


def texts(cassette: Cassette) -> str:
    """All that a cassette holds but audio, one value a line; JSON within a text is read as well as it stands."""
    header = msgspec.to_builtins(cassette.header)
    header["settings"].pop("clips", None)
    values = [header, *(entry.message for entry in cassette.lines if not is_sound(entry, entry.message))]
    return "\n".join(part for value in values for part in _parts(value))


def _parts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item)
    else:
        yield str(value)
        if isinstance(value, str) and value[:1] in {"{", "["}:
            with suppress(ValueError):
                yield from _parts(json.loads(value))


def spoken_in_pieces(cassette: Cassette) -> str:
    """What came in pieces, put together."""
    return "".join(
        entry.message["delta"]
        for entry in cassette.lines
        if entry.ch == "model" and b'transcript.delta"' in bytes(entry.msg)
    )


def pressed(cassette: Cassette) -> str:
    messages = [entry.message for entry in cassette.lines if b'"dtmf"' in bytes(entry.msg) and entry.dir == "in"]
    return "".join(message["dtmf"]["digit"] for message in messages if "dtmf" in message)


def left(personal: Iterable[str], text: str) -> list[str]:
    """Those of *personal* that *text* still holds, whole, or of a name a word that is no common one."""
    found = []
    for each in personal:
        words = re.findall(r"\w+", each) if each in NAMES else []
        for part in (each, *(word for word in words if len(word) >= 3 and word.lower() not in COMMON)):
            edge = r"\b" if part[0].isalnum() and part[-1].isalnum() else ""
            if re.search(f"{edge}{re.escape(part)}{edge}", text, re.IGNORECASE):
                found.append(f"{part} of {each}")
    return found


def sounds(cassette: Cassette) -> list[tuple[Line, bytes]]:
    """Every message of either side that holds audio, and the audio."""
    return [
        (entry, base64.b64decode(_payload(entry.message)))
        for entry in cassette.lines
        if entry.dir == "in" and is_sound(entry, entry.message)
    ]


def amplitudes(entry: Line, audio: bytes) -> np.ndarray:
    """Samples of the telephone's mu-law, or of the model's PCM: the *audio* of *entry*."""
    return np.frombuffer(mulaw_to_pcm(audio) if entry.ch == "carrier" else audio, "<i2").astype(np.float64)


def level(samples: np.ndarray) -> float:
    """Loudness, rms."""
    return float(np.sqrt(np.mean(samples**2)))


def _payload(message: Any) -> str:
    return str(message["media"]["payload"] if "media" in message else message["delta"])
