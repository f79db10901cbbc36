"""Status callbacks: whoever asked is told how things go, in order, and nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec

from telephony.simulate.live import LiveCall
from telephony.simulate.requests import Courier, Fields, call_fields

MOST_WAITING = 1000
"""Callbacks that wait to be told; the oldest is dropped."""


class Callbacks(msgspec.Struct, frozen=True):
    """Who wants to be told, and of what."""

    url: str = ""
    method: str = "POST"
    events: tuple[str, ...] = ("completed",)


class CallbackFaults(msgspec.Struct, frozen=True):
    """What a network does to status callbacks."""

    twice: bool = False
    """Each one comes twice."""
    backwards: bool = False
    """All come when the call is over, the last one first."""


class Teller:
    """Tells *callbacks* of what happens. `run` it beside whatever happens; `close` ends it once all is told."""

    def __init__(self, courier: Courier, callbacks: Callbacks, faults: CallbackFaults | None = None) -> None:
        self._courier = courier
        self._callbacks = callbacks
        self._faults = faults or CallbackFaults()
        self._told = 0
        self._waiting: list[tuple[str, Fields]] = []
        self._changed = asyncio.Event()
        self._closed = False

    def tell(self, event: str, fields: Fields) -> None:
        """Something happened. Nothing is told that nobody asked for."""
        if not self._callbacks.url or event not in self._callbacks.events:
            return
        numbered = [*fields, ("SequenceNumber", str(self._told)), ("Timestamp", format_datetime(datetime.now(UTC)))]
        self._told += 1
        del self._waiting[: max(0, len(self._waiting) - MOST_WAITING + 1)]
        self._waiting += [(event, numbered)] * (2 if self._faults.twice else 1)
        self._changed.set()

    def close(self) -> None:
        """Nothing more will happen."""
        self._closed = True
        self._changed.set()

    async def run(self) -> None:
        """Until it is closed and everything is told."""
        while not self._closed or self._waiting:
            if self._waiting and (self._closed or not self._faults.backwards):
                event, fields = self._waiting.pop(-1 if self._faults.backwards else 0)
                await self._courier.tell(event, self._callbacks.url, self._callbacks.method, fields)
            else:
                self._changed.clear()
                await self._changed.wait()


def progress(live: LiveCall, extra: Iterable[tuple[str, str]] = ()) -> Fields:
    """What a call's status callback says besides its number and time. `Duration` is in minutes, rounded up."""
    fields = [
        (name, "initiated" if (name, value) == ("CallStatus", "queued") else value) for name, value in call_fields(live)
    ]
    fields += [("CallbackSource", "call-progress-events"), *extra]
    if live.over:
        fields += [("CallDuration", str(live.duration)), ("Duration", str(-(-live.duration // 60)))]
    return fields
