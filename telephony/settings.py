"""Every knob: its default, its unit, a sentence. Only `runtime` reads the environment and files into these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, SecretStr, WithJsonSchema

from telephony.audio.format import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat

AUDIO_FORMATS: dict[str, AudioFormat] = {
    "pcm16": PCM16_24K,
    "pcm16-8k": PCM16_8K,
    "pcm16-16k": PCM16_16K,
    "pcmu": MULAW_8K,
    "pcma": ALAW_8K,
}
"""The names of `agents.*.audio`."""

Seconds = Annotated[float, Field(ge=0)]


def _tool(value: object) -> object:
    if isinstance(value, str | dict):
        return value
    raise ValueError("neither the name of a function nor a tool of the provider's")


ToolEntry = Annotated[str | dict[str, Any], PlainValidator(_tool), WithJsonSchema({"type": "string"})]
"""A function's name, or a tool of the provider's as its session takes it; one complaint where it is neither."""
File = Annotated[str, Field(json_schema_extra={"format": "path"})]
"""A path; in the configuration file, relative to that file."""


class Group(BaseModel):
    """A group of settings. Unknown keys are errors, and so is infinity: every bound is one."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True, allow_inf_nan=False)


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
    """Seconds a call may last; then the agent says goodbye and hangs up."""
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
    """`module:function` (a function with `@tool`), `builtin:hang_up`, or a tool that the provider runs itself, such as
    `{type: web_search}`; a model that stands in and is known not to have it goes without."""
    language: str | None = None
    """BCP 47, such as `en` or `es-MX`: a hint for the transcription of the caller."""
    keyterms: list[str] = []
    """Names the transcription should know, where the provider takes them."""
    reasoning_effort: str | None = None
    """Passed to models that take it (xAI: `none` or `high`); less is faster."""
    turn_detection: TurnDetection = TurnDetection()
    limits: Limits = Limits()
    fallback: Fallback = Fallback()
    record: bool = True
    """Whether to write a stereo recording."""
    cassette: Literal["off", "sampled", "always"] = "always"
    """Which calls get a cassette: every message with its time, to be replayed as a test. What share `sampled` means
    stands in `cassettes.sample`."""
    session: dict[str, Any] = {}
    """Further keys for the provider's session object, merged over ours as they are; its `tools` join the agent's."""


class CassetteSettings(Group):
    """Where the cassettes of calls go, and how much room they may take."""

    folder: str = "cassettes"
    """Folder of the cassettes."""
    sample: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the calls that get a cassette, of agents with `cassette: sampled`."""
    call_mb: Annotated[float, Field(gt=0)] = 250
    """Megabytes one call may take, about half an hour at 24 kHz; a longer call is recorded up to there."""
    total_mb: Annotated[float, Field(gt=0)] = 2000
    """Megabytes all of them may take; then the oldest are removed."""


class TwilioSettings(Group):
    """The Twilio account."""

    account_sid: str = ""
    """`TWILIO_ACCOUNT_SID`, from the Twilio console."""
    auth_token: SecretStr = SecretStr("")
    """`TWILIO_AUTH_TOKEN`: signs webhooks and authorises REST."""
    auth_token_secondary: SecretStr = SecretStr("")
    """`TWILIO_AUTH_TOKEN_SECONDARY`: accepted too while tokens are being rotated."""
    shared_keys: dict[str, SecretStr] = {}
    """Key id to secret, for webhooks signed with `algorithm=HMAC_SHA256`."""
    api_base: str = "https://api.twilio.com"
    """Where the REST API is; a simulated caller or a regional host goes here."""


class LiteLLMParams(BaseModel):
    """`litellm_params` of a deployment, as LiteLLM writes them; keys we do not know are kept."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True, frozen=True)

    model: str
    """Provider and model, such as `xai/grok-voice-latest`."""
    api_key: SecretStr | None = None
    """The key itself or `os.environ/NAME`; unset uses the provider's own variable."""
    api_base: str | None = None
    """Where the deployment is, if not at the provider: `ws://…`, `wss://…`, `http://…` or `https://…`."""
    weight: Annotated[float, Field(ge=0)] | None = None
    """Its share among the deployments of its name, 1 if unset; 0 is asked only when no other can be."""
    order: int = 0
    """Deployments of a lower order are asked first, those of a higher one when none of them can be."""
    max_parallel_requests: Annotated[int, Field(ge=1)] | None = None
    """Sessions it may hold at once; `model_info.max_sessions` says the same. Unset is 10 for xAI's own address, which
    allows about that many for each team, and no limit elsewhere."""
    timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds it has to open a session, if not those of `router_settings.timeout`."""


class ModelEntry(BaseModel):
    """One deployment in LiteLLM's own format."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True, frozen=True, protected_namespaces=())

    model_name: str
    """What agents call it. Several entries may share a name."""
    litellm_params: LiteLLMParams
    model_info: dict[str, Any] = {}
    """LiteLLM's notes on the model; kept as they are."""


class GeneralSettings(Group):
    """`general_settings` of LiteLLM: what applies here."""

    master_key: SecretStr | None = None
    """`LITELLM_MASTER_KEY`: the key that clients of the realtime gateway must show."""


class RouterSettings(Group):
    """`router_settings` of LiteLLM: what applies to sessions. The same keys are read from `litellm_settings`, too."""

    routing_strategy: Literal["least-busy", "simple-shuffle"] = "least-busy"
    """How deployments of one name share its sessions: to whoever has fewest for its weight, or in turn by weight."""
    fallbacks: list[dict[str, list[str]]] = []
    """`[{grok-voice: [gpt-voice]}]`: names to go on with when no deployment of a name can be had; `*` is any name."""
    default_fallbacks: list[str] = []
    """Names to go on with for any name, after its own `fallbacks`."""
    cooldown_time: Seconds = 30
    """Seconds a deployment that failed is passed over while there is another. A wrong key or name costs ten minutes."""
    allowed_fails: Annotated[int, Field(ge=0)] = 0
    """Failures within a minute that are forgiven first. Each of them is a caller who had to wait."""
    num_retries: Annotated[int, Field(ge=0)] = 1
    """How often the whole list is gone through again, as far as there is hope and time."""
    timeout: Annotated[float, Field(gt=0)] = 4
    """Seconds one deployment has to open a session before the next is tried."""


class GatewayKey(Group):
    """What the holder of one key may do at the gateway."""

    key: SecretStr = SecretStr("")
    """The key itself or `os.environ/NAME`. Better give its `sha256`: then the file holds nothing to steal."""
    sha256: str = ""
    """SHA-256 of the key, in hexadecimal; `telephony gateway --new-key NAME` makes a key and shows it."""
    models: list[str] = []
    """The models it may use, by `model_name`; empty for all."""
    max_sessions: Annotated[int | None, Field(ge=1)] = None
    """Sessions it may have at once."""
    minutes_per_day: Annotated[float | None, Field(gt=0)] = None
    """Minutes of session it may use in any 24 hours, all sessions together. Counted in memory, from the start on."""


class GatewaySettings(Group):
    """The realtime gateway, `/v1/realtime`: other programs' way to the models."""

    keys: dict[str, GatewayKey] = {}
    """Clients' own keys, by the name of whoever holds one. `general_settings.master_key` may do everything."""


class Settings(Group):
    """The whole configuration of a process."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True, protected_namespaces=())

    public_url: str = ""
    """`PUBLIC_URL`: https://… as Twilio reaches us. Signatures are checked against it, never against a header."""
    host: str = "0.0.0.0"  # noqa: S104  a container and a VM behind a proxy both need it; every route checks signatures
    """`HOST`: the address to listen on."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """`PORT`: the port to listen on; 0 picks a free one."""
    internal_host: str = "127.0.0.1"
    """The address to listen on for whoever watches this process; nobody has to show anything there."""
    internal_port: Annotated[int | None, Field(ge=0, le=65_535)] = None
    """Port of `GET /metrics` for Prometheus, such as 9464; 0 picks a free one, unset is none. Two processes on one
    machine need two."""
    database_url: str = "sqlite:///telephony.db"
    """`DATABASE_URL`: where call records go."""
    recordings: str = "recordings"
    """Folder of the recordings."""
    cassettes: CassetteSettings = CassetteSettings()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """`LOG_LEVEL`"""
    log_format: Literal["auto", "pretty", "json"] = "auto"
    """`auto`: pretty in a terminal, JSON lines otherwise."""
    drain: Seconds = 30
    """Seconds running calls may go on after SIGTERM before the agent says goodbye."""
    twilio: TwilioSettings = TwilioSettings()
    agents: dict[str, AgentSettings] = {}
    """The agents by name."""
    numbers: dict[str, str] = {}
    """Called number (E.164) to agent; `*` takes the rest."""
    model_list: list[ModelEntry] = []
    """The realtime models, in LiteLLM's format."""
    router_settings: RouterSettings = RouterSettings()
    general_settings: GeneralSettings = GeneralSettings()
    gateway: GatewaySettings = GatewaySettings()
    """Who may use the models through `/v1/realtime`; `serve` offers it once there is a key."""


# -- what the dialects and the conversation are given: resolved, plain, comparable ---------------------------------


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
    transfer_to: str = ""
    """E.164: when no model answers, where the caller is sent after the apology. Empty ends the call instead."""
