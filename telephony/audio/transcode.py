"""From the format one side speaks to the format the other side speaks, as a stream."""

from __future__ import annotations

import math
from collections.abc import Sequence

from telephony.audio.format import AudioFormat
from telephony.audio.g711 import DIRECT, Conversion
from telephony.audio.resample import Resampler


class Transcoder:
    """One direction of one call. How the stream is cut into payloads never changes a byte of what comes out.

    Between 8, 16 and 24 kHz in mu-law, A-law and PCM16 every pair works; at the same rate only the encoding changes,
    and at the same format payloads pass through untouched.

    Raises:
        ValueError: the rates differ and there is no resampler between them.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self.source = source
        self.target = target
        self.identity = source == target
        """Both sides speak the same format: `feed` returns the very object it was given."""
        self._resampler = None if source.rate == target.rate else Resampler(source.rate, target.rate)
        self._before, self._after = _conversions(source, target)
        common = math.gcd(source.rate, target.rate)
        self.grain = source.bytes_per_sample * (source.rate // common)
        """Bytes: for each multiple of it as much comes out at once as it is long, wherever in the stream it stands."""
        self._grain_out = target.bytes_per_sample * (target.rate // common)
        self._carry = b""
        """The first half of a PCM16 sample whose second half has not come yet; model deltas may end anywhere."""

    @property
    def delay(self) -> float:
        """Seconds by which the filter delays the sound; 0 where the rate stays."""
        return self._resampler.delay if self._resampler else 0.0

    def feed(self, payload: bytes) -> bytes:
        """Take the next piece of the stream, of any length, and return all that is due on the other side."""
        if self.identity:
            return payload
        if self.source.encoding == "pcm16":
            payload = self._whole(payload)
        if self._before:
            payload = self._before(payload)
        if self._resampler:
            payload = self._resampler.feed(payload)
        return self._after(payload) if self._after else payload

    def feed_all(self, payloads: Sequence[bytes]) -> list[bytes]:
        """What `feed` gives for each of *payloads*, all multiples of `grain`, in one go: a resampler does a second of
        audio much faster than fifty times a fiftieth."""
        if self.identity:
            return list(payloads)
        out = self.feed(b"".join(payloads))
        pieces, start = [], 0
        for payload in payloads:
            end = start + len(payload) // self.grain * self._grain_out
            pieces.append(out[start:end])
            start = end
        return pieces

    def reset(self) -> None:
        """Forget the past: the next piece starts a new stream."""
        self._carry = b""
        if self._resampler:
            self._resampler.reset()

    def _whole(self, payload: bytes) -> bytes:
        if self._carry:
            payload = self._carry + payload
        even = len(payload) & ~1
        self._carry = payload[even:]
        return payload[:even]

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


def _conversions(source: AudioFormat, target: AudioFormat) -> tuple[Conversion | None, Conversion | None]:
    """What happens before and after the resampler, which only knows PCM16."""
    if source.rate == target.rate:
        return DIRECT.get((source.encoding, target.encoding)), None
    return DIRECT.get((source.encoding, "pcm16")), DIRECT.get(("pcm16", target.encoding))
