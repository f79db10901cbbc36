"""The watchdogs: what happens when nothing happens. Each is a point in time and a consequence; the machine enacts it.

dead air       the caller is owed an answer and hears nothing    → ask again, then ask another model
silence        neither side says anything                        → "are you still there?", then goodbye
duration       the call has lasted long enough                   → a warning, then goodbye
stream         the carrier sends nothing at all                  → the call is lost
"""

from __future__ import annotations

from telephony.settings import Limits

NUDGES = 1
"""How often a silent model is asked again before another one is looked for."""


class Watchdogs:
    """The bounds of a call that is going on. Times are seconds on the call's clock."""

    def __init__(self, limits: Limits, now: float, lasted: float = 0.0) -> None:
        """*lasted*: seconds of the call before *now*."""
        self.limits = limits
        """Those of the agent who has the call."""
        self.longest = limits.max_duration
        """Seconds that the call may last: what the agent allows who took it."""
        self.ends_at = now + limits.max_duration - lasted
        soon = limits.max_duration_warning
        self.warns_at = self.ends_at - soon if 0 < soon <= limits.max_duration / 2 else None
        """When the caller is told that the call ends soon; None if they have been, or are not to be."""
        self.prompts = 0
        """How often the silent caller has been asked."""
        self.nudges = 0
        """How often the silent model has been asked again since it last spoke."""
        self._waited = 0.0
        """Seconds the caller has waited before, since the agent was last heard or asked."""
        self._owed_since: float | None = None
        self._quiet_since: float | None = None

    # -- dead air --------------------------------------------------------------------------------------------------

    def owe(self, now: float) -> None:
        """From now on the caller waits for an answer."""
        if self._owed_since is None:
            self._owed_since = now

    def answered(self) -> None:
        """The caller hears the agent: nothing is owed. Nothing else pays the debt."""
        self._owed_since = None
        self._waited = 0.0
        self.nudges = 0

    def paused(self, now: float) -> None:
        """The caller speaks, or a tool runs, which has a bound of its own: this time does not count. What was waited
        before does, or a caller who says "hello?" into a dead line would keep it dead."""
        if self._owed_since is not None:
            self._waited += now - self._owed_since
            self._owed_since = None

    def nudged(self, now: float) -> None:
        self.nudges += 1
        self._waited = 0.0
        self._owed_since = now

    @property
    def owed_since(self) -> float | None:
        """Since when the caller has waited without speaking; None if nothing is owed."""
        return self._owed_since

    def dead_air(self, now: float) -> bool:
        bark = self._dead_air_at()
        return bark is not None and now >= bark

    def _dead_air_at(self) -> float | None:
        return None if self._owed_since is None else self._owed_since + self.limits.dead_air - self._waited

    # -- silence ---------------------------------------------------------------------------------------------------

    def quiet_from(self, since: float) -> None:
        """Both sides are silent, or will be from *since* on."""
        self._quiet_since = since

    def not_quiet(self) -> None:
        self._quiet_since = None

    def caller_spoke(self) -> None:
        self.prompts = 0
        self._quiet_since = None

    def silence(self, now: float) -> bool:
        if self._quiet_since is None or self.limits.caller_silence == 0:
            return False
        return now >= self._quiet_since + self.limits.caller_silence

    # -- time ------------------------------------------------------------------------------------------------------

    def deadline(self) -> float:
        """Seconds: when one of them barks next."""
        at = self.ends_at if self.warns_at is None else self.warns_at
        if (bark := self._dead_air_at()) is not None:
            at = min(at, bark)
        if self._quiet_since is not None and self.limits.caller_silence:
            at = min(at, self._quiet_since + self.limits.caller_silence)
        return at
