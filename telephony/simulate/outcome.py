"""What became of a simulated call, for whoever placed it or waited for it."""

from __future__ import annotations

import io
import wave
from typing import Literal

import msgspec
import numpy as np

from telephony.audio.g711 import mulaw_to_pcm
from telephony.sim.caller import Observation
from telephony.sim.caller_inbox import TwilioWarning
from telephony.simulate.live import CallState
from telephony.simulate.requests import Exchange


class CallOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a call."""

    call_sid: str
    stream_sids: tuple[str, ...]
    status: CallState
    """As Twilio would report it: `completed`, `busy`, `failed`."""
    ended_by: Literal["caller", "agent", "server", "carrier"]
    """`agent`: by the REST API or by TwiML. `server`: the media socket was closed and nothing followed. `carrier`: an
    error, or the time limit."""
    warnings: tuple[TwilioWarning, ...]
    """What would stand in Twilio's debugger."""
    unmet: tuple[str, ...]
    """Steps of the script that did not come about."""
    observations: tuple[Observation, ...]
    exchanges: tuple[Exchange, ...]
    """Twilio's HTTP requests and their answers, in the order of the answers."""
    dialled: tuple[str, ...]
    """Targets of `<Dial>`."""
    said: bytes
    """The caller's audio, mu-law at 8000 Hz, from when the media stream began."""
    heard: bytes
    """What the caller heard, aligned with it: the media stream only, not what Twilio says by itself."""
    duration: float
    """Seconds from the first request to the end."""

    @property
    def complaints(self) -> list[str]:
        """Everything that should not be, one sentence each."""
        return [f"Twilio {warning.code}: {warning.message}" for warning in self.warnings] + list(self.unmet)

    @property
    def ok(self) -> bool:
        """The script was followed to its end and Twilio had nothing to complain about."""
        return not self.complaints

    def stereo_wav(self) -> bytes:
        """A WAV file of the call: caller left, agent as heard right."""
        length = max(len(self.said), len(self.heard))
        sides = [np.frombuffer(mulaw_to_pcm(side.ljust(length, b"\xff")), "<i2") for side in (self.said, self.heard)]
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setparams((2, 2, 8000, 0, "NONE", ""))
            file.writeframes(np.stack(sides, axis=1).tobytes())
        return buffer.getvalue()
