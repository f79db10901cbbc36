"""What the simulated carrier sends, to the letter."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.sim.caller_line import StreamIds
from telephony.sim.noise import white_noise

SPEECH = white_noise(-20, 16_000)
STREAM = StreamIds().stream
SILENT = b"\xff" * 160


def test_the_stream_begins_with_connected_and_start_as_twilio_writes_them(dial: Any) -> None:
    call = dial({"pause": 1})
    (_, connected), (_, start) = call.log
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start == {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": STREAM,
        "start": {
            "accountSid": StreamIds().account,
            "streamSid": STREAM,
            "callSid": StreamIds().call,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"session": "token"},
        },
    }


def test_frames_lie_on_an_exact_grid_and_are_numbered_in_strings(dial: Any) -> None:
    call = dial({"pause": 3600})
    call.until(600)
    frames = [(at, message) for at, message in call.log if message["event"] == "media"]
    assert len(frames) == 30_000
    assert [at for at, _ in frames] == [round((number + 1) * 0.02, 6) for number in range(30_000)]
    _, last = frames[-1]
    assert last["sequenceNumber"] == "30001"
    assert last["media"]["chunk"] == "30000"
    assert last["media"]["timestamp"] == "599980"
    assert last["media"]["track"] == "inbound"
    assert {len(frame) for frame in call.frames()} == {160}


def test_a_driver_that_was_late_gets_every_frame_it_missed(dial: Any) -> None:
    call = dial({"pause": 10})
    call.now += 1.01
    call.keep(call.caller.tick(call.now))
    assert [message["media"]["timestamp"] for message in call.of("media")] == [str(20 * number) for number in range(50)]
    assert call.caller.deadline() == pytest.approx(call.start + 1.02)


def test_keys_are_pressed_one_after_the_other(dial: Any) -> None:
    call = dial({"pause": 1}, {"press": "1#A"}, {"say": "a"})
    call.until(9)
    assert [(at, message["dtmf"]) for at, message in call.log if message["event"] == "dtmf"] == [
        (1.0, {"track": "inbound_track", "digit": "1"}),
        (1.2, {"track": "inbound_track", "digit": "#"}),
        (1.4, {"track": "inbound_track", "digit": "A"}),
    ]
    assert call.when("caller speaks") == [1.6]
