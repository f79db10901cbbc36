"""What functions of ours want of the call itself and have not got yet: keys sounded, keys collected, a message taken.

Each errand is answered once by `ErrandDone`, whatever becomes of it; `running_errands` enacts them. While the caller is
asked for something secret, or leaves a message, the model hears silence in place of them.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from telephony.commands import Command, ErrandDone, MessageAudio, Note
from telephony.conversation.transcript import Transcript
from telephony.events import KeysWanted, MessageWanted

Outcome = Literal["ok", "timeout", "spoke", "cut", "busy", "over"]
HIDDEN = "•"
"""Stands for a secret key in the transcript."""
TAIL = 1.0
"""Seconds beyond the last secret key in which its tone may still arrive: the carrier tells of a key at once, and its
audio may wait in a buffer. A key too many comes then as well."""
LINGER = 6.0
"""The same where the number did not come whole, or only a pause says that it has: whoever reads it off a card may still
be typing it."""
NOTHING_SAID = 2
"""Times the silence that ends a message in which nothing at all was said."""
PIECE = 1.0
"""Seconds of a message that are passed on together: what a process that dies may lose."""


class Collecting(msgspec.Struct):
    """Keys that are being collected. Times are seconds on the call's clock."""

    wanted: KeysWanted
    since: float
    """From when on the caller can be expected to begin."""
    tries: int
    """How often it may still be asked for."""
    keys: str = ""
    started_at: float = 0.0
    pressed_at: float = 0.0
    ended: bool = False
    """Whether nothing more is to come: enough keys, or the one that ends them."""

    def press(self, key: str, now: float) -> None:
        """A key of the caller's."""
        if not self.keys:
            self.started_at = now
        self.pressed_at = now
        if key == self.wanted.terminator:
            self.ended = True
            return
        self.keys += key
        self.ended = len(self.keys) >= self.wanted.most

    @property
    def enough(self) -> bool:
        return len(self.keys) >= self.wanted.least

    def due_at(self, ends_at: float) -> float:
        """When nothing more is waited for; *ends_at*: when the caller will have heard what is being said."""
        if self.keys:
            return self.pressed_at + self.wanted.between
        return max(self.since, ends_at) + self.wanted.patience


class Taking(msgspec.Struct):
    """A message that is being taken. Times are seconds on the call's clock."""

    wanted: MessageWanted
    began_at: float | None = None
    """When the tone before it had been heard."""
    sound_at: float | None = None
    """The caller's latest sound in it."""
    seconds: float = 0.0
    ended: bool = False
    """Whether the caller pressed a key."""
    pieces: list[bytes] = []
    """What was not passed on yet."""
    passed_at: float = 0.0

    def pass_on(self, now: float) -> list[Command]:
        """What is there to be kept."""
        self.passed_at = now
        payload, self.pieces = b"".join(self.pieces), []
        return [MessageAudio(self.wanted.errand, payload)] if payload else []

    def due_at(self) -> float:
        """When it is over, if nothing more is said."""
        if self.began_at is None:
            return math.inf
        silence = self.wanted.silence
        quiet = self.began_at + NOTHING_SAID * silence if self.sound_at is None else self.sound_at + silence
        return min(quiet, self.began_at + self.wanted.longest)


class Errands:
    """Those that are open."""

    def __init__(self) -> None:
        self.tones: dict[str, str] = {}
        """Errand to the item that sounds its keys."""
        self.collecting: Collecting | None = None
        self.taking: Taking | None = None
        self._hidden_until = -math.inf
        self._lingers = TAIL
        """Seconds beyond each further key of a secret number that nobody waits for any more."""

    @property
    def awaits_caller(self) -> bool:
        """Whether it is the caller's turn to do something other than talk to the model."""
        return self.collecting is not None or self.taking is not None

    @property
    def any(self) -> bool:
        return self.awaits_caller or bool(self.tones)

    def hides(self, now: float) -> bool:
        """Whether what comes from the caller *now* is nobody's business but the function's."""
        collecting = self.collecting
        return (collecting is not None and collecting.wanted.secret) or now < self._hidden_until

    def straggles(self, now: float) -> bool:
        """Whether a key that is pressed *now* is one of a secret number that nobody waits for any more. Then more of
        them may follow."""
        if now >= self._hidden_until:
            return False
        self._hidden_until = max(self._hidden_until, now + self._lingers)
        return True

    def end_collecting(self, outcome: Outcome, transcript: Transcript, now: float) -> list[Command]:
        """No more keys are collected."""
        collecting, self.collecting = self.collecting, None
        if collecting is None:
            return []
        wanted, keys = collecting.wanted, collecting.keys
        if wanted.secret:
            whole = outcome == "ok" and collecting.ended
            since = collecting.pressed_at if outcome == "ok" else now
            self._lingers = TAIL if whole else LINGER
            self._hidden_until = max(now + TAIL, since + self._lingers)
        if keys:
            shown = HIDDEN * len(keys) if wanted.secret else keys
            transcript.keys(shown, collecting.started_at, collecting.pressed_at)
        return [
            Note("info", "keys collected", {"outcome": outcome, "count": len(keys)}),
            ErrandDone(wanted.errand, outcome, keys, wanted.secret),
        ]

    def end_taking(self, outcome: Outcome, now: float) -> list[Command]:
        """The message is over."""
        taking = self.taking
        if taking is None:
            return []
        pieces = taking.pass_on(now)
        self.taking = None
        seconds = round(taking.seconds, 3)
        note = Note("info", "message taken", {"outcome": outcome, "seconds": seconds})
        return [*pieces, note, ErrandDone(taking.wanted.errand, outcome, seconds=seconds)]

    def close(self, transcript: Transcript, now: float) -> list[Command]:
        """The call ends, and with it whatever is wanted of it."""
        tones: list[Command] = [ErrandDone(errand, "over") for errand in self.tones]
        self.tones.clear()
        return [*tones, *self.end_collecting("over", transcript, now), *self.end_taking("over", now)]
