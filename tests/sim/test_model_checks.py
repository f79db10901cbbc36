"""Reading the parts of a session."""

from __future__ import annotations

import pytest

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from telephony.sim.model_checks import format_problems, inner, read_format, read_turns, tool_problems, write_format


@pytest.mark.parametrize("audio", [PCM16_24K, PCM16_16K, PCM16_8K, MULAW_8K, ALAW_8K])
def test_formats_survive_writing_and_reading(audio: AudioFormat) -> None:
    assert read_format(write_format(audio)) == audio


def test_missing_format_and_rate_mean_the_default() -> None:
    assert read_format(None) == PCM16_24K
    assert read_format({"type": "audio/pcm"}) == PCM16_24K


def test_xai_names_a_wrong_format_by_its_own_code() -> None:
    (problem,) = format_problems({"type": "audio/mp3"}, "session.audio.input.format", "xai")
    assert problem.code == "invalid_audio_format"


def test_turn_taking_has_the_providers_defaults() -> None:
    turns = read_turns({"type": "server_vad", "idle_timeout_ms": 5000}, 0.85, 333, 200)
    assert turns is not None
    assert (turns.threshold, turns.prefix_ms, turns.silence_ms, turns.idle_ms) == (0.85, 333, 200, 5000)
    assert turns.answers
    assert turns.interrupts


@pytest.mark.parametrize("off", [None, {}, {"type": None}, "none"])
def test_turn_detection_can_be_off(off: object) -> None:
    assert read_turns(off, 0.5, 300, 200) is None


def test_server_side_tools_need_no_name() -> None:
    assert list(tool_problems([{"type": "web_search"}], nested=True)) == []


def test_inner_is_an_object_whatever_was_sent() -> None:
    assert inner({"a": {"b": 1}}, "a") == {"b": 1}
    assert inner({"a": "b"}, "a") == {}
    assert inner({}, "a") == {}
