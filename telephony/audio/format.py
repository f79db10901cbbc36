"""What a stretch of audio is made of: encoding, rate, and the arithmetic between bytes, samples and milliseconds."""

from __future__ import annotations

from typing import Literal

import msgspec

Encoding = Literal["mulaw", "alaw", "pcm16"]


class AudioFormat(msgspec.Struct, frozen=True):
    """A mono audio format. PCM is signed 16 bit little-endian."""

    encoding: Encoding
    rate: int
    """Samples per second."""

    @property
    def bytes_per_sample(self) -> int:
        return 2 if self.encoding == "pcm16" else 1

    def samples(self, payload: bytes) -> int:
        """Whole samples in *payload*."""
        return len(payload) // self.bytes_per_sample

    def seconds(self, payload: bytes) -> float:
        return self.samples(payload) / self.rate

    def milliseconds(self, payload: bytes) -> float:
        # Asked for several times a frame, hence without asking the others.
        return len(payload) // (2 if self.encoding == "pcm16" else 1) * 1000 / self.rate

    def bytes_in(self, milliseconds: float) -> int:
        """Bytes of the largest whole number of samples within *milliseconds*."""
        return int(milliseconds * self.rate / 1000) * self.bytes_per_sample

    def silence(self, milliseconds: float) -> bytes:
        """Digital silence; 0xFF and 0xD5 are the smallest amplitudes of mu-law and A-law (G.711)."""
        quiet = {"mulaw": b"\xff", "alaw": b"\xd5", "pcm16": b"\x00"}[self.encoding]
        return quiet * self.bytes_in(milliseconds)

    def __str__(self) -> str:
        return f"{self.encoding}/{self.rate}"


MULAW_8K = AudioFormat("mulaw", 8000)
"""Twilio Media Streams; `audio/pcmu` on a realtime model."""
ALAW_8K = AudioFormat("alaw", 8000)
"""`audio/pcma` on a realtime model."""
PCM16_8K = AudioFormat("pcm16", 8000)
PCM16_16K = AudioFormat("pcm16", 16000)
PCM16_24K = AudioFormat("pcm16", 24000)
"""What realtime models speak by default."""
