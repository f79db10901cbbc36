"""The numbers the codec promises, and that neither cutting the stream nor the machine changes a sample."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telephony.audio.coefficients import HALF, SCALE, THIRD
from telephony.audio.resample import Resampler

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
samples = st.lists(st.integers(-32768, 32767), max_size=300)
sizes = st.lists(st.integers(0, 400), max_size=12)


def pcm(values):
    return np.array(values, dtype="<i2").tobytes()


def convert(samples, source, target):
    return np.frombuffer(Resampler(source, target).feed(samples.tobytes()), "<i2")


def by_the_definition(values, source, target):
    """Zero-stuff, filter, decimate, round half up and saturate, in Python's own integers."""
    common = math.gcd(source, target)
    up, down = target // common, source // common
    taps = HALF if 3 not in (up, down) else THIRD
    outputs = []
    for m in range(len(values) * up // down):
        newest = m * down + down - 1
        total = 0
        for position in range(max(0, newest - len(taps) + 1), newest + 1):
            if position % up == 0:
                total += values[position // up] * taps[newest - position] * up
        outputs.append(max(-32768, min(32767, (total + SCALE // 2) // SCALE)))
    return outputs


def peak_to(heard, hertz, rate):
    """Amplitude of the component at *hertz*, by correlation under a Hann window."""
    window = np.hanning(heard.size)
    turn = np.exp(-2j * np.pi * hertz / rate * np.arange(heard.size))
    return 2 * abs((heard * window) @ turn) / window.sum()


@quick
@given(values=samples)
def test_every_sample_equals_plain_integer_arithmetic(values, rates):
    source, target = rates
    assert np.frombuffer(Resampler(source, target).feed(pcm(values)), "<i2").tolist() == by_the_definition(
        values, source, target
    )


@quick
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(0, 5000), sizes=sizes)
def test_how_the_stream_is_cut_changes_no_sample(seed, length, sizes, rates, cut):
    noise = np.random.default_rng(seed).integers(-32768, 32768, length).astype("<i2")
    whole = Resampler(*rates).feed(noise.tobytes())
    resampler = Resampler(*rates)
    assert b"".join(resampler.feed(piece.tobytes()) for piece in cut(noise, sizes)) == whole


def test_one_sample_at_a_time_is_the_same_stream(rates):
    noise = np.random.default_rng(7).integers(-32768, 32768, 500).astype("<i2")
    resampler = Resampler(*rates)
    assert b"".join(resampler.feed(noise[i : i + 1]) for i in range(noise.size)) == Resampler(*rates).feed(noise)


@quick
@given(sizes=st.lists(st.integers(0, 1000), max_size=20))
def test_as_many_samples_have_come_out_as_the_rates_say(sizes, rates):
    source, target = rates
    resampler = Resampler(source, target)
    fed = came = 0
    for size in sizes:
        came += len(resampler.feed(bytes(2 * size))) // 2
        fed += size
        assert came == fed * target // source


def test_an_hour_cannot_drift(rates):
    """What a piece yields depends on the stream's position within a group of at most three samples and on nothing else.

    Position 0 comes back after every complete group, so the sum over any number of pieces telescopes to the quotient.
    """
    source, target = rates
    for position in range(source // math.gcd(source, target)):
        for size in range(50):
            resampler = Resampler(source, target)
            before = len(resampler.feed(bytes(2 * position))) // 2
            assert before + len(resampler.feed(bytes(2 * size))) // 2 == (position + size) * target // source


def test_the_delay_is_at_most_one_and_a_half_milliseconds(rates):
    assert 0 < Resampler(*rates).delay <= 0.0015


@pytest.mark.parametrize("hertz", [300, 1000, 2000, 3300])
def test_the_delay_is_what_it_says_at_every_frequency(hertz, rates, sine):
    source, target = rates
    heard = convert(sine(hertz, source, source), source, target)[target // 10 :]
    times = np.arange(heard.size) / target + 0.1
    phase = np.angle((heard * np.hanning(heard.size)) @ np.exp(-2j * np.pi * hertz * times)) + np.pi / 2
    late = (-phase / (2 * np.pi) + 0.5) % 1 - 0.5  # turns, within half a turn of what is expected
    expected = Resampler(source, target).delay * hertz
    assert (late - expected + 0.5) % 1 - 0.5 == pytest.approx(0, abs=1e-3 * hertz / 1000)


def test_ripple_in_the_telephone_band_stays_within_a_tenth_of_a_decibel(rates, sine):
    source, target = rates
    gains = [
        20 * math.log10(peak_to(convert(sine(hertz, source, source // 4), source, target)[200:], hertz, target) / 16000)
        for hertz in range(300, 3401, 100)
    ]
    assert max(gains) - min(gains) <= 0.1
    assert max(map(abs, gains)) <= 0.1


@pytest.mark.parametrize("source", [16000, 24000])
def test_what_would_alias_from_4600_hertz_on_is_60_decibels_down(source, sine):
    for hertz in range(4600, source // 2, 190):
        heard = convert(sine(hertz, source, source // 4, peak=32000), source, 8000)[200:]
        folded = abs((hertz + 4000) % 8000 - 4000)
        assert peak_to(heard, folded, 8000) <= 32000 * 10 ** (-60 / 20), hertz


@pytest.mark.parametrize("target", [16000, 24000])
def test_images_from_4600_hertz_on_are_60_decibels_down(target, sine):
    for hertz in range(200, 3401, 160):
        heard = convert(sine(hertz, 8000, 4000, peak=32000), 8000, target)[200:]
        for image in {8000 - hertz, 8000 + hertz, 16000 - hertz}:
            if image <= target // 2:
                assert peak_to(heard, image, target) <= 32000 * 10 ** (-60 / 20), (hertz, image)


@pytest.mark.parametrize(("source", "target", "outside"), [(16000, 24000, 6400), (24000, 16000, 9200)])
def test_between_the_wideband_rates_twice_the_band_is_kept(source, target, outside, sine):
    for hertz in (300, 3400, 6800):
        heard = convert(sine(hertz, source, source // 4), source, target)[200:]
        assert 20 * math.log10(peak_to(heard, hertz, target) / 16000) == pytest.approx(0, abs=0.1)
    heard = convert(sine(outside, source, source // 4), source, target)[200:]
    mirrored = 16000 - outside
    assert peak_to(heard, mirrored, target) <= 16000 * 10 ** (-60 / 20)


@pytest.mark.parametrize("middle", [16000, 24000])
def test_there_and_back_is_the_same_speech_23_samples_later(middle):
    rng = np.random.default_rng(3)
    tones = [(f, rng.uniform(0, 2 * np.pi)) for f in rng.uniform(300, 3400, 30)]
    speech = sum(np.sin(2 * np.pi * f / 8000 * np.arange(8000) + phase) for f, phase in tones)
    speech = np.rint(speech / np.abs(speech).max() * 20000).astype("<i2")
    there, back = Resampler(8000, middle), Resampler(middle, 8000)
    assert (there.delay + back.delay) * 8000 == pytest.approx(23)
    heard = np.frombuffer(back.feed(there.feed(speech.tobytes())), "<i2")
    error = heard[100:].astype(float) - speech[100 - 23 : -23]
    assert 10 * math.log10(np.mean(speech.astype(float) ** 2) / np.mean(error**2)) > 50


def test_overshoot_saturates_instead_of_wrapping(rates):
    square = np.repeat([32767, -32768] * 20, 40).astype("<i2")
    heard = np.frombuffer(Resampler(*rates).feed(square), "<i2")
    assert heard.max() == 32767
    assert heard.min() == -32768
    assert np.abs(np.diff(heard.astype(int))).max() < 65535


def test_silence_stays_silence(rates):
    assert not any(Resampler(*rates).feed(bytes(2000)))


def test_reset_starts_a_new_stream(rates):
    noise = np.random.default_rng(5).integers(-32768, 32768, 331).astype("<i2").tobytes()
    resampler = Resampler(*rates)
    first = resampler.feed(noise)
    resampler.reset()
    assert resampler.feed(noise) == first


def test_two_streams_share_nothing_that_changes(rates):
    noise = np.random.default_rng(5).integers(-32768, 32768, 640).astype("<i2").tobytes()
    alone = Resampler(*rates).feed(noise)
    one, other = Resampler(*rates), Resampler(*rates)
    heard = b""
    for start in range(0, len(noise), 160):
        other.feed(bytes(34))
        heard += one.feed(noise[start : start + 160])
    assert heard == alone


def test_samples_and_bytes_are_the_same_to_it(rates):
    noise = np.random.default_rng(5).integers(-32768, 32768, 100).astype("<i2")
    assert Resampler(*rates).feed(noise) == Resampler(*rates).feed(noise.tobytes())


def test_half_a_sample_is_refused():
    with pytest.raises(ValueError, match="not whole 16-bit samples"):
        Resampler(8000, 24000).feed(b"\0\0\0")


def test_other_rates_are_refused_with_those_that_work():
    with pytest.raises(ValueError, match="from 8000 to 44100 Hz: it works between 8000, 16000 and 24000"):
        Resampler(8000, 44100)
