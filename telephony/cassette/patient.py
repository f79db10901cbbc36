"""An exchange for whoever has a stretch of a call at once: both sides hear each other when it is asked to let them.

Transcoding a second of audio in one go takes half the time of fifty frames, and nothing in a call depends on it: what
is said of a frame is decided at once, and its audio follows. A frame that waits holds its place among what goes out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import cast

import msgspec

from telephony.audio.transcode import Transcoder
from telephony.carriers.base import Carrier
from telephony.cassette.format import line
from telephony.cassette.recorder import Outgoing, RecordedExchange
from telephony.commands import AppendAudio, ClearPlayback, CloseSession, Command, Play, UseSession
from telephony.events import CallerAudio, CallStarted, MarkReached
from telephony.exchange import Listener, Output
from telephony.realtime.base import Dialect
from telephony.settings import CallSettings

_HEARS = frozenset((AppendAudio, UseSession, CloseSession, ClearPlayback))
"""Commands that change what somebody hears, or who does."""
_GOES_ON = frozenset((CallerAudio, MarkReached))
"""Events that leave the carrier's stream as it was."""


class Waiting(msgspec.Struct, gc=False):
    """A frame that was not heard yet."""

    payload: bytes
    now: float
    texts: list[bytes] | None = None
    """The lines that go out for it, once it was heard."""


Written = bytes | Waiting
"""A line that went out, or the place of one."""


class PatientExchange(RecordedExchange):
    """Writes down only what goes out; *write* takes frames that wait, too."""

    def __init__(
        self,
        settings: CallSettings,
        started: CallStarted,
        carrier: Carrier,
        listener: Listener | None,
        write: Callable[[Written], None],
    ) -> None:
        super().__init__(settings, started, carrier, listener, recorder=Outgoing(write))
        self._write = write
        self._now = 0.0
        self._callers: list[Waiting] = []
        self._agents: list[Waiting] = []
        self._as_it_was = carrier
        """The codec of the agent's frames that wait: one whose stream has ended since would say nothing of them."""

    def hear_out(self) -> None:
        """Let both sides hear what waits."""
        if callers := self._callers:
            self._callers, session = [], self.session
            say = self._legs[session].encode
            for frame, payload in _heard(self._to_model, callers):
                frame.texts = [line(frame.now, "model", "out", text, session) for text in say(AppendAudio(payload))]
        if agents := self._agents:
            self._agents, play = [], self._as_it_was.encode
            for frame, payload in _heard(self._to_carrier, agents):
                frame.texts = [line(frame.now, "carrier", "out", text) for text in play(Play(payload, frame.now))]

    def model_connected(self, dialect: Dialect, model: str, now: float, session: int = 0) -> list[Output]:
        self.hear_out()
        return super().model_connected(dialect, model, now, session)

    def from_carrier(self, message: str | bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for event in self.carrier.decode(message):
            if type(event) not in _GOES_ON:
                self.hear_out()
            commands = self._commands(event, now)
            alone = len(commands) == 1 and not outputs and self.session in self._legs
            if alone and type(command := commands[0]) is AppendAudio and _can_wait(command.payload, self._to_model):
                frame = Waiting(command.payload, now)
                self._callers.append(frame)
                self._write(frame)
                continue
            outputs += self._perform(commands, now)
        return self.went(outputs, now) if outputs or self._seen != self.steps else outputs

    def _perform(self, commands: list[Command], now: float) -> list[Output]:
        self._now = now
        if (self._callers or self._agents) and not _HEARS.isdisjoint(map(type, commands)):
            self.hear_out()
        return super()._perform(commands, now)

    def _play(self, command: Play) -> list[Output]:
        if self._listener or not _can_wait(command.payload, self._to_carrier):
            self.hear_out()
            return super()._play(command)
        if not self._agents:
            self._as_it_was = copy.copy(self.carrier)
        frame = Waiting(command.payload, self._now)
        self._agents.append(frame)
        return [cast("Output", frame)]  # it is nobody's but `_write_down`'s

    def _write_down(self, output: Output, now: float) -> None:
        if isinstance(output, Waiting):
            self._write(output)
        else:
            super()._write_down(output, now)

    def _rewire(self) -> None:
        self.hear_out()
        super()._rewire()


def _can_wait(payload: bytes, transcoder: Transcoder) -> bool:
    """Whether it is known what will come of it: a frame of which nothing comes yet goes out as none."""
    return bool(payload) and not len(payload) % transcoder.grain


def _heard(transcoder: Transcoder, frames: list[Waiting]) -> Iterator[tuple[Waiting, bytes]]:
    """Each frame, and what the other side hears of it."""
    return zip(frames, transcoder.feed_all([frame.payload for frame in frames]), strict=True)
