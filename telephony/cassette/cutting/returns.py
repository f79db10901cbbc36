"""Which marks come back when a recorded call is performed with other audio before it: those of what was played.

Names cannot be kept, for they are counted from the beginning of a call. Nor can numbers: a call that begins in the
middle of an answer marks the rest of it at other places. But a mark that came back told how much had been played, and
whatever the new call has marked up to there comes back in its place.
"""

from __future__ import annotations

from typing import Any

from telephony.cassette.brief import kind_of, sound_of
from telephony.cassette.format import Line

SLACK = 160
"""Bytes by which two places may be apart and still be the same: 20 ms of the telephone's audio, its own grain."""

Place = tuple[int, int]
"""How often the carrier's buffer was cleared, and bytes of audio sent since."""


class Sent:
    """What went to the carrier on one side."""

    def __init__(self) -> None:
        self.place: Place = (0, 0)
        self.marks: dict[str, Place] = {}
        """Where each mark stands that has not come back."""

    def see(self, line: Line) -> None:
        """A message for the carrier."""
        clears, sent = self.place
        message = line.message
        match kind_of(message):
            case "media":
                self.place = (clears, sent + len(sound_of(line) or b""))
            case "clear":
                self.place = (clears + 1, 0)
            case "mark":
                self.marks[mark_of(message)] = self.place


class Returns:
    """Marks of the recorded call, and those of the new one."""

    def __init__(self) -> None:
        self.then = Sent()
        self.now = Sent()

    def begin(self, unheard: int) -> None:
        """The new call begins here; *unheard*: bytes that the recorded one had sent and the caller had yet to hear."""
        clears, sent = self.then.place
        heard = sent - unheard
        self.then.marks = {name: (0, at[1] - heard) for name, at in self.then.marks.items() if at[0] == clears}
        self.then.place = (0, unheard)

    def came_back(self, name: str) -> list[str]:
        """Marks of the new call that come back where *name* did."""
        at = self.then.marks.pop(name, None)
        if at is None:
            return []
        everything = at == self.then.place  # whatever went out has been played, here as there
        reached = (at[0], at[1] + SLACK)
        names = [name for name, place in self.now.marks.items() if everything or place <= reached]
        for each in names:
            del self.now.marks[each]
        return names


def mark_of(message: Any) -> str:
    """The name in a mark; empty if there is none."""
    mark = message.get("mark") if isinstance(message, dict) else None
    name = mark.get("name") if isinstance(mark, dict) else None
    return name if isinstance(name, str) else ""
