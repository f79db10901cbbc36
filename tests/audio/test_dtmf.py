"""Keys are made to Q.23 and heard to Q.24: all of them, once each, and nothing else."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telephony.audio.dtmf import HIGH, KEYS, LOW, DtmfDetector, beep, generate, sequence
from telephony.audio.g711 import alaw_to_pcm, mulaw_to_pcm, pcm_to_alaw, pcm_to_mulaw
from telephony.audio.resample import Resampler

EVERY_KEY = "1234567890*#ABCD"
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def listen(pcm, size=320):
    """The keys heard when *pcm* comes in pieces of *size* bytes."""
    detector = DtmfDetector()
    tones = []
    for start in range(0, len(pcm), size):
        tones += detector.feed(pcm[start : start + size])
    return tones + detector.finish()


def heard(pcm):
    return "".join(tone.key for tone in listen(pcm))


def to_pcm(samples):
    return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()


def dial(key, milliseconds, low_db=-10.0, high_db=-10.0, detune=(0.0, 0.0), offset=0):
    """A key without ramps, as samples in silence; levels in dBFS, *detune* as a fraction, *offset* in samples."""
    n = np.arange(milliseconds * 8)
    tones = [
        32768 * 10 ** (level / 20) * np.sin(2 * np.pi * hertz * (1 + deviation) / 8000 * n + hertz)
        for hertz, level, deviation in zip(KEYS[key], (low_db, high_db), detune, strict=True)
    ]
    return np.concatenate((np.zeros(240 + offset), sum(tones), np.zeros(480)))


def noise(count, rms, seed):
    return np.random.default_rng(seed).normal(0, rms, count)


def speech_like(seconds, seed):
    """Pulses at a wandering pitch through wandering formants, in syllables: voiced speech without the words."""
    rng = np.random.default_rng(seed)
    count = seconds * 8000
    steps = seconds * 20
    at = np.linspace(0, steps - 1, count)

    def wander(low, high):
        return np.interp(at, np.arange(steps), rng.uniform(low, high, steps))

    phase = np.cumsum(wander(80, 320)) * 2 * np.pi / 8000
    pitch = np.gradient(phase) * 8000 / (2 * np.pi)
    formants = [(wander(250, 950), 90), (wander(800, 2400), 120), (wander(2200, 3300), 180)]
    voice = np.zeros(count)
    for harmonic in range(1, 24):
        hertz = harmonic * pitch
        gain = sum(1 / (1 + ((hertz - centre) / width) ** 2) for centre, width in formants)
        voice += gain * (hertz < 3600) * np.sin(harmonic * phase)
    voice *= np.interp(at, np.arange(steps), rng.uniform(0, 1, steps) ** 2)
    return to_pcm(voice / np.abs(voice).max() * 26000)


@pytest.mark.parametrize("key", EVERY_KEY)
def test_every_key_sounds_its_two_tones_and_no_other(key):
    tone = np.frombuffer(generate(key), "<i2").astype(float)[:800]
    assert tone.size == 800
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(800), 8000))
    assert tuple(sorted(int(np.argmax(spectrum[a:b])) + a for a, b in ((600, 1100), (1100, 1800)))) == KEYS[key]
    others = spectrum.copy()
    for hertz in KEYS[key]:
        others[hertz - 40 : hertz + 41] = 0
    assert 20 * np.log10(others.max() / spectrum.max()) < -30


def test_the_keypad_is_that_of_q23():
    assert {KEYS[key] for key in EVERY_KEY} == set(itertools.product(LOW, HIGH))
    assert KEYS["1"] == (697, 1209)
    assert KEYS["#"] == (941, 1477)
    assert KEYS["D"] == (941, 1633)


@pytest.mark.parametrize("rate", [8000, 16000, 24000])
def test_generated_samples_are_the_same_on_every_machine(rate):
    """No sample lies so close to the middle between two integers that the last bit of a sine could round it over."""
    for key in EVERY_KEY:
        low, high = KEYS[key]
        turns = np.arange(rate // 10) * (2 * np.pi / rate)
        ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(rate // 200) + 0.5) / (rate // 200))
        shape = np.concatenate((ramp, np.ones(rate // 10 - 2 * ramp.size), ramp[::-1])) * 32768 * 10**-0.5
        exact = shape * (np.sin(low * turns) + np.sin(high * turns))
        assert np.abs(exact - np.floor(exact) - 0.5).min() > 1e-8
        assert np.array_equal(np.frombuffer(generate(key, rate, off_ms=0), "<i2"), np.rint(exact))


def test_levels_and_lengths_are_as_asked():
    tone = np.frombuffer(generate("5", on_ms=200, off_ms=60, level_dbfs=-12), "<i2").astype(float)
    assert tone.size == 260 * 8
    assert not tone[1600:].any()
    middle = tone[200:1400]
    assert 10 * np.log10(np.mean(middle**2) * 2 / 32768**2) == pytest.approx(-12 + 3.01, abs=0.1)


def test_nothing_is_pressed_for_no_keys():
    assert generate("") == b""


def test_a_key_that_no_keypad_has_is_refused():
    with pytest.raises(ValueError, match=re.escape("no keypad has 'x'; the keys are #*0123456789ABCD")):
        generate("12x")


def test_a_level_that_would_clip_is_refused():
    with pytest.raises(ValueError, match="clip together"):
        generate("1", level_dbfs=-3)
    assert np.abs(np.frombuffer(generate(EVERY_KEY, level_dbfs=-6.1), "<i2").astype(int)).max() <= 32767


@pytest.mark.parametrize("law", [(pcm_to_mulaw, mulaw_to_pcm), (pcm_to_alaw, alaw_to_pcm)])
@pytest.mark.parametrize("timing", [(40, 40), (50, 50), (100, 100), (300, 60)])
def test_what_is_generated_is_heard_through_g711(timing, law):
    encode, decode = law
    assert heard(decode(encode(generate(EVERY_KEY, 8000, *timing)))) == EVERY_KEY


@pytest.mark.parametrize("rate", [16000, 24000])
def test_what_is_generated_wideband_is_heard_after_resampling(rate):
    assert heard(Resampler(rate, 8000).feed(generate(EVERY_KEY, rate))) == EVERY_KEY


def test_lower_case_presses_the_same_keys():
    assert generate("abcd") == generate("ABCD")


@quick
@given(keys=st.text(EVERY_KEY, max_size=8), size=st.integers(1, 900), lead=st.integers(0, 400))
def test_each_press_is_reported_once_where_it_was(keys, size, lead):
    pcm = bytes(2 * lead) + generate(keys)
    tones = listen(pcm, 2 * size)
    assert "".join(tone.key for tone in tones) == keys
    for index, tone in enumerate(tones):
        assert tone.start == pytest.approx(lead + 1600 * index, abs=40)
        assert tone.end == pytest.approx(lead + 1600 * index + 800, abs=40)


def test_how_the_stream_is_cut_changes_nothing():
    pcm = to_pcm(np.frombuffer(generate(EVERY_KEY), "<i2") + noise(1600 * 16, 500, 1))
    whole = listen(pcm, len(pcm))
    assert "".join(tone.key for tone in whole) == EVERY_KEY
    for size in (2, 34, 320, 1998):
        assert listen(pcm, size) == whole


@pytest.mark.parametrize("offset", range(0, 20, 3))
@pytest.mark.parametrize("key", EVERY_KEY)
def test_forty_milliseconds_suffice_and_twenty_three_do_not(key, offset):
    assert heard(to_pcm(dial(key, 40, offset=offset))) == key
    assert heard(to_pcm(dial(key, 23, offset=offset))) == ""


@pytest.mark.parametrize("detune", [(0.015, 0.015), (0.015, -0.015), (-0.015, 0.015), (-0.015, -0.015)])
@pytest.mark.parametrize("levels", [(-10, -10), (-10, -18), (-14, -10), (-28, -28)], ids=str)
def test_tones_at_the_edge_of_tolerance_and_twist_are_heard_in_noise(levels, detune):
    for index, key in enumerate(EVERY_KEY):
        tone = dial(key, 50, *levels, detune)
        weakest = 32768 * 10 ** (min(levels) / 20) / 2**0.5
        assert heard(to_pcm(tone + noise(tone.size, weakest * 10 ** (-15 / 20), index))) == key


@pytest.mark.parametrize("detune", [(0.035, 0), (-0.035, 0), (0, 0.035), (0, -0.035)])
def test_tones_off_by_three_and_a_half_percent_are_not(detune):
    assert [heard(to_pcm(dial(key, 100, detune=detune))) for key in EVERY_KEY] == [""] * 16


@pytest.mark.parametrize("levels", [(-20, -10), (-8, -20)])
def test_too_unequal_a_pair_is_no_key(levels):
    assert [heard(to_pcm(dial(key, 100, *levels))) for key in EVERY_KEY] == [""] * 16


def test_a_key_in_strong_noise_is_still_heard():
    pcm = np.frombuffer(generate(EVERY_KEY), "<i2") + noise(1600 * 16, 10000 * 10 ** (-10 / 20), 4)
    assert heard(to_pcm(pcm)) == EVERY_KEY


@pytest.mark.parametrize("key", EVERY_KEY)
def test_a_break_of_ten_milliseconds_is_one_key_and_of_forty_two(key):
    for gap, expected in ((10, key), (40, key + key)):
        tone = dial(key, 200)
        tone[900 : 900 + gap * 8] = 0
        assert heard(to_pcm(tone)) == expected


def test_one_key_straight_after_another_is_two():
    assert heard(to_pcm(np.concatenate((dial("1", 80)[:880], dial("9", 80)[240:])))) == "19"


@pytest.mark.parametrize("hertz", [*LOW, *HIGH, 350, 440, 620, 1100, 2100])
def test_a_single_tone_is_no_key(hertz, sine):
    assert heard(sine(hertz, 8000, 16000).tobytes()) == ""


@pytest.mark.parametrize("pair", [(350, 440), (440, 480), (480, 620), (697, 770), (1209, 1336)])
def test_the_networks_own_tones_are_no_keys(pair, sine):
    assert heard((sine(pair[0], 8000, 16000) // 2 + sine(pair[1], 8000, 16000) // 2).tobytes()) == ""


@pytest.mark.parametrize("seed", range(4))
def test_speech_like_sound_is_no_key(seed):
    assert heard(speech_like(30, seed)) == ""


def test_noise_is_no_key():
    assert heard(to_pcm(noise(8000 * 60, 6000, 9))) == ""


def test_a_key_is_known_while_it_sounds():
    detector = DtmfDetector()
    tone = generate("7", on_ms=1000)
    assert detector.sounding is None
    assert detector.feed(tone[: 2 * 500]) == []
    assert detector.sounding == "7"
    assert [found.key for found in detector.feed(tone[2 * 500 :])] == ["7"]
    assert detector.sounding is None


def test_a_key_held_to_the_end_of_the_stream_is_reported_by_finish():
    detector = DtmfDetector()
    assert detector.feed(generate("3", on_ms=200, off_ms=0)) == []
    (tone,) = detector.finish()
    assert tone.key == "3"
    assert tone.end == pytest.approx(1600, abs=40)


def test_a_sequence_waits_where_it_says_so():
    assert sequence("1wW2") == generate("1") + bytes(2 * 4000) + bytes(2 * 8000) + generate("2")
    with pytest.raises(ValueError, match="no keypad has"):
        sequence("1x")


@pytest.mark.parametrize("rate", [8000, 16000, 24000])
def test_the_tone_before_a_message_is_no_key(rate):
    tone = np.frombuffer(beep(rate), "<i2").astype(float)
    assert tone.size == 0.4 * rate
    spectrum = np.abs(np.fft.rfft(tone))
    assert np.argmax(spectrum) * rate / tone.size == pytest.approx(1000, abs=5)
    if rate == 8000:
        detector = DtmfDetector()
        assert [*detector.feed(beep()), *detector.finish()] == []
