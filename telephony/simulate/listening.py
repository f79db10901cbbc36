"""What a caller says and types while Twilio itself listens, without a media stream: for `<Record>` and `<Gather>`.

The caller is driven as on a stream; only nobody hears it but Twilio.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from telephony.sim.caller import SimulatedCaller
from telephony.sim.caller_line import StreamIds
from telephony.sim.hearing import audible
from telephony.simulate.live import LiveCall

KEY = 0.3
"""Seconds until a key that was pressed is let go."""

End = Literal["key", "enough", "silence", "full", "caller hung up", "told otherwise"]


class Heard(msgspec.Struct):
    """What came of it."""

    audio: bytearray = msgspec.field(default_factory=bytearray)
    """mu-law at 8000 Hz."""
    spoken: bool = False
    """Whether there was any sound."""
    keys: str = ""
    """Without the one that ended it."""
    end: End = "silence"


class Bounds(msgspec.Struct, frozen=True):
    """What ends the listening."""

    silence: float
    """Seconds without a key or, where *sounds* count, without a sound."""
    longest: float
    """Seconds in all."""
    finish_on: str = ""
    """Keys."""
    digits: int = 0
    """So many keys; 0: no number of them."""
    sounds: bool = True


async def listen(caller: SimulatedCaller, live: LiveCall, clock: Callable[[], float], bounds: Bounds) -> Heard:
    """Until one of *bounds* is reached, the caller hung up or the REST API wants something."""
    ear = _Ear(bounds, clock())
    messages = caller.open(ear.began, {}, StreamIds(live.account_sid, live.sid))
    while True:
        now = clock()
        for message in [*messages, *caller.tick(now)]:
            ear.take(json.loads(message), now)
        messages = []
        end: End | None = "caller hung up" if caller.ended else "told otherwise" if live.told else ear.end(now)
        if end:
            ear.heard.end = end
            caller.leave(now)
            return ear.heard
        deadline = caller.deadline()
        await live.pause(max(0.0, (now if deadline is None else deadline) - now))


class _Ear:
    """What Twilio has heard so far. Times are seconds of the caller's clock."""

    def __init__(self, bounds: Bounds, now: float) -> None:
        self.heard = Heard()
        self.began = now
        self._bounds = bounds
        self._last = now
        self._finished_at: float | None = None
        """When a key ended it, which is then let go of."""

    def take(self, event: dict[str, Any], now: float) -> None:
        if self._finished_at is not None:
            return
        if "media" in event:
            frame = binascii.a2b_base64(event["media"]["payload"])
            self.heard.audio += frame
            if self._bounds.sounds and audible(frame):
                self.heard.spoken, self._last = True, now
        elif "dtmf" in event:
            key, self._last = event["dtmf"]["digit"], now
            if key in self._bounds.finish_on:
                self._finished_at = now
            else:
                self.heard.keys += key

    def end(self, now: float) -> End | None:
        bounds = self._bounds
        if self._finished_at is not None:
            return "key" if now >= self._finished_at + KEY else None
        if bounds.digits and len(self.heard.keys) >= bounds.digits:
            return "enough"
        if now - self.began >= bounds.longest:
            return "full"
        return "silence" if now - self._last >= bounds.silence else None
