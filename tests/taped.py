"""Recorded calls for tests: rehearsed ones with everything in them that a recording can hold."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from rehearsals import STEPS, rehearse
from telephony.audio.format import MULAW_8K
from telephony.bridge.reel import Reel
from telephony.cassette.format import Cassette
from telephony.cassette.replay import replay
from telephony.runtime.cassettes import new_carrier
from telephony.settings import Limits

GREETING: dict[str, Any] = {"on": "greeting", "say": "Thanks for calling."}
ASKED: dict[str, Any] = {"on": "speech", "hears": "Where is it?", "say": "Let me look."}
CALL: dict[str, Any] = {"call": {"name": "lookup_order", "arguments": {"number": 7}}}
SHIPPED: dict[str, Any] = {"on": "tool", "say": "It was shipped on Tuesday, " * 4}
DAY: dict[str, Any] = {"on": "speech", "hears": "Just the day.", "say": "Thursday."}
BYE: dict[str, Any] = {"on": "speech", "hears": "Bye.", "say": "Goodbye.", "call": {"name": "hang_up"}}
PATIENT: list[Any] = [
    {"wait": "agent"}, {"say": "Where is my order?"}, {"wait": "agent"}, {"press": "42#"}, {"pause": 6},
    {"wait": {"quiet": 1.5}}, {"say": "Thank you, goodbye."}, {"wait": "agent"}, "hang_up",
]  # fmt: skip
FREE = {"on": "speech", "say": "It is on its way to you, and will be there tomorrow."}
KEYS = {"on": "text", "say": "Thank you."}
OTHER = {"replies": [{"on": "resume", "say": "It will be there tomorrow, in the morning."}, KEYS, FREE]}
AGING = {"sessions": "continue", "replies": [GREETING, FREE, KEYS, FREE]}
STORIES = ("xai", "openai", "far", "lost", "rotated", "frozen", "nobody")


@cache
def recorded(story: str = "xai") -> tuple[bytes, ...]:
    """The lines of one of `STORIES`: a barge-in and two functions with either provider, or over a slow line; or a call
    whose session is lost, grows old, freezes, or is lost while nobody else is there."""
    lines: list[bytes] = []
    talk = [GREETING, ASKED | CALL, SHIPPED, DAY, BYE]
    match story:
        case "xai" | "openai":
            rehearse(STEPS, talk, profile=story, record=lines.append)
        case "far":
            rehearse(STEPS, talk, latency=0.12, connect=0.4, record=lines.append)
        case "lost":
            rehearse(PATIENT, [GREETING, FREE | {"close": 1011}], others=[OTHER], record=lines.append)
        case "rotated":
            limits, aging = Limits(session=6), {"model": AGING, "others": [AGING] * 5}
            rehearse(PATIENT, [], limits=limits, record=lines.append, **aging)
        case "frozen":
            rehearse(PATIENT, [GREETING, FREE | {"freeze": True}], others=[OTHER], record=lines.append)
        case _:
            steps = [*PATIENT[:3], {"wait": "end"}]
            rehearse(steps, [GREETING, FREE | {"close": 1011}], others=["everybody is busy"], record=lines.append)
    return tuple(lines)


def cassette(story: str = "xai") -> Cassette:
    return Cassette(f"{story}.jsonl", recorded(story))


def sound(lines: Any) -> np.ndarray:
    """What a call sounds like when it is replayed: samples by two channels, at 8 kHz, caller left."""
    reel = Reel(MULAW_8K)
    result = replay(Cassette("call.jsonl", lines), new_carrier, listener=reel)
    return np.frombuffer(reel.rest(result.duration), "<i2").reshape(-1, 2)
