"""Messages and differences in a few words."""

from __future__ import annotations

import re

import msgspec
import pytest

import tapes
from telephony.cassette.compare import AudioDifference
from telephony.cassette.format import Line
from telephony.cassette.telling import LONGEST, audio, brief, kind, sentence, value


def line(channel: str, message: object) -> Line:
    return Line(1.0, channel, "in", msgspec.Raw(msgspec.json.encode(message)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("channel", "message", "told"),
    [
        ("carrier", {"event": "mark", "mark": {"name": "m3"}}, 'mark  name "m3"'),
        ("carrier", {"event": "dtmf", "dtmf": {"digit": "5"}}, 'dtmf  digit "5"'),
        ("model", {"type": "response.output_audio.delta", "delta": "AAAA"}, "response.output_audio.delta"),
        ("model", {"type": "x", "item_id": "i", "audio_end_ms": 20}, 'x  audio_end_ms 20, item_id "i"'),
        ("model", {"type": "y", "content": [{"text": "Hello"}]}, 'y  text "Hello"'),
        ("tool", {"type": "RunTool", "name": "look_up", "arguments": "{}"}, 'RunTool  name "look_up", arguments "{}"'),
        ("timer", None, "woken"),
        ("model", {"text": "no JSON"}, 'message  text "no JSON"'),
        ("model", [1, 2], "message"),
    ],
)
def test_a_message_is_its_kind_and_what_matters_of_it(channel: str, message: object, told: str) -> None:
    assert brief(line(channel, message)) == told
    assert told.startswith(kind(line(channel, message)))


def test_long_values_are_cut_and_what_is_absent_is_no_text() -> None:
    assert len(value("long" * 100)) == LONGEST
    assert value("(absent)") == "(absent)"
    assert value({"a": None}) == '{"a": null}'


def test_every_kind_of_divergence_is_a_sentence() -> None:
    told = [
        sentence(divergence)
        for lines in (tapes.truncated_later(), tapes.another_sound(), tapes.without(b'"RunTool"'))
        if (divergence := tapes.replayed(lines).divergence)
    ]
    assert f"model: conversation.item.truncate differs: {tapes.told_later(' ')}" in told[0]
    assert re.search(r"the audio to the carrier differs: 1 of \d+ samples differ, the first is 10, by 128 of", told[1])
    assert "tool: RunTool goes out, and did not then" in told[2]


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
