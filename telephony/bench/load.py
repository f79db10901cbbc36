"""One call of the load: both its far ends, Twilio's and the model's, outside the process that is measured.

The caller talks all the time, 20 ms a message. The model answers for two seconds out of four, in real time and 100 ms a
message, and the caller interrupts the last words of each answer. Marks come back when what is before them was played.

Latency is the time from writing a message here to reading here the last of what it became, so it holds this side's own
loop too; that is why the floor is measured under the same load. What comes out is in the order of what went in; that
nothing is missing, which would shift it, is seen by counting.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import Callable

from telephony.audio.format import MULAW_8K, AudioFormat
from telephony.bench import messages
from telephony.bench.frames import Client, Server

TICK = messages.FRAME_MS / 1000
"""Seconds between two frames of the caller's."""
CYCLE = 200
"""Ticks from one answer of the model's to the next."""
FIRST, LAST = 10, 110
"""Ticks of a cycle in which the model speaks: from, and up to but not including."""
INTERRUPTED, CLOSED, SILENT = 107, 112, 180
"""Ticks of a cycle at which the caller talks over it, at which the response is closed, and at which the turn ends."""

Clock = Callable[[], float]


class Flow:
    """One kind of thing on its way through the relay, of one call."""

    def __init__(self, what: str, milliseconds: list[float], gaps: list[float] | None = None) -> None:
        self.what = what
        self.sent = self.arrived = 0
        self._milliseconds = milliseconds
        self._gaps = gaps
        self._under_way: deque[float] = deque()
        self._came: float | None = None

    def go(self, now: float) -> None:
        self.sent += 1
        self._under_way.append(now)

    def come(self, now: float) -> None:
        self.arrived += 1
        if self._gaps is not None and self._came is not None:
            self._gaps.append((now - self._came) * 1000)
        self._came = now
        if self._under_way:
            self._milliseconds.append((now - self._under_way.popleft()) * 1000)

    def lose(self) -> None:
        """Nothing of what is under way will come any more."""
        self._under_way.clear()
        self.pause()

    def pause(self) -> None:
        """What comes next does not follow what came last."""
        self._came = None

    @property
    def complaint(self) -> str:
        """Empty if as much arrived as was sent. Only to be asked when all of it has had the time."""
        return "" if self.sent == self.arrived else f"Of {self.sent} {self.what}, {self.arrived} arrived."


class Latencies:
    """Milliseconds that things took in all calls of a load, until cleared."""

    def __init__(self) -> None:
        self.inward: list[float] = []
        """From the caller's frame to the model."""
        self.outward: list[float] = []
        """From the model's delta to the caller."""
        self.barge_in: list[float] = []
        """From `speech_started` to `clear`."""
        self.gaps_in: list[float] = []
        """Between two frames of the caller's that the model gets."""
        self.gaps_out: list[float] = []
        """Between two pieces of one answer that the caller gets."""

    def take_gaps(self) -> tuple[list[float], list[float]]:
        """Those so far, in this order, which are forgotten here."""
        taken = (self.gaps_in[:], self.gaps_out[:])
        self.gaps_in.clear()
        self.gaps_out.clear()
        return taken

    def take(self) -> tuple[list[float], list[float], list[float]]:
        """Everything so far, in this order, which is forgotten here."""
        rows = (self.inward, self.outward, self.barge_in)
        taken = (self.inward[:], self.outward[:], self.barge_in[:])
        for row in rows:
            row.clear()
        return taken


class CallLoad:
    """One call between two open ends, whose stream has begun."""

    def __init__(
        self,
        carrier: Client,
        model: Server,
        stream_id: str,
        speech: AudioFormat,
        latencies: Latencies,
        delta_ms: int = messages.DELTA_MS,
    ) -> None:
        """*delta_ms*: what a delta of the model's holds."""
        self.carrier = carrier
        self.model = model
        self.latencies = latencies
        self._clock = asyncio.get_running_loop().time
        self._inward = Flow("frames of the caller's", latencies.inward, latencies.gaps_in)
        self._outward = Flow("deltas of the model's", latencies.outward, latencies.gaps_out)
        self._barge_in = Flow("interruptions", latencies.barge_in)
        self._media = messages.MediaWriter(stream_id)
        self._playout = _Playout(carrier, stream_id, delta_ms)
        self._agent = _Agent(model, speech, delta_ms)
        self._per_delta = delta_ms // messages.FRAME_MS
        self._append_length = len(messages.noise(speech, messages.FRAME_MS)) * 4 // 3
        self._ticks = 0
        carrier.on_text = self._caller_hears
        model.skip = self._model_hears

    @property
    def complaints(self) -> list[str]:
        """What went missing."""
        return [flow.complaint for flow in (self._inward, self._outward, self._barge_in) if flow.complaint]

    async def talk(self, offset: int) -> None:
        """Tick on an exact grid, *offset* ticks into the model's cycle, until cancelled or either end is gone. After a
        stall it catches up."""
        due = self._clock()
        while not (self.carrier.closing or self.model.closing):
            self._tick(offset)
            due += TICK
            await asyncio.sleep(due - self._clock())

    def hang_up(self) -> None:
        """The caller goes; whoever answers the phone closes the sockets."""
        self._playout.stop()

    def _tick(self, offset: int) -> None:
        now = self._clock()
        self._playout.return_marks(now)
        self._inward.go(now)
        self.carrier.send(self._media(self._ticks).encode())
        place = (self._ticks + offset) % CYCLE
        if place % self._per_delta == 0 and FIRST <= place < LAST and self._agent.begun:
            self._outward.go(now)
            self._agent.speak()
        elif place == INTERRUPTED and self._agent.begun:
            self._barge_in.go(now)
            self._agent.interrupted(self._ticks)
        elif place in (0, CLOSED, SILENT):
            self._outward.pause()
            self._agent.turn(place, self._ticks)
        self._ticks += 1

    def _model_hears(self, length: int) -> bool:
        """Audio is told by its length; made-up silence, which fills a stall, is longer. Nothing else matters here."""
        if self._append_length <= length < 2 * self._append_length:
            self._inward.come(self._clock())
        return True

    def _caller_hears(self, message: bytes) -> None:
        now = self._clock()
        if message.startswith(b'{"event":"media"'):
            for _ in range(self._playout.play(now, message)):
                self._outward.come(now)
        elif message.startswith(b'{"event":"mark"'):
            self._playout.mark(message)
        elif message.startswith(b'{"event":"clear"'):
            self._barge_in.come(now)
            self._outward.lose()
            self._playout.clear(now)


class _Playout:
    """Twilio's buffer: when what was sent has been played, and the marks behind it."""

    def __init__(self, carrier: Client, stream_id: str, delta_ms: int) -> None:
        self._carrier = carrier
        self._delta_ms = delta_ms
        self._stream_id = stream_id
        self._marks: deque[tuple[float, str]] = deque()
        self._until = 0.0
        self._begun_ms = 0.0

    def play(self, now: float, message: bytes) -> int:
        """Audio has come; returns how many deltas of the model's it completes. A relay that was held up may have cut
        them differently."""
        audio = message[message.rindex(b':"') + 2 : message.rindex(b'"')]
        heard_ms = MULAW_8K.milliseconds(base64.b64decode(audio))
        self._until = max(self._until, now) + heard_ms / 1000
        complete, self._begun_ms = divmod(self._begun_ms + heard_ms, self._delta_ms)
        return int(complete)

    def mark(self, message: bytes) -> None:
        self._marks.append((self._until, json.loads(message)["mark"]["name"]))

    def clear(self, now: float) -> None:
        """Nothing more is played, and every mark returns (Twilio docs, "Media Streams: clear message")."""
        self._until = now
        self._begun_ms = 0.0
        self.return_marks(float("inf"))

    def stop(self) -> None:
        """The stream is over."""
        self._carrier.send(messages.stop(self._stream_id).encode())

    def return_marks(self, now: float) -> None:
        while self._marks and self._marks[0][0] <= now:
            self._carrier.send(messages.mark(self._marks.popleft()[1], self._stream_id).encode())


class _Agent:
    """The model's words."""

    def __init__(self, model: Server, speech: AudioFormat, delta_ms: int) -> None:
        self._model = model
        self._pcm = messages.noise(speech, delta_ms)
        self._delta = b""
        self._response = ""

    @property
    def begun(self) -> bool:
        """Whether there was an answer yet; the first cycle may be entered in its middle."""
        return bool(self._delta)

    def speak(self) -> None:
        self._model.send(self._delta)

    def interrupted(self, ticks: int) -> None:
        self._tell(messages.speech_started(f"caller_{ticks}", ticks * messages.FRAME_MS))

    def turn(self, place: int, ticks: int) -> None:
        """What else is said at *place* of the cycle."""
        if place == 0:
            self._response, item = f"resp_{ticks}", f"item_{ticks}"
            self._delta = messages.audio_delta(self._response, item, self._pcm).encode()
            self._tell(messages.response_created(self._response))
            self._tell(messages.words(self._response, item, "Whatever it is that an agent says."))
        elif place == CLOSED and self.begun:
            self._tell(messages.response_done(self._response, "cancelled"))
        elif place == SILENT and self.begun:
            self._tell(messages.speech_stopped(f"caller_{ticks}", ticks * messages.FRAME_MS))
            self._tell(messages.caller_said(f"caller_{ticks}", "Whatever it is that a caller says."))

    def _tell(self, message: str) -> None:
        self._model.send(message.encode())
