"""With which code the carrier's socket is closed when a call is over: whoever reads the carrier's own log sees why."""

from __future__ import annotations

from telephony.carriers.base import NORMAL, Carrier
from telephony.commands import EndCall

GOING_AWAY = 1001
INTERNAL_ERROR = 1011
"""Close codes of WebSockets (RFC 6455, 7.4.1)."""
BUG = "internal error"
"""Why a call ended that a bug of ours has ended."""


def close_code(carrier: Carrier, ending: EndCall) -> int:
    """A peer that broke the protocol is told so; everybody else, whether it was we who went."""
    if carrier.close_code != NORMAL:
        return carrier.close_code
    if ending.by != "server":
        return NORMAL
    return INTERNAL_ERROR if ending.reason == BUG else GOING_AWAY
