"""Gives the lines of a cassette to the real exchange, each with the time that stands in it. There is no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from telephony.audio.format import AudioFormat
from telephony.carriers.base import Carrier
from telephony.cassette.format import Cassette, Line, wire_message
from telephony.cassette.recorder import Outgoing, RecordedExchange
from telephony.cassette.resolved import call_settings
from telephony.cassette.told import event_of
from telephony.commands import EndCall
from telephony.errors import CassetteError, ConfigurationError
from telephony.events import CallStarted, ModelConnected
from telephony.exchange import Listener, Output
from telephony.realtime import dialect
from telephony.settings import CallSettings

LATE = 0.05
"""Seconds by which a recording may have woken the exchange too late for a deadline that it does not know."""

NewCarrier = Callable[[str], Carrier]
"""A codec for one stream of the carrier of that name. Raises `CassetteError` if there is none."""


class Player:
    """One performance. What goes in and out is written down as it was at the first one."""

    def __init__(
        self, cassette: Cassette, new_carrier: NewCarrier, settings: CallSettings | None, listener: Listener | None
    ) -> None:
        header = cassette.header
        self.exchange: RecordedExchange | None = None
        """None until the carrier's stream has begun."""
        self.end: EndCall | None = None
        self.now = 0.0
        self._name = cassette.name
        self._settings = settings or call_settings(header.agent, header.settings, cassette.name)
        self._carrier = new_carrier(header.carrier)
        self._listener = listener
        self._written: list[bytes] = []

    def feed(self, line: Line, number: int) -> list[bytes]:
        """Give it what came in at line *number* of the file; returns the lines of what goes out.

        Raises `CassetteError` for what cannot have come in.
        """
        self.now = line.t
        try:
            give = self._giving(line)
        except (ConfigurationError, ValueError, RecursionError) as problem:
            what = f"this cannot be given to a call ({problem})"
            raise CassetteError(f"{self._name}:{number}: {what}. Record the call again.") from problem
        self._look(give())  # a bug of ours that a recording leads to is no fault of the recording's
        return self._take()

    def wake(self, until: float) -> Iterator[list[bytes]]:
        """Let come due by itself what no line wakes the exchange for; yields the lines of what goes out each time, at
        `now`."""
        exchange = self.exchange
        while exchange and (due := exchange.deadline()) is not None and due + LATE < until:
            self.now = max(self.now, due)
            self._look(exchange.tick(self.now))
            yield self._take()

    def _take(self) -> list[bytes]:
        written = list(self._written)
        self._written.clear()
        return written

    def audio(self, channel: str) -> AudioFormat:
        """In which format audio goes out on a channel, as things are now."""
        if self.exchange is None or channel == "carrier":
            return self._carrier.traits.audio if self.exchange is None else self.exchange.line
        return self.exchange.conversation.model_hears

    def _open(self, message: str | bytes) -> list[Output]:
        for event in self._carrier.decode(message):
            if isinstance(event, CallStarted):
                recorder = Outgoing(self._written.append)
                self.exchange = RecordedExchange(
                    self._settings, event, self._carrier, self._listener, recorder=recorder
                )
        return []

    def _giving(self, line: Line) -> Callable[[], list[Output]]:
        """What gives *line* to the exchange. Raises what `feed` translates."""
        exchange = self.exchange
        if exchange is None:
            if line.ch != "carrier":
                raise ValueError("the carrier's stream has not begun")
            return partial(self._open, wire_message(line.msg))
        if line.ch == "carrier":
            return partial(exchange.from_carrier, wire_message(line.msg), line.t)
        if line.ch == "model":
            return partial(exchange.from_model, wire_message(line.msg), line.t, line.session)
        if line.ch == "timer":
            return partial(exchange.tick, line.t)
        message = line.message
        event = event_of(message)
        if isinstance(event, ModelConnected):
            spoken = dialect(str(message.get("dialect")), self._settings.session)
            return partial(exchange.model_connected, spoken, event.model, line.t, event.session)
        return partial(exchange.handle, event, line.t)

    def _look(self, outputs: list[Output]) -> None:
        for output in outputs:
            if type(output) is EndCall:
                self.end = output
