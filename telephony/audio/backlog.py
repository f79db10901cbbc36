"""Audio that came faster than it can be played, and is taken from the front a tenth of a second at a time."""

from __future__ import annotations

from collections import deque


class Backlog:
    """Bytes in the order in which they were added. Neither adding nor taking moves what is there: a model may be
    minutes ahead, and a `bytearray` of that size is copied whenever it has to grow."""

    def __init__(self, payload: bytes) -> None:
        self.size = len(payload)
        """Bytes that are there."""
        self._pieces = deque([payload])
        self._at = 0
        """Bytes of the first piece that were taken."""

    def add(self, payload: bytes) -> None:
        """Put *payload* behind what is there."""
        self._pieces.append(payload)
        self.size += len(payload)

    def take(self, size: int) -> bytes:
        """Remove and return the first *size* bytes, or as many as there are."""
        pieces, taken = self._pieces, []
        left = size = min(size, self.size)
        while left:
            piece = pieces[0]
            part = piece[self._at : self._at + left]
            left -= len(part)
            self._at += len(part)
            if self._at == len(piece):
                pieces.popleft()
                self._at = 0
            taken.append(part)
        self.size -= size
        return taken[0] if len(taken) == 1 else b"".join(taken)
