"""Calls whose caller was sent on, and who may come back.

Between the end of the stream and the carrier's word of what became of it, nobody speaks with the caller; the call's
record stays open all the same, and whoever comes back is in the same call. If no bad news has come while it may have
rung, the caller speaks with whoever they were sent to: the record ends there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.commands import HangUp, Sending
from telephony.records import CallRecord, Termination
from telephony.settings import Ran
from telephony.tools.hidden import hide

SLACK = 15.0
"""Seconds beyond the time it may ring in which bad news must come: the carrier may ring some seconds longer."""
MOVED = "moved"
"""`Absent.back` of a call that was left for another process between two turns."""
BROKEN_OFF = "broken off"
"""The same of one whose process has died."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.away")


class Absent(msgspec.Struct):
    """A call whose caller was sent on."""

    record: CallRecord
    """As it ended, if they do not come back."""
    agent: str
    """Who sent them."""
    sending: Sending | None
    """How they were sent on; None if the call itself went on elsewhere."""
    from_number: str
    to_number: str
    parts: int = 1
    """How many streams the call has had."""
    state: dict[str, Any] = {}
    """What the tools of the call keep for themselves."""
    functions: tuple[Ran, ...] = ()
    """What its functions have done."""
    metadata: dict[str, str] = {}
    """What came with the call, for them."""
    max_cost: float | None = None
    """What the call may cost, by the limits of all agents who had it."""
    back: str = ""
    """What became of it, once the caller is on the way back."""
    unrecorded: bool = False
    """Whether the caller does not agree to be recorded."""
    hidden: dict[str, bool] = {}
    """What nobody may read; see `telephony.tools.hidden`. It is written nowhere."""


class Away:
    """Those of one process. *finish* keeps a record that is complete, and is bounded."""

    def __init__(self, finish: Callable[[CallRecord], Awaitable[None]]) -> None:
        self._finish = finish
        self._absent: dict[str, Absent] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._absent

    def hold(self, call_id: str, absent: Absent) -> None:
        """The caller was sent on."""
        self._absent[call_id] = absent
        self._wait(call_id, (absent.sending.timeout if absent.sending else 0) + SLACK)

    def adopt(self, call_id: str, absent: Absent, seconds: float) -> None:
        """A call that another process carried is to be connected with its agent here, within so many *seconds*."""
        self._absent[call_id] = absent
        self._wait(call_id, seconds)

    def expect(self, call_id: str, outcome: str, seconds: float) -> Absent | None:
        """The carrier says that nobody took the caller, who is to be connected with the agent again within so many
        *seconds*. None if nothing is known of the call, or they are on their way already."""
        absent = self._absent.get(call_id)
        if absent is None or absent.back:
            return None
        absent.back = outcome
        self._wait(call_id, seconds)
        return absent

    def returned(self, call_id: str) -> Absent | None:
        """The caller is back: from here on the record is the call's again, and what was hidden in it is so again. To be
        asked in the call's own task."""
        absent = self._absent.get(call_id)
        if absent is None or not absent.back:
            return None
        self._forget(call_id)
        for value, typed in absent.hidden.items():
            hide(value, typed=typed)
        return absent

    def adopted(self, call_id: str) -> Absent | None:
        """A call of another process that is still to be connected here."""
        absent = self._absent.get(call_id)
        return absent if absent and absent.sending is None else None

    def hung_up(self, call_id: str) -> None:
        """The caller has hung up, wherever they were."""
        if absent := self._absent.get(call_id):
            how = "caller hung up while being put through" if absent.sending else "caller hung up"
            self.over(call_id, Termination("completed", "caller", how))

    def over(self, call_id: str, ending: Termination | None = None) -> None:
        """The caller does not come back. *ending*: how the call ended, if otherwise than by being sent on."""
        if absent := self._forget(call_id):
            absent.record.termination = ending or absent.record.termination
            task = asyncio.get_running_loop().create_task(self._end(absent), name=f"{call_id} record of a sent caller")
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Nobody comes back any more. Bounded by what keeps the records."""
        for call_id in list(self._absent):
            self.over(call_id)
        if self._ending:
            await asyncio.wait(self._ending)

    def _wait(self, call_id: str, seconds: float) -> None:
        if timer := self._timers.pop(call_id, None):
            timer.cancel()
        self._timers[call_id] = asyncio.get_running_loop().call_later(seconds, self.over, call_id)

    def _forget(self, call_id: str) -> Absent | None:
        if timer := self._timers.pop(call_id, None):
            timer.cancel()
        return self._absent.pop(call_id, None)

    async def _end(self, absent: Absent) -> None:
        try:
            await self._finish(absent.record)
        except Exception as failure:  # noqa: BLE001  the boundary of a task that nobody awaits
            _log.error("the record of a call was not kept", call=absent.record.id, exc_info=failure)


def sent_on(command: HangUp | None) -> Sending | None:
    """How the caller was sent on, if it was the agent who did."""
    return command.sending if command and command.transfer_to else None
