"""A whole call on a virtual clock: simulated caller, the real exchange, simulated model.

Nothing is replaced but the sockets and the tools: codecs, dialects, transcoders and the conversation are those of
production, and hours of telephone pass in seconds, the same way every time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, Literal

import msgspec

from telephony.carriers.base import Carrier
from telephony.commands import CancelTool, CheckSession, CloseSession, EndCall, HangUp, Move, Note, OpenSession, RunTool
from telephony.events import CallStarted, Event, ModelLost, Moved, ToolFinished, ToolProgress, ToolSays
from telephony.exchange import Exchange, Listener, Output, ToCarrier, ToModel
from telephony.realtime import dialect
from telephony.realtime.base import Dialect
from telephony.settings import CallSettings
from telephony.sim.caller import SimulatedCaller
from telephony.sim.clockwork import Clockwork, Port, Wire
from telephony.sim.model import SimulatedModel

Answer = Callable[[dict[str, Any]], tuple[float, Any]]
"""A tool of a rehearsal: arguments in, seconds it takes and its result out; `Said` is passed on as it is."""
Successor = Callable[[str], tuple[SimulatedModel, Dialect] | str]
"""Asked for another session: the conversation to resume in (empty: a new one), the model that answers and the dialect
spoken to it out, or why nobody does."""
MakeExchange = Callable[[CallStarted, list[str | bytes]], Exchange]
"""Makes the exchange once the stream has begun; it is also given the carrier's messages up to there."""
PROBE = 2.0
"""Seconds until a socket is found dead that was asked whether it is alive."""


class Said(msgspec.Struct, frozen=True):
    """What a tool said, to the letter, and how it ended."""

    text: str
    outcome: Literal["ok", "error", "timeout", "cancelled", "invalid"] = "ok"
    says: str = ""
    """What it wants said while it runs."""
    progress: tuple[tuple[float, str], ...] = ()
    """What it tells of itself, and after how many seconds."""


class Rehearsal:
    """One call. `run` it, then look at `exchange`, `caller`, `models`, `ending` and `notes`.

    *others* are there when another session is asked for, one after the other. After the last of them nobody is. *make*
    makes an exchange of another kind, such as one that is recorded.
    """

    def __init__(
        self,
        settings: CallSettings,
        caller: SimulatedCaller,
        model: SimulatedModel,
        carrier: Carrier,
        spoken: Dialect,
        *,
        tools: Mapping[str, Answer] | None = None,
        listener: Listener | None = None,
        make: MakeExchange | None = None,
        others: Iterable[Successor] = (),
        connect: float = 0.05,
        to_caller: Wire | None = None,
        to_model: Wire | None = None,
    ) -> None:
        self.clock = Clockwork()
        self.caller = caller
        self.models: list[SimulatedModel] = []
        """Those with whom there was a session, in order."""
        make = make or (lambda started, _: Exchange(settings, started, carrier, listener))
        self.desk = _Desk(self.clock, carrier, tools or {}, make, self._hung_up, self._open_session)
        self._caller_port = self.clock.add("caller", caller)
        (carrier_port,) = self.clock.station("desk", self.desk, "carrier")
        self.clock.wire(self._caller_port, carrier_port, there=to_caller or Wire(), back=to_caller or Wire())
        self._answering = chain[Successor]([lambda _: (model, spoken)], others)
        self._to_model = to_model or Wire()
        self._connect = connect

    def run(self, until: float = 600.0) -> EndCall | None:
        """Let the call take its course; None if it had not ended by *until* (seconds)."""
        self.clock.send(self._caller_port, self.caller.open(0.0, {}))
        self._open_session(OpenSession(0))
        self.clock.run(until, when=lambda: self.desk.ending is not None and not self.caller.streaming)
        return self.desk.ending

    @property
    def exchange(self) -> Exchange:
        if self.desk.exchange is None:
            msg = "the call has not begun; run() it first"
            raise RuntimeError(msg)
        return self.desk.exchange

    @property
    def ending(self) -> EndCall | None:
        return self.desk.ending

    @property
    def notes(self) -> list[tuple[float, Note]]:
        return self.desk.notes

    @property
    def model(self) -> SimulatedModel:
        """The one with whom the latest session was."""
        return self.models[-1]

    def _open_session(self, command: OpenSession) -> None:
        """Somebody answers a little later, or nobody does."""
        number = command.session

        def happen(now: float) -> list[str]:
            answering = next(self._answering, _nobody)(command.resume)
            if isinstance(answering, str):
                self.desk.feed(ModelLost(answering, None, number), now)
                return []
            model, spoken = answering
            if command.agent:  # another agent's: its session is that agent's to configure
                spoken = dialect(spoken.traits.name, self.exchange.conversation.settings_to_come.session)
            self.models.append(model)
            socket = self.desk.sockets[number] = _Socket(model, number, self.desk, self.clock, self._to_model.latency)
            port = self.clock.add(f"model {number}", socket)
            self.clock.wire(port, Port("desk", str(number)), there=self._to_model, back=self._to_model)
            self.clock.send(port, model.open(now))
            self.desk.connected(number, spoken, now)
            return []

        self.clock.at(self.clock.now + self._connect, happen)

    def _hung_up(self, now: float) -> None:
        self.clock.send(self._caller_port, self.caller.hang_up(now, "agent"))


class _Desk:
    """What a bridge is in production, without sockets: feeds the exchange and performs what it says."""

    def __init__(
        self,
        clock: Clockwork,
        carrier: Carrier,
        tools: Mapping[str, Answer],
        make: MakeExchange,
        hang_up: Callable[[float], None],
        open_session: Callable[[OpenSession], None],
    ) -> None:
        self.sockets: dict[int, _Socket] = {}
        self.exchange: Exchange | None = None
        self.ending: EndCall | None = None
        self.notes: list[tuple[float, Note]] = []
        self._clock = clock
        self._carrier = carrier
        self._tools = tools
        self._make = make
        self._opening: list[str | bytes] = []
        self._hang_up = hang_up
        self._open_session = open_session
        self._began = 0.0

    def connected(self, number: int, spoken: Dialect, now: float) -> None:
        """A session's socket is open."""
        if self.exchange is not None:
            self._send(self.exchange.model_connected(spoken, "simulated", now - self._began, number), now)

    def feed(self, event: Event, now: float) -> None:
        """Something happened that is on no wire."""
        if self.exchange is not None:
            self._send(self.exchange.handle(event, now - self._began), now)

    def deadline(self) -> float | None:
        at = self.exchange.deadline() if self.exchange else None
        return None if at is None else at + self._began

    def tick(self, now: float) -> list[tuple[str, str]]:
        if self.exchange is None:
            return []
        due = self.exchange.deadline() or 0.0  # adding and subtracting the beginning may have lost its last digit
        return self._perform(self.exchange.tick(max(now - self._began, due)), now)

    def receive(self, port: str, message: str | bytes, now: float) -> list[tuple[str, str]]:
        if self.exchange is None:
            self._opening.append(message)
            for event in self._carrier.decode(message):
                if isinstance(event, CallStarted):
                    self._began = now
                    self.exchange = self._make(event, self._opening)
            return []
        at = now - self._began
        if port == "carrier":
            return self._perform(self.exchange.from_carrier(message, at), now)
        return self._perform(self.exchange.from_model(message, at, int(port)), now)

    def _send(self, outputs: list[Output], now: float) -> None:
        for port, message in self._perform(outputs, now):
            self._clock.send(Port("desk", port), [message])

    def _perform(self, outputs: list[Output], now: float) -> list[tuple[str, str]]:
        messages: list[tuple[str, str]] = []
        for output in outputs:
            match output:
                case ToCarrier(message):
                    messages.append(("carrier", message))
                case ToModel(message, _, session):
                    messages.append((str(session), message))
                case OpenSession():
                    self._open_session(output)
                case CloseSession():
                    pass  # what it still says is heard by nobody
                case CheckSession(session):
                    self.sockets[session].probe(now)
                case RunTool():
                    self._run(output, now)
                case HangUp():
                    self._clock.at(now, lambda at: self._hung_up(at))
                case Move():
                    self._later(Moved(), now)
                case Note():
                    self.notes.append((now - self._began, output))
                case EndCall():
                    self.ending = output
                case CancelTool():
                    pass  # a result that still comes is ignored by the conversation
        return messages

    def _hung_up(self, now: float) -> list[str]:
        self._hang_up(now)
        return []

    def _run(self, call: RunTool, now: float) -> None:
        seconds, said = self._answer(call)
        if said.says:
            self._later(ToolSays(call.call_id, said.says), now)
        for after, news in said.progress:
            self._later(ToolProgress(call.call_id, news), now + after)
        self._later(ToolFinished(call.call_id, said.text, said.outcome), now + seconds)

    def _later(self, event: Event, at: float) -> None:
        def happen(now: float) -> list[str]:
            self.feed(event, now)
            return []

        self._clock.at(at, happen)

    def _answer(self, call: RunTool) -> tuple[float, Said]:
        """Seconds until the function has come to an end, and how it has. As `tools` has it, one whose arguments are no
        JSON is not run."""
        tool = self._tools.get(call.name)
        if tool is None:
            return 0.0, Said(json.dumps({"error": "unknown function"}), "error")
        try:
            arguments = json.loads(call.arguments)
        except json.JSONDecodeError:
            return 0.0, Said(json.dumps({"error": "the arguments are no JSON"}), "invalid")
        seconds, result = tool(arguments)
        return seconds, result if isinstance(result, Said) else Said(json.dumps(result))


class _Socket:
    """A simulated model behind a socket that it may close."""

    def __init__(self, model: SimulatedModel, number: int, desk: _Desk, clock: Clockwork, latency: float) -> None:
        self._model = model
        self._number = number
        self._desk = desk
        self._clock = clock
        self._latency = latency
        self._closed = False

    def deadline(self) -> float | None:
        return None if self._closed else self._model.deadline()

    def tick(self, now: float) -> Iterable[str]:
        return self._after(self._model.tick(now), now)

    def receive(self, message: str | bytes, now: float) -> Iterable[str]:
        return [] if self._closed else self._after(self._model.receive(message, now), now)

    def probe(self, now: float) -> None:
        """Find out whether anybody is behind it."""

        def gone(at: float) -> list[str]:
            self._desk.feed(ModelLost("no answer to a ping", None, self._number), at)
            return []

        if self._model.frozen and not self._closed:
            self._closed = True
            self._clock.at(now + PROBE, gone)

    def _after(self, messages: list[str], now: float) -> list[str]:
        if self._model.close_request and not self._closed:
            self._closed = True
            code, reason = self._model.close_request

            vanished = code == 1006  # RFC 6455, 7.4.1: nobody sends it; there was no close frame
            lost = ModelLost(reason or "closed", None if vanished else code, self._number)

            def arrive(at: float) -> list[str]:
                self._desk.feed(lost, at)
                return []

            def leave(at: float) -> list[str]:
                self._clock.at(at + self._latency, arrive)
                return []

            self._clock.at(now, leave)  # behind the messages, which are on the wire once they are returned
        return messages


def _nobody(_: str) -> str:
    return "nobody answers"
