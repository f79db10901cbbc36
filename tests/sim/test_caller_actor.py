"""How the caller follows its script from what it hears."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telephony.audio.dtmf import DtmfDetector
from telephony.audio.g711 import mulaw_to_pcm
from telephony.errors import ScriptError
from telephony.sim.caller_line import StreamIds
from telephony.sim.noise import white_noise

SPEECH = white_noise(-20, 16_000)
STREAM = StreamIds().stream
SILENT = b"\xff" * 160


def test_what_is_said_goes_out_sample_for_sample_and_silence_otherwise(dial: Any) -> None:
    call = dial({"pause": 0.1}, {"say": "abc"}, {"pause": 0.1})
    call.until(9)
    audio = b"".join(call.frames())
    assert audio == SILENT * 5 + SPEECH[:2400] + SILENT * 5
    assert call.caller.said == audio


def test_waiting_for_the_agent_means_waiting_until_it_has_spoken_and_is_quiet(dial: Any) -> None:
    call = dial({"wait": "agent"}, {"say": "a"})
    call.send(1.0, dial.media(SPEECH[:8000]))
    call.until(9)
    assert call.when("agent speaks") == [1.02]
    assert call.when("agent quiet") == [2.6]
    assert call.when("caller speaks") == [2.6]


def test_a_pause_within_speech_is_not_the_end_of_it(dial: Any) -> None:
    call = dial({"wait": "agent"}, {"say": "a"})
    call.send(1.0, dial.media(SPEECH[:8000] + b"\xff" * 4000 + SPEECH[:8000]))
    call.until(9)
    assert call.when("caller speaks") == [4.1]


def test_comfort_noise_is_not_speech(dial: Any) -> None:
    call = dial({"wait": "agent"}, patience=3.0)
    call.send(1.0, dial.media(white_noise(-60, 16_000)))
    call.until(9)
    assert call.caller.unmet == ["wait for the agent to have spoken (step 1 of 1): did not happen within 3 s"]


def test_the_caller_talks_over_the_agent_after_so_much_of_its_speech(dial: Any) -> None:
    call = dial({"wait": {"agent_ms": 1500}}, {"say": "stop"}, {"wait": "agent"})
    call.send(1.0, dial.media(SPEECH * 4))
    call.until(2.8)
    assert call.when("caller speaks") == [2.5]


def test_the_rest_of_an_interrupted_sentence_is_not_taken_for_the_answer(dial: Any) -> None:
    call = dial({"wait": {"agent_ms": 1000}}, {"say": "x"}, {"wait": "agent"}, {"say": "y"})
    call.send(1.0, dial.media(SPEECH * 4))
    call.send(2.5, dial.CLEAR)
    call.send(4.0, dial.media(SPEECH[:8000]))
    call.until(9)
    assert call.when("caller speaks") == [2.0, 5.6]
    assert call.caller.unmet == []


def test_speech_that_goes_on_after_the_caller_spoke_counts_as_the_answer(dial: Any) -> None:
    call = dial({"wait": {"agent_ms": 1000}}, {"say": "mhm"}, {"wait": "agent"}, {"say": "y"})
    call.send(1.0, dial.media(SPEECH * 2))
    call.until(9)
    assert call.when("caller speaks") == [2.0, 5.6]


def test_two_waits_for_the_agent_wait_for_two_utterances(dial: Any) -> None:
    call = dial({"wait": "agent"}, {"wait": "agent"}, {"say": "y"})
    call.send(1.0, dial.media(SPEECH[:8000]))
    call.send(4.0, dial.media(SPEECH[:8000]))
    call.until(9)
    assert call.when("caller speaks") == [5.6]


def test_waiting_for_quiet_counts_from_the_step_or_the_last_sound(dial: Any) -> None:
    call = dial({"wait": {"quiet": 1}}, {"say": "a"}, {"wait": {"quiet": 1}}, {"say": "b"})
    call.send(0.5, dial.media(SPEECH[:4000]))
    call.until(9)
    assert call.when("caller speaks") == [2.0, 3.1]


def test_noise_has_the_loudness_asked_for_and_recordings_are_played(dial: Any) -> None:
    call = dial({"noise": {"level_dbfs": -30, "seconds": 0.2}}, {"play": "cough"}, sounds={"cough": SPEECH[:320]})
    call.until(9)
    assert b"".join(call.frames()) == white_noise(-30, 1600) + SPEECH[:320]


def test_a_recording_that_was_not_given_is_an_error_before_the_call(dial: Any) -> None:
    with pytest.raises(ScriptError, match=r"'cough'.*Known: \['sneeze'\]"):
        dial({"play": "cough"}, sounds={"sneeze": b""})


def test_every_wait_is_bounded_and_the_caller_then_hangs_up(dial: Any) -> None:
    call = dial({"wait": "end"}, {"say": "never"}, patience=2.0)
    call.until(9)
    assert call.caller.unmet == ["wait for the other side to hang up (step 1 of 2): did not happen within 2 s"]
    assert (call.log[-1][0], call.log[-1][1]["event"]) == (2.0, "stop")
    assert "unmet" in call.kinds()


@pytest.mark.parametrize("by", ["agent", "carrier"])
def test_a_hang_up_from_elsewhere_says_stop_and_satisfies_waiting_for_the_end(dial: Any, by: Any) -> None:
    call = dial({"wait": "end"}, "hang_up")
    call.until(1)
    (stop,) = call.caller.hang_up(call.now, by)
    assert json.loads(stop)["event"] == "stop"
    assert call.caller.ended_by == by
    assert call.caller.unmet == []
    assert call.caller.hang_up(call.now) == []


def test_a_call_that_ends_too_early_leaves_the_rest_of_the_script_unmet(dial: Any) -> None:
    call = dial({"pause": 1}, {"say": "hello"}, "hang_up")
    call.until(0.5)
    assert call.caller.closed(call.now) == []
    assert call.caller.unmet == ["the call ended before the caller could say 'hello'"]
    assert call.caller.ended_by == "server"


def test_keys_that_are_heard_sound_as_long_as_they_are_pressed(dial: Any) -> None:
    call = dial({"press": {"keys": "4#", "tones": True}}, {"pause": 0.1})
    call.until(9)
    detector = DtmfDetector()
    tones = [*detector.feed(mulaw_to_pcm(b"".join(call.frames()))), *detector.finish()]
    assert [tone.key for tone in tones] == ["4", "#"]
    assert call.when("key") == [0.0, 0.2]
