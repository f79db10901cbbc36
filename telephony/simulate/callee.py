"""People and machines that a simulated Twilio can call: whether they answer, when, and what they do then."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from telephony.audio.g711 import pcm_to_mulaw
from telephony.sim.caller_script import CallerScript, Play, Say, Step, WaitForEnd
from telephony.simulate.live import CallState

RATE = 8000
BEEP_HZ = 1000
BEEP_SECONDS = 0.4
GREETING = "Hello. I am not at home. Please leave a message after the tone."

Behaviour = Literal["answers", "machine", "busy", "rejects", "no answer", "unreachable"]


class Callee(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever has a number."""

    does: Behaviour = "answers"
    rings: int = 1
    """How often it rings before they do."""
    steps: tuple[Step, ...] = (WaitForEnd(),)
    """What somebody who answered does on a media stream, as a caller's script says it."""
    patience: float = 30.0
    """Seconds that any one wait of theirs may last."""
    greeting: str = GREETING
    """What a machine says; a tone follows, and then it records."""
    told_after: float = 0.3
    """Seconds after which machine detection knows whom it hears."""
    hangs_up_after: float | None = None
    """Seconds after which somebody who answered hangs up, whatever they hear; None: they do not."""
    stays: float | None = None
    """Seconds that they stay in a call or conference they were dialled into; None: until somebody ends it."""

    def ringing(self, timeout: float, ring: float) -> tuple[float, CallState]:
        """How long it rings, and what comes of it: `in-progress` if they answer."""
        after = self.rings * ring
        if self.does == "unreachable":
            return 0.0, "failed"
        if self.does == "no answer" or after >= timeout:
            return timeout, "no-answer"
        return after, "busy" if self.does in ("busy", "rejects") else "in-progress"

    @property
    def sip_code(self) -> str:
        """The SIP response that ended the call, where there was one (Twilio docs, "SipResponseCode")."""
        codes = {"unreachable": "404", "busy": "486", "rejects": "603", "no answer": "487"}
        return codes.get(self.does, "200")

    def script(self, from_number: str, to_number: str) -> CallerScript:
        """As the simulated telephone follows it."""
        machine = (Say(self.greeting), Play("beep"), WaitForEnd())
        steps = machine if self.does == "machine" else self.steps
        return CallerScript(steps, from_number, to_number, self.patience)

    def detection(self, mode: str, timeout: float, greeting: float) -> tuple[float, str]:
        """After how many seconds machine detection says what. *greeting*: seconds that the machine's lasts."""
        ends = mode == "DetectMessageEnd" and self.does == "machine"
        after = greeting + BEEP_SECONDS if ends else self.told_after
        if after > timeout:
            return timeout, "unknown"
        if self.does != "machine":
            return after, "human"
        return after, "machine_end_beep" if ends else "machine_start"


def beep() -> bytes:
    """The tone after which a machine records: mu-law at 8000 Hz."""
    time = np.arange(int(BEEP_SECONDS * RATE)) / RATE
    return pcm_to_mulaw(np.rint(8000 * np.sin(2 * np.pi * BEEP_HZ * time)).astype("<i2").tobytes())
