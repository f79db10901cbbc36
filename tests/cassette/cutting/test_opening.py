"""What stays of the lines before a cut, and what becomes of those after it."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from telephony.cassette.cutting.opening import Going, Opening, milliseconds, renamed_call
from telephony.cassette.cutting.returns import Returns
from telephony.cassette.cutting.scene import Scene
from telephony.cassette.format import Channel, Line


def line(message: dict[str, Any], channel: Channel = "model") -> Line:
    return Line(1.0, channel, "in", msgspec.Raw(json.dumps(message).encode()))


def scene(**under_way: Any) -> Scene:
    return Scene(0, Returns(), **under_way)


def chosen(message: dict[str, Any], channel: Channel = "model", **under_way: Any) -> Any:
    found = Opening(scene(**under_way), 3).chosen(line(message, channel))
    return found and found.message


def test_session_s_own_words_stay_and_those_of_what_is_over_do_not() -> None:
    updated = {"type": "session.updated", "session": {}}
    assert chosen(updated) == updated
    assert chosen({"type": "response.created", "response": {"id": "r1"}}) is None
    assert chosen({"type": "ping"}) is None
    assert chosen({"event": "media"}, "carrier") is None
    assert chosen({"type": "ModelLost", "session": 0}, "session") is None
    assert chosen({"type": "ToolFinished", "call_id": "c"}, "tool") is None


def test_response_under_way_stays_without_what_was_heard_of_it() -> None:
    opening = Opening(scene(responses={"r1"}, heard={"i1": 6}), 0)
    pieces = []
    for piece in (b"abcd", b"efgh", b"ijkl"):
        delta = base64.b64encode(piece).decode()
        message = {"type": "response.output_audio.delta", "response_id": "r1", "item_id": "i1", "delta": delta}
        if kept := opening.chosen(line(message)):
            pieces.append(base64.b64decode(kept.message["delta"]))
    assert pieces == [b"gh", b"ijkl"]
    done = {"type": "response.output_audio_transcript.done", "response_id": "r1", "item_id": "i1"}
    assert chosen(done, responses={"r1"}) == done
    assert chosen(done, responses={"r1"}, whole={"i1"}) is None


def test_functions_that_were_answered_are_taken_out_of_their_response() -> None:
    output = [{"type": "function_call", "call_id": "c1"}, {"type": "function_call", "call_id": "c2"}, {"id": "i1"}]
    done = {"type": "response.done", "response": {"id": "r1", "output": output}}
    kept = chosen(done, responses={"r1"}, calls={"c2"})
    assert kept["response"]["output"] == output[1:]
    arguments = {"type": "response.function_call_arguments.done", "response_id": "r1", "call_id": "c1"}
    assert chosen(arguments, responses={"r1"}) is None
    assert chosen(arguments, responses={"r1"}, calls={"c1"}) == arguments


def test_caller_s_turn_stays_if_it_is_under_way() -> None:
    started = {"type": "input_audio_buffer.speech_started", "item_id": "u1"}
    assert chosen(started) is None
    assert chosen(started, caller="u1") == started
    assert chosen({"type": "conversation.item.added", "item": {"id": "u1"}}, caller="u1") is None


def test_only_the_last_keys_stay() -> None:
    opening = Opening(scene(keys=2), pressed=3)
    kept = [opening.chosen(line({"event": "dtmf", "dtmf": {"digit": digit}}, "carrier")) for digit in "123"]
    assert [found and found.message["dtmf"]["digit"] for found in kept] == [None, "2", "3"]


def test_what_still_comes_of_something_that_was_over_is_left_out() -> None:
    going = Going(scene(over={"r1", "u1", "c1"}), 5.0)
    assert going.told(line({"type": "response.done", "response": {"id": "r1"}})) is None
    assert going.told(line({"type": "conversation.item.input_audio_transcription.completed", "item_id": "u1"})) is None
    assert going.told(line({"type": "ToolFinished", "call_id": "c1"}, "tool")) is None
    assert going.told(line({"type": "response.done", "response": {"id": "r2"}}))


@pytest.mark.parametrize(
    ("stamp", "moved"), [("5020", "20"), (5020, 20), ("4990", "0"), ("soon", "soon"), (None, None)]
)
def test_timestamps_move_with_the_cut(stamp: Any, moved: Any) -> None:
    told = Going(scene(), 5.0).told(line({"event": "media", "media": {"timestamp": stamp}}, "carrier"))
    assert told
    assert told.message["media"]["timestamp"] == moved


def test_places_in_the_session_s_audio_move_with_what_it_has_heard() -> None:
    told = Going(scene(passed_ms=4000.0), 5.0).told(
        line({"type": "input_audio_buffer.speech_started", "item_id": "u2", "audio_start_ms": 4500})
    )
    assert told
    assert told.message["audio_start_ms"] == 500


def test_numbers_of_sessions_in_the_ids_of_functions_follow_them() -> None:
    assert renamed_call("c1", {0: 0}) == "c1"
    assert renamed_call("s2-c1", {2: 0}) == "c1"
    assert renamed_call("s3-c1", {2: 0, 3: 1}) == "s1-c1"
    assert renamed_call("c1", {2: 0}) is None


def test_timestamps_are_read_as_they_may_be_written() -> None:
    assert [milliseconds(stamp) for stamp in ("20", 20.7, "-1", -1, None, "x", True)] == [
        20,
        20,
        None,
        None,
        None,
        None,
        1,
    ]
