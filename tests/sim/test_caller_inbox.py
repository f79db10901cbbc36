"""How strictly our messages are read."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from telephony.sim.caller_line import StreamIds
from telephony.sim.noise import white_noise

SPEECH = white_noise(-20, 16_000)
STREAM = StreamIds().stream
SILENT = b"\xff" * 160


GOOD = {"event": "media", "streamSid": STREAM, "media": {"payload": "/w=="}}
WITH_HEADER = json.dumps({**GOOD, "media": {"payload": base64.b64encode(b"RIFF....WAVEfmt ").decode()}})


@pytest.mark.parametrize(
    ("message", "code", "says"),
    [
        (b"\x00\x01", 31950, "binary frame of 2 bytes"),
        ("{", 31951, "not JSON"),
        ('{"event":' * 100_000, 31951, "invalid message"),
        ('"\ud800"', 31951, "not JSON"),
        ("[]", 31951, "Expected `object`"),
        (json.dumps({"event": "dtmf", "streamSid": STREAM}), 31951, "dtmf"),
        (json.dumps({"streamSid": STREAM}), 31951, "event"),
        (json.dumps({"event": "clear"}), 31951, "streamSid"),
        (json.dumps({"event": "mark", "streamSid": STREAM}), 31951, "mark"),
        (json.dumps({**GOOD, "sequenceNumber": "1"}), 31951, "sequenceNumber"),
        (json.dumps({**GOOD, "media": {"payload": "/w==", "track": "outbound"}}), 31951, "track"),
        (json.dumps({**GOOD, "media": {"payload": "not base64!"}}), 31951, "base64"),
        (json.dumps({**GOOD, "media": "/w=="}), 31951, "Expected `object`"),
        (json.dumps({**GOOD, "streamSid": "MZ" + "9" * 32}), 31951, "not ours"),
        (WITH_HEADER, 31951, "WAV header"),
    ],
)
def test_what_twilio_does_not_document_is_reported_with_its_number(
    dial: Any, message: str | bytes, code: int, says: str
) -> None:
    call = dial({"pause": 9})
    call.send(1.5, message, message)
    (warning,) = call.caller.warnings
    assert warning.code == code
    assert says in warning.message
    assert warning.at == pytest.approx(1.5)


def test_the_documented_messages_raise_no_warning(dial: Any) -> None:
    call = dial({"pause": 9})
    call.send(1.0, json.dumps(GOOD), dial.mark(""), dial.CLEAR, dial.media(SPEECH * 10))
    assert call.caller.warnings == []


def test_more_than_ten_minutes_of_buffered_audio_are_discarded_with_a_warning(dial: Any) -> None:
    call = dial({"pause": 9})
    call.send(1.0, *[dial.media(SPEECH)] * 302)
    assert [warning.code for warning in call.caller.warnings] == [31931]
    assert call.caller.playout.buffered(call.now) == 600 * 8000


def test_a_flood_of_different_mistakes_does_not_fill_the_memory(dial: Any) -> None:
    call = dial({"pause": 9})
    call.send(1.0, *[json.dumps({"event": f"e{number}"}) for number in range(500)])
    assert len(call.caller.warnings) == 100
