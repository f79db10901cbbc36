"""Differences in a few words."""

from __future__ import annotations

import re
from typing import Any

import msgspec

import tapes
from telephony.cassette.compare import AudioDifference
from telephony.cassette.telling import LONGEST, audio, sentence, value


def test_long_values_are_cut_and_what_is_absent_is_no_text() -> None:
    assert len(value("long" * 100)) == LONGEST
    assert value("(absent)") == "(absent)"
    assert value({"a": None}) == '{"a": null}'


def test_every_kind_of_divergence_is_a_sentence() -> None:
    told = [
        sentence(divergence)
        for lines in (
            tapes.truncated_later(),
            tapes.another_sound(),
            tapes.without(b'"RunTool"'),
            tapes.twice(b'"RunTool"'),
        )
        if (divergence := tapes.replayed(lines).divergence)
    ]
    assert f"model: conversation.item.truncate differs: {tapes.told_later(' ')}" in told[0]
    assert re.search(r"the audio to the carrier differs: 1 of \d+ samples differ, the first is 10, by 128 of", told[1])
    assert "tool: RunTool goes out, and did not then" in told[2]
    assert "tool: RunTool no longer goes out" in told[3]


def test_what_remains_of_a_call_is_named_and_so_is_a_message_that_does_not_say_what_it_is() -> None:
    def change(line: Any) -> None:
        line["msg"]["turns"][0]["heard"] = "Good day."

    def unnamed(line: Any) -> None:
        del line["msg"]["type"]

    remains = tapes.replayed(tapes.edited(b'"ch":"record"', change)).divergence
    assert remains
    told = 'record: what remains of the call differs: turns[0].heard "Good day." → "Thanks for calling."'
    assert told in sentence(remains)
    nameless = tapes.replayed(tapes.edited(tapes.TRUNCATE, unnamed)).divergence
    assert nameless
    assert 'model: ? differs: type (absent) → "conversation.item.truncate"' in sentence(nameless)


def test_audio_that_moved_is_the_same_audio() -> None:
    moved = AudioDifference(800, 800, 8000, 0, 700, 9000, 2.0, 80)
    assert audio(moved) == "the same audio, 80 samples (10 ms) later"
    assert audio(msgspec.structs.replace(moved, shift=-8)) == "the same audio, 8 samples (1 ms) earlier"


def test_audio_that_is_another_is_told_in_samples_and_decibels() -> None:
    other = AudioDifference(160, 150, 8000, 3, 20, 12, -71.0, None)
    assert audio(other) == (
        "20 of 150 samples differ, the first is 3, by 12 of 32768 at most, 71 dB below the audio, "
        "160 samples then and 150 now"
    )
