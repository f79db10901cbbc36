"""Calls that we place: what is done when a machine answers, which is found out a few seconds into the call."""

from __future__ import annotations

from library.kit import SPARSE, at, call
from telephony.events import HangUpWanted, SpeechWanted

GREETING, MESSAGE = "Not in.", "Call us."
FOUND_OUT = "a machine answered"

OUTBOUND = [
    call(
        "machine-is-left-a-message",
        "A machine is left its message after the tone, word for word and to the end, and is hung up on.",
        [{"say": GREETING}, {"noise": {"level_dbfs": -15, "seconds": 0.3}}, {"wait": "end"}],
        [],
        lambda tape: (
            tape.ending == ("completed", "agent", FOUND_OUT)
            and tape.agents[-1] == MESSAGE
            and not tape.cut
            and tape.told("HangUp")
        ),
        prepare=at(1.6, SpeechWanted(MESSAGE, interruptible=False), HangUpWanted(FOUND_OUT, final=True)),
        unmet=True,
        **SPARSE,
    ),
    call(
        "machine-is-hung-up-on",
        "A machine that nobody wants to speak with is hung up on, whatever the agent was about to say.",
        [{"say": GREETING}, {"wait": "end"}],
        [],
        lambda tape: tape.ending == ("completed", "agent", FOUND_OUT) and tape.told("HangUp"),
        prepare=at(0.9, HangUpWanted(FOUND_OUT, final=True)),
        unmet=True,
        **SPARSE,
    ),
]
