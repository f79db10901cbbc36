"""Speech by espeak-ng, levelled for the telephone."""

from __future__ import annotations

import numpy as np
import pytest

from telephony.audio.g711 import mulaw_to_pcm
from telephony.audio.pcm import rms_dbfs
from telephony.simulate.espeak import AGENT, CALLER, SpeechError, installed, speak, to_telephone


def tone(hertz: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


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
