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
    called: str = ""


class Granted(msgspec.Struct, frozen=True):
    """A target that may be reached."""

    to: str
    """E.164, or a `sip:` address: what it was resolved to, never what was asked for."""
    sending: Sending = Sending()


class Denied(msgspec.Struct, frozen=True):
    """A target that may not."""

    sentence: str
    """For the model: why, and what to do instead."""


class Desk(Protocol):
    """Whoever judges targets and sends messages for the calls of a process."""

    async def permit(self, use: Use, target: str, ends: Ends) -> Granted | Denied:
        """Whether *target*, a name of the directory or a number as a model writes it, may be reached. Bounded; what was
        asked for is noted, whatever the answer."""

    async def send_sms(self, ends: Ends, to: str, body: str) -> str:
        """Send a message to the number *to* (E.164), which was permitted; returns the carrier's id of it. Raises
        `CarrierError`. Bounded."""
