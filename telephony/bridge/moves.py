"""Calls that go on in another process: left there by this one, or taken over from one that has left them or died.

What another process must know is written down (`journal`) as the call grows, and before every function begins, so that
one that is to run once runs once. A call with secrets has no journal.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Protocol

from telephony.bridge.away import Absent, Away
from telephony.bridge.bridge import Bridge
from telephony.bridge.journal import Journal
from telephony.bridge.scribe import Caller, Scribe
from telephony.events import ServerMoving
from telephony.records import CallRecord, Termination
from telephony.tools.hidden import current

PROMPT = 0.5
"""Seconds that a function waits until it is written down that it begins."""
HUNG_UP = Termination("completed", "caller", "caller hung up")


class Live(Protocol):
    """What is known here of calls."""

    @property
    def live(self) -> Mapping[str, Bridge]: ...
    @property
    def away(self) -> Away: ...
    @property
    def past(self) -> Mapping[str, bool]: ...


class Moves:
    """Those of one process. *known* has its calls."""

    def __init__(self, journal: Journal, known: Live) -> None:
        self._journal = journal
        self._known = known
        self._moving = False

    # -- from here ---------------------------------------------------------------------------------------------------

    def allow(self, caller: Caller, scribe: Scribe, bridge: Bridge, *, agreed: bool) -> None:
        """The call may go on in another process. To be asked in the call's own task."""
        hidden = current()

        def absent() -> Absent:
            return scribe.absent(caller, bridge, bridge.context, agreed=agreed, hidden=hidden)

        async def move() -> None:
            scribe.going(bridge.exchange, bridge)
            await self._journal.leave(caller.call_id, absent(), lambda: bridge.exchange.is_still(bridge.now))

        async def keep() -> None:
            scribe.grow(bridge.exchange, bridge)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROMPT):
                    await self._journal.keep(caller.call_id, absent())

        bridge.move, bridge.keep = move, keep
        if self._moving:
            bridge.feed(ServerMoving())

    def move_on(self) -> None:
        """Another process is there for the calls of this one. Those that may go on there do so at their next turn; the
        others stay to their end."""
        self._moving = True
        for bridge in list(self._known.live.values()):
            if bridge.move:
                bridge.feed(ServerMoving())

    async def over(self, call_id: str) -> None:
        """A call is over: nothing is kept for another process any more. It raises nothing."""
        await self._journal.drop(call_id)

    # -- to here -----------------------------------------------------------------------------------------------------

    async def take_over(self, call_id: str, seconds: float) -> Absent | None:
        """A call whose stream has ended in another process and that is to be connected with its agent here within so
        many *seconds*; None if there is no such. Bounded. One that is to end takes it as well: it would not be asked if
        there were others."""
        known = self._known
        if call_id in known.live or call_id in known.past:
            return None
        if call_id in known.away:
            return known.away.adopted(call_id)
        if absent := await self._journal.take(call_id):
            known.away.adopt(call_id, absent, seconds)
        return absent

    async def left(self, call_id: str) -> CallRecord | None:
        """The complete record of a call that was left for whoever takes it, and whose caller has hung up instead; None
        if there is no such. Bounded."""
        known = self._known
        if call_id in known.live or call_id in known.past or call_id in known.away:
            return None
        absent = await self._journal.take(call_id)
        if absent:
            absent.record.termination = HUNG_UP
        return absent.record if absent else None
