"""One of a call's sessions behind its dialect: whose an event is, and which commands concern it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony import commands as cmd
from telephony import events as ev
from telephony.realtime import dialect
from telephony.realtime.leg import ModelLeg
from telephony.settings import SessionConfig


def leg(number: int) -> ModelLeg:
    return ModelLeg(number, dialect("openai", SessionConfig()))


def wire(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})


SPEECH = wire("input_audio_buffer.speech_started", item_id="i1", audio_start_ms=5)
AUDIO = wire("response.output_audio.delta", response_id="r1", item_id="i1", content_index=0, delta="AAA=")
CALL = wire(
    "response.function_call_arguments.done", response_id="r1", item_id="i1", call_id="c1", name="f", arguments="{}"
)
ERROR = wire("error", error={"code": "session_expired", "message": "over"})
READY = wire("session.updated", session={})


def test_the_ids_of_the_first_session_are_its_own() -> None:
    assert leg(0).decode(SPEECH) == [ev.SpeechStarted("i1", 5)]
    assert leg(0).decode(CALL) == [ev.ToolRequested("r1", "c1", "f", "{}", "i1")]


def test_the_ids_of_later_sessions_carry_its_number() -> None:
    assert leg(2).decode(SPEECH) == [ev.SpeechStarted("s2-i1", 5)]
    assert leg(2).decode(AUDIO) == [ev.ModelAudio("s2-r1", "s2-i1", b"\0\0")]
    assert leg(2).decode(CALL) == [ev.ToolRequested("s2-r1", "s2-c1", "f", "{}", "s2-i1")]


def test_what_has_no_id_gets_none() -> None:
    assert leg(2).decode(wire("input_audio_buffer.speech_started")) == [ev.SpeechStarted()]


@pytest.mark.parametrize("number", [0, 3])
def test_what_a_session_tells_of_itself_says_which_it_is(number: int) -> None:
    (ready,) = leg(number).decode(READY)
    (error,) = leg(number).decode(ERROR)
    assert isinstance(ready, ev.SessionReady)
    assert isinstance(error, ev.ModelError)
    assert (ready.session, error.session) == (number, number)


def test_of_a_session_that_is_not_spoken_to_only_what_concerns_itself_is_heard() -> None:
    other = leg(1)
    assert [other.decode_standby(message) for message in (SPEECH, AUDIO, CALL)] == [[], [], []]
    assert [type(event) for message in (READY, ERROR) for event in other.decode_standby(message)] == [
        ev.SessionReady,
        ev.ModelError,
    ]


def test_ids_lose_the_number_on_their_way_back() -> None:
    (cut,) = leg(2).encode(cmd.Truncate("s2-i1", 300))
    (cancel,) = leg(2).encode(cmd.CancelResponse("s2-r1"))
    (output,) = leg(2).encode(cmd.SendToolOutput("s2-c1", "{}"))
    assert json.loads(cut)["item_id"] == "i1"
    assert json.loads(cancel)["response_id"] == "r1"
    assert json.loads(output)["item"]["call_id"] == "c1"


@pytest.mark.parametrize(
    "command", [cmd.Truncate("i1", 300), cmd.ForgetItem("s1-i1"), cmd.CancelResponse("r1"), cmd.ForgetItem("s21-i1")]
)
def test_a_session_is_not_asked_to_cut_or_cancel_what_another_has_said(command: cmd.ModelCommand) -> None:
    assert leg(2).encode(command) == []


def test_whatever_response_is_open_can_be_cancelled_without_a_name() -> None:
    assert json.loads(leg(2).encode(cmd.CancelResponse(""))[0]) == {"type": "response.cancel"}


@pytest.mark.parametrize("made", ["c1", "s1-c1", "call-" + "0" * 38])
def test_a_call_of_another_session_is_answered_under_the_id_it_was_told_by(made: str) -> None:
    other = leg(2)
    (told,) = other.encode(cmd.AddToolCall(made, "f", "{}"))
    (answered,) = other.encode(cmd.SendToolOutput(made, "{}"))
    assert json.loads(told)["item"]["call_id"] == json.loads(answered)["item"]["call_id"]


@given(st.integers(0, 12), st.integers(0, 12), st.text("abcs0123456789-_", min_size=1, max_size=12))
def test_every_id_finds_its_way_back_to_its_own_session_and_to_no_other(mine: int, other: int, name: str) -> None:
    message = wire("response.output_audio.delta", response_id=name, item_id=name, content_index=0, delta="AAA=")
    (event,) = leg(mine).decode(message)
    assert isinstance(event, ev.ModelAudio)
    (back,) = leg(mine).encode(cmd.Truncate(event.item_id, 10))
    assert json.loads(back)["item_id"] == name
    if other and other != mine and not name.startswith("s"):
        assert leg(other).encode(cmd.Truncate(event.item_id, 10)) == []
