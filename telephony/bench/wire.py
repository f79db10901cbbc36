"""`bench wire`: what reading and writing one message costs, beside `json` and `base64` doing the same."""

from __future__ import annotations

from telephony.audio.format import MULAW_8K, PCM16_24K
from telephony.bench import messages, plain
from telephony.bench.figures import Figure
from telephony.bench.timing import BLOCK, BLOCKS, compare
from telephony.carriers.twilio import TwilioStream
from telephony.commands import AppendAudio, Play
from telephony.realtime import dialect
from telephony.settings import SessionConfig

UNIT = "µs/message"


def measure(blocks: int = BLOCKS, block: float = BLOCK) -> list[Figure]:
    """The four messages of which a call consists nearly all the time: a frame of 20 ms each way at the carrier, one
    of 20 ms to the model, and a delta of 100 ms from it."""
    carrier = TwilioStream()
    carrier.decode(messages.start())
    model = dialect("xai", SessionConfig())
    frame = messages.MediaWriter()(0)
    delta = messages.audio_delta("resp_1", "item_1", messages.noise(PCM16_24K, messages.DELTA_MS))
    mulaw = messages.noise(MULAW_8K, messages.FRAME_MS)
    pcm = messages.noise(PCM16_24K, messages.FRAME_MS)
    pairs = {
        "carrier_decode": (lambda: carrier.decode(frame), lambda: plain.payload(frame)),
        "carrier_encode": (lambda: carrier.encode(Play(mulaw, 0.0)), lambda: plain.media(messages.STREAM_ID, mulaw)),
        "model_decode": (lambda: model.decode(delta), lambda: plain.delta(delta)),
        "model_encode": (lambda: model.encode(AppendAudio(pcm)), lambda: plain.append(pcm)),
    }
    figures = []
    for name, (step, floor) in pairs.items():
        figures += compare(step, floor, blocks=blocks, block=block).figures(f"wire.{name}", UNIT)
    return figures
