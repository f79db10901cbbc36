"""The simulated caller: Twilio's side of a media stream with a person at the other end, as an object without a clock.

Theory of operation. A call is one timeline of samples that begins when the call is answered. On it lie, exactly, the
caller's own audio (`said`) and what came out of the earpiece (`heard`). Every 20 ms, on a grid that never drifts, one
frame of the caller's audio goes out, one window of the earpiece goes into the caller's ear, and the script decides what
the caller does in the next 20 ms. So the caller reacts to what was *played*, as people do, and not to what was sent.

Whoever drives it calls `open` once, `receive` for each of our messages, `tick` at or after `deadline()`, and sends what
these return. It can be driven by sockets and a real clock or by a `Clockwork`; it cannot tell the difference.

A stream can end without the call: `detach` it and `open` the next one (Twilio does so when instructions follow a
`<Connect>`). The timeline and the script go on; the numbering begins anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from telephony.errors import ScriptError
from telephony.sim.caller_actor import FRAME_BYTES, FRAME_MS, Actor, Moment
from telephony.sim.caller_faults import CallerFaults
from telephony.sim.caller_inbox import (
    TOO_MUCH_BUFFERED,
    ClearMessage,
    MarkMessage,
    MediaMessage,
    TwilioWarning,
    read,
    suspicious,
)
from telephony.sim.caller_line import Line, StreamIds
from telephony.sim.caller_script import CallerScript, Noise, Play, Say, Sound, recorded
from telephony.sim.hearing import Hearing
from telephony.sim.noise import white_noise
from telephony.sim.playout import Playout

MOST_WARNINGS = 100
"""Different warnings that are kept; the same one is kept once."""

_SLACK = 1e-9
"""Seconds. A driver that waits until exactly `deadline()` may be off by a rounding error."""

EndedBy = Literal["caller", "agent", "server", "carrier"]
"""`agent`: hung up through the REST API or by TwiML. `server`: the media socket was closed and nothing followed.
`carrier`: Twilio itself, after an error or at a limit."""


class Observation(msgspec.Struct, frozen=True):
    """Something that a bystander of the call would have noticed."""

    at: float
    """Seconds since the call was answered."""
    kind: str
    """`stream opened`, `caller speaks`, `caller quiet`, `agent speaks`, `agent quiet`, `cleared`, `key`, `mark`,
    `unmet`, `warning`, `stream closed`, `ended`; from a simulated Twilio also `carrier says`, `carrier dials` and
    `carrier dialled`, with what came of it."""
    text: str = ""


class SimulatedCaller:
    """A caller who follows *script*. *voice* turns words into mu-law at 8000 Hz; *sounds* are the recordings that the
    script plays, by name; *owed* says whether the agent is about to say something, which only `WaitForTurn` asks;
    *observe* is told everything as it happens."""

    def __init__(
        self,
        script: CallerScript,
        voice: Callable[[str], bytes],
        *,
        sounds: Mapping[str, bytes] | None = None,
        owed: Callable[[], bool] = bool,
        faults: CallerFaults | None = None,
        observe: Callable[[Observation], None] | None = None,
    ) -> None:
        self.script = script
        self.warnings: list[TwilioWarning] = []
        """What Twilio would have written into the debugger, each different one once."""
        self.observations: list[Observation] = []
        self.ended = False
        self.ended_by: EndedBy | None = None
        self.playout = Playout(0.0)
        """What was queued and played; its origin is the moment at which the call was answered."""
        self._faults = faults or CallerFaults()
        self._observe = observe
        steps = [step for step in script.steps if isinstance(step, Say | Play | Noise)]
        self._actor = Actor(script, {step: _voiced(step, voice, sounds or {}) for step in steps}, owed)
        self._hearing = Hearing()
        self._stream: _Stream | None = None
        self._answered_at: float | None = None
        self._ended_at = math.inf
        self._said = bytearray()

    @classmethod
    def recorded(
        cls,
        audio: bytes,
        *,
        faults: CallerFaults | None = None,
        observe: Callable[[Observation], None] | None = None,
    ) -> SimulatedCaller:
        """A caller who is a recording (mu-law, 8000 Hz): it plays from the first moment on, then hangs up."""
        return cls(recorded(), _speechless, sounds={"recording": audio}, faults=faults, observe=observe)

    # -- driving it ------------------------------------------------------------------------------------------------

    def open(self, now: float, parameters: Mapping[str, str], ids: StreamIds | None = None) -> list[str]:
        """The media stream is connected. *parameters* are the TwiML's `<Parameter>`s."""
        if self._stream is not None or self.ended:
            raise ScriptError("open() came too often: a caller has one stream at a time, none once the call ended.")
        if self._answered_at is None:
            self._answered_at = now
            self.playout.origin = now
        self._stream = _Stream(Line(ids or StreamIds(), self._faults), now, self.playout.position(now))
        self._said.extend(b"\xff" * (self._stream.first_sample - len(self._said)))
        self._stream.line.start(dict(parameters), now)
        self.note(now, "stream opened", self._stream.line.ids.stream)
        self._decide(now)
        return self._stream.line.release(now)

    def receive(self, message: str | bytes, now: float) -> list[str]:
        """One of our messages arrived."""
        stream = self._stream
        if stream is None:
            return []
        self._return_marks(now)
        content = read(message, stream.line.ids.stream)
        if isinstance(content, TwilioWarning):
            self.warn(content.code, content.message, now)
            return stream.line.release(now)
        doubt = suspicious(content)
        if doubt:
            self.warn(doubt.code, doubt.message, now)
        self._take(content, stream.line, now)
        self._return_marks(now)
        return stream.line.release(now)

    def tick(self, now: float) -> list[str]:
        """Time has passed: frames, marks and whatever the script does next."""
        messages: list[str] = []
        while self._stream is not None and self._stream.next_frame <= now + _SLACK:
            self._frame(self._stream, min(self._stream.next_frame, now))
            if self._actor.finished and not self.ended:
                messages.extend(self.hang_up(now))
        if self._stream is not None:
            self._return_marks(now)
            messages.extend(self._stream.line.release(now))
        return messages

    def deadline(self) -> float | None:
        """When `tick` wants to be called next; None once there is no stream."""
        if self._stream is None:
            return None
        earliest = self._stream.next_frame
        for time in (self.playout.deadline(), self._stream.line.deadline()):
            if time is not None and time < earliest:
                earliest = time
        return earliest

    def hang_up(self, now: float, by: EndedBy = "caller") -> list[str]:
        """The call ends from the telephone's side; on a stream Twilio says `stop`."""
        if self.ended:
            return []
        messages = self.leave(now)
        self._end(now, by)
        return messages

    def leave(self, now: float) -> list[str]:
        """Twilio ends the stream, with `stop`, and the call goes on elsewhere (it was redirected)."""
        if self._stream is None:
            return []
        self._return_marks(now)
        self._stream.line.stop(now)
        messages = self._stream.line.release(now)
        self.detach(now)
        return messages

    def detach(self, now: float) -> None:
        """The other side closed the stream and the call goes on: `open` the next or `hang_up`. What was buffered is
        gone."""
        if self._stream is None:
            return
        self.playout.clear(now)
        self._stream = None
        self.note(now, "stream closed")

    def closed(self, now: float) -> list[str]:
        """The other side closed the socket and nothing follows: the call is over."""
        self.detach(now)
        if not self.ended:
            self._end(now, "server")
        return []

    def warn(self, code: int, message: str, now: float) -> None:
        """Note a line for Twilio's debugger."""
        known = any(warning.code == code and warning.message == message for warning in self.warnings)
        if known or len(self.warnings) >= MOST_WARNINGS:
            return
        self.warnings.append(TwilioWarning(code, message, self.elapsed(now)))
        self.note(now, "warning", f"{code} {message}")

    def note(self, now: float, kind: str, text: str = "") -> None:
        """Observe something, as if a bystander had: whoever drives the caller adds what it knows."""
        observation = Observation(self.elapsed(now), kind, text)
        self.observations.append(observation)
        if self._observe is not None:
            self._observe(observation)

    # -- looking at it ---------------------------------------------------------------------------------------------

    @property
    def unmet(self) -> list[str]:
        """Steps of the script that did not come about, one sentence each."""
        return self._actor.unmet

    @property
    def streaming(self) -> bool:
        return self._stream is not None

    def elapsed(self, now: float) -> float:
        """Seconds since the call was answered."""
        return now - self._answered_at if self._answered_at is not None else 0.0

    def heard(self, now: float) -> bytes:
        """What came out of the earpiece from the first moment up to *now* or the end of the call, as mu-law, silence
        included."""
        return self.playout.heard(0, self.playout.position(min(now, self._ended_at)))

    @property
    def said(self) -> bytes:
        """What the caller spoke into the telephone, aligned with `heard`; it ends with the last frame sent."""
        return bytes(self._said)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _take(self, content: MediaMessage | MarkMessage | ClearMessage, line: Line, now: float) -> None:
        if isinstance(content, MediaMessage):
            if not self.playout.queue(content.media.payload, now):
                self.warn(TOO_MUCH_BUFFERED, "more than 10 minutes of audio are buffered: audio was discarded", now)
        elif isinstance(content, MarkMessage):
            self.playout.mark(content.mark.name, now)
        else:
            thrown_away = self.playout.buffered(now)
            for name in self.playout.clear(now):
                line.mark(name, now)
            self.note(now, "cleared", f"{thrown_away / 8:.0f} ms")

    def _return_marks(self, now: float) -> None:
        if self._stream is None:
            return
        for name in self.playout.due(now):
            self._stream.line.mark(name, now)
            self.note(now, "mark", name)

    def _frame(self, stream: _Stream, at: float) -> None:
        """A frame is complete: send it, listen to what was played meanwhile, decide about the next."""
        moment = stream.moment
        self._said.extend(moment.payload)
        if not (moment.silent and self._faults.silence_suppressed):
            stream.line.frame(moment.payload, stream.frames * FRAME_MS, at)
        first = stream.first_sample + stream.frames * FRAME_BYTES
        stream.frames += 1
        change = self._hearing.window(self.playout.heard(first, first + FRAME_BYTES))
        if change:
            self.note(at, f"agent {change}")
        self._decide(at)

    def _decide(self, now: float) -> None:
        if self._stream is None:
            return
        self._stream.moment = self._actor.moment(self._hearing)
        for kind, text in self._actor.notes:
            self.note(now, kind, text)
        self._actor.notes.clear()
        if self._stream.moment.key:
            self._stream.line.key(self._stream.moment.key, now)

    def _end(self, now: float, by: EndedBy) -> None:
        self.ended = True
        self.ended_by = by
        self._ended_at = now
        self._actor.abandon()
        self.note(now, "ended", by)


class _Stream:
    """What belongs to one media stream of the call."""

    def __init__(self, line: Line, opened_at: float, first_sample: int) -> None:
        self.line = line
        self.opened_at = opened_at
        self.first_sample = first_sample
        """Where on the call's timeline the stream begins."""
        self.frames = 0
        """Frames that are complete."""
        self.moment = Moment()
        """What the caller does in the current frame."""

    @property
    def next_frame(self) -> float:
        """When the current frame is complete. Counted from the beginning, so that nothing adds up."""
        return self.opened_at + (self.frames + 1) * FRAME_MS / 1000


def _voiced(step: Sound, voice: Callable[[str], bytes], sounds: Mapping[str, bytes]) -> bytes:
    if isinstance(step, Say):
        return voice(step.text)
    if isinstance(step, Noise):
        return white_noise(step.level_dbfs, round(step.seconds * 8000))
    if step.name not in sounds:
        raise ScriptError(f"the script plays {step.name!r}, a recording that was not given. Known: {sorted(sounds)}")
    return sounds[step.name]


def _speechless(text: str) -> bytes:
    raise ScriptError(f"a recorded caller cannot say {text!r}")
