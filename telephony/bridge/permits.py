"""May this agent call that? Every request is judged, counted and written down before anybody dials.

The limit of a call is counted here. That of a day is counted in the store, where all processes share it, in the same
transaction that keeps the row. While the store does not answer, calls go on: this process holds itself to the limit by
what it allowed itself and what it last knew of the others, says so in the log, and puts its rows on the disk. Several
processes together may then allow more than the limit, but none of them more than all of it. Where no row can be made
safe, nothing is allowed.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict, defaultdict, deque
from datetime import datetime, timedelta

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.dialling import Allowed, DialPolicy, Refused, Tally
from telephony.errors import StoreError
from telephony.records import COUNTED_WITH, AuditRow, Refusal, Use
from telephony.store.audit_keeper import AuditKeeper

DAY = timedelta(days=1)
LONGEST = 200
"""Characters of a target that its row keeps."""
CALLS = 10_000
"""Calls whose count is remembered, those that asked last. Nobody has so many at once, and a call that was put through
may come back."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.permits")
_Together = tuple[Use, ...]


class Permits:
    """Those of one process."""

    def __init__(self, policy: DialPolicy, keeper: AuditKeeper) -> None:
        self.policy = policy
        self._keeper = keeper
        self._calls: OrderedDict[str, dict[_Together, int]] = OrderedDict()
        self._today: defaultdict[_Together, deque[datetime]] = defaultdict(deque)
        """When this process allowed something, in the last 24 hours."""
        self._others: defaultdict[_Together, int] = defaultdict(int)
        """How much others had allowed when the store last answered."""

    async def permit(
        self, use: Use, target: str, call_id: str, agent: str, now: datetime, *, caller: str = "", called: str = ""
    ) -> Allowed | Refused:
        """Whether *agent* may use *target* now (UTC); see `DialPolicy.judge`. It takes at most the `PROMPT` and `DISK`
        seconds of `AuditKeeper`, and either answer has left its row. What is allowed counts, whether or not it is then
        done. Who is cancelled while it waits was refused."""
        together = COUNTED_WITH[use]
        row = AuditRow(_name(now), now, call_id, agent, use, target[:LONGEST], "refused")
        tally = Tally(self._calls.get(call_id, {}).get(together, 0), self._own(together, now))
        verdict = self.policy.judge(target, use, agent, tally, caller, called)
        if isinstance(verdict, Refused):
            await self._keeper.keep(msgspec.structs.replace(row, code=verdict.code))
            return verdict
        # Counted before the first wait: requests that are made at once must see each other.
        self._count(call_id, together, now)
        answer: Allowed | Refused | None = None
        try:
            answer = await self._admitted(row, verdict)
        finally:
            if not isinstance(answer, Allowed):
                self._take_back(call_id, together, now)
            if answer is None:
                self._keeper.set_aside_now(msgspec.structs.replace(row, code="over"))
        return answer

    async def refuse(self, use: Use, target: str, call_id: str, agent: str, now: datetime) -> Refused:
        """Leave the row of a *target* that is no number and not looked for in the directory either."""
        row = AuditRow(_name(now), now, call_id, agent, use, target[:LONGEST], "refused")
        verdict = self.policy.judge(target, use, agent)
        return await self._refused(row, verdict.code if isinstance(verdict, Refused) else "unknown")

    # -- the limit of a day --------------------------------------------------------------------------------------------

    async def _admitted(self, row: AuditRow, verdict: Allowed) -> Allowed | Refused:
        """*verdict*, if the day has room for it and its row is safe."""
        together, most = COUNTED_WITH[row.use], self.policy.limit(row.use)[1]
        allowed = msgspec.structs.replace(row, verdict="allowed", number=verdict.number)
        try:
            counted = await self._keeper.admit(allowed, most, row.at - DAY)
        except StoreError as error:
            return await self._admitted_alone(allowed, verdict, str(error))
        self._others[together] = max(0, counted - self._own(together, row.at) + 1)
        if counted < most:
            return verdict
        return await self._refused(row, "per_day")

    async def _admitted_alone(self, allowed: AuditRow, verdict: Allowed, why: str) -> Allowed | Refused:
        """The same without the store."""
        together, most = COUNTED_WITH[allowed.use], self.policy.limit(allowed.use)[1]
        counted = self._others[together] + self._own(together, allowed.at)  # this one included
        _log.warning("the limit of a day is counted by this process alone", error=why, counted=counted, most=most)
        row = msgspec.structs.replace(allowed, verdict="refused", number="")
        if counted > most:
            refused = msgspec.structs.replace(row, code="per_day")
            await self._keeper.set_aside(refused)
            return self.policy.refuse("per_day", row.use, row.agent)
        if await self._keeper.set_aside(allowed) == "spooled":
            return verdict
        self._keeper.remember(msgspec.structs.replace(row, code="unrecorded"), "nothing is allowed that leaves no row")
        return self.policy.refuse("unrecorded", row.use, row.agent)

    async def _refused(self, row: AuditRow, code: Refusal) -> Refused:
        await self._keeper.keep(msgspec.structs.replace(row, code=code))
        return self.policy.refuse(code, row.use, row.agent)

    # -- counting ------------------------------------------------------------------------------------------------------

    def _own(self, together: _Together, now: datetime) -> int:
        times = self._today[together]
        while times and times[0] <= now - DAY:
            times.popleft()
        return len(times)

    def _count(self, call_id: str, together: _Together, now: datetime) -> None:
        counts = self._calls.setdefault(call_id, {})
        counts[together] = counts.get(together, 0) + 1
        self._calls.move_to_end(call_id)
        self._today[together].append(now)
        while len(self._calls) > CALLS:
            self._calls.popitem(last=False)

    def _take_back(self, call_id: str, together: _Together, now: datetime) -> None:
        counts = self._calls.get(call_id)
        if counts is not None:
            counts[together] -= 1
        if now in self._today[together]:
            self._today[together].remove(now)


def _name(now: datetime) -> str:
    """Sorts by time, and is unique for ever."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(6)}"
