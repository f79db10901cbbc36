"""Byte for byte what ITU-T G.711 says, from its formulas rather than from the code under test."""

import subprocess
import sys

import numpy as np
import pytest

from telephony.audio import g711

CODES = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768, dtype="<i2")


def mulaw_value(code):
    """14-bit steps: chords start at (33 << chord) - 33; G.711 transmits all bits inverted."""
    code ^= 0xFF
    magnitude = ((2 * (code & 15) + 33) << (code >> 4 & 7)) - 33
    return 4 * (-magnitude if code & 0x80 else magnitude)


def mulaw_code(sample):
    steps = sample >> 2
    biased = min(abs(steps), 8158) + 33  # 8159 is the virtual decision value: nothing reaches beyond it
    chord = biased.bit_length() - 6
    return ((0x80 if steps < 0 else 0) | chord << 4 | biased >> chord + 1 & 15) ^ 0xFF


def alaw_value(code):
    """13-bit steps of two halves: the first two chords are one straight line; even bits are inverted."""
    code ^= 0x55
    chord, step = code >> 4 & 7, code & 15
    magnitude = 16 * step + 8 if chord == 0 else (16 * step + 264) << chord - 1
    return magnitude if code & 0x80 else -magnitude


def alaw_code(sample):
    steps = sample >> 3
    magnitude = steps if steps >= 0 else -steps - 1
    chord = max(0, magnitude.bit_length() - 5)
    return ((0x80 if steps >= 0 else 0) | chord << 4 | magnitude >> max(chord, 1) & 15) ^ 0x55


def test_mulaw_decodes_as_the_formula():
    assert np.frombuffer(g711.mulaw_to_pcm(CODES), "<i2").tolist() == [mulaw_value(code) for code in CODES]


def test_mulaw_encodes_every_sample_as_the_formula():
    assert g711.pcm_to_mulaw(EVERY_SAMPLE.tobytes()) == bytes(mulaw_code(sample) for sample in EVERY_SAMPLE.tolist())


def test_alaw_decodes_as_the_formula():
    assert np.frombuffer(g711.alaw_to_pcm(CODES), "<i2").tolist() == [alaw_value(code) for code in CODES]


def test_alaw_encodes_every_sample_as_the_formula():
    assert g711.pcm_to_alaw(EVERY_SAMPLE.tobytes()) == bytes(alaw_code(sample) for sample in EVERY_SAMPLE.tolist())


def test_mulaw_codes_survive_a_round_trip_but_for_the_second_zero():
    assert g711.pcm_to_mulaw(g711.mulaw_to_pcm(CODES)) == CODES.replace(b"\x7f", b"\xff")


def test_alaw_codes_survive_a_round_trip():
    assert g711.pcm_to_alaw(g711.alaw_to_pcm(CODES)) == CODES


@pytest.mark.parametrize(
    ("convert", "source_value", "target_value"),
    [(g711.mulaw_to_alaw, mulaw_value, alaw_value), (g711.alaw_to_mulaw, alaw_value, mulaw_value)],
)
def test_between_the_laws_the_code_is_within_half_a_step(convert, source_value, target_value):
    values = sorted({target_value(code) for code in CODES})
    for code in CODES:
        there = target_value(convert(bytes([code]))[0])
        value = source_value(code)
        step = min(abs(there - other) for other in values if other != there)
        assert abs(there - value) <= step or abs(value) > values[-1]


def test_the_silence_of_a_format_is_the_smallest_amplitude():
    assert mulaw_value(0xFF) == 0
    assert abs(alaw_value(0xD5)) == min(abs(alaw_value(code)) for code in CODES)


@pytest.mark.parametrize("encode", [g711.pcm_to_mulaw, g711.pcm_to_alaw])
def test_half_a_sample_is_refused(encode):
    with pytest.raises(ValueError, match="not whole 16-bit samples"):
        encode(b"\0")


@pytest.mark.parametrize("convert", g711.DIRECT.values())
def test_nothing_becomes_nothing(convert):
    assert convert(b"") == b""


def test_importing_is_silent_even_where_this_warning_is_an_error():
    strict = "error:'audioop' is deprecated:DeprecationWarning"
    program = [sys.executable, "-W", strict, "-c", "import telephony.audio.g711"]
    assert subprocess.run(program, capture_output=True, check=False).stderr == b""  # noqa: S603
