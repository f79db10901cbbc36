"""Noise in the place of a voice: whoever goes by loudness hears the same, and nobody hears the voice."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from telephony.audio.g711 import alaw_to_pcm, mulaw_to_pcm, pcm_to_alaw, pcm_to_mulaw
from telephony.audio.level import FAINT, LOUD, is_loud
from telephony.audio.pcm import rms_dbfs
from telephony.scrub.sound import Disguise

FORMATS = [MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K]
ENCODE = {"mulaw": pcm_to_mulaw, "alaw": pcm_to_alaw, "pcm16": bytes}
DECODE = {"mulaw": mulaw_to_pcm, "alaw": alaw_to_pcm, "pcm16": bytes}


def encoded(signal: np.ndarray, audio: AudioFormat) -> bytes:
    return ENCODE[audio.encoding](np.rint(signal).clip(-32768, 32767).astype("<i2").tobytes())


def level(payload: bytes, audio: AudioFormat) -> float:
    return rms_dbfs(DECODE[audio.encoding](payload))


def voice(audio: AudioFormat, seconds: float = 1.0) -> bytes:
    """Hum, overtones and pauses, at a speaker's levels."""
    times = np.arange(int(audio.rate * seconds)) / audio.rate
    sounds = sum(np.sin(times * 2 * np.pi * 120 * n) / n for n in range(1, 12))
    syllables = np.clip(np.sin(times * 2 * np.pi * 3), 0, None)
    return encoded(3000 * sounds * syllables, audio)


def frames(payload: bytes, audio: AudioFormat) -> list[bytes]:
    size = audio.bytes_in(20)
    return [payload[at : at + size] for at in range(0, len(payload), size)]


@st.composite
def frame(draw: st.DrawFn, audio: AudioFormat) -> bytes:
    """20 ms of silence, hum, voice or noise, or just as many samples at a threshold as make the difference."""
    count = audio.rate // 50
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    amplitude = 10 ** draw(st.floats(0.0, 4.5))
    match draw(st.sampled_from(["silence", "hum", "voice", "noise", "square", "threshold", "clicks"])):
        case "silence":
            return audio.silence(20)
        case "hum":
            return encoded(amplitude * np.sin(np.arange(count) * draw(st.floats(0.01, 2.0))), audio)
        case "voice":
            return encoded(chance.laplace(0, amplitude, count), audio)
        case "noise":
            return encoded(chance.normal(0, amplitude, count), audio)
        case "square":
            return encoded(amplitude * np.sign(np.sin(np.arange(count) * 0.3)), audio)
        case "threshold":
            signal = np.full(count, draw(st.sampled_from([0.0, 5.0, 250.0, 259.0, 300.0, 980.0])))
            signal[: count // 5 + draw(st.integers(-1, 2))] = draw(st.sampled_from([LOUD, FAINT])) + draw(
                st.integers(-20, 20)
            )
            return encoded(signal, audio)
        case _:
            signal = np.full(count, draw(st.sampled_from([0.0, 200.0, 300.0, 900.0])))
            signal[:: draw(st.integers(5, 40))] = amplitude
            return encoded(signal, audio)


@given(data=st.data(), audio=st.sampled_from(FORMATS), synthetic=st.booleans())
def test_every_frame_is_as_loud_as_it_was(data: st.DataObject, audio: AudioFormat, synthetic: bool) -> None:
    speech = voice(AudioFormat("pcm16", audio.rate)) if synthetic else None
    disguise = Disguise(audio, speech)
    for original in data.draw(st.lists(frame(audio), min_size=1, max_size=4)):
        made = disguise.feed(original)
        assert len(made) == len(original)
        for amplitude in (LOUD, FAINT):
            assert is_loud(made, audio, amplitude) == is_loud(original, audio, amplitude)
        if is_loud(original, audio):
            assert level(made, audio) == pytest.approx(level(original, audio), abs=1.0)


@given(data=st.data(), audio=st.sampled_from(FORMATS))
def test_every_payload_keeps_its_length_even_if_it_ends_within_a_sample(
    data: st.DataObject, audio: AudioFormat
) -> None:
    payload = voice(audio, 0.3)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(payload)), max_size=12)))
    disguise = Disguise(audio)
    for start, end in itertools.pairwise([0, *cuts, len(payload)]):
        assert len(disguise.feed(payload[start:end])) == end - start


def test_samples_that_were_split_come_out_whole() -> None:
    payload = voice(PCM16_24K)
    disguise = Disguise(PCM16_24K)
    made = b"".join(disguise.feed(payload[at : at + 961]) for at in range(0, len(payload), 961))
    assert level(made, PCM16_24K) == pytest.approx(level(payload, PCM16_24K), abs=1.0)
    assert np.abs(np.frombuffer(made, "<i2").astype(int)).max() < 32000  # a byte out of step would be a click
    assert Disguise(PCM16_8K).feed(b"\0") + Disguise(PCM16_8K).feed(b"") == b"\0"
    silent = Disguise(PCM16_8K)
    assert b"".join(silent.feed(b"\0" * size) for size in (1, 3, 1, 320, 321)) == bytes(646)


@pytest.mark.parametrize("audio", FORMATS, ids=str)
def test_silence_stays_silence(audio: AudioFormat) -> None:
    assert Disguise(audio).feed(audio.silence(60)) == audio.silence(60)


def test_negative_zero_is_silence_too() -> None:
    assert Disguise(MULAW_8K).feed(b"\x7f" * 160) == b"\xff" * 160
    assert Disguise(ALAW_8K).feed(b"\x55" * 160) == b"\xd5" * 160


@pytest.mark.parametrize("audio", FORMATS, ids=str)
def test_nothing_is_left_of_the_voice_but_its_level(audio: AudioFormat) -> None:
    payload = voice(audio)
    disguise = Disguise(audio)
    made = b"".join(disguise.feed(piece) for piece in frames(payload, audio))
    old, new = (np.frombuffer(DECODE[audio.encoding](one), "<i2").astype(float) for one in (payload, made))
    spectra = [np.abs(np.fft.rfft(signal))[50:1300] for signal in (old, new)]
    assert abs(np.corrcoef(old, new)[0, 1]) < 0.05
    assert abs(np.corrcoef(*spectra)[0, 1]) < 0.25


def test_single_samples_do_not_follow_the_voice() -> None:
    payload = voice(MULAW_8K)
    disguise = Disguise(MULAW_8K)
    made = b"".join(disguise.feed(payload[at : at + 1]) for at in range(len(payload)))
    old, new = (np.abs(np.frombuffer(mulaw_to_pcm(one), "<i2").astype(float)) for one in (payload, made))
    envelope = np.convolve(old, np.ones(80) / 80, "full")[: len(old)]
    assert abs(np.corrcoef(old - envelope, new - envelope)[0, 1]) < np.corrcoef(envelope, new)[0, 1]


def test_it_is_the_same_in_every_run_and_differs_by_seed_and_place() -> None:
    payload = voice(MULAW_8K)
    assert Disguise(MULAW_8K).feed(payload) == Disguise(MULAW_8K).feed(payload)
    assert Disguise(MULAW_8K, seed=1).feed(payload) != Disguise(MULAW_8K).feed(payload)
    steady = encoded(np.full(160, 3000.0), MULAW_8K)
    disguise = Disguise(MULAW_8K)
    assert disguise.feed(steady) != disguise.feed(steady)


def test_speech_takes_the_place_of_speech_where_there_is_some() -> None:
    speech = voice(PCM16_8K)
    disguise = Disguise(PCM16_8K, speech)
    made = b"".join(disguise.feed(piece) for piece in frames(speech, PCM16_8K))
    assert np.corrcoef(np.frombuffer(made, "<i2"), np.frombuffer(speech, "<i2"))[0, 1] > 0.9
    assert Disguise(MULAW_8K, b"").feed(voice(MULAW_8K)) == Disguise(MULAW_8K).feed(voice(MULAW_8K))
