"""Every pair of formats, cut anywhere."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from telephony.audio.transcode import Transcoder

FORMATS = [MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K]
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=list(itertools.product(FORMATS, FORMATS)), ids=lambda pair: f"{pair[0]}-{pair[1]}")
def pair(request):
    return request.param


@quick
@given(noise=st.binary(max_size=3000), sizes=st.lists(st.integers(0, 700), max_size=10))
def test_how_the_stream_is_cut_changes_no_byte(noise, sizes, pair, cut):
    whole = Transcoder(*pair).feed(noise[: len(noise) // 2 * 2])
    transcoder = Transcoder(*pair)
    pieces = cut(noise[: len(noise) // 2 * 2], sizes)
    assert b"".join(transcoder.feed(piece) for piece in pieces) == whole


@quick
@given(
    before=st.binary(max_size=700), noise=st.binary(min_size=2000, max_size=2000), grains=st.lists(st.integers(1, 40))
)
def test_multiples_of_the_grain_give_the_same_in_one_go_wherever_they_stand(before, noise, grains, pair):
    one, other = Transcoder(*pair), Transcoder(*pair)
    pieces = [(noise * 2)[: count * one.grain] for count in grains]
    one.feed(before)
    other.feed(before)
    at_once = other.feed_all(pieces)
    assert at_once == [one.feed(piece) for piece in pieces]
    source, target = pair
    samples = [len(piece) // target.bytes_per_sample for piece in at_once]
    assert samples == [len(piece) // source.bytes_per_sample * target.rate / source.rate for piece in pieces]


def test_a_second_in_is_a_second_out(pair):
    source, target = pair
    heard = Transcoder(source, target).feed(source.silence(1000))
    assert target.seconds(heard) == 1
    assert len(heard) % target.bytes_per_sample == 0


def test_speech_survives_there_and_back(pair, sine):
    source, target = pair
    there, back = Transcoder(source, target), Transcoder(target, source)
    said = Transcoder(PCM16_8K, source).feed(sine(1000, 8000, 4000, peak=12000).tobytes())
    heard = Transcoder(source, PCM16_8K).feed(back.feed(there.feed(said)))
    samples = np.frombuffer(heard, "<i2")[800:3800].astype(float)
    assert math.sqrt(2 * np.mean(samples**2)) == pytest.approx(12000, rel=0.02)
    # what is left of a pure tone once the tone is taken out is the companding's noise
    turn = np.exp(-2j * np.pi * np.arange(samples.size) / 8)
    tone = 2 * ((samples @ turn) / samples.size * turn.conj()).real
    assert 10 * math.log10(np.mean(tone**2) / np.mean((samples - tone) ** 2)) > 33


@pytest.mark.parametrize("same", FORMATS, ids=str)
def test_at_one_format_the_payload_itself_passes(same):
    transcoder = Transcoder(same, same)
    payload = b"\x01\x02\x03"
    assert transcoder.identity
    assert transcoder.feed(payload) is payload
    assert transcoder.delay == 0


def test_at_one_rate_nothing_is_filtered():
    transcoder = Transcoder(MULAW_8K, ALAW_8K)
    assert not transcoder.identity
    assert transcoder.delay == 0
    assert transcoder.feed(MULAW_8K.silence(20)) == ALAW_8K.silence(20)


def test_a_sample_cut_in_half_is_kept_for_the_next_piece():
    transcoder = Transcoder(PCM16_8K, MULAW_8K)
    assert transcoder.feed(b"\x00") == b""
    assert transcoder.feed(b"\x10\x00") == Transcoder(PCM16_8K, MULAW_8K).feed(b"\x00\x10")


def test_reset_forgets_filter_and_half_sample(pair):
    source, target = pair
    noise = np.random.default_rng(2).integers(0, 256, 999, dtype=np.uint8).tobytes()
    transcoder = Transcoder(source, target)
    first = transcoder.feed(noise)
    transcoder.reset()
    assert transcoder.feed(noise) == first


def test_it_reads_as_what_it_does():
    assert str(Transcoder(MULAW_8K, PCM16_24K)) == "mulaw/8000 -> pcm16/24000"


def test_a_rate_nobody_can_convert_is_refused():
    with pytest.raises(ValueError, match="no resampler from 8000 to 48000 Hz"):
        Transcoder(MULAW_8K, AudioFormat("pcm16", 48000))
