"""A call that is going on, as Twilio's switchboard keeps it: who, in what state, and what it was last told to do."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import msgspec

CallState = Literal["queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"]
Direction = Literal["inbound", "outbound-api", "outbound-dial"]


def new_sid(prefix: str) -> str:
    """An id of Twilio's form: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


class Source(msgspec.Struct, frozen=True):
    """Where the next instructions come from: a document, or an address to ask."""

    url: str = ""
    method: str = "POST"
    twiml: str = ""


class LiveCall:
    """One simulated phone call. The REST API changes it from outside, while `place_call` carries it out."""

    def __init__(
        self,
        sid: str,
        account_sid: str,
        from_number: str,
        to_number: str,
        limit: float,
        direction: Direction = "inbound",
        parent_sid: str = "",
    ) -> None:
        self.sid = sid
        self.account_sid = account_sid
        self.from_number = from_number
        self.to_number = to_number
        self.direction: Direction = direction
        self.parent_sid = parent_sid
        """The call whose `<Dial>` placed this one."""
        self.time_limit = limit
        """Seconds that it may last."""
        self.status: CallState = "ringing" if direction == "inbound" else "queued"
        self.created: datetime = datetime.now(UTC)
        self.began: datetime = self.created
        """When it was dialled."""
        self.answered: datetime | None = None
        self.ended: datetime | None = None
        self.answered_by = ""
        """What machine detection found out."""
        self.told: Source | Literal["hang up"] | None = None
        """What the REST API wants and nobody has done yet."""
        self.attention = asyncio.Event()
        """Set when there is something new to look at."""

    @property
    def over(self) -> bool:
        return self.ended is not None

    @property
    def duration(self) -> int:
        """Whole seconds, as Twilio bills and reports them."""
        began = self.began if self.direction == "inbound" else self.answered
        return round(((self.ended or datetime.now(UTC)) - began).total_seconds()) if began else 0

    def answer(self) -> None:
        """The first instruction was carried out, or whoever was called has answered."""
        if self.status == "ringing":
            self.status = "in-progress"
            self.answered = datetime.now(UTC)

    def tell(self, what: Source | Literal["hang up"]) -> None:
        """An instruction from outside. A later one replaces an earlier one, but a hang-up stands."""
        if self.told != "hang up":
            self.told = what
        self.attention.set()

    def take_told(self) -> Source | Literal["hang up"] | None:
        """What there is to do; each instruction is taken once, except that a hang-up stays."""
        told = self.told
        if told != "hang up":
            self.told = None
        self.attention.clear()
        return told

    def finish(self, status: CallState) -> None:
        if self.ended is None:
            self.ended = datetime.now(UTC)
            self.status = status

    async def pause(self, seconds: float, until: Callable[[], bool] = bool) -> bool:
        """Let *seconds* pass. True if something from outside came first: an instruction, which `take_told` then gives,
        or *until*, which whoever brings it about says by `attention`."""
        try:
            async with asyncio.timeout(seconds):
                while self.told is None and not until():
                    self.attention.clear()
                    await self.attention.wait()
        except TimeoutError:
            return False
        return True
