"""The simulated carrier's messages to us: numbered as Twilio numbers them, on time or as late as the faults say.

`sequenceNumber` counts every message after `connected` from "1"; `chunk` counts media messages from "1"; `timestamp` is
the milliseconds from the stream's start to the frame's first sample. All three are JSON strings. A frame lost on the
way still uses up its numbers.
"""

from __future__ import annotations

import binascii
import heapq
from typing import Any

import msgspec

from telephony.sim.caller_faults import CallerFaults
from telephony.sim.chance import Chance


class StreamIds(msgspec.Struct, frozen=True):
    """Who a stream belongs to. The defaults have Twilio's form: two letters and 32 hexadecimal digits."""

    account: str = "AC" + "0" * 31 + "1"
    call: str = "CA" + "0" * 31 + "1"
    stream: str = "MZ" + "0" * 31 + "1"


class _Waiting(msgspec.Struct, order=True):
    """A message on its way. Heaps compare the first two fields only, since *order* is unique."""

    due: float
    order: int
    message: dict[str, Any]
    numbered: bool = True
    lost: bool = False


class Line:
    """One stream's messages, from `connected` to `stop`."""

    def __init__(self, ids: StreamIds, faults: CallerFaults) -> None:
        self.ids = ids
        self._faults = faults
        self._faithful = faults == CallerFaults()
        self._waiting: list[_Waiting] = []
        self._order = 0
        self._sequence = 0
        self._chunk = 0
        self._latest_media = 0.0
        self._mark_chance = Chance(faults.seed, "marks")
        self._frame_chance = Chance(faults.seed, "frames")

    def start(self, parameters: dict[str, str], now: float) -> None:
        """Queue `connected` and `start`."""
        somleng = self._faults.variant == "somleng"
        start: dict[str, Any] = {
            "accountSid": self.ids.account,
            "streamSid": self.ids.stream,
            "callSid": self.ids.call,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }
        message: dict[str, Any] = {"event": "start", "streamSid": self.ids.stream, "start": start}
        (message if somleng else start)["customParameters"] = dict(parameters)
        self._put({"event": "connected", "protocol": "Call", "version": "1.0.0"}, now, numbered=False)
        self._put(message, now)

    def frame(self, payload: bytes, at_ms: int, now: float) -> None:
        """Queue a media frame whose first sample is *at_ms* after the stream's start."""
        self._chunk += 1
        media: dict[str, Any] = {
            "track": "inbound",
            "chunk": self._count(self._chunk),
            "timestamp": self._count(at_ms),
            "payload": binascii.b2a_base64(payload, newline=False).decode("ascii"),
        }
        media = {key: value for key, value in media.items() if value is not None}
        message = {"event": "media", "streamSid": self.ids.stream, "media": media}
        if self._faithful:
            self._put(message, now)
            return
        due = self._media_due(now)
        self._put(message, due, lost=self._frame_chance.happens(self._faults.frames_lost))
        if self._frame_chance.happens(self._faults.frames_doubled):
            self._put(message, due)

    def key(self, digit: str, now: float) -> None:
        """Queue a key press. It comes with the frames, never before them."""
        message = {"event": "dtmf", "streamSid": self.ids.stream, "dtmf": {"track": "inbound_track", "digit": digit}}
        self._put(message, self._media_due(now))

    def mark(self, name: str, now: float) -> None:
        """Queue the return of a mark."""
        chance = self._mark_chance
        if self._faithful:
            self._put(self._mark_message(name), now)
            return
        due = now + chance.up_to(self._faults.marks_late_ms) / 1000
        if chance.happens(self._faults.marks_unknown):
            self._put(self._mark_message(f"unknown-{self._order}"), due)
        lost, doubled = chance.happens(self._faults.marks_lost), chance.happens(self._faults.marks_doubled)
        if lost:
            return
        self._put(self._mark_message(name), due)
        if doubled:
            self._put(self._mark_message(name), due)

    def stop(self, now: float) -> None:
        """Queue `stop`; everything still on its way is due at once, and `stop` comes last."""
        for order, waiting in enumerate(sorted(self._waiting)):
            waiting.due, waiting.order = now, order - len(self._waiting)
        heapq.heapify(self._waiting)
        ids = {"accountSid": self.ids.account, "callSid": self.ids.call}
        self._put({"event": "stop", "streamSid": self.ids.stream, "stop": ids}, now)

    def release(self, now: float) -> list[str]:
        """The messages that are due, in order, as JSON."""
        messages = []
        while self._waiting and self._waiting[0].due <= now:
            waiting = heapq.heappop(self._waiting)
            if waiting.numbered:
                self._sequence += 1
            if not waiting.lost:
                messages.append(self._write(waiting))
        return messages

    def deadline(self) -> float | None:
        return self._waiting[0].due if self._waiting else None

    def _put(self, message: dict[str, Any], due: float, *, numbered: bool = True, lost: bool = False) -> None:
        self._order += 1
        heapq.heappush(self._waiting, _Waiting(due, self._order, message, numbered, lost))

    def _media_due(self, now: float) -> float:
        """When a frame made at *now* arrives: late by jitter, at the end of its burst, after the frame before it."""
        due = now + self._frame_chance.up_to(self._faults.jitter_ms) / 1000
        if self._faults.burst_ms:
            burst = self._faults.burst_ms / 1000
            due = max(due, (int(now / burst + 1e-6) + 1) * burst)
        self._latest_media = max(due, self._latest_media)
        return self._latest_media

    def _mark_message(self, name: str) -> dict[str, Any]:
        return {"event": "mark", "streamSid": self.ids.stream, "mark": {"name": name}}

    def _count(self, number: int) -> str | int | None:
        if self._faults.counters == "strings":
            return str(number)
        return number if self._faults.counters == "integers" else None

    def _write(self, waiting: _Waiting) -> str:
        message = waiting.message
        sequence = self._count(self._sequence) if waiting.numbered else None
        if sequence is not None:
            message = {"event": message["event"], "sequenceNumber": sequence, **message}
        return msgspec.json.encode(message).decode()
