"""An agent's settings as they stand in a cassette's header, and back: all that decides how the call behaved."""

from __future__ import annotations

import base64
from typing import Any, Literal, get_type_hints

import msgspec
from pydantic import ValidationError

from telephony.errors import CassetteError
from telephony.settings import AUDIO_FORMATS, CallSettings, Clips, SessionConfig

_FORMAT_NAMES = {audio: name for name, audio in AUDIO_FORMATS.items()}
_PLAIN = ("instructions", "voice", "language", "reasoning_effort")
_SESSION = (*_PLAIN, "turn_detection", "keyterms", "tools", "provider_tools")
_OWN = ("greeting", "greeting_interruptible", "speaks_first", "hang_up_tool")
_REST = ("limits", "clips", "transfer_to", "prologue", "tariffs")


def agent_of(settings: CallSettings) -> dict[str, Any]:
    """The agent, as plain JSON values."""
    session = settings.session
    return {
        "name": settings.agent,
        **{name: getattr(settings, name) for name in _OWN},
        **{name: getattr(session, name) for name in _PLAIN},
        "audio": _FORMAT_NAMES[session.audio],
        "turn_detection": session.turn_detection.model_dump(),
        "keyterms": list(session.keyterms),
        "tools": [msgspec.to_builtins(tool) for tool in session.tools],
        "provider_tools": list(session.provider_tools),
        "session": session.extra,
    }


def rest_of(settings: CallSettings) -> dict[str, Any]:
    """What else decides, as plain JSON values; recorded sentences as base64 of their mu-law."""
    clips = {name: base64.b64encode(getattr(settings.clips, name)).decode() for name in Clips.__struct_fields__}
    return {
        "limits": settings.limits.model_dump(),
        "transfer_to": settings.transfer_to,
        "clips": {name: clip for name, clip in clips.items() if clip},
        "prologue": msgspec.to_builtins(settings.prologue),
        "tariffs": settings.tariffs.model_dump(),
    }


def call_settings(agent: dict[str, Any], rest: dict[str, Any], place: str = "") -> CallSettings:
    """The settings that a header holds. What it leaves out is as it is by default today.

    Raises `CassetteError` that names *place* and the key.
    """
    try:
        session = _read(agent, "agent", SessionConfig, {name: name for name in _SESSION} | {"extra": "session"})
        own = _read(agent, "agent", CallSettings, {name: name for name in _OWN} | {"agent": "name"})
        audio = _value(agent.get("audio", "pcm16"), Literal[tuple(AUDIO_FORMATS)], "agent.audio")
        others = _read(rest, "settings", CallSettings, {name: name for name in _REST})
        session["audio"] = AUDIO_FORMATS[audio]
        return CallSettings(session=SessionConfig(**session), **own, **others)
    except _Unusable as problem:
        what = f"the settings in its header cannot be used ({problem})"
    except TypeError:  # of what has no default only the name may be missing
        what = "the settings in its header cannot be used (agent.name: it is missing)"
    raise CassetteError(f"{place}: {what}. Was it written by a newer telephony?")


class _Unusable(Exception):
    """Key and problem."""


def _read(source: dict[str, Any], key: str, target: type, names: dict[str, str]) -> dict[str, Any]:
    """Values for the fields of *target* that are *names*, each by what it is called in *source*."""
    kinds = get_type_hints(target)
    return {
        field: _value(source[name], kinds[field], f"{key}.{name}") for field, name in names.items() if name in source
    }


def _value(value: Any, kind: Any, key: str) -> Any:
    try:
        return msgspec.convert(value, kind, dec_hook=_group)
    except (msgspec.ValidationError, ValueError) as problem:
        raise _Unusable(f"{key}: {problem}") from None


def _group(kind: Any, value: Any) -> Any:
    """A group of settings."""
    try:
        return kind.model_validate(value)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        raise ValueError(": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"]]))) from None
