"""The exchange: a carrier's codec, a model's dialect, two transcoders and one conversation, joined.

Wire messages in, wire messages out, with the time as an argument. It is everything of a call that is not a socket, a
task or a file; the bridge drives it with real ones, tests and replay with recorded ones on a virtual clock.
"""

from __future__ import annotations

from typing import Protocol, cast

import msgspec

from telephony.audio.transcode import Transcoder
from telephony.carriers.base import Carrier
from telephony.commands import (
    AppendAudio,
    CancelTool,
    CheckSession,
    ClearPlayback,
    CloseSession,
    Command,
    ConfigureSession,
    EndCall,
    ErrandDone,
    HangUp,
    MessageAudio,
    ModelCommand,
    Move,
    Note,
    OpenSession,
    Play,
    RunTool,
    SendMark,
    UseSession,
    WorldCommand,
)
from telephony.conversation.intake import STALL, plausible
from telephony.conversation.machine import Conversation
from telephony.diagnosis import diagnose
from telephony.events import CallerAudio, CallStarted, Event, ModelConnected, SessionReady
from telephony.realtime.base import Dialect
from telephony.realtime.leg import ModelLeg
from telephony.records import CallRecord, Finding, Moment
from telephony.settings import CallSettings


class ToCarrier(msgspec.Struct, frozen=True, gc=False):
    """A message for the carrier's socket."""

    message: str
    audio_ms: float = 0.0
    """Milliseconds of audio in it; 0 for control messages."""


class ToModel(msgspec.Struct, frozen=True, gc=False):
    """A message for a session's socket."""

    message: str
    audio_ms: float = 0.0
    session: int = 0
    """Which of the call's sessions it is for."""


Output = ToCarrier | ToModel | WorldCommand


class Listener(Protocol):
    """Hears both legs in the carrier's format, each stretch with its place in the call: a recorder."""

    def caller(self, at: float, payload: bytes) -> None:
        """The caller, from *at* seconds on."""

    def agent(self, at: float, payload: bytes) -> None:
        """The agent as the caller will hear it from *at* seconds on, unless it is cut."""

    def cut(self, at: float) -> None:
        """Nothing of the agent is heard from *at* seconds on."""


class Exchange:
    """One call. All times are seconds since its media stream began."""

    def __init__(
        self,
        settings: CallSettings,
        started: CallStarted,
        carrier: Carrier,
        listener: Listener | None = None,
    ) -> None:
        self.conversation = Conversation(settings, started, 0.0)
        self.carrier = carrier
        self.session = 0
        """The session that is spoken to."""
        self.steps = 0
        """How often conclusions may have been drawn. While it stays the same, `deadline` can only have moved to a later
        time, so a timer that was set for it needs no second look: fifty frames a second change nothing else."""
        self._legs: dict[int, ModelLeg] = {}
        self.line = started.audio
        """In which format the carrier hears and speaks."""
        self._listener = listener
        self._caller_at = 0.0
        self._ahead = 0.0
        """Seconds by which the carrier's clock is ahead of ours: the stream had begun when we learned of it. A listener
        hears both sides by the carrier's, for whom the caller is placed by its timestamps."""
        self._to_model = Transcoder(self.line, settings.session.audio)
        self._to_carrier = Transcoder(settings.session.audio, self.line)

    def model_connected(self, dialect: Dialect, model: str, now: float, session: int = 0) -> list[Output]:
        """A session's socket is open and *dialect* is spoken on it."""
        self._legs[session] = ModelLeg(session, dialect)
        return self._handle(ModelConnected(model, session), now)

    def from_carrier(self, message: str | bytes, now: float) -> list[Output]:
        """A message arrived on the carrier's socket."""
        return [output for event in self.carrier.decode(message) for output in self._handle(event, now)]

    def from_model(self, message: str | bytes, now: float, session: int = 0) -> list[Output]:
        """A message arrived on a session's socket. Of one that is not the current one only what concerns the session
        itself is looked at, and of one that was closed nothing."""
        leg = self._legs.get(session)
        if leg is None:
            return []
        events = leg.decode(message) if session == self.session else leg.decode_standby(message)
        return [output for event in events for output in self._handle(event, now)]

    def handle(self, event: Event, now: float) -> list[Output]:
        """Something happened that is on no wire."""
        return self._handle(event, now)

    def _handle(self, event: Event, now: float) -> list[Output]:
        return self._perform(self._commands(event, now), now)

    def _commands(self, event: Event, now: float) -> list[Command]:
        if type(event) is not CallerAudio:
            self.steps += 1
        elif not self.conversation.admits(event, now):
            return []
        elif self._listener:
            self._record_caller(event, self._listener, now)
        commands = self.conversation.handle(event, now)
        if type(event) is SessionReady:
            self._rewire()
        return commands

    def tick(self, now: float) -> list[Output]:
        """The moment named by `deadline` has come."""
        self.steps += 1
        return self._perform(self.conversation.tick(now), now)

    def is_still(self, now: float) -> bool:
        """See `Conversation.is_still`."""
        return self.conversation.is_still(now)

    def deadline(self) -> float | None:
        """Seconds: when `tick` must be called if nothing arrives before; None when the call is over."""
        return self.conversation.deadline()

    @property
    def ended(self) -> bool:
        return self.conversation.ended

    def fill(self, record: CallRecord, now: float) -> None:
        """Write into *record* what is known of the call at *now*."""
        tally = self.conversation.state.tally
        record.model = tally.model
        record.turns = [msgspec.structs.replace(turn) for turn in self.conversation.turns(now)]
        record.tools = self.conversation.tool_uses
        record.usage = dict(tally.usage)
        record.notes = list(tally.notes)
        meter = self.conversation.state.meter
        record.cost, record.currency = round(meter.cost(now), 6), meter.currency

    @property
    def moments(self) -> list[Moment]:
        """What happened, in the order of time; see `Moment`."""
        return list(self.conversation.state.chronicle.moments)

    def findings(self, now: float) -> list[Finding]:
        """What the caller will have minded until *now*, and why."""
        return diagnose(self.conversation.evidence(now))

    # -- commands to messages ----------------------------------------------------------------------------------------

    def _perform(self, commands: list[Command], now: float) -> list[Output]:
        outputs: list[Output] = []
        for command in commands:
            if isinstance(command, Play):  # the two most frequent ones, ten times a second
                outputs += self._play(command)
                continue
            if isinstance(command, SendMark):
                outputs += [ToCarrier(m) for m in self.carrier.encode(command)]
                continue
            match command:
                case AppendAudio(payload):
                    outputs += self._append(self._to_model.feed(payload))
                case ClearPlayback():
                    self._to_carrier.reset()
                    if self._listener:
                        self._listener.cut(now + self._ahead)
                    outputs += [ToCarrier(m) for m in self.carrier.encode(command)]
                case ConfigureSession(session):
                    outputs += self._to_session(session, command)
                case UseSession(session):
                    self._use(session)
                case CloseSession(session):
                    self._legs.pop(session, None)
                    outputs.append(command)
                case (
                    RunTool() | CancelTool() | ErrandDone() | MessageAudio() | OpenSession() | CheckSession() | HangUp()
                    | Move() | EndCall() | Note()
                ):  # fmt: skip
                    outputs.append(command)
                case _:
                    outputs += self._to_session(self.session, cast("ModelCommand", command))
        return outputs

    def _append(self, payload: bytes) -> list[Output]:
        """Let the model hear *payload*, which is in its format."""
        if not payload:
            return []
        return self._to_session(self.session, AppendAudio(payload), self._to_model.target.milliseconds(payload))

    def _to_session(self, session: int, command: ModelCommand, audio_ms: float = 0.0) -> list[Output]:
        leg = self._legs.get(session)
        if leg is None:
            msg = f"session {session} is spoken to only after model_connected() and before CloseSession"
            raise RuntimeError(msg)
        return [ToModel(message, audio_ms, session) for message in leg.encode(command)]

    def _use(self, session: int) -> None:
        """Speak with another session. Its audio begins anew; what the caller hears goes on."""
        self.session = session
        self._rewire()
        self._to_model.reset()

    def _play(self, command: Play) -> list[Output]:
        payload = self._to_carrier.feed(command.payload)
        if not payload:
            return []
        if self._listener:
            self._listener.agent(command.at + self._ahead, payload)
        audio_ms = self.line.milliseconds(payload)
        return [ToCarrier(m, audio_ms) for m in self.carrier.encode(Play(payload, command.at))]

    # -- audio -------------------------------------------------------------------------------------------------------

    def _rewire(self) -> None:
        """The model said in which formats it hears and speaks. Streams that go on as they were are not disturbed."""
        call = self.conversation
        if self._to_model.target != call.model_hears:
            self._to_model = Transcoder(self.line, call.model_hears)
        if self._to_carrier.source != call.model_speaks:
            self._to_carrier = Transcoder(call.model_speaks, self.line)

    def _record_caller(self, event: CallerAudio, listener: Listener, now: float) -> None:
        """Where the carrier says, if that can be; otherwise behind the frame before, or where it came after a pause."""
        length = self.line.seconds(event.payload)
        at_ms = plausible(event.at_ms, now)
        if at_ms is not None:
            at = at_ms / 1000
            self._ahead = max(self._ahead, at + length - now)  # a frame is late at times, and never early
        else:
            arrived = now - length
            at = arrived if arrived > self._caller_at + STALL else self._caller_at
        self._caller_at = at + length
        hidden = self.conversation.hides(now)
        listener.caller(at, self.line.silence(length * 1000) if hidden else event.payload)
