"""Lines in a few words: what matters of each message, whatever is missing from it."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taped import STORIES, cassette, recorded
from telephony.audio.format import MULAW_8K, PCM16_24K
from telephony.cassette.brief import Brief, Entry, brief, entry_of, fold, sound_of, spoken_with_model, without_audio
from telephony.cassette.format import Cassette, Channel, Direction, Line

WHY = {"reason": "x"}
AUDIO = base64.b64encode(bytes(480)).decode()


def line(message: Any, channel: Channel = "model", direction: Direction = "in", **more: Any) -> Line:
    return Line(more.pop("t", 1.0), channel, direction, msgspec.Raw(json.dumps(message).encode()), **more)


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (line({"type": "response.created", "response": {"id": "resp_123456789abc"}}), "response.created …56789abc"),
        (
            line({"type": "response.done", "response": {"id": "r1", "status": "failed", "status_details": WHY}}),
            "response.done failed, “x”, …r1",
        ),
        (line({"type": "error", "error": {"code": "bad", "message": "Not so."}}), "error bad, “Not so.”"),
        (
            line({"type": "conversation.item.truncate", "item_id": "i1", "audio_end_ms": 1260}, direction="out"),
            "conversation.item.truncate 1260 ms, …i1",
        ),
        (
            line({"type": "response.function_call_arguments.done", "name": "look", "arguments": '{"number": 7}'}),
            "response.function_call_arguments.done look(number=7)",
        ),
        (line({"event": "mark", "mark": {"name": "m4"}}, "carrier"), "mark m4"),
        (line({"event": "dtmf", "dtmf": {"digit": "#"}}, "carrier"), "dtmf #"),
        (line({"type": "response.output_audio.delta", "delta": AUDIO}), "response.output_audio.delta 480 bytes"),
        (line({"type": "RunTool", "name": "look_up", "arguments": "{}"}, "tool", "out"), "RunTool look_up()"),
        (line({"text": "no JSON"}), "? “no JSON”"),
        (line({"event": "media", "media": {"payload": AUDIO}}, "carrier"), "media 480 bytes"),
        (line({"type": "EndCall", "by": "caller", "reason": "hung up"}, "call", "out"), "EndCall caller, “hung up”"),
        (line({"type": "ModelLost", "reason": "closed", "code": 1011}, "session"), "ModelLost 1011, “closed”"),
        (line(2.5, "timer", "out"), "is set for 2.500 s"),
        (line(None, "timer"), "wakes"),
        (line({"type": "future.event", "strange": [1]}), "future.event"),
        (line({"item": {"content": [{"type": "input_text", "text": "Hi."}]}}, direction="out"), "? “Hi.”"),
        (line({"type": "y", "content": [{"text": "Hello"}]}), "y “Hello”"),
        (line(["not", "an", "object"]), "? ['not', 'an', 'object']"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_message_is_told_by_its_kind_and_the_fields_that_matter(told: Line, text: str) -> None:
    assert brief(told).text == text


def test_it_is_told_who_spoke_to_whom() -> None:
    assert brief(line({"event": "stop"}, "carrier")) == Brief("carrier", "us", "stop", "")
    assert brief(line({"type": "x"}, session=2)) == Brief("model 2", "us", "x", "")
    assert brief(line({"type": "x"}, "tool", "out")) == Brief("us", "tool", "x", "")
    assert brief(line({"type": "x", "item_id": "i1"}), ids=False).words == ""


def test_audio_is_told_by_its_length() -> None:
    frame = line({"event": "media", "media": {"payload": AUDIO, "track": "inbound"}}, "carrier")
    assert without_audio(frame) == {"event": "media", "media": {"payload": {"bytes": 480}, "track": "inbound"}}
    append = {"type": "input_audio_buffer.append", "audio": AUDIO}
    assert without_audio(line(append, direction="out")) == append | {"audio": {"bytes": 480}}
    assert without_audio(line({"type": "x", "audio": AUDIO})) == {"type": "x", "audio": AUDIO}


def test_in_short_ids_and_what_goes_without_saying_are_left_out() -> None:
    started = line({"type": "input_audio_buffer.speech_started", "item_id": "i1", "audio_start_ms": 820})
    truncated = line({"type": "conversation.item.truncate", "item_id": "i1", "audio_end_ms": 20}, direction="out")
    assert entry_of(started).text == "input_audio_buffer.speech_started 820 ms, …i1"
    assert entry_of(started, short=True) == Entry(1.0, "model", "us", "speech_started 820 ms", 1.0)
    assert [each.text for each in fold([started, truncated], short=True)] == [
        "speech_started 820 ms",
        "conversation.item.truncate 20 ms",
    ]


_NAMES = st.sampled_from(
    ["type", "event", "media", "payload", "delta", "mark", "name", "arguments", "response", "item"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["carrier", "model", "tool", "session", "rest", "call", "timer", "record"]))
def test_nothing_that_stands_in_a_line_is_too_much(message: Any, channel: Channel) -> None:
    for direction in ("in", "out"):
        told = line(message, channel, direction)
        assert brief(told).source
        sound_of(told)
        without_audio(told)
        assert list(fold([told, told]))
        assert entry_of(told, short=True).target


def test_runs_are_folded_between_the_messages_that_stand_alone() -> None:
    frame = {"event": "media", "media": {"payload": base64.b64encode(bytes(160)).decode()}}
    piece = {"type": "response.output_audio.delta", "delta": AUDIO}
    lines = [
        line(frame, "carrier", t=0.02),
        line(piece, t=0.03),
        line({"event": "mark", "mark": {"name": "m1"}}, "carrier", "out", t=0.03),
        line(frame, "carrier", t=0.04),
        line(None, "timer", t=0.05),
        line({"event": "mark", "mark": {"name": "m2"}}, "carrier", "out", t=0.05),
        line({"type": "response.output_audio_transcript.delta", "delta": "Good "}, t=0.06),
        line({"type": "response.output_audio_transcript.delta", "delta": "day."}, t=0.07),
        line({"type": "response.done"}, t=0.08),
        line(frame, "carrier", "out", t=0.09),
    ]
    entries = [(entry.t, entry.until, entry.source, entry.target, entry.text) for entry in fold(lines)]
    assert entries == [
        (0.02, 0.04, "carrier", "us", "2 frames of the caller's audio, 0.04 s"),
        (0.03, 0.03, "model", "us", "1 frame of the agent's audio, 0.01 s"),
        (0.03, 0.05, "us", "carrier", "2 marks m1 to m2"),
        (0.05, 0.05, "timer", "us", "1 timer fired"),
        (0.06, 0.07, "model", "us", "2 pieces of text “Good day.”"),
        (0.08, 0.08, "model", "us", "response.done"),
        (0.09, 0.09, "us", "carrier", "1 frame of the agent's audio, 0.02 s"),
    ]


@pytest.mark.parametrize("story", STORIES)
def test_folding_loses_no_message_and_keeps_their_order(story: str) -> None:
    entries = list(fold(cassette(story).lines))
    assert sum(entry.count for entry in entries) == len(recorded(story)) - 1
    assert all(entry.t <= entry.until for entry in entries)
    alone = [entry.t for entry in entries if entry.source in ("tool", "call")]
    assert alone == sorted(alone)


def test_format_of_the_model_is_the_agent_s() -> None:
    assert spoken_with_model(cassette().header) == PCM16_24K
    header = json.loads(recorded()[0])
    header["agent"]["audio"] = "pcmu"
    told = Cassette("x", [json.dumps(header).encode(), *recorded()[1:]])
    assert spoken_with_model(told.header) == MULAW_8K
