"""Recordings: from a WAV to the telephone."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from telephony.errors import ScriptError
from telephony.sim.caller_script import CallerScript
from telephony.simulate.recordings import load_sounds, read_wav, resample


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


@pytest.mark.parametrize(("channels", "width", "message"), [(1, 1, "8 bits"), (1, 4, "32 bits")])
def test_a_wav_of_another_kind_is_refused(channels: int, width: int, message: str) -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((channels, width, 8000, 0, "NONE", ""))
        file.writeframes(bytes(100 * width))
    with pytest.raises(ScriptError, match=message):
        read_wav(buffer.getvalue(), "x.wav")
    with pytest.raises(ScriptError, match=r"x\.wav: not a WAV"):
        read_wav(b"junk", "x.wav")


def test_the_left_channel_of_a_stereo_wav_is_read() -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((2, 2, 16_000, 0, "NONE", ""))
        file.writeframes(np.array([[16384, 0], [-16384, 5]], "<i2").tobytes())
    samples, rate = read_wav(buffer.getvalue(), "x.wav")
    assert rate == 16_000
    assert samples.tolist() == [0.5, -0.5]


def test_a_script_gets_the_recordings_that_lie_beside_it(tmp_path: Path) -> None:
    script = CallerScript.parse({"steps": [{"play": "a.wav"}, {"play": "b.wav"}]})
    for name, rate in (("a.wav", 8000), ("b.wav", 44_100)):
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", ""))
            file.writeframes((tone(440, rate) * 8000).astype("<i2").tobytes())
    assert {name: len(audio) for name, audio in load_sounds(script, tmp_path).items()} == {"a.wav": 4000, "b.wav": 4000}
    (tmp_path / "b.wav").unlink()
    with pytest.raises(ScriptError, match=r"b\.wav: cannot be read"):
        load_sounds(script, tmp_path)
