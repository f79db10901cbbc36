"""What a telephone network can do to a media stream, as parameters. Each was seen in the field."""

from __future__ import annotations

from typing import Literal

import msgspec


class CallerFaults(msgspec.Struct, frozen=True, kw_only=True):
    """How the simulated carrier misbehaves. The default is a carrier that does exactly what Twilio documents.

    Probabilities are from 0 to 1 and drawn from *seed*, so that a run can be repeated.
    """

    seed: int = 0
    marks_lost: float = 0.0
    """Probability that a mark never comes back."""
    marks_late_ms: float = 0.0
    """Marks come back up to this much late, each by its own chance, so that they may overtake one another."""
    marks_doubled: float = 0.0
    """Probability that a mark comes back twice."""
    marks_unknown: float = 0.0
    """Probability that a mark which nobody sent precedes a genuine one."""
    frames_lost: float = 0.0
    """Probability that a frame is discarded on the way; the counters go on and show the gap."""
    frames_doubled: float = 0.0
    """Probability that a frame comes twice."""
    silence_suppressed: bool = False
    """No frames while the caller is silent (discontinuous transmission), as on some mobile calls."""
    jitter_ms: float = 0.0
    """Every frame comes up to this much late. They keep their order: a stream runs over one TCP connection."""
    burst_ms: float = 0.0
    """Frames are held back and come together once in this many milliseconds."""
    counters: Literal["strings", "integers", "missing"] = "strings"
    """How `sequenceNumber`, `chunk` and `timestamp` are written, if at all. Twilio writes strings."""
    variant: Literal["twilio", "somleng"] = "twilio"
    """`somleng`: the open-source carrier, which puts `customParameters` beside `start` instead of into it."""
