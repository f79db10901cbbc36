"""Which of the model's sessions the call lives in, and which one is to follow it.

A call outlives its sessions: they are lost, fall silent, or reach the provider's limit. One is current, at most one is
coming:

    asked for ──► connected ──► ready ──► current ──► closed
        └─────────────┴───────────┴──────────────────►

Why one is coming decides when it takes over. `first` and `lost`: at once, for nobody is there. `suspect`: at once, too,
unless the current one speaks after all and is forgiven. `rotate`: between two turns. `handover`: it is another agent's,
who waits until what the present one says was heard.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from telephony.commands import OpenSession
from telephony.events import SessionReady
from telephony.settings import Limits

Why = Literal["first", "lost", "suspect", "rotate", "handover"]

READY_TIME = 4.0
"""Seconds a connected model has for `session.updated`; then the call goes on without it, or with another."""
PEACE = 60.0
"""Seconds a session must have lived for its end to be one in the course of things: it is then not held against the
deployment, nor counted together with those before."""
ROTATE_AGAIN = 30.0
"""Seconds between attempts to replace a session that is well and getting old."""
FOR_SILENCE = 1.5
"""Seconds a session that is to replace one that is well waits for a moment in which nobody is heard at all; then it is
enough that everything the agent is heard to say has come."""


class Coming(msgspec.Struct):
    """A session that was asked for. Times are seconds on the call's clock."""

    number: int
    why: Why
    until: float
    """When it is given up; once it is ready, until when it waits for silence."""
    model: str = ""
    connected_at: float | None = None
    ready: SessionReady | None = None
    resumed: bool = False
    """Whether the provider showed that it remembers the conversation."""
    conversation_id: str = ""
    failed: str = ""
    """What was wrong with the one before."""


class Sessions:
    """The sessions of one call, by number. Times are seconds on the call's clock."""

    def __init__(self, limits: Limits, now: float) -> None:
        self.current: int | None = None
        self.coming: Coming | None = Coming(0, "first", now + limits.connect)
        self.gone = False
        """Whether nothing more is asked of any model."""
        self.away_since = now
        """Since when nobody is there, where `current` is None."""
        self.seen_at = now
        """The current one's latest sign of life."""
        self.broke_off = False
        """Whether the agent's last words broke off, and nobody has gone on with them."""
        self.alone = False
        """Whether another one was looked for and not found since the current one last spoke."""
        self.limits = limits
        self._conversation_id = ""
        self._count = 1
        self._since = now
        self._replaced = 0
        self._rotates_at = math.inf

    # -- the one that comes ------------------------------------------------------------------------------------------

    def open(self, why: Why, now: float, failed: str = "") -> OpenSession | None:
        """Ask for another one; None if as many as a call may have in so short a time have failed. *failed*: what is
        wrong with the current one or the one before.

        The provider is asked to resume the conversation only where nobody is in it any more: what was said while a
        second session waits for its turn is not known to have reached that one.
        """
        if why not in ("rotate", "handover"):
            if self._replaced >= self.limits.replacements:
                return None
            self._replaced += 1
        since = self.away_since if why in ("first", "lost") else now  # all attempts share one budget
        self.coming = Coming(self._count, why, since + self.limits.connect, failed=failed)
        self._count += 1
        blamed = failed if why == "suspect" else ""  # of one that is lost, whoever closed it has told
        return OpenSession(self.coming.number, blamed, self._conversation_id if why == "lost" else "")

    def connected(self, model: str, now: float) -> None:
        """The socket of the one that is coming is open: it has `READY_TIME` now, and no longer than it had before."""
        if self.coming:
            self.coming.connected_at, self.coming.model = now, model
            self.coming.until = min(self.coming.until, now + READY_TIME)

    def acknowledged(self, ready: SessionReady, now: float) -> bool:
        """A session is ready. Whether it is the one that is coming."""
        if not self.coming or self.coming.number != ready.session:
            return False
        self.coming.ready, self.coming.until = ready, now + FOR_SILENCE
        return True

    def is_coming(self, number: int) -> bool:
        return self.coming is not None and self.coming.number == number

    @property
    def suspected(self) -> bool:
        """Whether the current one is to be replaced unless it speaks."""
        return self.coming is not None and self.coming.why == "suspect"

    def forgive(self) -> int:
        """The one that is coming for the sake of the current one's silence is not wanted any more. Returns its number.
        A suspicion that was wrong counts for nothing."""
        self._replaced = max(0, self._replaced - 1)
        return self.withdraw(0.0)

    def withdraw(self, now: float) -> int:
        """The one that is coming is not wanted, or not to be had. Returns its number."""
        coming, self.coming = self.coming, None
        if coming is None:
            return -1
        if coming.why == "rotate":
            self._rotates_at = now + ROTATE_AGAIN
        return coming.number

    # -- the current one ---------------------------------------------------------------------------------------------

    def take_over(self, now: float) -> None:
        """The one that is coming is current from here on."""
        coming, self.coming = self.coming, None
        if coming is not None:
            self.current = coming.number
            self._since = self.seen_at = now
            self.alone = False
            begun_at = now if coming.connected_at is None else coming.connected_at
            self._rotates_at = begun_at + self.limits.session if self.limits.session else math.inf
            self._conversation_id = coming.conversation_id

    def lose(self, now: float) -> int | None:
        """The current one, if there is one, is of no more use. Returns its number."""
        lost, self.current = self.current, None
        if lost is None:
            return None
        self.away_since = now
        if not self.is_young(now):
            self._replaced = 0
        return lost

    def is_young(self, now: float) -> bool:
        """Whether the current one has lived too briefly for its end to be anybody's time limit."""
        return now - self._since < PEACE

    def outlived(self, now: float) -> bool:
        """Whether the current one is old enough to be replaced."""
        return self.current is not None and self.coming is None and now >= self._rotates_at

    def deadline(self) -> float:
        """Seconds: when one is given up, need not wait for silence any longer, or is replaced next."""
        if self.coming is None:
            return self._rotates_at if self.current is not None else math.inf
        return self.coming.until
