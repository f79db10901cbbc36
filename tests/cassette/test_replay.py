"""A recorded call replayed: the same to the last byte, and what shows when something is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsals import rehearse
from telephony.cassette.format import Cassette
from telephony.cassette.replay import Replayed, replay
from telephony.runtime.cassettes import new_carrier

STORY: list[dict[str, Any]] = [
    {"on": "greeting", "say": "Thanks for calling."},
    {"on": "speech", "hears": "Where is it?", "say": "Let me look.", "call": {"name": "lookup_order", "arguments": {}}},
    {"on": "tool", "expect": {"lookup_order": "shipped"}, "say": "It was shipped on Tuesday, " * 4},
    {"on": "speech", "hears": "Just the day.", "say": "Thursday."},
    {"on": "speech", "hears": "Bye.", "say": "Goodbye.", "call": {"name": "hang_up"}},
]
STEPS: list[Any] = [
    {"wait": "agent"},
    {"say": "Where is my order?"},
    {"wait": {"agent_ms": 2500}},
    {"say": "Just the day, please."},
    {"wait": "agent"},
    {"say": "Thank you, goodbye."},
    {"wait": "end"},
]


def recorded(profile: str = "xai", **changes: Any) -> list[bytes]:
    lines: list[bytes] = []
    rehearse(STEPS, STORY, profile=profile, record=lines.append, **changes)
    return lines


def replayed(lines: list[bytes]) -> Replayed:
    return replay(Cassette("call.jsonl", lines), new_carrier, digest=True)


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_a_recorded_call_goes_out_again_as_it_went_out_then(profile: str) -> None:
    result = replayed(recorded(profile))
    assert result.divergence is None
    assert result.diverged == 0
    assert result.steps == sum(b'"dir":"in"' in text for text in recorded(profile))
    assert result.recorded
    assert result.record.turns == result.recorded.turns
    assert result.record.termination == result.recorded.termination
    assert [use.name for use in result.record.tools] == ["lookup_order", "hang_up"]


def test_the_same_replay_has_the_same_digest_and_another_call_another() -> None:
    lines = recorded()
    assert replayed(lines).digest == replayed(lines).digest
    assert replayed(lines).digest != replayed(recorded("openai")).digest


def test_what_is_kept_of_a_replay_is_the_recording_itself() -> None:
    lines, kept = recorded(), []
    replay(Cassette("call.jsonl", lines), new_carrier, keep=kept.append)
    assert kept == lines[1:]


@pytest.mark.parametrize("cut", [1, 7, 200, 700])
def test_a_recording_that_breaks_off_replays_up_to_there(cut: int) -> None:
    lines = recorded()[:-cut]
    lines[-1] = lines[-1][: len(lines[-1]) // 2]
    assert replayed(lines).divergence is None


def test_the_first_thing_that_differs_is_told_with_what_caused_it() -> None:
    lines = recorded()
    place = next(n for n, text in enumerate(lines) if b"conversation.item.truncate" in text)
    message = json.loads(lines[place])
    message["msg"]["audio_end_ms"] += 500
    lines[place] = json.dumps(message).encode() + b"\n"
    divergence = replayed(lines).divergence
    assert divergence
    assert divergence.cause
    assert divergence.cause.message["type"] == "input_audio_buffer.speech_started"
    (difference,) = divergence.differences
    assert difference.path == "audio_end_ms"
    assert difference.expected == difference.got + 500


def test_a_message_that_is_spelled_another_way_is_the_same_message() -> None:
    lines = [json.dumps(json.loads(text), indent=None, sort_keys=True).encode() + b"\n" for text in recorded()]
    assert replayed(lines).divergence is None
