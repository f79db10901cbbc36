"""An agent: who answers the phone. The same thing whether it was written in YAML or in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec
from pydantic import ValidationError

from telephony.agents.numbers import normal
from telephony.errors import ConfigurationError
from telephony.settings import (
    AUDIO_FORMATS,
    AgentSettings,
    CallSettings,
    Clips,
    Fallback,
    Limits,
    OutboundPolicy,
    SessionConfig,
    Tariffs,
    ToolSpec,
    TurnDetection,
)

HANG_UP = "builtin:hang_up"
"""The reference of the tool that the conversation enacts itself."""
HAND_OVER = "builtin:hand_over"
TRANSFER = "builtin:transfer"


@runtime_checkable
class ToolLike(Protocol):
    """A tool as far as an agent cares: what `@tool` makes is one."""

    @property
    def spec(self) -> ToolSpec:
        """What the model is told of it."""

    @property
    def reference(self) -> str:
        """How configuration names it."""


@dataclass(frozen=True, init=False)
class Agent:
    """An agent by name, with its settings and its tools.

        Agent("frontdesk", model="grok-voice", instructions="You are …", tools=[lookup_order, "builtin:hang_up"])

    The keywords are those of `agents.<name>` in the configuration file, where each is explained; `tools` also takes
    functions with `@tool` themselves. Raises `ConfigurationError` for a value that cannot be used.
    """

    name: str
    settings: AgentSettings
    """All but the tools as given: its `tools` holds their references."""
    tools: tuple[str | ToolLike | Mapping[str, Any], ...]
    """As they were given, to be loaded."""

    def __init__(
        self,
        name: str,
        *,
        model: str = "",
        voice: str | None = None,
        audio: Literal["pcm16", "pcm16-8k", "pcm16-16k", "pcmu", "pcma"] = "pcm16",
        greeting: str | None = None,
        greeting_interruptible: bool = True,
        speaks_first: bool = True,
        instructions: str = "",
        tools: Iterable[str | ToolLike | Mapping[str, Any]] = (),
        hand_over: Iterable[str] = (),
        directory: Sequence[str] | None = None,
        language: str | None = None,
        keyterms: Sequence[str] = (),
        reasoning_effort: str | None = None,
        turn_detection: TurnDetection | None = None,
        limits: Limits | None = None,
        fallback: Fallback | None = None,
        outbound: OutboundPolicy | None = None,
        max_calls: int | None = None,
        can_move: bool = False,
        record: bool = True,
        cassette: Literal["off", "sampled", "always"] = "always",
        session: dict[str, Any] | None = None,
    ) -> None:
        given = tuple(tools)
        values = {
            "model": model,
            "voice": voice,
            "audio": audio,
            "greeting": greeting,
            "greeting_interruptible": greeting_interruptible,
            "speaks_first": speaks_first,
            "instructions": instructions,
            "tools": [_reference(name, tool) for tool in given],
            "hand_over": list(hand_over),
            "directory": None if directory is None else list(directory),
            "language": language,
            "keyterms": list(keyterms),
            "reasoning_effort": reasoning_effort,
            "turn_detection": turn_detection or TurnDetection(),
            "limits": limits or Limits(),
            "fallback": fallback or Fallback(),
            "outbound": outbound or OutboundPolicy(),
            "max_calls": max_calls,
            "can_move": can_move,
            "record": record,
            "cassette": cassette,
            "session": session or {},
        }
        self._fill(name, _checked(name, values), given)

    @classmethod
    def from_settings(cls, name: str, settings: AgentSettings) -> Agent:
        """The agent that `agents.<name>` of the configuration describes."""
        agent = cls.__new__(cls)
        agent._fill(name, settings, tuple(settings.tools))
        return agent

    def _fill(self, name: str, settings: AgentSettings, tools: tuple[str | ToolLike | Mapping[str, Any], ...]) -> None:
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError("agents", f"{name!r} is no name of an agent", 'Call it something: "frontdesk".')
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "tools", tools)


def call_settings(
    agent: Agent, specs: Sequence[ToolSpec] = (), clips: Clips | None = None, tariffs: Tariffs | None = None
) -> CallSettings:
    """What a conversation reads: *agent*, with the *specs* of its loaded tools, its *clips* and what it costs."""
    settings = agent.settings
    session = SessionConfig(
        instructions=settings.instructions,
        voice=settings.voice,
        audio=AUDIO_FORMATS[settings.audio],
        turn_detection=settings.turn_detection,
        tools=tuple(_choosing(spec, agent) for spec in specs),
        provider_tools=tuple(tool for tool in settings.tools if isinstance(tool, dict)),
        language=settings.language,
        keyterms=tuple(settings.keyterms),
        reasoning_effort=settings.reasoning_effort,
        extra=settings.session,
    )
    return CallSettings(
        agent=agent.name,
        session=session,
        limits=settings.limits,
        greeting=settings.greeting,
        greeting_interruptible=settings.greeting_interruptible,
        speaks_first=settings.speaks_first,
        clips=clips or Clips(),
        tariffs=tariffs or Tariffs(),
        hang_up_tool="hang_up" if HANG_UP in settings.tools else None,
        transfer_to=normal(settings.fallback.transfer),
    )


def _choosing(spec: ToolSpec, agent: Agent) -> ToolSpec:
    """*spec*, with those named among whom the model may choose."""
    if spec.name != "hand_over" or HAND_OVER not in agent.settings.tools:
        return spec
    properties = spec.parameters["properties"]
    choice = properties["agent"] | {"enum": list(agent.settings.hand_over)}
    return msgspec.structs.replace(spec, parameters=spec.parameters | {"properties": properties | {"agent": choice}})


def _reference(name: str, tool: object) -> str | dict[str, Any]:
    if isinstance(tool, str):
        return tool
    if isinstance(tool, Mapping):
        return dict(tool)
    if isinstance(tool, ToolLike) and isinstance(tool.spec, ToolSpec):
        return tool.reference
    shown = getattr(tool, "__name__", repr(tool))
    raise ConfigurationError(f"agents.{name}.tools", f"{shown} is not a tool", "Put `@tool` above the function.")


def _checked(name: str, values: dict[str, Any]) -> AgentSettings:
    try:
        return AgentSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(["agents", name, *map(str, first["loc"])])
        remedy = "The table of settings in the README says what it takes."
        raise ConfigurationError(key, f"{first['msg']}; it is {first['input']!r}", remedy, "Agent(…)") from error
