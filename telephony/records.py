"""What remains of a call. Plain values: the store writes them, the terminal shows them, tests compare them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

Result = Literal["completed", "failed", "aborted"]
EndedBy = Literal["caller", "agent", "limit", "model", "carrier", "server", "operator"]
FindingKind = Literal["pause", "overlap", "false interruption", "repeated answer", "cut-off goodbye"]
Cause = Literal[
    # a pause
    "model_unreachable",
    "connect_slow",
    "session_slow",
    "session_not_acknowledged",
    "model_lost",
    "model_silent",
    "response_failed",
    "reply_dropped",
    "sent_late",
    "stream_stalled",
    "played_late",
    "tool_timed_out",
    "tool_chain",
    "tool_without_say",
    "tool_outlasted_say",
    "tool_round_trip",
    "model_stalled",
    "vad_slow",
    "response_slow",
    "audio_slow",
    "caller_silent",
    # an overlap
    "greeting_protected",
    "goodbye_protected",
    "interruption_slow",
    "answered_early",
    # a false interruption
    "no_words",
    # a repeated answer
    "asked_again",
    "session_replaced",
    "model_repeated",
    # a cut-off goodbye
    "goodbye_too_long",
    "line_lost",
    "ended_from_outside",
    # any of them
    "unexplained",
]


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
    outcome: Literal["ok", "error", "timeout", "cancelled", "invalid", "running", "detached"] = "running"
    """`detached`: it ran on in the background when the call ended, and nobody knows what became of it."""
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
    vad_at: float | None = None
    """For an agent turn: when the model said that the caller had stopped."""
    response_at: float | None = None
    """For an agent turn: when the model opened the response."""
    first_audio_at: float | None = None
    """For an agent turn: when the model's first audio reached us."""
    sent_at: float | None = None
    """For an agent turn: when its first audio went to the carrier."""
    confirmed_at: float | None = None
    """For an agent turn: when the carrier's first mark behind its audio came back, which proves that it was heard."""

    @property
    def latency(self) -> float | None:
        """Seconds of silence between the caller's last sound and the agent's first, as heard."""
        if self.speech_stopped_at is None or self.speaker != "agent" or not self.heard:
            return None
        return max(0.0, self.started_at - self.speech_stopped_at)


class Finding(msgspec.Struct, frozen=True):
    """Something that a caller will have minded, and why it was so."""

    at: float
    """Seconds since the call began."""
    seconds: float
    """How long it lasted."""
    kind: FindingKind
    cause: Cause
    """For counting: one of a closed list, never a stranger's words."""
    sentence: str
    """For a person, such as "silent 3.1 s: tool lookup_order took 2.6 s and has no `say`"."""


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
    cost: float = 0.0
    """Of model and carrier, by the prices in `tariffs`; 0 where none are known."""
    currency: str = ""
    """Of the cost; empty where no prices are known."""
    recording: str = ""
    """Path of the stereo WAV, caller left, agent right as heard; empty when none was made."""
    cassette: str = ""
    """Path of everything that passed through the call, to be played again; empty when none was made."""
    notes: list[str] = []
    """What went wrong and was survived, one sentence each."""
    findings: list[Finding] = []
    """Every pause, overlap and the like, and why, in the order of time."""


# -- whom agents wanted to reach -----------------------------------------------------------------------------------

Use = Literal["transfer", "dial", "sms"]
Refusal = Literal[
    "unknown",  # neither a name of the directory nor a number
    "unclear",  # a number that can be read in several ways, or is hidden
    "address",  # a SIP address or the like that the directory does not have
    "invalid",  # no such number can exist in its country
    "emergency",
    "short_code",
    "premium",  # premium rate or shared cost
    "satellite",
    "own",  # one of our numbers, or an end of this very call
    "do_not_call",
    "not_listed",  # only the directory is allowed, or not this entry to this agent or for this use
    "country",
    "type",
    "per_call",
    "per_day",
    "unrecorded",  # neither the store nor the disk would take the row that must remain of it
    "over",  # the call ended before there was an answer
]
COUNTED_WITH: dict[Use, tuple[Use, ...]] = {
    "transfer": ("transfer", "dial"),
    "dial": ("transfer", "dial"),
    "sms": ("sms",),
}
"""By use, the uses that are held to one limit with it."""


class AuditRow(msgspec.Struct, frozen=True):
    """That somebody was to be called or texted, and what was said to it."""

    id: str
    """Unique for ever; a row that is written again replaces itself."""
    at: datetime
    """UTC."""
    call_id: str
    """Of the call in which it was asked for, as the asker knows it: ours or the carrier's."""
    agent: str
    use: Use
    target: str
    """As it was asked for, cut to 200 characters."""
    verdict: Literal["allowed", "refused"]
    code: Refusal | None = None
    """Why it was refused."""
    number: str = ""
    """E.164 or a SIP address: what was allowed."""


# -- what a diagnosis is made from ---------------------------------------------------------------------------------

MomentKind = Literal[
    "asked for session",  # detail: why
    "connected",  # detail: the model, if it is known by then
    "ready",
    "unacknowledged",  # the call went on with a session that never became ready
    "lost",  # detail: the reason. A session is of no more use, or one that was to come does not
    "took over",  # detail: why it was asked for
    "gone",  # detail: the reason. No model is asked for anything any more
    "stopped",  # the model said that the caller had (or never did: "unnoticed"); seconds: how long ago that was
    "opened",  # a response
    "spoke",  # the first audio of an item came
    "failed",  # a response; detail: the reason
    "nudged",  # the model was asked again for an answer that it owed
    "prompted",  # the caller was asked whether they are still there
    "warned",  # the caller was to be told that the call ends soon
    "said",  # a tool's `say` was asked for
    "took keys",  # what the caller had typed was complete
    "woke late",  # seconds: how long after the moment that was set
    "cut",  # the caller spoke and the agent was stopped
    "leaving",  # detail: by whom
    "stayed",  # the caller spoke up during the goodbye, and the call goes on
    "released",  # the carrier was asked to hang up; seconds: what was still to be heard
    "ended",  # detail: by whom; seconds: what was still to be heard
]


class Moment(msgspec.Struct, frozen=True):
    """Something that may explain a wait."""

    at: float
    """Seconds since the call began."""
    what: MomentKind
    detail: str = ""
    seconds: float = 0.0


class Stretch(msgspec.Struct, frozen=True):
    """A part of a call, in seconds since it began."""

    since: float
    until: float
    late: float = 0.0
    """Of something that was played: how much later than it should have the carrier began to."""

    @property
    def length(self) -> float:
        return self.until - self.since

    def shared(self, other: Stretch) -> float:
        """Seconds that two stretches have in common."""
        return max(0.0, min(self.until, other.until) - max(self.since, other.since))


class Evidence(msgspec.Struct, frozen=True):
    """What is known of a call by the time *until*, for whoever wants to know why it was silent."""

    until: float
    turns: list[Turn]
    tools: list[ToolUse]
    moments: list[Moment]
    """In the order of time."""
    agent: list[Stretch]
    """When the caller heard the agent, in the order of time."""
    owed: list[Stretch]
    """When the caller had to wait for the agent, whether or not there was something to be heard."""
    stalled: list[Stretch] = []
    """When the carrier sent nothing although it had something to send: it came later, or nothing ever did."""
    unheard: list[Stretch] = []
    """When there was sound on the caller's line that the model was not given, to protect a greeting."""
    with_say: Mapping[str, float] = {}
    """The tools that have a `say`, and after how many seconds it is spoken."""
    detached: Mapping[str, float] = {}
    """By the model's id of a function call: when it went into the background, where nobody waits for it."""
    recorded: frozenset[str] = frozenset()
    """The items that are recorded sentences."""
