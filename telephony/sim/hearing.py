"""When the agent speaks, as the caller's ear tells it: from the loudness of what the playout buffer really played."""

from __future__ import annotations

import numpy as np

from telephony.audio.g711 import mulaw_to_pcm

WINDOW_MS = 20
"""Length of the windows whose loudness decides."""
PAUSE_MS = 600
"""Silence that ends an utterance. Pauses between sentences are shorter, a turn's end is longer."""
AUDIBLE_DBFS = -45.0
"""Louder than this is speech. Line noise and comfort noise are at −60 dBFS and below."""


_PCM = np.frombuffer(mulaw_to_pcm(bytes(range(256))), "<i2")
_SQUARES = (_PCM / 32768.0) ** 2
"""The square of each mu-law code's amplitude, full scale being 1."""
_AUDIBLE = 10 ** (AUDIBLE_DBFS / 10)


def audible(payload: bytes) -> bool:
    """Whether a window of mu-law is loud enough to be speech."""
    if not payload or payload.count(payload[0]) == len(payload):
        return False
    return bool(_SQUARES[np.frombuffer(payload, np.uint8)].sum() > _AUDIBLE * len(payload))


class Hearing:
    """The agent's utterances so far. Feed it one window after the other; times are milliseconds since the beginning.

    *listening_from* is when the caller last fell silent: what the agent says after it answers the caller. Speech that
    began before and runs on for `CARRIED_OVER_MS` counts too, since it was evidently not interrupted.
    """

    CARRIED_OVER_MS = 1000
    """An interrupted agent may go on for as long as detection and a round trip take, which is less than this."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.speaking = False
        """Whether an utterance is going on, short pauses included."""
        self.began_ms = 0
        """Where the current or last utterance began."""
        self.voiced_ms = 0
        """The end of the last audible window; 0 if nothing was heard yet."""
        self.listening_from = 0
        self.spoken_ms = 0
        """What was audible since the caller began to listen, pauses not counted."""

    def window(self, payload: bytes) -> str | None:
        """Take the next window. Returns `speaks` or `quiet` where that changes."""
        self.now_ms += WINDOW_MS
        if audible(payload):
            self.voiced_ms = self.now_ms
            self.spoken_ms += WINDOW_MS
            if not self.speaking:
                self.speaking = True
                self.began_ms = self.now_ms - WINDOW_MS
                return "speaks"
        elif self.speaking and self.now_ms - self.voiced_ms >= PAUSE_MS:
            self.speaking = False
            return "quiet"
        return None

    def listen(self) -> None:
        """The caller has finished saying or doing something; from here on the agent is expected to react."""
        self.listening_from = self.now_ms
        self.spoken_ms = 0

    def heard_ms(self) -> int:
        """Milliseconds from the beginning of the current utterance, or from when the caller began to listen to it, up
        to the last sound. 0 if the agent is not speaking."""
        if not self.speaking:
            return 0
        return max(0, self.voiced_ms - max(self.began_ms, self.listening_from))

    def quiet_ms(self, since: int = 0) -> int:
        """Milliseconds without a sound up to now, counted no further back than *since*."""
        return self.now_ms - max(self.voiced_ms, since)

    def answered(self) -> bool:
        """Whether something was heard since the caller began to listen."""
        if self.voiced_ms <= self.listening_from:
            return False
        carried_over = self.began_ms < self.listening_from
        return not carried_over or self.voiced_ms - self.listening_from >= self.CARRIED_OVER_MS
