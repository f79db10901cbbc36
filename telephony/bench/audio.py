"""`bench audio`: what transcoding 20 ms of a call costs, beside linear interpolation by `audioop.ratecv`."""

from __future__ import annotations

from telephony.audio.format import MULAW_8K, PCM16_24K
from telephony.audio.transcode import Transcoder
from telephony.bench import messages
from telephony.bench.figures import Figure
from telephony.bench.plain import PlainTranscoder
from telephony.bench.timing import BLOCK, BLOCKS, compare

UNIT = "µs/20 ms"


def measure(blocks: int = BLOCKS, block: float = BLOCK) -> list[Figure]:
    """Both directions to a model at 24 kHz, and a model that speaks the telephone's own format."""
    mulaw = messages.mulaw_frame()
    pcm = messages.noise(PCM16_24K, messages.FRAME_MS)
    plain = PlainTranscoder()
    up, down = Transcoder(MULAW_8K, PCM16_24K), Transcoder(PCM16_24K, MULAW_8K)
    same = Transcoder(MULAW_8K, MULAW_8K)
    pairs = {
        "mulaw_to_pcm24k": (lambda: up.feed(mulaw), lambda: plain.up(mulaw)),
        "pcm24k_to_mulaw": (lambda: down.feed(pcm), lambda: plain.down(pcm)),
        "pcmu": (lambda: same.feed(mulaw), lambda: plain.up(mulaw)),
    }
    figures = []
    for name, (step, floor) in pairs.items():
        figures += compare(step, floor, blocks=blocks, block=block).figures(f"audio.{name}", UNIT)
    return figures
