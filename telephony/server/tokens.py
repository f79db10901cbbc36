"""Media tokens: proof that a media stream belongs to a webhook we answered.

A token is signed, lives a minute, holds what the webhook said of the call, and is taken once. It travels in the
stream's `<Parameter>`, never in a URL, since URLs end up in logs and Twilio drops queries anyway. Being signed rather
than remembered, it can be issued by one process and redeemed by another that has the same secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from typing import Literal

import msgspec

from telephony.errors import ForgedRequest

LIFETIME = 60.0
"""Seconds between the webhook's answer and the stream's start. Twilio opens the stream at once."""
REMEMBERED = 100_000
"""Redeemed tokens kept until they expire; more than any process could serve in a minute."""


LONGEST_NUMBER = 80
"""Bytes of a number as JSON has it. Callers by SIP name themselves, at any length and in any script, and the whole
token with its name must stay below the 500 characters that Twilio takes in a `<Parameter>`."""


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """What a token says."""

    call_id: str
    agent: str
    from_number: str
    to_number: str
    expires: float
    nonce: str
    direction: Literal["inbound", "outbound"] = "inbound"
    unrecorded: bool = False
    """Whether the caller does not agree to be recorded."""


class Tokens:
    """Issues and redeems. Times are seconds of one clock, shared by whoever shares the secret."""

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret or secrets.token_bytes(32)
        self._redeemed: OrderedDict[str, float] = OrderedDict()

    def issue(
        self,
        call_id: str,
        agent: str,
        from_number: str,
        to_number: str,
        now: float,
        direction: Literal["inbound", "outbound"] = "inbound",
        *,
        unrecorded: bool = False,
    ) -> str:
        """A token. Longer numbers than any telephone's are cut."""
        caller, called = _clipped(from_number), _clipped(to_number)
        ticket = Ticket(call_id, agent, caller, called, now + LIFETIME, secrets.token_hex(8), direction, unrecorded)
        body = _encode(msgspec.json.encode(ticket))
        return f"{body}.{self._sign(body)}"

    def redeem(self, token: str, call_id: str, now: float) -> Ticket:
        """The ticket of a token that is genuine, in time, for this call, and was not redeemed before.

        Raises `ForgedRequest` otherwise; its text is for our log, the peer is told nothing.
        """
        body, _, signature = token.partition(".")
        if not hmac.compare_digest(self._sign(body).encode(), signature.encode(errors="replace")):
            raise ForgedRequest("media token is not ours" if token else "media token is missing")
        ticket = msgspec.json.decode(_decode(body), type=Ticket)
        if ticket.expires < now:
            raise ForgedRequest("media token has expired")
        if not hmac.compare_digest(ticket.call_id.encode(), call_id.encode(errors="replace")):
            raise ForgedRequest("media token is for another call")
        self._forget(now)
        if ticket.nonce in self._redeemed or len(self._redeemed) >= REMEMBERED:
            raise ForgedRequest("media token was used before")
        self._redeemed[ticket.nonce] = ticket.expires
        return ticket

    def _forget(self, now: float) -> None:
        while self._redeemed and next(iter(self._redeemed.values())) < now:
            self._redeemed.popitem(last=False)

    def _sign(self, body: str) -> str:
        return _encode(hmac.new(self._secret, body.encode(errors="replace"), hashlib.sha256).digest())


def _clipped(number: str) -> str:
    number = number[:LONGEST_NUMBER].encode(errors="replace").decode()
    while len(msgspec.json.encode(number)) > LONGEST_NUMBER:
        number = number[:-1]
    return number


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
