"""Whom agents may call and text: a directory, what is allowed beyond it, and how often."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from telephony.settings.base import File, Group

NumberType = Literal[
    "fixed_line",
    "mobile",
    "fixed_line_or_mobile",
    "toll_free",
    "voip",
    "uan",
    "pager",
    "personal_number",
    "voicemail",
]
"""The kinds of number that can be allowed, as libphonenumber names them. Premium rate and shared cost are not among
them, and nobody can add them."""


class Contact(Group):
    """Somebody who can be called: a number in quotes, or a mapping of these."""

    number: str = ""
    """E.164, in quotes."""
    sip: str = ""
    """A SIP address, such as `sip:desk@pbx.example.com`, in place of a number."""
    title: str = ""
    """What the model is told of it, such as `orders and deliveries`."""
    mode: Literal["cold", "warm", "refer"] = "cold"
    """How a caller is put through. `cold`: the caller is sent there and hears it ring. `warm`: they are called first,
    while the caller stays with the agent, and hear what it is about. `refer`: a caller who came by SIP is asked to call
    the SIP address directly; others are sent there."""
    language: str = ""
    """In which a `warm` transfer is announced to them, such as `de-DE`; unset takes the carrier's default."""
    caller_id: str = ""
    """Number shown to them, one of the account's or verified there; unset shows the caller's own, and for a `warm`
    transfer the number that was called."""
    timeout: Annotated[int, Field(ge=5, le=600)] = 20
    """Seconds it may ring there."""
    time_limit: Annotated[int, Field(ge=1, le=14_400)] = 14_400
    """Seconds the two may talk."""
    messages: bool = False
    """Whether text messages may be sent there as well."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """A bare string is the number or the address."""
        if not isinstance(value, str):
            return value
        return {"sip": value} if value.strip().lower().startswith(("sip:", "sips:")) else {"number": value}


class Allowance(Group):
    """What is allowed beyond the directory. Premium-rate, shared-cost, satellite, short and emergency numbers never
    are."""

    countries: list[str] = []
    """Two-letter codes, such as `[US, CA]`; empty allows nothing beyond the directory. Write `"NO"` in quotes."""
    types: list[NumberType] = ["fixed_line", "mobile"]
    """Kinds of number there. Where fixed lines and mobiles look alike, as in the United States, both of them or
    `fixed_line_or_mobile` must be listed."""


class MessageRules(Group):
    """Whom text messages may go to."""

    to_caller: bool = True
    """Whether the caller may be sent one, in whatever country they are."""
    countries: list[str] = []
    """As `dialling.allow.countries`."""
    types: list[NumberType] = ["mobile", "fixed_line_or_mobile"]
    """As `dialling.allow.types`."""
    per_call: Annotated[int, Field(ge=0)] = 3
    """Messages one call may send."""
    per_day: Annotated[int, Field(ge=0)] = 200
    """Messages in any 24 hours, all processes that share the database together."""


class DiallingSettings(Group):
    """Whom agents may call, and how often; everybody else is refused, and every request leaves a row."""

    directory: dict[str, Contact] = {}
    """By the name that the model uses."""
    allow: Allowance = Allowance()
    sms: MessageRules = MessageRules()
    per_call: Annotated[int, Field(ge=0)] = 5
    """Transfers and calls that one call may ask for."""
    per_day: Annotated[int, Field(ge=0)] = 200
    """Transfers and calls in any 24 hours, all processes that share the database together."""
    do_not_call: list[str] = []
    """Numbers that are never called or texted, or beginnings of them such as `"+1555*"`, in quotes."""
    do_not_call_file: File = ""
    """A file of more of them, one a line; what follows a `#` is a comment. Read when the process starts."""
