"""Loud or not: a voice is, a line without one is not, in every format."""

from __future__ import annotations

import math
import struct

import pytest

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, AudioFormat
from telephony.audio.level import FAINT, is_loud
from telephony.audio.transcode import Transcoder

FORMATS = [MULAW_8K, ALAW_8K, PCM16_8K]


def tone(amplitude: int, audio: AudioFormat) -> bytes:
    samples = (round(amplitude * math.sin(n * 0.6)) for n in range(160))
    return Transcoder(PCM16_8K, audio).feed(struct.pack("<160h", *samples))


@pytest.mark.parametrize("audio", FORMATS, ids=str)
def test_a_voice_is_loud_and_the_noise_of_a_line_is_not(audio: AudioFormat) -> None:
    assert is_loud(tone(4000, audio), audio)
    assert not is_loud(tone(300, audio), audio)
    assert not is_loud(audio.silence(20), audio)
    assert not is_loud(b"", audio)


@pytest.mark.parametrize("audio", FORMATS, ids=str)
def test_a_faint_voice_is_told_from_the_noise_of_a_line_where_that_is_asked(audio: AudioFormat) -> None:
    assert is_loud(tone(500, audio), audio, FAINT)
    assert not is_loud(tone(500, audio), audio)
    assert not is_loud(tone(100, audio), audio, FAINT)


def test_a_click_is_not_loud() -> None:
    assert not is_loud(MULAW_8K.silence(15) + tone(20_000, MULAW_8K)[:30], MULAW_8K)
