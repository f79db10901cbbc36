"""Bytes, samples and milliseconds of a format agree with each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K

FORMATS = [MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K]


@pytest.mark.parametrize(
    ("audio_format", "size"), [(MULAW_8K, 160), (ALAW_8K, 160), (PCM16_8K, 320), (PCM16_16K, 640), (PCM16_24K, 960)]
)
def test_a_frame_of_twenty_milliseconds_has_its_customary_size(audio_format, size):
    assert audio_format.bytes_in(20) == size
    assert audio_format.milliseconds(bytes(size)) == 20
    assert audio_format.seconds(bytes(size)) == 0.02
    assert len(audio_format.silence(20)) == size


@given(audio_format=st.sampled_from(FORMATS), samples=st.integers(0, 100_000))
def test_milliseconds_and_bytes_convert_back_and_forth(audio_format, samples):
    payload = bytes(samples * audio_format.bytes_per_sample)
    assert audio_format.samples(payload) == samples
    assert samples - audio_format.samples(bytes(audio_format.bytes_in(audio_format.milliseconds(payload)))) in (0, 1)


def test_half_a_sample_is_not_counted():
    assert PCM16_24K.samples(b"\0\0\0") == 1


def test_milliseconds_are_cut_to_whole_samples():
    assert PCM16_8K.bytes_in(0.2) == 2


@pytest.mark.parametrize(("audio_format", "quiet"), [(MULAW_8K, 0xFF), (ALAW_8K, 0xD5), (PCM16_24K, 0)])
def test_silence_is_the_formats_own(audio_format, quiet):
    assert set(audio_format.silence(10)) == {quiet}


def test_a_format_reads_as_encoding_and_rate():
    assert str(PCM16_24K) == "pcm16/24000"
