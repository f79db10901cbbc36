"""Speech by espeak-ng, and the way from its WAV to the telephone."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from telephony.audio.g711 import mulaw_to_pcm
from telephony.audio.pcm import rms_dbfs
from telephony.simulate.espeak import AGENT, CALLER, SpeechError, installed, read_wav, resample, speak, to_telephone


def tone(hertz: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def level(samples: np.ndarray) -> float:
    inner = samples[len(samples) // 4 : -len(samples) // 4]
    return 10 * np.log10(np.mean(inner**2) * 2 + 1e-12)


@pytest.mark.parametrize("hertz", [100, 1000, 3400])
def test_what_a_telephone_carries_passes_unchanged(hertz: float) -> None:
    resampled = resample(tone(hertz, 22_050), 22_050)
    assert len(resampled) == 4000
    assert level(resampled) == pytest.approx(0, abs=0.1)
    inner = slice(500, 3500)
    np.testing.assert_allclose(resampled[inner], tone(hertz, 8000)[inner], atol=0.02)


@pytest.mark.parametrize("hertz", [4200, 5000, 8000, 10_500])
def test_what_it_does_not_carry_leaves_no_alias(hertz: float) -> None:
    assert level(resample(tone(hertz, 22_050), 22_050)) < -60


def test_a_rate_that_is_right_already_is_left_alone_and_rising_works_too() -> None:
    assert resample(tone(1000, 8000), 8000) is not None
    assert len(resample(np.zeros(0), 22_050)) == 0
    assert level(resample(tone(1000, 6000), 6000)) == pytest.approx(0, abs=0.1)


def test_speech_is_levelled_and_silence_around_it_is_cut() -> None:
    padded = np.concatenate([np.zeros(8000), 0.01 * tone(500, 8000), np.zeros(8000)])
    speech = to_telephone(padded, 8000)
    assert len(speech) == pytest.approx(4000 + 2 * 320, abs=8)
    assert rms_dbfs(mulaw_to_pcm(speech)) == pytest.approx(-20, abs=0.3)


def test_a_loud_click_does_not_clip() -> None:
    click = 0.001 * tone(500, 8000)
    click[2000] = 1.0
    speech = to_telephone(click, 8000)
    assert speech.count(0x00) + speech.count(0x80) == 0


def test_silence_stays_silence() -> None:
    assert set(to_telephone(np.zeros(800), 8000)) == {0xFF}
    assert to_telephone(np.zeros(0), 8000) == b""


@pytest.mark.parametrize(("channels", "width", "message"), [(1, 1, "8 bits"), (1, 4, "32 bits")])
def test_a_wav_of_another_kind_is_refused(channels: int, width: int, message: str) -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((channels, width, 8000, 0, "NONE", ""))
        file.writeframes(bytes(100 * width))
    with pytest.raises(SpeechError, match=message):
        read_wav(buffer.getvalue())
    with pytest.raises(SpeechError, match="not a WAV"):
        read_wav(b"junk")


def test_the_left_channel_of_a_stereo_wav_is_read() -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((2, 2, 16_000, 0, "NONE", ""))
        file.writeframes(np.array([[16384, 0], [-16384, 5]], "<i2").tobytes())
    samples, rate = read_wav(buffer.getvalue())
    assert rate == 16_000
    assert samples.tolist() == [0.5, -0.5]


@pytest.mark.skipif(installed() is None, reason="espeak-ng is not installed")
def test_espeak_speaks_the_same_every_time_and_differently_for_each_speaker() -> None:
    speech = speak("The quick brown fox.", CALLER)
    assert 0.8 < len(speech) / 8000 < 2.5
    assert rms_dbfs(mulaw_to_pcm(speech)) == pytest.approx(-20, abs=0.5)
    assert speech == speak("The quick brown fox.", CALLER)
    assert speech != speak("The quick brown fox.", AGENT)


def test_a_missing_espeak_is_an_error_that_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.simulate.espeak.installed", lambda: None)
    with pytest.raises(SpeechError, match="apt install espeak-ng"):
        speak("Hello", CALLER)
