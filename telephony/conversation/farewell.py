"""How a call is ended: the last words are heard first, and nothing can hold the line for ever.

    say goodbye ──► it was heard ──► hang up ──► the carrier confirms ──► over
         └── the model is silent: a recorded sentence, or none ──┘

A caller who speaks up during the goodbye the agent chose to say keeps the line (`cancellable`); one who speaks during
the goodbye of a limit does not.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from telephony.commands import Sending
from telephony.records import EndedBy, Result

Clip = Literal["apology", "goodbye", "none"]

LONGEST = 60.0
"""Seconds a goodbye may take in all, however much a model has to say."""
CONFIRMATION = 5.0
"""Seconds the carrier has to end the stream after it was asked to hang up."""


class Farewell(msgspec.Struct):
    """A call's end in progress. Times are seconds on the call's clock."""

    result: Result
    by: EndedBy
    reason: str
    since: float
    cancellable: bool = False
    clip: Clip = "goodbye"
    """The recorded sentence to use if the model does not speak; `none` once it was used."""
    transfer_to: str = ""
    """Where the caller is sent on to instead of being hung up on."""
    sending: Sending | None = None
    announces: bool = False
    """Whether the model is to say something yet, though it spoke when it called the function: that was long before."""
    hung_up_at: float | None = None

    def patience(self, ends_at: float, dead_air: float) -> float:
        """Seconds: until when to wait for a model that is due to speak, *ends_at* being the end of what it said."""
        return min(max(self.since, ends_at) + dead_air, self.since + LONGEST)

    def released(self, ends_at: float, goodbye: float) -> float:
        """Seconds: when the line is released though no mark has said that the last words were heard."""
        return min(max(self.since, ends_at) + goodbye, self.since + LONGEST)
