"""Calls that somebody asked us to place, kept from before the carrier is asked until it is known what became of them.

An intent that is `placing` may or may not have become a call: whoever finds one whose process is dead asks the carrier
before anything is repeated. Its states go forward only, for the carrier tells of them late, twice and out of order.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

IntentState = Literal[
    "placing",
    "placed",
    "ringing",
    "in-progress",
    "completed",
    "busy",
    "no-answer",
    "canceled",
    "failed",
]
FORWARD: dict[IntentState, int] = {"placing": 0, "placed": 1, "ringing": 2, "in-progress": 3}
"""Every other state is the last."""
LAST = 4


class Intent(msgspec.Struct, frozen=True):
    """A call that was asked for."""

    id: str
    """What whoever asked calls it (`Idempotency-Key`)."""
    to_number: str
    from_number: str
    agent: str
    state: IntentState = "placing"
    carrier_call_id: str = ""
    """Empty until the carrier gave one."""
    answered_by: str = ""
    """What machine detection found out."""
    reason: str = ""
    """Why it failed."""
    created_at: datetime | None = None
    metadata: dict[str, str] = {}
    """What whoever asked has to say to the tools of the call (`CallContext.metadata`)."""

    @property
    def over(self) -> bool:
        return self.state not in FORWARD
