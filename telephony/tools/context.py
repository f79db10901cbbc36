"""What a tool may know of the call it runs in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger


@dataclass(eq=False, slots=True)
class CallContext:
    """Given to a tool whose first parameter is annotated `CallContext`; the model never sees that parameter.

    Every field has a default, so that a tool can be tried without a phone: `await lookup(CallContext(), "A-1042")`.
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

    @property
    def logger(self) -> FilteringBoundLogger:
        """A structlog logger whose lines carry the call's id and agent."""
        logger: FilteringBoundLogger = structlog.get_logger("telephony.tool")
        return logger.bind(call_id=self.call_id, agent=self.agent)
