"""An exchange that writes down what goes through it.

It adds nothing to what the exchange does. A line is handed out before what it causes is known, so that a process that
dies, or a bug of ours that ends the call, leaves behind what led there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from telephony import events as ev
from telephony.carriers.base import Carrier
from telephony.cassette.format import FORMAT, Channel, Direction, Header, header_line, line, wire_json
from telephony.cassette.resolved import agent_of, rest_of
from telephony.cassette.told import CHANNELS, told
from telephony.cassette.veil import Veil
from telephony.commands import EndCall, Note
from telephony.exchange import Exchange, Listener, Output, ToCarrier, ToModel
from telephony.realtime.base import Dialect
from telephony.records import CallRecord, Termination
from telephony.settings import CallSettings
from telephony.version import __version__

REMAINS = ("termination", "model", "turns", "tools", "usage", "notes")
"""Fields of a call's record that stand in its cassette."""

Sink = Callable[[bytes], None]
"""Takes whole lines. It never blocks and raises nothing."""
Redact = Callable[[str], str]
"""Takes secrets out of a text."""


class Recorder:
    """Writes the lines of one cassette into *sink*, at most *limit* bytes of them: a call that goes on beyond that is
    recorded up to there."""

    def __init__(self, sink: Sink, *, limit: int | None = None, redact: Redact = str) -> None:
        self.full_at: float | None = None
        """When the limit was reached (seconds of the call), if it was."""
        self._sink = sink
        self._left = limit or 0
        self._redact = redact
        self.veil = Veil()
        """What tools declare sensitive is hidden by it."""
        self._write = sink if limit is None else self._within_limit

    def begin(self, header: Header, opening: Iterable[str | bytes]) -> None:
        """*opening*: the carrier's messages before the exchange was there, up to the one that began the stream."""
        self._write(self._shown(header_line(header).decode().rstrip("\n")).encode() + b"\n")
        for message in opening:
            self.came(0.0, "carrier", message)

    def came(
        self, now: float, channel: Channel, message: str | bytes, session: int = 0, *, audio: bool = False
    ) -> None:
        """A message of a wire came in. *audio* holds no secrets, and is not searched for them."""
        if self.full_at is None:
            text = wire_json(message)
            self._write(line(now, channel, "in", text if audio else self._shown(text), session))

    def went(self, now: float, channel: Channel, message: str, session: int = 0, *, audio: bool = False) -> None:
        """A message went out on a wire, JSON on one line."""
        if self.full_at is None:
            self._write(line(now, channel, "out", message if audio else self._shown(message), session))

    def happened(self, now: float, channel: Channel, direction: Direction, value: object) -> None:
        """Something that is on no wire."""
        if self.full_at is None:
            self._write(line(now, channel, direction, self._shown(msgspec.json.encode(value).decode())))

    def _shown(self, text: str) -> str:
        return self._redact(self.veil(text))

    def _within_limit(self, text: bytes) -> None:
        self._left -= len(text)
        if self._left < 0:
            self.full_at = msgspec.json.decode(text).get("t", 0.0)
            return
        self._sink(text)


class Outgoing(Recorder):
    """Only what goes out: somebody has the rest."""

    def came(
        self, now: float, channel: Channel, message: str | bytes, session: int = 0, *, audio: bool = False
    ) -> None:
        """It is there already."""

    def happened(self, now: float, channel: Channel, direction: Direction, value: object) -> None:
        """Something that is on no wire."""
        if direction == "out":
            super().happened(now, channel, direction, value)


def remains(exchange: Exchange, end: EndCall, now: float) -> dict[str, Any]:
    """What is left of a call that has ended at *now*, as plain JSON values: of its record what the exchange knows."""
    record = CallRecord("", "", "", "", termination=Termination(end.result, end.by, end.reason))
    exchange.fill(record, now)
    values: dict[str, Any] = msgspec.to_builtins(record)
    return {name: values[name] for name in REMAINS}


def header_of(
    settings: CallSettings,
    started: ev.CallStarted,
    carrier: str,
    dialect: str,
    *,
    recorded_at: str = "",
    about: str = "",
) -> Header:
    """The header of a call that begins now. *dialect*: that of whoever is to be asked first."""
    return Header(
        FORMAT,
        started.call_id,
        carrier,
        dialect,
        agent_of(settings),
        rest_of(settings),
        recorded_at,
        f"telephony {__version__}",
        about,
    )


class RecordedExchange(Exchange):
    """One call, written down by *recorder*."""

    def __init__(
        self,
        settings: CallSettings,
        started: ev.CallStarted,
        carrier: Carrier,
        listener: Listener | None = None,
        *,
        recorder: Recorder,
    ) -> None:
        super().__init__(settings, started, carrier, listener)
        self._recorder = recorder
        recorder.veil.cover(settings)
        self._named: float | None = -1.0
        """The deadline that was named last."""
        self._seen = -1
        """The step after which it was."""

    def model_connected(self, dialect: Dialect, model: str, now: float, session: int = 0) -> list[Output]:
        connected = told(ev.ModelConnected(model, session)) | {"dialect": dialect.traits.name}
        self._recorder.happened(now, "session", "in", connected)
        return self.went(super().model_connected(dialect, model, now, session), now)

    def from_carrier(self, message: str | bytes, now: float) -> list[Output]:
        audio = isinstance(message, str) and '"media"' in message
        shown = self.carrier.hide(message) if self.conversation.hides(now) else message
        self._recorder.came(now, "carrier", shown, audio=audio)
        return self.went(super().from_carrier(message, now), now)

    def from_model(self, message: str | bytes, now: float, session: int = 0) -> list[Output]:
        audio = isinstance(message, str) and 'audio.delta"' in message
        self._recorder.came(now, "model", message, session, audio=audio)
        return self.went(super().from_model(message, now, session), now)

    def handle(self, event: ev.Event, now: float) -> list[Output]:
        if isinstance(event, ev.HandOverWanted):
            self._recorder.veil.cover(event.settings)
        self._recorder.happened(now, CHANNELS[type(event)], "in", told(event))
        return self.went(super().handle(event, now), now)

    def tick(self, now: float) -> list[Output]:
        self._recorder.happened(now, "timer", "in", None)
        return self.went(super().tick(now), now)

    # -- what goes out -----------------------------------------------------------------------------------------------

    def went(self, outputs: list[Output], now: float) -> list[Output]:
        """Write down *outputs*, which followed from something that happened at *now*."""
        for output in outputs:
            self._write_down(output, now)
        if self._seen != self.steps:
            self._seen = self.steps
            self._name_deadline(now)
        return outputs

    def _write_down(self, output: Output, now: float) -> None:
        recorder = self._recorder
        if isinstance(output, ToModel):
            recorder.went(now, "model", output.message, output.session, audio=output.audio_ms > 0)
        elif isinstance(output, ToCarrier):
            recorder.went(now, "carrier", output.message, audio=output.audio_ms > 0)
        elif not isinstance(output, Note):  # replay makes the same notes
            recorder.happened(now, CHANNELS[type(output)], "out", told(output))
            if isinstance(output, EndCall):
                recorder.happened(now, "record", "out", remains(self, output, now))

    def _name_deadline(self, now: float) -> None:
        deadline = self.deadline()
        if deadline != self._named:
            self._named = deadline
            self._recorder.happened(now, "timer", "out", deadline)
