"""The sentences of an agent whose model is silent, and every file that cannot be one."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.agents.agent import Agent
from telephony.audio import wav
from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_24K, AudioFormat
from telephony.audio.g711 import mulaw_to_pcm
from telephony.audio.pcm import rms_dbfs
from telephony.audio.transcode import Transcoder
from telephony.errors import ConfigurationError
from telephony.runtime.clips import LARGEST, ClipError, clips_for, own_clip
from telephony.settings import AUDIO_FORMATS, Clips, Fallback
from telephony.simulate.synthesise import EMERGENCY, EMERGENCY_FOLDER


def tone(seconds: float = 0.5, rate: int = 24_000, channels: int = 1) -> bytes:
    """Something to hear, PCM16."""
    wave = 8000 * np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * 440 / rate)
    return np.repeat(wave.astype("<i2"), channels).tobytes()


def written(
    folder: Path, data: bytes, audio: AudioFormat = PCM16_24K, channels: int = 1, name: str = "own.wav"
) -> Path:
    path = folder / name
    path.write_bytes(wav.write(audio, channels, data))
    return path


def agent(audio: str = "pcm16", **fallback: str) -> Agent:
    return Agent("desk", audio=audio, fallback=Fallback(**fallback))  # type: ignore[arg-type]


# -- those that come with the program ------------------------------------------------------------------------------


@pytest.mark.parametrize("audio", AUDIO_FORMATS)
def test_every_agent_has_every_sentence_as_it_was_recorded(audio: str) -> None:
    clips = clips_for(agent(audio))
    for key in Clips.__struct_fields__:
        assert getattr(clips, key) == (EMERGENCY_FOLDER / f"{key}.ulaw").read_bytes()


def test_whoever_is_put_through_is_not_asked_to_call_again() -> None:
    assert "call again" in EMERGENCY["apology.ulaw"]
    assert "call again" not in EMERGENCY["transfer.ulaw"]
    sent_on = clips_for(agent("pcmu", transfer="+15550100"))
    assert sent_on.apology == (EMERGENCY_FOLDER / "transfer.ulaw").read_bytes()
    assert sent_on.goodbye == clips_for(agent("pcmu")).goodbye


def test_the_filler_is_short_and_the_apologies_are_no_speeches() -> None:
    clips = clips_for(agent("pcmu"))
    assert 1.0 < MULAW_8K.seconds(clips.filler) < 1.8
    assert max(MULAW_8K.seconds(clips.apology), MULAW_8K.seconds(clips.goodbye)) < 6


# -- one's own -----------------------------------------------------------------------------------------------------


def test_own_recordings_take_the_place_of_those_that_come_along(tmp_path: Path) -> None:
    own = written(tmp_path, tone())
    clips = clips_for(agent("pcm16", apology=str(own), transfer="+15550100"))
    assert MULAW_8K.seconds(clips.apology) == pytest.approx(0.5, abs=0.01)
    assert clips.apology != clips_for(agent(transfer="+15550100")).apology
    assert clips.filler == clips_for(agent()).filler


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000])
def test_whatever_rate_it_was_recorded_at_it_is_as_long_and_as_loud(tmp_path: Path, rate: int) -> None:
    own = written(tmp_path, tone(rate=rate), AudioFormat("pcm16", rate))
    clip = clips_for(agent(filler=str(own))).filler
    assert MULAW_8K.seconds(clip) == pytest.approx(0.5, abs=0.01)
    assert rms_dbfs(mulaw_to_pcm(clip)) == pytest.approx(rms_dbfs(tone()), abs=0.3)


@pytest.mark.parametrize("audio", [MULAW_8K, ALAW_8K])
def test_recordings_of_a_telephone_will_do(tmp_path: Path, audio: AudioFormat) -> None:
    recorded = bytes(range(256)) * 20
    goodbye = clips_for(agent(goodbye=str(written(tmp_path, recorded, audio)))).goodbye
    assert goodbye == (recorded if audio == MULAW_8K else Transcoder(ALAW_8K, MULAW_8K).feed(recorded))


# -- what cannot be played -----------------------------------------------------------------------------------------

CANNOT: dict[str, tuple[bytes, str]] = {
    "stereo": (wav.write(PCM16_24K, 2, tone(channels=2)), "2 channels"),
    "of a CD": (wav.write(AudioFormat("pcm16", 44_100), 1, tone(rate=44_100)), "44100 samples a second"),
    "of a studio": (wav.write(AudioFormat("pcm16", 48_000), 1, tone(rate=48_000)), "8000, 16000 or 24000"),
    "too long": (wav.write(PCM16_8K, 1, tone(31, 8_000)), "31 s long"),
    "huge": (wav.write(PCM16_24K, 1, tone(1)) + b"\0" * LARGEST, "larger than 16 MiB"),
    "an MP3": (b"ID3\x04" + b"\0" * 100, "not a WAV file"),
    "nothing": (b"", "not a WAV file"),
    "of 24 bits": (wav.write(PCM16_24K, 1, tone())[:34] + b"\x18\0" + wav.write(PCM16_24K, 1, tone())[36:], "24 bits"),
}


@pytest.mark.parametrize(("data", "said"), CANNOT.values(), ids=CANNOT)
def test_what_cannot_be_played_is_refused_with_the_command_that_helps(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "it's mine.wav"
    file.write_bytes(data)
    with pytest.raises(ClipError) as caught:
        own_clip(file)
    assert said in caught.value.problem
    assert str(file) in caught.value.problem
    words = shlex.split(caught.value.remedy.partition(": ")[2])
    assert words[:2] == ["sox", str(file)]
    assert str(tmp_path / "it's mine-telephone.wav") in words


@pytest.mark.skipif(shutil.which("sox") is None, reason="sox is not installed")
@pytest.mark.parametrize("case", ["stereo", "of a CD", "of a studio", "too long"])
def test_the_command_helps(tmp_path: Path, case: str) -> None:
    file = tmp_path / "own.wav"
    file.write_bytes(CANNOT[case][0])
    with pytest.raises(ClipError) as caught:
        own_clip(file)
    command = shlex.split(caught.value.remedy.partition(": ")[2])
    subprocess.run(command, check=True, timeout=30)  # noqa: S603  the command we tell people to run
    better = own_clip(tmp_path / "own-telephone.wav")
    assert better.format == PCM16_24K
    assert better.seconds == pytest.approx(30 if case == "too long" else 0.5, abs=0.01)


@pytest.mark.parametrize("data", [b"", b"\0\0" * 24_000, b"\1\0" * 24_000])
def test_a_recording_in_which_nobody_speaks_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ClipError, match="nothing can be heard"):
        own_clip(written(tmp_path, data))


@pytest.mark.parametrize(("name", "said"), [("no.wav", "No such file"), (".", "Is a directory")])
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ClipError, match=said) as caught:
        own_clip(tmp_path / name)
    assert "WAV file" in caught.value.remedy


WAVES = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda a, b: b"RIFF" + a + b"WAVE" + b, st.binary(min_size=4, max_size=4), st.binary(max_size=200)),
    st.builds(lambda cut, rest: wav.write(PCM16_24K, 1, b"")[:cut] + rest, st.integers(0, 44), st.binary(max_size=60)),
)


@given(WAVES)
def test_no_file_makes_it_fail_in_any_other_way(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.wav"
    file.write_bytes(data)
    with contextlib.suppress(ClipError):
        own_clip(file)


def test_a_file_that_went_away_since_the_configuration_was_read_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        clips_for(agent(goodbye=str(tmp_path / "no.wav")))
    assert caught.value.key == "agents.desk.fallback.goodbye"
