"""Whom a call may reach besides its caller: asked for each transfer and each message, and never left to a model."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from telephony.commands import Sending

Use = Literal["transfer", "sms"]


class Ends(msgspec.Struct, frozen=True):
    """The call in which somebody is to be reached."""

    call_id: str
    agent: str
    caller: str = ""
    """The number at the other end, whoever called whom."""
    called: str = ""
    """Ours."""


class Granted(msgspec.Struct, frozen=True):
    """A target that may be reached."""

    to: str
    """E.164, or a `sip:` address: what it was resolved to, never what was asked for."""
    sending: Sending = Sending()
    asked_first: bool = False
    """Whether they are called while the caller stays with the agent."""
    language: str = ""
    """In which they are told what it is about, such as `de-DE`; empty for the carrier's default."""


class Denied(msgspec.Struct, frozen=True):
    """A target that may not."""

    sentence: str
    """For the model: why, and what to do instead."""


class Answered(msgspec.Struct, frozen=True):
    """What came of asking somebody whether a caller can be put through to them."""

    room: str
    """Where they wait for the caller; empty if they do not."""
    outcome: str = ""
    """A call's status: `busy`, `no-answer`, `failed`; `completed` if they hung up while they heard what it is about."""


class Desk(Protocol):
    """Whoever judges targets, sends messages and calls colleagues for the calls of a process."""

    async def permit(self, use: Use, target: str, ends: Ends) -> Granted | Denied:
        """Whether *target*, a name of the directory or a number as a model writes it, may be reached. Bounded; what was
        asked for is noted, whatever the answer."""

    async def consult(self, ends: Ends, granted: Granted, briefing: str) -> Answered:
        """Call whoever was permitted, and let them hear *briefing*. Bounded by the time it may ring there; who is
        cancelled meanwhile has them hung up on."""

    def release(self, call_id: str, but: str = "") -> None:
        """Nobody of a call comes to the rooms where somebody waits, *but* for one."""

    async def send_sms(self, ends: Ends, to: str, body: str) -> str:
        """Send a message to the number *to* (E.164), which was permitted; returns the carrier's id of it. Raises
        `CarrierError`. Bounded."""
