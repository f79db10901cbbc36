"""Whether audio is loud enough to be somebody speaking: a guess, and cheap enough for every frame.

It counts samples instead of measuring energy, because for G.711 that is one pass of C over the bytes without decoding.
"""

from __future__ import annotations

import functools

from telephony.audio.format import AudioFormat
from telephony.audio.g711 import alaw_to_pcm, mulaw_to_pcm, pcm_to_mulaw

LOUD = 1000
"""Amplitude of PCM16 from which a sample counts as loud, -30 dBFS; speech on a telephone line lies around -20."""
FAINT = 260
"""The same for a voice from far away, -42 dBFS; the noise of a line lies below -50."""
SHARE = 0.2
"""Share of loud samples that makes a stretch loud; a voice passes through zero all the time."""


_CODES = bytes(range(256))


@functools.cache
def _quiet(encoding: str, amplitude: int) -> bytes:
    """The codes of samples below *amplitude*."""
    samples = memoryview(alaw_to_pcm(_CODES) if encoding == "alaw" else mulaw_to_pcm(_CODES)).cast("h")
    return bytes(code for code, sample in enumerate(samples) if abs(sample) < amplitude)


def is_loud(payload: bytes, audio: AudioFormat, amplitude: int = LOUD) -> bool:
    """Whether somebody may be speaking in *payload*, of the format *audio*. Nothing is not loud."""
    if audio.encoding == "pcm16":
        payload = pcm_to_mulaw(payload[: len(payload) // 2 * 2])
    return len(payload.translate(None, _quiet(audio.encoding, amplitude))) > SHARE * len(payload)
