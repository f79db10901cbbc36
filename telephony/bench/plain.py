"""The floor of single steps: the same work with `json`, `base64` and `audioop`, as one would write it in an afternoon.

`audioop.ratecv` interpolates linearly, so it costs less than a filter and lets everything above 4 kHz fold back into
the voice. It is what most bridges use, and a fair measure of how much time there is to be had.
"""

from __future__ import annotations

import base64
import json
import warnings
from typing import Any

with warnings.catch_warnings():
    # As in `audio.g711`: the module comes from a distribution of its own where the standard library has dropped it.
    warnings.filterwarnings("ignore", "'audioop' is deprecated", DeprecationWarning)
    import audioop

WIDTH = 2
"""Bytes per PCM16 sample."""


class PlainTranscoder:
    """Both directions of one call between mu-law at 8 kHz and PCM16 at 24 kHz."""

    def __init__(self) -> None:
        self._up: Any = None
        self._down: Any = None

    def up(self, mulaw: bytes) -> bytes:
        pcm, self._up = audioop.ratecv(audioop.ulaw2lin(mulaw, WIDTH), WIDTH, 1, 8000, 24000, self._up)
        return bytes(pcm)

    def down(self, pcm: bytes) -> bytes:
        narrow, self._down = audioop.ratecv(pcm, WIDTH, 1, 24000, 8000, self._down)
        return bytes(audioop.lin2ulaw(narrow, WIDTH))


class PlainCall:
    """One call in the shortest way: message in, message out, nothing remembered but the filters' state."""

    def __init__(self, stream_id: str) -> None:
        self._stream_id = stream_id
        self._audio = PlainTranscoder()

    def frame(self, message: str) -> str:
        """A carrier's media message to an append for the model."""
        return append(self._audio.up(payload(message)))

    def delta(self, message: str) -> str:
        """A model's delta to a media message for the carrier."""
        return media(self._stream_id, self._audio.down(delta(message)))


def payload(message: str) -> bytes:
    """The audio of a media message."""
    return base64.b64decode(json.loads(message)["media"]["payload"])


def delta(message: str) -> bytes:
    """The audio of a model's delta."""
    return base64.b64decode(json.loads(message)["delta"])


def append(pcm: bytes) -> str:
    """An `input_audio_buffer.append`."""
    return json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()})


def media(stream_id: str, mulaw: bytes) -> str:
    """A media message for the carrier."""
    audio = base64.b64encode(mulaw).decode()
    return json.dumps({"event": "media", "streamSid": stream_id, "media": {"payload": audio}})
