"""What the dialects and the conversation are given: resolved, plain, comparable."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from telephony.audio.format import PCM16_24K, AudioFormat
from telephony.settings.agents import Limits, TurnDetection
from telephony.settings.tariffs import Tariffs


class ToolSpec(msgspec.Struct, frozen=True):
    """A function as the model sees it, and what the conversation must know to run it safely."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the arguments object."""
    timeout: float = 10.0
    """Seconds until the model is told that it took too long."""
    side_effects: bool = True
    """Whether running it twice or by mistake would matter: then it waits until its response completed."""
    say: str | None = None
    """Spoken while it runs, where set."""
    words_say: bool = False
    """Whether it words that anew for each call (`ToolSays`)."""
    say_after: float = 1.0
    """Seconds it runs in silence before that: a quick answer needs no filler."""
    on_barge_in: Literal["keep", "cancel", "detach"] = "keep"
    """What becomes of it when the caller speaks while it runs. `keep`: it runs on, and the model waits for it.
    `cancel`: it is stopped. `detach`: it runs on in the background, whatever the caller does; its result follows."""
    once: bool = False
    """Whether it runs only once in a call with the same arguments."""
    confirm: bool | str = False
    """Whether the caller must have been asked and have answered before it runs; a text is what to ask."""
    sensitive: tuple[str, ...] = ()
    """Arguments that log, record and cassette show masked; `card.number` is one within another."""


class SessionConfig(msgspec.Struct, frozen=True):
    """What a realtime session shall be, provider-neutral. A dialect turns it into the provider's own object."""

    instructions: str = ""
    voice: str | None = None
    audio: AudioFormat = PCM16_24K
    """Both ways."""
    turn_detection: TurnDetection = TurnDetection()
    tools: tuple[ToolSpec, ...] = ()
    """Functions of ours."""
    provider_tools: tuple[dict[str, Any], ...] = ()
    """What the provider runs itself, as its session takes it."""
    language: str | None = None
    keyterms: tuple[str, ...] = ()
    reasoning_effort: str | None = None
    extra: dict[str, Any] = {}
    """Merged over the provider's session object, deeply, last; `tools` are appended to those above."""


class Clips(msgspec.Struct, frozen=True):
    """Recorded sentences for when the model cannot speak: mu-law at 8000 Hz, as a telephone plays them."""

    apology: bytes = b""
    """Played when the model is lost for good."""
    goodbye: bytes = b""
    """Played when the call must end and the model does not answer."""
    filler: bytes = b""
    """Played while the caller waits for a model that is being reached again: one short sentence."""


class Ran(msgspec.Struct, frozen=True):
    """A function call that was begun in an earlier part of the call."""

    call_id: str
    name: str
    arguments: str
    output: str
    """What the model was told."""
    sensitive: tuple[str, ...] = ()
    """As in `ToolSpec`."""


class Prologue(msgspec.Struct, frozen=True):
    """What came before, in a call that comes back to its agent."""

    said: str
    """A line for each turn."""
    news: str
    """What the model must know now."""
    functions: tuple[Ran, ...] = ()
    seconds: float = 0.0
    """How long it has lasted."""
    cost: float = 0.0
    """What it has cost."""
    speaks: bool = True
    """Whether the agent speaks first."""


class CallSettings(msgspec.Struct, frozen=True):
    """Everything that decides how one call behaves: the conversation reads this and nothing else."""

    agent: str
    session: SessionConfig
    limits: Limits = Limits()
    greeting: str | None = None
    greeting_interruptible: bool = True
    speaks_first: bool = True
    clips: Clips = Clips()
    hang_up_tool: str | None = "hang_up"
    """The name under which `builtin:hang_up` is offered, or None if it is not."""
    tariffs: Tariffs = Tariffs()
    transfer_to: str = ""
    """E.164: when no model answers, where the caller is sent after the apology. Empty ends the call instead."""
    prologue: Prologue | None = None
    """What came before, if the call comes back to its agent: the model is told, and speaks first."""
