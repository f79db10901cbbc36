"""Recorded calls for tests: rehearsed, and read back from their cassettes."""

from __future__ import annotations

from typing import Any

from rehearsals import STEPS, rehearse
from telephony.cassette.format import Cassette
from telephony.cassette.reacting.scene import Scene, scene_of
from telephony.runtime.cassettes import new_carrier

ORDER = STEPS
ANSWERS: list[dict[str, Any]] = [
    {"on": "greeting", "say": "Thanks for calling."},
    {
        "on": "speech",
        "hears": "Where is it?",
        "say": "Let me look.",
        "call": {"name": "lookup_order", "arguments": {"order": "A-1"}},
    },
    {"on": "tool", "say": "It was shipped on Tuesday, " * 4},
    {"on": "speech", "hears": "Just the day.", "say": "Thursday."},
    {"on": "speech", "hears": "Bye.", "say": "Goodbye.", "call": {"name": "hang_up"}},
]
QUIET: list[Any] = [
    {"wait": "agent"},
    {"press": "12#"},
    {"wait": "agent"},
    {"say": "Hello there."},
    {"wait": "agent"},
    {"wait": "agent"},
    {"wait": "agent"},
    {"say": "Yes, I am here."},
    {"wait": {"agent_ms": 500}},
    "hang_up",
]
"""One who presses keys, has to be asked twice, and puts the phone down while the agent speaks."""
ASKS: list[dict[str, Any]] = [
    {"on": "text", "say": "You pressed keys."},
    {"on": "speech", "hears": "Hello.", "say": "Hi, wait a bit."},
    {"on": "prompt", "say": "Are you still there?"},
    {"on": "prompt", "say": "Anybody?"},
    {"on": "speech", "hears": "I am here.", "say": "Good, let us go on then, shall we?"},
]


def lines_of(steps: list[Any], replies: list[dict[str, Any]], **options: Any) -> list[bytes]:
    """The lines of a rehearsed call; *options* as `rehearse` takes them."""
    lines: list[bytes] = []
    rehearse(steps, replies, record=lines.append, **options)
    return lines


def recorded(steps: list[Any], replies: list[dict[str, Any]], **options: Any) -> Cassette:
    return Cassette("call.jsonl", lines_of(steps, replies, **options))


def scene(steps: list[Any], replies: list[dict[str, Any]], **options: Any) -> Scene:
    return scene_of(recorded(steps, replies, **options), new_carrier)
