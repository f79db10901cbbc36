"""What waits to be sent on one socket: bounded in milliseconds of audio, because that is what a caller would hear.

A peer that reads slowly must cost neither memory nor time. Audio that nobody reads grows stale, so the oldest goes when
there is more than the bound; a control message is never dropped, for a lost `clear` or tool output cannot be made up.
"""

from __future__ import annotations

from collections import deque

CONTROL_LIMIT = 10_000
"""Control messages that may wait. A healthy socket holds a handful; this many mean that it is stuck."""


class Outbox:
    """A queue of messages in the order in which they were put, less the audio that was dropped.

    Audio and control messages lie in two deques joined by a running number, so that dropping the oldest audio never
    searches.
    """

    def __init__(self, audio_bound_ms: float) -> None:
        self.audio_ms = 0.0
        """Milliseconds of audio that wait."""
        self.dropped_ms = 0.0
        """Milliseconds of audio dropped since the beginning."""
        self.dropped = 0
        """Messages they were in."""
        self.size = 0
        """Length of everything that waits: bytes, or characters where it is text (JSON has hardly more bytes)."""
        self._bound_ms = audio_bound_ms
        self._next = 0
        self._audio: deque[tuple[int, str | bytes, float]] = deque()
        self._control: deque[tuple[int, str | bytes]] = deque()

    def put(self, message: str | bytes, audio_ms: float = 0.0) -> None:
        """Add a message; *audio_ms* above 0 marks it as audio. The newest audio stays even if it alone is too long."""
        self._next += 1
        self.size += len(message)
        if audio_ms <= 0:
            self._control.append((self._next, message))
            return
        self._audio.append((self._next, message, audio_ms))
        self.audio_ms += audio_ms
        while self.audio_ms > self._bound_ms and len(self._audio) > 1:
            _, lost, lost_ms = self._audio.popleft()
            self.size -= len(lost)
            self.audio_ms -= lost_ms
            self.dropped_ms += lost_ms
            self.dropped += 1

    def pop(self) -> str | bytes | None:
        """The oldest message, or None if nothing waits."""
        audio, control = self._audio, self._control
        if audio and (not control or audio[0][0] < control[0][0]):
            _, message, audio_ms = audio.popleft()
            self.audio_ms = self.audio_ms - audio_ms if audio else 0.0  # no sum of floats drifts past an empty queue
        elif control:
            _, message = control.popleft()
        else:
            return None
        self.size -= len(message)
        return message

    @property
    def crowded(self) -> bool:
        """Whether whoever can wait should, before it looks as if the reader were stuck."""
        return len(self._control) > CONTROL_LIMIT // 2

    @property
    def stuck(self) -> bool:
        """Whether more control messages wait than any reader would leave."""
        return len(self._control) > CONTROL_LIMIT

    def __len__(self) -> int:
        return len(self._audio) + len(self._control)
