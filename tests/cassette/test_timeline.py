"""A recorded call as a timeline that people read."""

from __future__ import annotations

from itertools import pairwise

import pytest

from taped import STORIES, cassette
from tapes import call, edited
from telephony.cassette.format import Cassette
from telephony.cassette.timeline import timeline


def test_speech_functions_and_what_was_said_are_told_in_their_order() -> None:
    entries = timeline(cassette())
    texts = [entry.text for entry in entries]
    assert [text for text in texts if text.startswith("━━ the caller")] == [
        "━━ the caller speaks, 1.54 s",
        "━━ the caller speaks, 1.72 s",
        "━━ the caller speaks, 1.60 s",
    ]
    heard = [text for text in texts if text.startswith("━━ the agent")]
    assert heard[0] == "━━ the agent is heard, 1.14 s"
    assert heard[2].endswith(", cut off")
    assert "transcription.completed “Where is it?”" in texts
    assert "RunTool lookup_order(number=7)" in texts
    assert 'ToolFinished ok, “{"status": "shipped"}”, after 0.50 s' in texts
    assert texts[-1] == "EndCall completed, agent, “agent hung up”"
    assert [entry.t for entry in entries] == sorted(entry.t for entry in entries)


def test_stretches_of_the_agent_are_as_long_as_what_was_heard() -> None:
    stretches = [entry for entry in timeline(cassette()) if entry.text.startswith("━━ the agent")]
    assert all(entry.until > entry.t for entry in stretches)
    assert all(one.until <= other.t for one, other in pairwise(stretches))


@pytest.mark.parametrize("story", STORIES)
def test_frames_marks_timers_and_pieces_are_left_out(story: str) -> None:
    entries = timeline(cassette(story))
    assert len(entries) < 150
    assert not [e.text for e in entries if e.text.startswith(("media", "mark", "wakes")) or ".delta" in e.text]


@pytest.mark.parametrize("message", [None, [], "ToolFinished"])
def test_a_function_that_answers_without_words_is_shown_all_the_same(message: object) -> None:
    lines = edited(b'"type":"ToolFinished"', lambda line: line.update(msg=message))
    entries = timeline(Cassette("call.jsonl", lines))
    assert len(entries) == len(timeline(Cassette("call.jsonl", call())))
