"""Whom a call may reach besides its caller: asked for each transfer and each message, and never left to a model."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from telephony.commands import Sending

Use = Literal["transfer", "sms"]


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

    async def permit(self, use: Use, target: str, call_id: str, agent: str) -> Granted | Denied:
        """Whether *target*, a name of the directory or a number as a model writes it, may be reached. Bounded; what was
        asked for is noted, whatever the answer."""

    async def send_sms(self, call_id: str, to: str, body: str) -> str:
        """Send a message to the number *to* (E.164), which was permitted; returns the carrier's id of it. Raises
        `CarrierError`. Bounded."""
