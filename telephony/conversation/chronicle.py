"""What is kept of a call so that somebody can say later why it was silent.

Others write into it where things happen anyway; nobody in the conversation reads it, so that it cannot decide anything.
What has an owner already (turns, tools, what was played) is not kept a second time: `evidence` takes it from there.
"""

from __future__ import annotations

from telephony.conversation.playback import LOCAL, Playback
from telephony.records import Evidence, Moment, MomentKind, Stretch, ToolUse, Turn

KEPT = 5000
"""Moments kept of one call: hours of lively talk. A call that has more is not explained any further."""
LATE = 0.25
"""Seconds a timer may be late before it is worth a line; the carrier has more than that in hand."""
TOGETHER = 0.5
"""Seconds between two sounds on the caller's line that count as one."""


class Chronicle:
    """Moments and stretches of one call. Times are seconds on the call's clock."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.full_at: float | None = None
        self._owed: list[Stretch] = []
        self._owed_since: float | None = None
        self._unheard: list[Stretch] = []

    def add(self, what: MomentKind, now: float, detail: str = "", seconds: float = 0.0) -> None:
        """Something happened."""
        if self._has_room(now):
            self.moments.append(Moment(now, what, detail, seconds))

    def woke(self, due: float | None, now: float) -> None:
        """Conclusions are drawn *now*; they were to be drawn at *due* at the latest."""
        if due is not None and now >= due + LATE:
            self.add("woke late", now, seconds=now - due)

    def owes(self, owing: bool, now: float) -> None:
        """Whether from now on the caller has to wait for the agent."""
        if owing and self._owed_since is None:
            self._owed_since = now
        elif not owing and self._owed_since is not None:
            if self._has_room(now):
                self._owed.append(Stretch(self._owed_since, now))
            self._owed_since = None

    def unheard(self, since: float, until: float) -> None:
        """There was sound on the caller's line, and the model was not given it."""
        if self._unheard and since <= self._unheard[-1].until + TOGETHER:
            since = self._unheard.pop().since
        if self._has_room(until):
            self._unheard.append(Stretch(since, until))

    def evidence(
        self,
        playback: Playback,
        turns: list[Turn],
        tools: list[ToolUse],
        now: float,
        *,
        stalled: list[Stretch],
    ) -> Evidence:
        """All that is known of the call by *now*."""
        until = now if self.full_at is None else min(now, self.full_at)
        owed = list(self._owed)
        if self._owed_since is not None:
            owed.append(Stretch(self._owed_since, now))
        return Evidence(
            until=until,
            turns=turns,
            tools=tools,
            moments=list(self.moments),
            agent=playback.audible_stretches(until),
            owed=owed,
            stalled=list(stalled),
            unheard=list(self._unheard),
            recorded=frozenset(item for item in playback.items if item.startswith(LOCAL)),
        )

    def _has_room(self, now: float) -> bool:
        if len(self.moments) + len(self._owed) + len(self._unheard) < KEPT:
            return True
        if self.full_at is None:
            self.full_at = now
        return False
