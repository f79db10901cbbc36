"""What is kept of a call while its caller types a secret: frames of silence, and keys that say nothing."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from telephony.audio.format import MULAW_8K
from telephony.carriers.twilio import TwilioStream
from telephony.events import CallerAudio, KeyPressed

WIRE = Path(__file__).parents[2] / "fixtures" / "wire" / "twilio" / "received"
FRAME = bytes([0xFF, 0x7F, 0xFE, 0x7E]) * 40


def received(name: str) -> str:
    return (WIRE / f"{name}.json").read_text()


def started() -> TwilioStream:
    codec = TwilioStream()
    codec.decode(received("start"))
    return codec


def test_a_hidden_frame_is_silence_of_the_same_length_at_the_same_place() -> None:
    codec = started()
    message = json.loads(received("media"))
    message["media"] |= {"timestamp": "1240", "payload": base64.b64encode(FRAME).decode()}
    hidden = codec.hide(json.dumps(message))
    assert base64.b64encode(FRAME).decode() not in str(hidden)
    assert codec.decode(hidden) == [CallerAudio(MULAW_8K.silence(20), 1240)]


@pytest.mark.parametrize(("digit", "told"), [("7", "0"), ("0", "0"), ("A", "0"), (7, "0"), ("#", "#"), ("*", "*")])
def test_a_hidden_key_is_another_one_unless_it_ends_a_number(digit: str | int, told: str) -> None:
    codec = started()
    message = json.loads(received("dtmf"))
    message["dtmf"]["digit"] = digit
    assert codec.decode(codec.hide(json.dumps(message))) == [KeyPressed(told)]


@pytest.mark.parametrize("name", ["start", "mark", "stop", "connected"])
def test_any_other_message_is_told_as_it_is(name: str) -> None:
    assert json.loads(TwilioStream().hide(received(name))) == json.loads(received(name))


def test_what_cannot_be_read_is_left_as_it_is() -> None:
    assert [TwilioStream().hide(message) for message in ("{", b"\x00")] == ["{", b"\x00"]
