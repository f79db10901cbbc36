"""Prepared messages are read by our codecs for what they are meant to be."""

from __future__ import annotations

import pytest

from telephony import events as ev
from telephony.audio.format import MULAW_8K, PCM16_24K
from telephony.bench import messages
from telephony.carriers.twilio import TwilioStream
from telephony.realtime import dialect
from telephony.settings import SessionConfig


def test_carrier_messages_are_those_of_one_stream() -> None:
    carrier = TwilioStream()
    (started,) = carrier.decode(messages.start(parameters={"token": "t"}))
    assert started == ev.CallStarted(messages.CALL_ID, messages.STREAM_ID, MULAW_8K, messages.ACCOUNT, {"token": "t"})
    media = messages.MediaWriter()
    assert [event.at_ms for number in range(3) for event in carrier.decode(media(number))] == [0, 20, 40]  # type: ignore[attr-defined]
    assert carrier.decode(messages.mark("m1")) == [ev.MarkReached("m1")]
    assert carrier.decode(messages.stop()) == [ev.CarrierStopped()]
    assert carrier.faults == carrier.ignored == 0


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (messages.speech_started("c", 40), ev.SpeechStarted("c", 40)),
        (messages.speech_stopped("c", 80), ev.SpeechStopped("c", 80)),
        (messages.caller_said("c", "Hi."), ev.CallerTranscript("c", "Hi.", final=True)),
        (messages.response_created("r"), ev.ResponseStarted("r")),
        (messages.words("r", "i", "Hi."), ev.ModelTranscript("r", "i", "Hi.")),
        (messages.audio_delta("r", "i", b"\1\2"), ev.ModelAudio("r", "i", b"\1\2", 0)),
        (messages.response_done("r", "cancelled"), ev.ResponseDone("r", "cancelled")),
    ],
)
def test_model_messages_mean_what_they_say(message: str, event: ev.Event) -> None:
    assert dialect("xai", SessionConfig()).decode(message) == [event]


def test_accepted_session_is_ready() -> None:
    (ready,) = dialect("xai", SessionConfig()).decode(
        messages.session_updated({"turn_detection": {"type": "server_vad"}})
    )
    assert isinstance(ready, ev.SessionReady)
    assert ready.turn_detection is True


@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_24K])
def test_noise_has_the_length_asked_for_and_is_the_same_each_time(audio: messages.AudioFormat) -> None:
    assert len(messages.noise(audio, 20)) == audio.bytes_in(20)
    assert messages.noise(audio, 20, seed=1) == messages.noise(audio, 20, seed=1) != messages.noise(audio, 20)
