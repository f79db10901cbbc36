"""The floor of single steps does the work it is a floor of."""

from __future__ import annotations

import json

from telephony.audio.format import MULAW_8K, PCM16_24K
from telephony.bench import messages, plain
from telephony.carriers.twilio import TwilioStream
from telephony.events import CallerAudio


def test_plain_call_turns_a_frame_into_as_much_audio_for_the_model() -> None:
    call = plain.PlainCall(messages.STREAM_ID)
    sent = json.loads(call.frame(messages.MediaWriter()(0)))
    assert sent["type"] == "input_audio_buffer.append"
    assert PCM16_24K.bytes_in(19) < len(sent["audio"]) * 3 // 4 <= PCM16_24K.bytes_in(20)  # ratecv begins late


def test_plain_call_turns_a_delta_into_as_much_audio_for_the_carrier() -> None:
    call = plain.PlainCall(messages.STREAM_ID)
    delta = messages.audio_delta("resp_1", "item_1", messages.noise(PCM16_24K, 100))
    sent = call.delta(delta)
    assert json.loads(sent)["streamSid"] == messages.STREAM_ID
    assert len(plain.payload(sent)) == MULAW_8K.bytes_in(100)


def test_payload_is_what_our_own_codec_reads() -> None:
    message = messages.MediaWriter()(0)
    carrier = TwilioStream()
    carrier.decode(messages.start())
    assert carrier.decode(message) == [CallerAudio(plain.payload(message), 0)]
