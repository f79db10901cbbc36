"""Audio formats as realtime models spell them: `{"type": "audio/pcm", "rate": 24000}` today, `"pcm16"` in the beta."""

from __future__ import annotations

from typing import Any

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_24K, AudioFormat
from telephony.realtime.reading import JsonObject

_G711 = {"audio/pcmu": MULAW_8K, "audio/pcma": ALAW_8K}
_BETA = {"pcm16": PCM16_24K, "g711_ulaw": MULAW_8K, "g711_alaw": ALAW_8K}


def to_wire(audio: AudioFormat) -> JsonObject:
    """The format object for *audio*. G.711 has one rate only, and OpenAI rejects the key there."""
    if audio.encoding == "pcm16":
        return {"type": "audio/pcm", "rate": audio.rate}
    return {"type": "audio/pcmu" if audio.encoding == "mulaw" else "audio/pcma"}


def from_wire(value: Any) -> AudioFormat | None:
    """The format that *value* stands for, or None for anything we cannot speak (Opus, xAI's `not specified`)."""
    if isinstance(value, str):
        return _BETA.get(value)
    if not isinstance(value, dict):
        return None
    kind = value.get("type")
    if kind == "audio/pcm":
        rate = value.get("rate", PCM16_24K.rate)
        return AudioFormat("pcm16", rate) if isinstance(rate, int) and rate > 0 else None
    return _G711.get(kind) if isinstance(kind, str) else None
