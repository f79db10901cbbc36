"""An agent's settings: who answers the phone, and how."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from telephony.settings.base import File, Group, Seconds
from telephony.settings.outbound import OutboundPolicy

AUDIO_FORMATS: dict[str, AudioFormat] = {
    "pcm16": PCM16_24K,
    "pcm16-8k": PCM16_8K,
    "pcm16-16k": PCM16_16K,
    "pcmu": MULAW_8K,
    "pcma": ALAW_8K,
}
"""The names of `agents.*.audio`."""


def _tool(value: object) -> object:
    if isinstance(value, str | dict):
        return value
    raise ValueError("neither the name of a function nor a tool of the provider's")


ToolEntry = Annotated[str | dict[str, Any], PlainValidator(_tool), WithJsonSchema({"type": "string"})]
"""A function's name, or a tool of the provider's as its session takes it; one complaint where it is neither."""


class TurnDetection(Group):
    """How the model decides that the caller has begun or finished speaking."""

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    """`semantic_vad` is OpenAI's only, and it may never fire on telephone audio."""
    threshold: Annotated[float, Field(ge=0.0, le=1.0)] = 0.6
    """How loud speech must be, 0 to 1. Telephone lines need more than a headset; xAI takes 0.1 to 0.9."""
    silence_duration_ms: Annotated[int, Field(ge=0, le=10_000)] = 500
    """Milliseconds of silence that end the caller's turn."""
    prefix_padding_ms: Annotated[int, Field(ge=0, le=10_000)] = 300
    """Milliseconds of audio kept from before the speech was noticed."""


class Limits(Group):
    """Bounds of a call. Every one has a consequence; none of them is silence."""

    max_duration: Seconds = 1800
    """Seconds a call may last; then the agent says goodbye and hangs up. After a hand-over the first agent's still
    holds."""
    max_duration_warning: Seconds = 60
    """Seconds before that at which the agent tells the caller, between two turns. 0 switches it off, and so does more
    than half of `max_duration`."""
    max_cost: Annotated[float | None, Field(gt=0)] = None
    """What a call may cost by the prices in `tariffs`; then the agent says goodbye and hangs up. Of all agents that
    have had the call, the lowest limit holds."""
    caller_silence: Seconds = 10
    """Seconds of silence on both sides before the agent asks whether the caller is still there. 0 switches it off."""
    caller_silence_prompts: Annotated[int, Field(ge=0)] = 2
    """How often it asks before it says goodbye and hangs up."""
    dead_air: Annotated[float, Field(gt=0)] = 5
    """Seconds the caller may wait for a reply that is due before the model is asked again; twice that, and another
    session is looked for."""
    goodbye: Annotated[float, Field(gt=0)] = 3
    """Seconds the last words may take beyond their own length before the line is released anyway."""
    connect: Annotated[float, Field(gt=0)] = 8
    """Seconds the model has to accept a session, from the start of the call or from the loss of the one before."""
    session: Seconds = 1500
    """Seconds one session with the model may last; then another takes its place between two turns. Keep it below the
    provider's own limit (OpenAI 60 minutes, xAI 30 to 120). 0 waits for that limit."""
    replacements: Annotated[int, Field(ge=0)] = 2
    """How often in a row a session that is lost or falls silent is replaced; then the fallback ends the call."""
    tool_calls: Annotated[int, Field(ge=1)] = 50
    """Function calls in one call; further ones are refused to the model."""
    early_audio: Seconds = 12
    """Seconds of caller audio kept for a model that is not ready yet, at the start or in another one's place; the
    oldest is dropped."""
    stream_silence: Annotated[float, Field(gt=0)] = 30
    """Seconds without a single message from the carrier before the call is taken for lost."""


class Fallback(Group):
    """What the caller gets when no model answers: an apology, then a person or a goodbye. Never silence."""

    transfer: str = ""
    """Number (E.164) the caller is sent on to after the apology; unset ends the call. Let people answer it, or another
    system than this one."""
    caller_id: str = ""
    """Number shown to whoever is called then, one of the account's or verified there; unset shows the caller's own."""
    timeout: Annotated[int, Field(ge=5, le=600)] = 20
    """Seconds it may ring there before the caller is told that nobody can take the call."""
    apology: File = ""
    """WAV file, played when the model is lost for good; it should say that somebody else takes over, if `transfer` is
    set. Unset plays one that comes with the program, in English."""
    filler: File = ""
    """WAV file, such as "One moment, please", played while a model is being reached again."""
    goodbye: File = ""
    """WAV file, played when the call must end and the model does not answer."""


class AgentSettings(Group):
    """An agent: who answers the phone."""

    model: str = ""
    """A `model_name` of `model_list`; may be left out if that list has only one name."""
    voice: str | None = None
    """The provider's name of a voice; unset uses the provider's default."""
    audio: Literal["pcm16", "pcm16-8k", "pcm16-16k", "pcmu", "pcma"] = "pcm16"
    """What is spoken with the model: `pcm16` is 24 kHz; `pcmu` is the telephone's own, without transcoding."""
    greeting: str | None = None
    """Said word for word when the call begins; unset lets the model greet in its own words."""
    greeting_interruptible: bool = True
    """Whether the caller can talk over the greeting."""
    speaks_first: bool = True
    """Whether the agent speaks before the caller does."""
    instructions: str = ""
    """The system prompt."""
    tools: list[ToolEntry] = []
    """`module:function` (a function with `@tool`), `builtin:hang_up`, `http:<name>` of `http_tools`, `mcp:<name>` of
    `mcp`, or a tool that the provider runs itself, such as `{type: web_search}`; a model that stands in and is
    known not to have it goes without."""
    hand_over: list[str] = []
    """Names of the agents that it may hand the caller over to, with `builtin:hand_over`."""
    directory: list[str] | None = None
    """Names of `dialling.directory` that this agent may call, and nobody else; unset is all of them, and what
    `dialling.allow` allows."""
    language: str | None = None
    """BCP 47, such as `en` or `es-MX`: a hint for the transcription of the caller."""
    keyterms: list[str] = []
    """Names the transcription should know, where the provider takes them."""
    reasoning_effort: str | None = None
    """Passed to models that take it (xAI: `none` or `high`); less is faster."""
    turn_detection: TurnDetection = TurnDetection()
    limits: Limits = Limits()
    fallback: Fallback = Fallback()
    outbound: OutboundPolicy = OutboundPolicy()
    max_calls: Annotated[int | None, Field(ge=1)] = None
    """Calls that it may carry at once, all numbers together; whoever calls beyond it gets the number's `overflow`."""
    can_move: bool = False
    """Whether its calls may go on in another process: in the next version, when this one is to end, and in any that is
    left when theirs has died. The caller hears a short gap. Calls with secrets stay; see the README."""
    record: bool = True
    """Whether to write a stereo recording."""
    cassette: Literal["off", "sampled", "always"] = "always"
    """Which calls get a cassette: every message with its time, to be replayed as a test. What share `sampled` means
    stands in `cassettes.sample`."""
    session: dict[str, Any] = {}
    """Further keys for the provider's session object, merged over ours as they are; its `tools` join the agent's."""
