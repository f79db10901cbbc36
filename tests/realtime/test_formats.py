"""Audio formats there and back, and what we do not speak."""

from __future__ import annotations

import pytest

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_24K
from telephony.realtime.formats import from_wire, to_wire
from telephony.settings import AUDIO_FORMATS


@pytest.mark.parametrize("audio", AUDIO_FORMATS.values(), ids=str)
def test_every_format_survives_the_wire(audio):
    assert from_wire(to_wire(audio)) == audio


def test_only_pcm_names_a_rate():
    assert to_wire(PCM16_24K) == {"type": "audio/pcm", "rate": 24000}
    assert to_wire(MULAW_8K) == {"type": "audio/pcmu"}
    assert to_wire(ALAW_8K) == {"type": "audio/pcma"}


@pytest.mark.parametrize(("name", "audio"), [("pcm16", PCM16_24K), ("g711_ulaw", MULAW_8K), ("g711_alaw", ALAW_8K)])
def test_the_names_of_the_beta_are_understood(name, audio):
    assert from_wire(name) == audio


def test_pcm_without_a_rate_is_24_khz():
    assert from_wire({"type": "audio/pcm"}) == PCM16_24K


@pytest.mark.parametrize(
    "value",
    [None, 7, [], {}, "not specified", {"type": "audio/opus"}, {"type": []}, {"type": "audio/pcm", "rate": "fast"}],
)
def test_what_we_cannot_speak_is_unknown(value):
    assert from_wire(value) is None
