"""Gives the lines of a cassette to the real exchange, each with the time that stands in it. There is no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType

import msgspec

from telephony.audio.format import AudioFormat
from telephony.carriers.base import Carrier
from telephony.cassette.format import Cassette, Line, wire_message
from telephony.cassette.patient import PatientExchange, Waiting, Written
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

MOST_AT_ONCE = 1000
"""Timers that may come due without any time passing; an exchange that goes on beyond that would never stop."""

_Call = tuple[Callable[..., list[Output]], tuple[object, ...]]
"""What to call, and with what."""
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


class Failure(msgspec.Struct, frozen=True):
    """Our own code gave up: a mistake of ours, and no fault of the recording."""

    what: str
    """The exception, as `TypeError: …`."""
    where: str
    """The place in our code, as `telephony.exchange, line 120, in handle`."""


class GaveUp(Exception):
    """Raised by a `Player` whose exchange raised something."""

    def __init__(self, bug: Exception) -> None:
        super().__init__(str(bug))
        self.failure = Failure(f"{type(bug).__name__}: {bug}".removesuffix(": "), _place(bug.__traceback__))


class Player:
    """One performance. What goes in and out is written down as it was at the first one."""

    def __init__(
        self, cassette: Cassette, new_carrier: NewCarrier, settings: CallSettings | None, listener: Listener | None
    ) -> None:
        header = cassette.header
        self.exchange: PatientExchange | None = None
        """None until the carrier's stream has begun."""
        self.end: EndCall | None = None
        self.now = 0.0
        self._name = cassette.name
        self._changed = settings is not None
        self._settings = settings or call_settings(header.agent, header.settings, cassette.name)
        self._carrier = new_carrier(header.carrier)
        self._listener = listener
        self._written: list[Written] = []

    def feed(self, line: Line, number: int) -> list[bytes]:
        """Give it what came in at line *number* of the file; returns the lines of what goes out.

        Raises `CassetteError` for what cannot have come in, and `GaveUp` where the exchange fails.
        """
        written = self.give(line, number)
        self.hear_out()
        return spelled(written)

    def give(self, line: Line, number: int) -> list[Written]:
        """The same, where the audio of frames may wait until `hear_out`. Raises as `feed` does."""
        self.now = line.t
        exchange = self.exchange
        try:
            if exchange is None:
                give, arguments = self._opening(line)
            elif line.ch == "carrier":  # fifty times a second
                give, arguments = exchange.from_carrier, (wire_message(line.msg), line.t)
            else:
                give, arguments = self._giving(exchange, line)
        except (ConfigurationError, ValueError, RecursionError) as problem:
            if isinstance(problem, ConfigurationError) and self._changed:
                raise
            what = f"this cannot be given to a call ({problem})"
            raise CassetteError(f"{self._name}:{number}: {what}. Record the call again.") from problem
        self._look(give, *arguments)
        written = self._written[:]
        self._written.clear()
        return written

    def hear_out(self) -> None:
        """Let both sides hear what waits. Raises `GaveUp` where the exchange fails."""
        if self.exchange:
            self._look(self.exchange.hear_out)

    def wake(self, until: float, late: float = LATE) -> Iterator[list[bytes]]:
        """Let come due by itself what no line wakes the exchange for: whatever is due more than *late* seconds before
        *until*. Yields the lines of what goes out each time, at `now`. Raises as `feed`."""
        exchange, at_once = self.exchange, 0
        while exchange and (due := exchange.deadline()) is not None and due + late < until:
            at_once = at_once + 1 if due <= self.now else 0
            if at_once > MOST_AT_ONCE:
                raise GaveUp(RuntimeError(f"its timer never comes to rest at {self.now:.3f} s"))
            self.now = max(self.now, due)
            self._look(exchange.tick, self.now)
            self.hear_out()
            written = spelled(self._written)
            self._written.clear()
            yield written

    def audio(self, channel: str) -> AudioFormat:
        """In which format audio goes out on a channel, as things are now."""
        if self.exchange is None or channel == "carrier":
            return self._carrier.traits.audio if self.exchange is None else self.exchange.line
        return self.exchange.conversation.model_hears

    def _opening(self, line: Line) -> _Call:
        if line.ch != "carrier":
            raise ValueError("the carrier's stream has not begun")
        return self._open, (wire_message(line.msg),)

    def _open(self, message: str | bytes) -> list[Output]:
        for event in self._carrier.decode(message):
            if isinstance(event, CallStarted):
                self.exchange = PatientExchange(
                    self._settings, event, self._carrier, self._listener, self._written.append
                )
        return []

    def _giving(self, exchange: PatientExchange, line: Line) -> _Call:
        """What to do with a line that has been understood."""
        if line.ch == "model":
            return exchange.from_model, (wire_message(line.msg), line.t, line.session)
        if line.ch == "timer":
            return exchange.tick, (line.t,)
        message = line.message
        event = event_of(message)
        if isinstance(event, ModelConnected):
            spoken = dialect(str(message.get("dialect")), exchange.conversation.settings_to_come.session)
            return exchange.model_connected, (spoken, event.model, line.t, event.session)
        return exchange.handle, (event, line.t)

    def _look(self, give: Callable[..., list[Output] | None], *arguments: object) -> None:
        try:
            outputs = give(*arguments)
        except Exception as bug:
            self._written.clear()
            raise GaveUp(bug) from bug
        if outputs:
            for output in outputs:
                if type(output) is EndCall:
                    self.end = output


def heard(written: list[Written]) -> bool:
    """Whether nothing of it waits."""
    return all(isinstance(entry, bytes) or entry.texts is not None for entry in written)


def spelled(written: list[Written]) -> list[bytes]:
    """The lines, once what waited was heard."""
    if len(written) == 1 and isinstance(entry := written[0], Waiting) and entry.texts is not None:
        return entry.texts
    lines: list[bytes] = []
    for entry in written:
        if isinstance(entry, bytes):
            lines.append(entry)
        elif entry.texts is not None:
            lines += entry.texts
    return lines


def _place(trace: TracebackType | None) -> str:
    """The innermost place in our own code."""
    found = ""
    while trace:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.startswith("telephony.") or not found:
            found = f"{module}, line {trace.tb_lineno}, in {trace.tb_frame.f_code.co_name}"
        trace = trace.tb_next
    return found
