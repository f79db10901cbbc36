"""The client that rehearses a script."""

from __future__ import annotations

import base64

import pytest

from telephony.audio.format import MULAW_8K, PCM16_8K, PCM16_24K, AudioFormat
from telephony.sim.model_client import ModelClient, hum


@pytest.mark.parametrize("profile", ["xai", "openai"])
@pytest.mark.parametrize("audio", [PCM16_24K, MULAW_8K])
def test_well_behaved_client_has_no_faults(profile: str, audio: AudioFormat) -> None:
    client = ModelClient({"profile": profile, "replies": [{"on": "speech", "say": "Hello!"}]}, audio=audio)
    client.configure()
    client.speak(800)
    client.quiet(1500)
    assert client.faults == []
    assert client.model.unmet == []
    assert client.last("response.done")["response"]["status"] == "completed"
    assert client.now == pytest.approx(2.4)


def test_audio_is_sent_in_the_format_it_declares() -> None:
    client = ModelClient({"profile": "xai"}, audio=PCM16_8K)
    client.configure()
    client.speak(100)
    assert client.model.received["input_audio_buffer.append"] == 5
    assert client.session()["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 8000}


def test_messages_keep_their_times_until_they_are_forgotten() -> None:
    client = ModelClient({"profile": "xai", "ping_s": 1})
    client.wait(2.5)
    assert client.at == [0, 0, 0, 1, 2]
    client.forget()
    assert client.messages == client.at == client.raw == []
    with pytest.raises(IndexError):
        client.last("ping")


def test_hum_is_as_long_as_its_text() -> None:
    assert len(hum("12345")) == 5 * 60 * 8
    assert base64.b64encode(hum("1"))
