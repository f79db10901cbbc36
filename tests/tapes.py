"""Recorded calls for tests, and what is done to them to make them differ."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rehearsals import STEPS, rehearse, story
from telephony.cassette.format import Cassette
from telephony.cassette.replay import Replayed, replay
from telephony.runtime.cassettes import new_carrier

LATER = 500
"""Milliseconds."""
TRUNCATE = b"conversation.item.truncate"
AUDIO = b'"ch":"carrier","dir":"out","msg":{"event":"media"'


@cache
def call() -> tuple[bytes, ...]:
    """A caller asks for an order, talks over the agent and says goodbye: 13 seconds, 8 turns, the agent is `test`."""
    lines: list[bytes] = []
    rehearse(STEPS, story(), record=lines.append, about="A caller asks where an order is.")
    return tuple(lines)


def edited(mark: bytes, change: Callable[[Any], None], number: int = 0) -> tuple[bytes, ...]:
    """The call with one line changed: of those that hold *mark*, the one with that *number*."""
    lines = list(call())
    place = [at for at, text in enumerate(lines) if mark in text][number]
    line = json.loads(lines[place])
    change(line)
    lines[place] = json.dumps(line).encode() + b"\n"
    return tuple(lines)


def heard_ms(lines: Sequence[bytes]) -> int:
    """Milliseconds that were heard of what the caller cut short, as the model was told in the call *lines*."""
    told = next(line for line in lines if TRUNCATE in line)
    return int(json.loads(told)["msg"]["audio_end_ms"])


def truncated_later() -> tuple[bytes, ...]:
    """As if the model had been told that half a second more was heard."""

    def change(line: Any) -> None:
        line["msg"]["audio_end_ms"] += LATER

    return edited(TRUNCATE, change)


def told_later(gap: str = "  ") -> str:
    """How a report tells that."""
    heard = heard_ms(call())
    return f"audio_end_ms{gap}{heard + LATER} → {heard}"


def interrupted_at() -> int:
    """The line of the file at which the caller cuts the agent short, by the number that reports give it."""
    lines = call()
    place = next(at for at, text in enumerate(lines) if TRUNCATE in text)
    return max(at for at in range(place) if b'"dir":"in"' in lines[at]) + 1


def another_sound() -> tuple[bytes, ...]:
    """As if one sample had been another one."""

    def change(line: Any) -> None:
        media = line["msg"]["media"]
        payload = bytearray(base64.b64decode(media["payload"]))
        payload[10] ^= 1
        media["payload"] = base64.b64encode(payload).decode()

    return edited(AUDIO, change, 40)


def without(mark: bytes) -> tuple[bytes, ...]:
    """The call without the lines that hold *mark*."""
    return tuple(line for line in call() if mark not in line)


def twice(mark: bytes) -> tuple[bytes, ...]:
    """The call with each line that holds *mark* in it twice."""
    return tuple(each for line in call() for each in ([line, line] if mark in line else [line]))


def torn() -> tuple[bytes, ...]:
    """The call with a line in it that is none."""
    return (*call()[:50], b"?\n", *call()[50:])


def put(path: Path, lines: tuple[bytes, ...]) -> Path:
    """The file *path* with these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(lines))
    return path


def replayed(lines: tuple[bytes, ...]) -> Replayed:
    return replay(Cassette("call.jsonl", lines), new_carrier)
