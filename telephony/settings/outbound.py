"""Calls that are placed: who may ask for them, when, and what an agent does with a machine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from telephony.settings.base import Group


class OutboundPolicy(Group):
    """How an agent calls people."""

    ring: Annotated[int, Field(ge=5, le=600)] = 30
    """Seconds it may ring before the call is given up; a voicemail often answers after 25."""
    machine: Literal["talk", "message", "hang_up"] = "talk"
    """When a machine answers: talk to it (nobody finds out, and nothing is paid for finding out), say `message` after
    its tone and hang up, or hang up at once."""
    message: str = ""
    """Said word for word after the tone, with `machine: message`."""


class OutboundSettings(Group):
    """Calls that this process places."""

    api_key: SecretStr = SecretStr("")
    """The key that `POST /api/v1/calls` asks for (`Authorization: Bearer`). Unset, no call can be placed."""
    from_number: str = ""
    """Number (E.164) that calls come from unless the request says so: one of the account's, or verified there."""
    calls_per_second: Annotated[float, Field(gt=0, le=100)] = 1
    """How many calls leave in a second; Twilio queues what is above the account's own rate, which is 1."""
    hours: str = "08:00-21:00"
    """When people may be called, by the clock where their number is from; `00:00-24:00` is always."""
