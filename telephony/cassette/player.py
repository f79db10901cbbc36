"""Gives the lines of a cassette to the real exchange, each with the time that stands in it. There is no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from telephony.audio.format import AudioFormat
from telephony.carriers.base import Carrier
from telephony.cassette.format import Cassette, Line, wire_message
from telephony.cassette.recorder import Outgoing, RecordedExchange
from telephony.cassette.resolved import call_settings
from telephony.cassette.told import event_of
from telephony.commands import EndCall
from telephony.errors import CassetteError, ConfigurationError
from telephony.events import CallStarted
from telephony.exchange import Listener, Output
from telephony.realtime import dialect
from telephony.settings import CallSettings

LATE = 0.05
"""Seconds by which a recording may have woken the exchange too late for a deadline that it does not know."""

NewCarrier = Callable[[str], Carrier]
"""A codec for one stream of the carrier of that name. Raises `CassetteError` if there is none."""


def line_of(cassette: Cassette, new_carrier: NewCarrier) -> AudioFormat:
    """In which format the call's carrier hears and speaks. Raises `CassetteError` for a file that cannot be read."""
    carrier = new_carrier(cassette.header.carrier)
    for line in cassette.lines:
        if line.ch != "carrier" or line.dir == "out":
            break
        for event in carrier.decode(wire_message(line.msg)):
            if isinstance(event, CallStarted):
                return event.audio
    return carrier.traits.audio


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
            if self.exchange is None:
                self._open(line)
            else:
                self._look(self._give(self.exchange, line))
        except (ConfigurationError, msgspec.ValidationError, KeyError) as problem:
            what = f"this cannot be given to a call ({problem})"
            raise CassetteError(f"{self._name}:{number}: {what}. Record the call again.") from problem
        return self._take()

    def feed_audio(self, lines: Sequence[Line], number: int) -> list[list[bytes]]:
        """Give it a stretch of the caller's audio, which begins at line *number*: what `feed` returns for each, up to
        the first from which more follows."""
        if self.exchange is None:
            return [self.feed(lines[0], number)]
        messages = [(wire_message(line.msg), line.t) for line in lines]
        results = []
        for (_, now), outputs in zip(messages, self.exchange.audio_from_carrier(messages), strict=False):
            self.now = now
            self._look(self.exchange.went(outputs, now))
            results.append(self._take())
        return results

    def wake(self, until: float, late: float = LATE) -> Iterator[list[bytes]]:
        """Let come due by itself what no line wakes the exchange for: whatever is due more than *late* seconds before
        *until*. Yields the lines of what goes out each time, at `now`."""
        exchange = self.exchange
        while exchange and (due := exchange.deadline()) is not None and due + late < until:
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

    def _open(self, line: Line) -> None:
        if line.ch != "carrier":
            raise KeyError("the carrier's stream has not begun")
        for event in self._carrier.decode(wire_message(line.msg)):
            if isinstance(event, CallStarted):
                recorder = Outgoing(self._written.append)
                self.exchange = RecordedExchange(
                    self._settings, event, self._carrier, self._listener, recorder=recorder
                )

    def _give(self, exchange: RecordedExchange, line: Line) -> list[Output]:
        if line.ch == "carrier":
            return exchange.from_carrier(wire_message(line.msg), line.t)
        if line.ch == "model":
            return exchange.from_model(wire_message(line.msg), line.t, line.session)
        if line.ch == "timer":
            return exchange.tick(line.t)
        message = line.message
        if message.get("type") == "ModelConnected":
            spoken = dialect(message["dialect"], self._settings.session)
            return exchange.model_connected(spoken, message["model"], line.t, message["session"])
        return exchange.handle(event_of(message), line.t)

    def _look(self, outputs: list[Output]) -> None:
        for output in outputs:
            if type(output) is EndCall:
                self.end = output
