"""What the list of calls is written with: an entry, and the sentences, sessions and mishaps that many of them share.

Cassettes go into git, so calls are short: few words (the test voice hums 60 ms for each character), the telephone's own
audio, short waits, and lowered limits where a long wait would be needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from library.tape import Tape
from rehearsals import HANG_UP, LOOKUP, hum, rehearse
from telephony.events import Event
from telephony.rehearsal import Rehearsal
from telephony.settings import AUDIO_FORMATS, Clips, Limits, SessionConfig, ToolSpec, TurnDetection
from telephony.sim.caller_faults import CallerFaults
from telephony.sim.clockwork import Port

CROSSED = ("cancel_without_response", "cancel_not_active", "no_active_response")
"""Complaints of a model that had ended, or dropped without a word, what we cancel."""
BRIEF = TurnDetection(silence_duration_ms=120, prefix_padding_ms=100)
PHONE = SessionConfig(audio=AUDIO_FORMATS["pcmu"], turn_detection=BRIEF, tools=(LOOKUP, HANG_UP))
"""A session that speaks the telephone's own format, so that cassettes stay small."""
CLIPS = {"clips": Clips(apology=hum("Sorry"), goodbye=hum("Bye"), filler=hum("Wait"))}
"""Recorded sentences, for the calls in which one is heard: they stand in the header."""
PROMPT: dict[str, Any] = {"latency_ms": 120, "created_ms": 60, "commit_ms": 30, "ping_s": 0}
"""A model that answers without much delay."""

HELLO = {"on": "greeting", "say": "Hello."}
ASK, TELL = "Where?", "Here."
ASKS: list[Any] = [{"say": ASK}]
ANSWER = {"on": "speech", "hears": ASK, "say": TELL}
SPARSE = {"faults": CallerFaults(silence_suppressed=True)}
"""A carrier that sends nothing while the caller is silent: for calls in which somebody waits for long."""
LOOK = {"name": "lookup_order", "arguments": {"order_id": "A"}}
LOOKS = {"on": "speech", "hears": ASK, "call": LOOK}
TELLS = {"on": "tool", "say": TELL}
BYE = {"on": "speech", "hears": "Bye.", "say": "Goodbye.", "call": {"name": "hang_up"}}
HEARS: list[Any] = [{"wait": {"agent_ms": 40}}, {"wait": {"quiet": 0.08}}]
"""Wait until the agent has said something, and no longer than it takes to notice."""
LISTENS: list[Any] = [*HEARS, "hang_up"]
ENDS: list[Any] = [{"wait": "end"}]


@dataclass(frozen=True)
class Call:
    """One call of the library."""

    name: str
    """After the behaviour; the file is called so."""
    about: str
    """One sentence: what it protects."""
    steps: list[Any]
    replies: list[dict[str, Any]]
    shows: Callable[[Tape], Any]
    """Whether the behaviour is really there to be seen: a cassette without it would protect nothing."""
    how: dict[str, Any] = field(default_factory=dict)
    """What else `rehearse` is told."""
    forgiven: tuple[str, ...] = CROSSED
    """Complaints that the models may have about us."""
    unmet: bool = False
    """Whether steps and replies of the scripts may be left over."""
    keep: float = 1.0
    """Which part of the recording is kept."""

    def rehearse(self, record: Callable[[bytes], None]) -> Rehearsal:
        """The whole call, its lines given to *record*."""
        how = dict(self.how)
        model = PROMPT | how.pop("model", {})
        if limits := how.pop("limit", None):
            how["limits"] = Limits(**limits)
        defaults: dict[str, Any] = {"session": PHONE, "speaks_first": False, "greeting": "Hello.", "clips": Clips()}
        return rehearse(
            self.steps, self.replies, model=model, record=record, about=self.about, **(defaults | how)
        )  # fmt: skip


def call(
    name: str,
    about: str,
    steps: list[Any],
    replies: list[dict[str, Any]],
    shows: Callable[[Tape], Any],
    *,
    forgiven: tuple[str, ...] = CROSSED,
    unmet: bool = False,
    keep: float = 1.0,
    **how: Any,
) -> Call:
    """An entry; *how* is what else `rehearse` is told."""
    return Call(name, about, steps, replies, shows, how, forgiven, unmet, keep)


def spoken_with(*tools: ToolSpec, audio: str = "pcmu", **extra: Any) -> SessionConfig:
    """A session with other functions, another format or further keys."""
    return SessionConfig(
        audio=AUDIO_FORMATS[audio], turn_detection=BRIEF, tools=tools or (LOOKUP, HANG_UP), extra=extra
    )  # fmt: skip


def at(seconds: float, *events: Event) -> Callable[[Rehearsal], None]:
    """*events* happen at that moment: for what is on no wire."""

    def prepare(rehearsal: Rehearsal) -> None:
        def happen(now: float) -> list[str]:
            for event in events:
                rehearsal.desk.feed(event, now)
            return []

        rehearsal.clock.at(seconds, happen)

    return prepare


def from_carrier(seconds: float, *messages: str) -> Callable[[Rehearsal], None]:
    """The carrier sends *messages* at that moment, besides what it sends anyway."""
    return lambda rehearsal: rehearsal.clock.at(seconds, lambda _: messages, Port("caller"))


def from_model(seconds: float, *messages: str) -> Callable[[Rehearsal], None]:
    """The first session sends *messages* at that moment, besides what it sends anyway."""
    return lambda rehearsal: rehearsal.clock.at(seconds, lambda _: messages, Port("model 0"))


def tool(seconds: float, result: Any = None) -> dict[str, Any]:
    """The tools of a rehearsal: one that takes so long."""
    return {"lookup_order": lambda _: (seconds, result or {"status": "shipped"})}
