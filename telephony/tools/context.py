"""What a tool may know of the call it runs in, and what it may want of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.commands import ErrandDone
from telephony.conversation import phrases
from telephony.errors import CarrierError, ToolError
from telephony.events import (
    Event,
    HandOverWanted,
    HangUpWanted,
    KeysWanted,
    MessageWanted,
    SpeechWanted,
    TonesWanted,
    TransferWanted,
)
from telephony.settings import CallSettings
from telephony.tools.hidden import hide, without_typed
from telephony.tools.permits import Answered, Denied, Desk, Ends, Granted, Use

_TONES = frozenset("0123456789*#ABCDabcdwW")
LONGEST_SMS = 1600
"""Characters (Twilio docs, "Messages resource")."""
LONGEST_BRIEFING = 600
"""Characters; it takes the carrier's voice some forty seconds."""
PATIENCE = 8.0
"""Seconds for which a caller hears nothing while somebody else is being called."""
LONGEST_KEYS = 64
"""Keys that are sounded or collected at once; nobody types more."""


class _Result(Protocol):
    @property
    def done(self) -> ErrandDone: ...
    @property
    def path(self) -> str: ...


class CallControl(Protocol):
    """What a call does for its tools; the bridge is one."""

    @property
    def function(self) -> str:
        """The model's id of the function call that is being made."""

    def feed(self, event: Event) -> None:
        """Tell the conversation."""

    @property
    def agent(self) -> str:
        """Who speaks with the caller now; another than at the beginning after a hand-over."""

    @property
    def desk(self) -> Desk | None:
        """Who judges targets and sends messages."""

    def colleague(self, agent: str) -> CallSettings | None:
        """The settings of another agent; None if the present one may not hand over to it."""

    async def errand(self, wanted: Callable[[str], Event]) -> _Result:
        """Want something of the call, and wait until it is done. *wanted* makes the event of the errand's name."""


class Transferred(msgspec.Struct, frozen=True):
    """Whether a caller is put through."""

    accepted: bool
    """The call ends here once the caller has heard the last words. If nobody answers there, they come back."""
    waiting: bool = False
    """Whether they are on the line already and know what it is about."""
    name: str = ""
    """Who takes the call, as the directory has it."""
    why_not: str = ""
    """For the model: why not, and what to do instead."""


class Digits(msgspec.Struct, frozen=True):
    """What a caller typed."""

    outcome: Literal["ok", "timeout", "spoke", "busy", "over"]
    """`timeout`: too few came in time. `spoke`: the caller said something instead. `busy`: something else is being
    collected. `over`: the call ends."""
    count: int
    keys: str = ""
    """The keys themselves; empty if they are secret."""
    handle: str = ""
    """What stands for secret keys: `CallContext.redeem` gives them to whoever has it, once."""


class Message(msgspec.Struct, frozen=True):
    """What a caller said after the tone."""

    outcome: Literal["ok", "timeout", "busy", "over"]
    """`timeout`: nothing was said. `over`: the call ended in the middle of it."""
    seconds: float
    path: str
    """Of the WAV file, mono at 8000 Hz; empty if nothing was kept."""


@dataclass(eq=False, slots=True)
class CallContext:
    """Given to a tool whose first parameter is annotated `CallContext`; the model never sees that parameter.

    Every field has a default, so that a tool can be tried without a phone: `await lookup(CallContext(), "A-1042")`.
    What acts on the call (`say`, `hang_up`, `send_digits` …) needs one, and raises `ToolError` without.
    """

    call_id: str = ""
    """The carrier's own id of the call (Twilio: CallSid)."""
    from_number: str = ""
    """Who calls, as the carrier says: E.164, or `anonymous`, `client:…`, `sip:…`. No proof of who it is."""
    to_number: str = ""
    """The number that was called."""
    agent: str = ""
    """Name of the agent that answers."""
    metadata: dict[str, str] = field(default_factory=dict)
    """What came with the call, such as the parameters of the media stream."""
    state: dict[str, Any] = field(default_factory=dict)
    """Yours: one dict per call, shared by all its tools, gone when the call ends. A sync tool runs in a thread, so
    two tools that run at once can write to it at the same time."""
    direction: Literal["inbound", "outbound"] = "inbound"
    """Who called whom: an outbound call is from us."""
    control: CallControl | None = field(default=None, repr=False)
    """The call itself."""
    _secrets: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def logger(self) -> FilteringBoundLogger:
        """A structlog logger whose lines carry the call's id and agent."""
        logger: FilteringBoundLogger = structlog.get_logger("telephony.tool")
        return logger.bind(call_id=self.call_id, agent=self.agent)

    # -- the call, for async tools -----------------------------------------------------------------------------------

    async def say(self, text: str, *, interruptible: bool = True) -> None:
        """Have *text* said word for word as soon as the agent can. It is not waited for."""
        self._call.feed(SpeechWanted(without_typed(text), interruptible))

    async def hang_up(self, reason: str = "agent hung up") -> None:
        """End the call once the caller has heard what is being said; a caller who speaks up keeps the line. What the
        tool returns may still tell the model what to say last."""
        call = self._call
        call.feed(HangUpWanted(reason, call.function))

    async def transfer(self, target: str, briefing: str = "") -> Transferred:
        """Put the caller through to *target*, a name of the directory or an allowed number, once they have heard what
        is being said; a caller who speaks up before stays. If it is busy there or nobody answers, the caller comes
        back to the agent, who is told so.

        Where the directory says `mode: warm`, they are called first and hear *briefing*. That is waited for, so give
        the tool a `timeout` longer than it may ring there; who does not answer then leaves the caller where they are.
        """
        call = self._call
        if len(briefing) > LONGEST_BRIEFING:
            raise ToolError(f"A briefing has at most {LONGEST_BRIEFING} characters.")
        permit = await self._permit("transfer", target)
        if isinstance(permit, Denied):
            return Transferred(accepted=False, why_not=permit.sentence)
        sending, name = permit.sending, permit.sending.name or permit.to
        if permit.asked_first:
            answered = await self._consult(permit, briefing)
            if not answered.room:
                return Transferred(accepted=False, name=name, why_not=phrases.not_taken(answered.outcome))
            sending = msgspec.structs.replace(sending, room=answered.room)
        call.feed(TransferWanted(permit.to, sending, call.function))
        return Transferred(accepted=True, name=name, waiting=permit.asked_first)

    async def _consult(self, permit: Granted, briefing: str) -> Answered:
        """Ask them, and the caller for patience as long as it rings."""
        desk = self._call.desk
        if desk is None:
            return Answered("", "failed")
        async with asyncio.TaskGroup() as group:
            patience = group.create_task(self._ask_for_patience(), name=f"{self.call_id} patience")
            answered = await desk.consult(self._ends, permit, briefing)
            patience.cancel()
        return answered

    async def _ask_for_patience(self) -> None:
        """As long as it rings; until cancelled."""
        while True:
            await asyncio.sleep(PATIENCE)
            self._call.feed(SpeechWanted(phrases.STILL_RINGING, verbatim=False))

    async def hand_over(self, agent: str) -> None:
        """Let another *agent* go on with the caller, with its own instructions, tools and voice, as soon as what is
        being said was heard. It knows what was said so far. Raises `ToolError` if this agent may not."""
        call = self._call
        settings = call.colleague(agent)
        if settings is None:
            raise ToolError(f"There is no agent {agent[:40]!r} to hand over to.")
        call.feed(HandOverWanted(settings))

    async def send_sms(self, body: str, to: str = "") -> str:
        """Send a text message, to the caller unless *to* is another allowed number. Returns the carrier's id of it.
        Raises `ToolError` if that is not allowed or the carrier refuses."""
        permit = await self._permit("sms", to or self._ends.caller)
        if isinstance(permit, Denied):
            raise ToolError(permit.sentence)
        desk = self._call.desk
        if not body.strip() or len(body) > LONGEST_SMS or desk is None:
            raise ToolError(f"A message has 1 to {LONGEST_SMS} characters.")
        try:
            return await desk.send_sms(self._ends, permit.to, body)
        except CarrierError as error:
            self.logger.warning("message refused", error=str(error))
            raise ToolError("The telephone network did not take the message. Tell the caller.") from error

    async def _permit(self, use: Use, target: str) -> Granted | Denied:
        desk = self._call.desk
        if desk is None:
            return Denied("There is nobody who could be reached from this call.")
        return await desk.permit(use, target, self._ends)

    @property
    def _ends(self) -> Ends:
        them, us = self.from_number, self.to_number
        if self.direction == "outbound":
            them, us = us, them
        return Ends(self.call_id, self._call.agent, them, us)

    async def send_digits(self, keys: str) -> bool:
        """Sound *keys* on the line, such as `1w2#`: `w` waits half a second, `W` a whole one. Returns whether they were
        heard to the end. Raises `ToolError` for a key that no keypad has."""
        if not keys or not _TONES.issuperset(keys) or len(keys) > LONGEST_KEYS:
            raise ToolError(f"{keys[:LONGEST_KEYS]!r} are no keys: give up to {LONGEST_KEYS} of 0-9, *, #, A-D, w, W.")
        result = await self._call.errand(lambda name: TonesWanted(name, keys))
        return result.done.outcome == "ok"

    async def collect_digits(
        self,
        *,
        prompt: str = "",
        length: int | None = None,
        least: int = 1,
        most: int = LONGEST_KEYS,
        terminator: str = "#",
        patience: float = 10.0,
        between: float = 3.0,
        tries: int = 2,
        secret: bool = False,
    ) -> Digits:
        """Let the caller type a number. The agent falls silent at the first key.

        Args:
            prompt: said word for word before; leave it out if the agent has asked already.
            length: exactly so many keys; otherwise *least* to *most* of them.
            terminator: the key that ends the number and is no part of it; empty for none.
            patience: seconds for the first key, from when the caller has heard what was said.
            between: seconds from one key to the next, after which the number counts as complete.
            tries: how often the caller is asked in all.
            secret: neither the keys nor their tones reach the model, a log, the record, the recording or the cassette.
                Give a *prompt* then: what is typed before this is called is not yet secret.
        """
        least, most = (length, length) if length else (least, most)
        if not 1 <= least <= most <= LONGEST_KEYS or len(terminator) > 1 or tries < 1:
            raise ToolError(f"Collect 1 to {LONGEST_KEYS} keys, with one key or none to end them, at least once.")
        result = await self._call.errand(
            lambda name: KeysWanted(name, least, most, terminator, patience, between, prompt, tries, secret)
        )
        done = result.done
        outcome: Any = done.outcome
        if not secret or not done.keys:
            return Digits(outcome, len(done.keys), done.keys)
        hide(done.keys, typed=True)
        handle = f"secret-{len(self._secrets) + 1}"
        self._secrets[handle] = done.keys
        return Digits(outcome, len(done.keys), handle=handle)

    def redeem(self, handle: str) -> str:
        """The secret keys that *handle* stands for, once. Raises `ToolError` if there are none any more."""
        keys = self._secrets.get(handle, "")
        if not keys:
            raise ToolError(f"There is nothing behind {handle[:40]!r}: collect the digits again.")
        self._secrets[handle] = ""
        return keys

    async def take_message(self, *, longest: float = 120.0, silence: float = 4.0) -> Message:
        """Let the caller speak after a tone, into a file, until a key, *silence* seconds of quiet, or *longest* seconds
        have passed. The model hears nothing of it."""
        result = await self._call.errand(lambda name: MessageWanted(name, longest, silence))
        outcome: Any = result.done.outcome
        return Message(outcome, result.done.seconds, result.path)

    @property
    def _call(self) -> CallControl:
        if self.control is None:
            raise ToolError("There is no call: this works only while one goes on.")
        return self.control
