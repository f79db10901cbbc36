"""Listening: the clock of the input audio, and sound that cannot be the declared format."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_24K, AudioFormat
from telephony.audio.g711 import pcm_to_mulaw
from telephony.audio.transcode import Transcoder
from telephony.sim.model_checks import write_format
from telephony.sim.model_client import ModelClient
from telephony.sim.model_ear import Ear
from telephony.sim.model_session import OpenAiSession, XaiSession

CLIP = (files("telephony.simulate") / "clips" / "caller-sorry-just-tell-me-the-day.ulaw").read_bytes()[:20_000]
"""Real speech, mu-law."""


def ear(declared: AudioFormat, *, keen: bool = False) -> Ear:
    session = XaiSession("")
    audio = {"input": {"format": write_format(declared)}}
    session.update({"turn_detection": {"type": "server_vad", "create_response": True}, "audio": audio}, spoke=False)
    return Ear(session, keen=keen)


def in_format(sent: AudioFormat, speech: bytes = CLIP) -> bytes:
    return Transcoder(MULAW_8K, sent).feed(speech)


@pytest.mark.parametrize("audio", [PCM16_24K, PCM16_8K, MULAW_8K])
def test_speech_in_the_declared_format_is_found_and_believed(audio: AudioFormat) -> None:
    listener = ear(audio)
    found = listener.hear(in_format(audio), 0.0)
    assert found[0].kind == "started"
    assert listener.heard_speech
    assert not listener.garbled
    assert listener.received_ms == pytest.approx(len(CLIP) / 8, abs=1)


@pytest.mark.parametrize(
    ("declared", "sent"),
    [(PCM16_24K, MULAW_8K), (PCM16_8K, MULAW_8K), (MULAW_8K, PCM16_24K), (MULAW_8K, PCM16_8K)],
)
def test_speech_in_another_format_is_noticed(declared: AudioFormat, sent: AudioFormat) -> None:
    listener = ear(declared)
    payload = in_format(sent)
    for start in range(0, len(payload), 320):
        listener.hear(payload[start : start + 320], 0.0)
    assert listener.garbled


def test_noise_and_loud_tones_are_not_taken_for_another_format() -> None:
    noise = (np.sin(np.arange(16_000) ** 2 * 0.37) * 4600).astype("<i2").tobytes()
    tone = (np.sin(np.arange(16_000) * 0.3) * 32_000).astype("<i2").tobytes()
    for sound in (noise, tone):
        listener = ear(PCM16_8K)
        listener.hear(sound, 0.0)
        assert not listener.garbled


def test_half_samples_are_broken() -> None:
    assert ear(PCM16_24K).broken(b"123")
    assert not ear(MULAW_8K).broken(b"123")


def test_buffer_is_emptied_and_the_clock_goes_on() -> None:
    listener = ear(MULAW_8K)
    listener.hear(MULAW_8K.silence(300), 0.0)
    assert listener.empty() == 300
    listener.hear(MULAW_8K.silence(100), 0.0)
    assert (listener.buffered_ms, listener.received_ms) == (100, 400)


def test_same_session_again_does_not_interrupt_listening() -> None:
    session = OpenAiSession("")
    listener = Ear(session)
    listener.hear(in_format(PCM16_24K, CLIP[:4000]), 0.0)
    session.update({"type": "realtime", "instructions": "x"}, spoke=False)
    listener.tune(session)
    assert listener.hear(PCM16_24K.silence(900), 0.0)[0].kind == "stopped"


def test_other_format_is_heard_from_the_update_on_and_the_clock_goes_on() -> None:
    session = OpenAiSession("")
    listener = Ear(session)
    listener.hear(PCM16_24K.silence(1000), 0.0)
    session.update({"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}}, spoke=False)
    listener.tune(session)
    (started, *_) = listener.hear(CLIP, 0.0)
    assert started.at_ms >= 700


def test_deaf_ear_hears_silence() -> None:
    listener = ear(MULAW_8K)
    listener.deaf_until = 5.0
    assert listener.hear(CLIP, 4.9) == []


# -- what the client is told ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_garbled_audio_is_a_fault_once_and_can_be_allowed(profile: str) -> None:
    for sound_check, faults in ((True, ["garbled_audio"]), (False, [])):
        client = ModelClient({"profile": profile, "sound_check": sound_check})
        client.configure()
        for start in range(0, len(CLIP), 160):
            client.append(CLIP[start : start + 160])
        assert client.faults == faults


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_odd_bytes_are_a_fault_once(profile: str) -> None:
    client = ModelClient({"profile": profile})
    client.configure()
    client.append(bytes(321))
    client.append(bytes(321))
    assert client.faults == ["odd_audio"]


def test_audio_before_ready_is_a_fault_once_and_xai_complains() -> None:
    for profile, errors in (("xai", 1), ("openai", 0)):
        client = ModelClient({"profile": profile})
        client.append(bytes(960))
        client.send("session.update", session=client.session())
        client.append(bytes(960))
        assert client.faults == ["audio_before_ready"]
        assert len(client.all("error")) == errors


def test_commit_of_next_to_nothing_is_refused_by_openai() -> None:
    client = ModelClient({"profile": "openai"})
    client.configure()
    client.append(bytes(48 * 50))
    client.send("input_audio_buffer.commit")
    error = client.last("error")["error"]
    assert error["code"] == "input_audio_buffer_commit_empty"
    assert "only has 50.00ms" in error["message"]
    assert client.faults == ["commit_empty"]


def test_commit_while_xai_detects_turns_is_ignored_and_a_fault() -> None:
    client = ModelClient({"profile": "xai"})
    client.configure()
    client.speak(500)
    client.send("input_audio_buffer.commit")
    assert client.all("input_audio_buffer.committed") == []
    assert client.all("error") == []
    assert client.faults == ["commit_with_vad"]


@pytest.mark.parametrize("audio", [PCM16_24K, MULAW_8K, ALAW_8K])
def test_a_keen_ear_takes_the_noise_of_a_line_for_speech_and_silence_for_silence(audio: AudioFormat) -> None:
    noise = pcm_to_mulaw(np.tile([40, 40, -40, -40], 4000).astype("<i2").tobytes())
    for keen, found in ((False, []), (True, ["started", "stopped"])):
        listener = ear(audio, keen=keen)
        heard = listener.hear(in_format(audio, noise + MULAW_8K.silence(3000)), 0.0)
        assert [boundary.kind for boundary in heard] == found
