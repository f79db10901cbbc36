"""What the parts of a simulated model share: session, conversation so far, the way out, and the client's faults."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from telephony.sim.chance import Chance
from telephony.sim.model_agenda import Agenda
from telephony.sim.model_memory import Memory
from telephony.sim.model_openai import BETA_NAMES, OpenAiWire
from telephony.sim.model_script import ModelScript
from telephony.sim.model_session import OpenAiSession, Session, XaiSession
from telephony.sim.model_trouble import ABNORMAL, ERROR_KINDS, ERRORS, MALFORMED, Trouble
from telephony.sim.model_wire import Message, Problem, Wire
from telephony.sim.model_xai import XaiWire


class Fault(msgspec.Struct, frozen=True):
    """Something the client did wrong, whether or not the provider would have told it."""

    code: str
    message: str
    at: float
    """Seconds on the clock that the simulator was driven by."""


class Stage:
    """One connection's shared state. Parts write to it; only `SimulatedModel` reads `take`."""

    def __init__(self, script: ModelScript, seed: int, model: str, epoch: float) -> None:
        xai = script.profile == "xai"
        self.script = script
        self.wire: Wire = XaiWire(seed) if xai else OpenAiWire(seed)
        self.session: Session = XaiSession(model) if xai else OpenAiSession(model)
        self.memory = Memory()
        self.agenda = Agenda()
        self.chance = Chance(seed, "model")
        self.faults: list[Fault] = []
        self.close_request: tuple[int, str] | None = None
        self.frozen = False
        """Whether nobody is behind the socket any more."""
        self._mute = False
        self._epoch = epoch
        self._out: list[str] = []
        self._renamed: Mapping[str, str] = BETA_NAMES if script.beta_names else {}

    def send(self, *messages: Message) -> None:
        """Queue messages for the client. Bytes inside become base64."""
        for message in messages:
            name = self._renamed.get(message["type"], message["type"])
            if name:
                whole = {"event_id": self.wire.event_id(), **message, "type": name}
                self.send_raw(msgspec.json.encode(whole).decode())

    def send_raw(self, message: str) -> None:
        if not (self.close_request or self.frozen or self._mute):
            self._out.append(message)

    def take(self) -> list[str]:
        """Everything queued since the last time."""
        out, self._out = self._out, []
        return out

    def blame(self, code: str, message: str, now: float, *, once: bool = False) -> None:
        """Note a fault of the client. *once*: what would repeat fifty times a second is noted the first time only."""
        if not (once and any(fault.code == code for fault in self.faults)):
            self.faults.append(Fault(code, message, now))

    def object_to(self, problem: Problem, now: float, event_id: str | None, *, forgiven: bool = False) -> None:
        """Note a fault and answer as the provider does. *forgiven*: the messages crossed on the wire, so that the
        provider complains but the client could not know better."""
        if not forgiven:
            self.blame(problem.fault, problem.message, now)
        if not problem.silent:
            self.send(self.wire.error(problem, event_id))

    def close(self, code: int, reason: str) -> None:
        """Ask for the socket to be closed; nothing is sent or done after it."""
        if not self.close_request:
            self.close_request = (code, reason)
            self.agenda.clear()

    def suffer(self, trouble: Trouble) -> None:
        """Have a scripted mishap befall the session."""
        for number in range(trouble.malformed):
            self.send_raw(MALFORMED[number % len(MALFORMED)])
        if trouble.error:
            code = trouble.error
            kind = code if self.script.profile == "xai" else ERROR_KINDS.get(code, "invalid_request_error")
            message = ERRORS.get(code, f"The session is in trouble: {code}.")
            self.send(self.wire.error(Problem("", message, code, kind=kind), None))
        if trouble.mute:
            self._mute = True
        elif trouble.freeze:
            self.frozen = True
            self.agenda.clear()
        elif trouble.vanish:
            self.close(ABNORMAL, "")
        elif trouble.close:
            self.close(trouble.close, "scripted close")

    def unix_ms(self, now: float) -> int:
        return int((self._epoch + now) * 1000)

    def crossed(self, since: float | None, now: float) -> bool:
        """Whether a message that came now may have been sent before the client could know of what happened *since*."""
        return since is not None and now - since <= self.script.grace_ms / 1000
