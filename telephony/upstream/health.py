"""Whether a deployment may be asked for a session: a circuit breaker, pure and clocked.

Closed while it is well, open while it cools down, half open when that is over: then one session at a time may try, and
its success closes the circuit. What comes late is not held against it: a session that began before the deployment went
bad or came back tells nothing about what it is now.
"""

from __future__ import annotations

import math
from collections import deque

import msgspec

from telephony.upstream.failures import Failure

WINDOW = 60.0
"""Seconds within which failures count together, as in LiteLLM ("fails per minute")."""
FATAL = 600.0
"""Seconds a deployment with a wrong key, name or account is left alone: somebody has to do something first."""
LONGEST = 3600.0
"""Seconds beyond which no `Retry-After` is believed."""


class Cooling(msgspec.Struct, frozen=True):
    """Why a deployment is left alone, and until when."""

    since: float
    until: float
    why: str


_CLOSED = Cooling(-math.inf, -math.inf, "")
"""Well."""


class Health:
    """The circuit of one deployment. *cooldown* in seconds; *allowed_fails* are forgiven within a minute."""

    def __init__(self, cooldown: float, allowed_fails: int) -> None:
        self.cooling = _CLOSED
        self._cooldown = cooldown
        self._allowed = allowed_fails
        self._fails: deque[float] = deque()
        self._recovered = -math.inf
        self._probing = False

    def is_willing(self, now: float) -> bool:
        """Whether it may be asked: it is well, or its cool-down is over and nobody else is trying it just now."""
        return self.cooling is _CLOSED or (now >= self.cooling.until and not self._probing)

    def begin(self, now: float) -> bool:
        """A session is about to be opened. Returns whether it is the probe; then `end` must be called for it."""
        if self.cooling is _CLOSED or self._probing or now < self.cooling.until:
            return False
        self._probing = True
        return True

    def end(self) -> None:
        """The probe is over, whether or not it told anything."""
        self._probing = False

    def succeeded(self, began: float, now: float) -> None:
        """A session that was asked for at *began* is established."""
        if self.cooling is not _CLOSED and began >= self.cooling.since:
            self.cooling = _CLOSED
            self._recovered = now
            self._fails.clear()

    def failed(self, began: float, failure: Failure, now: float) -> None:
        """A session that was asked for at *began* failed, sooner or later."""
        if failure.kind == "benign" or began < self._recovered:
            return
        if self.cooling is not _CLOSED and (began < self.cooling.since or now < self.cooling.until):
            if failure.kind == "fatal":  # a longer cool-down than the one it has
                self._open(failure, now)
            return
        self._fails.append(now)
        while self._fails[0] <= now - WINDOW:
            self._fails.popleft()
        probed = self.cooling is not _CLOSED
        if probed or failure.kind != "elsewhere" or len(self._fails) > self._allowed:
            self._open(failure, now)

    def _open(self, failure: Failure, now: float) -> None:
        length = FATAL if failure.kind == "fatal" else self._cooldown
        length = max(length, min(failure.retry_after, LONGEST))
        self.cooling = Cooling(now, max(now + length, self.cooling.until), failure.why)
