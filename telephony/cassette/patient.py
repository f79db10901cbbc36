"""An exchange for whoever has a stretch of a call at once: it lets the model hear the caller when it is asked to.

Transcoding a second of audio in one go takes half the time of fifty frames, and nothing in a call depends on it: what
is said of a frame is decided at once, and its audio follows. A frame that waits holds its place among what goes out.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from telephony.carriers.base import Carrier
from telephony.cassette.format import line
from telephony.cassette.recorder import Outgoing, RecordedExchange
from telephony.commands import AppendAudio, CloseSession, Command, UseSession
from telephony.events import CallStarted
from telephony.exchange import Listener, Output
from telephony.realtime.base import Dialect
from telephony.settings import CallSettings

_HEARS = frozenset((AppendAudio, UseSession, CloseSession))
"""Commands that change what the model hears, or who does."""


class Waiting(msgspec.Struct, gc=False):
    """A frame of the caller's that the model has not heard yet."""

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
        self._waiting: list[Waiting] = []

    def hear_out(self) -> None:
        """Let the model hear what waits."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        session = self.session
        encode = self._legs[session].encode
        heard = self._to_model.feed_all([frame.payload for frame in waiting])
        for frame, payload in zip(waiting, heard, strict=True):
            messages = encode(AppendAudio(payload))
            frame.texts = [line(frame.now, "model", "out", message, session) for message in messages]

    def model_connected(self, dialect: Dialect, model: str, now: float, session: int = 0) -> list[Output]:
        self.hear_out()
        return super().model_connected(dialect, model, now, session)

    def from_carrier(self, message: str | bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for event in self.carrier.decode(message):
            commands = self._commands(event, now)
            can_wait = len(commands) == 1 and not outputs and self._to_model.one_for_one and self.session in self._legs
            if can_wait and type(command := commands[0]) is AppendAudio:
                frame = Waiting(command.payload, now)
                self._waiting.append(frame)
                self._write(frame)
            else:
                outputs += self._perform(commands, now)
        return self.went(outputs, now) if outputs or self._seen != self.steps else outputs

    def _perform(self, commands: list[Command], now: float) -> list[Output]:
        if self._waiting and not _HEARS.isdisjoint(map(type, commands)):
            self.hear_out()
        return super()._perform(commands, now)

    def _rewire(self) -> None:
        self.hear_out()
        super()._rewire()
