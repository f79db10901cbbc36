"""What remains of a call. Plain values: the store writes them, the terminal shows them, tests compare them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Result = Literal["completed", "failed", "aborted"]
EndedBy = Literal["caller", "agent", "limit", "model", "carrier", "server", "operator"]


class Termination(msgspec.Struct, frozen=True):
    """How a call ended, as a value: counted, stored and shown, never parsed out of a log line."""

    result: Result
    """`completed`: it ran its course. `failed`: something of ours or the model's broke. `aborted`: the process died."""
    by: EndedBy
    reason: str
    """One short phrase, such as `caller hung up` or `dead air`."""


class ToolUse(msgspec.Struct):
    """One function call of the model's."""

    call_id: str
    name: str
    arguments: str
    output: str = ""
    outcome: Literal["ok", "error", "timeout", "cancelled", "invalid", "running"] = "running"
    started_at: float = 0.0
    """Seconds since the call began."""
    finished_at: float | None = None


class Turn(msgspec.Struct):
    """One stretch of speech by one side."""

    speaker: Literal["caller", "agent", "keypad"]
    heard: str = ""
    """For the agent: the words the caller heard. For the caller: what the model understood."""
    unheard: str = ""
    """The agent's words that were generated and never reached the caller's ear."""
    interrupted: bool = False
    started_at: float = 0.0
    """Seconds since the call began: the caller's first sound as the model told, the agent's first audio heard."""
    ended_at: float | None = None
    item_id: str = ""
    final: bool = True
    """False while a caller's transcript is still provisional."""
    speech_stopped_at: float | None = None
    """For an agent turn: when the caller had stopped speaking before it (seconds), where it answers speech."""
    response_at: float | None = None
    """For an agent turn: when the model opened the response."""
    first_audio_at: float | None = None
    """For an agent turn: when the model's first audio reached us."""
    sent_at: float | None = None
    """For an agent turn: when its first audio went to the carrier."""

    @property
    def latency(self) -> float | None:
        """Seconds of silence between the caller's last sound and the agent's first, as heard."""
        if self.speech_stopped_at is None or self.speaker != "agent" or not self.heard:
            return None
        return max(0.0, self.started_at - self.speech_stopped_at)


class CallRecord(msgspec.Struct):
    """Everything that is kept of one call."""

    id: str
    """Ours, unique for ever."""
    carrier: str
    carrier_call_id: str
    agent: str
    from_number: str = ""
    to_number: str = ""
    direction: Literal["inbound", "outbound"] = "inbound"
    started_at: datetime | None = None
    """UTC."""
    duration: float = 0.0
    """Seconds."""
    model: str = ""
    termination: Termination | None = None
    """None while the call runs."""
    turns: list[Turn] = []
    tools: list[ToolUse] = []
    usage: dict[str, Any] = {}
    """Summed over the responses, with the provider's own keys flattened by dots."""
    recording: str = ""
    """Path of the stereo WAV, caller left, agent right as heard; empty when none was made."""
    notes: list[str] = []
    """What went wrong and was survived, one sentence each."""
