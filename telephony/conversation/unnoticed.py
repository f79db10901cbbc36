"""Whether the caller seems to speak to nobody: sound on the line, and not a word from the model about it.

A socket whose other end is gone without a word takes what is sent into it for a while, and pings notice that only after
some seconds. A caller who speaks is the best moment to ask: a model that is there says so within a second. That it says
nothing may have other reasons (a noise that is no speech, a server that tells nothing of turns), so nothing follows but
the question whether the socket is alive.
"""

from __future__ import annotations

from telephony.audio.format import AudioFormat
from telephony.audio.level import is_loud

ENOUGH = 0.4
"""Seconds of loud audio that may be speech."""
NOTICE = 2.0
"""Seconds from its beginning in which a model says that it hears the caller."""
AGAIN = 10.0
"""Seconds between one question and the next."""


class Unnoticed:
    """Listens to the caller's frames. Times are seconds on the call's clock."""

    def __init__(self, audio: AudioFormat) -> None:
        self._audio = audio
        self._loud = 0.0
        self._since = 0.0
        self._not_before = 0.0

    def frame(self, payload: bytes, seen_at: float, now: float) -> bool:
        """Whether to ask if the model is there. *seen_at*: when it last showed that it is."""
        if seen_at >= self._since:
            self._loud = 0.0
        if is_loud(payload, self._audio):
            if not self._loud:
                self._since = now
            self._loud += self._audio.seconds(payload)
        if self._loud < ENOUGH or now < max(self._since + NOTICE, self._not_before):
            return False
        self._loud = 0.0
        self._not_before = now + AGAIN
        return True
