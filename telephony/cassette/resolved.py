"""An agent's settings as they stand in a cassette's header, and back: all that decides how the call behaved."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
from pydantic import ValidationError

from telephony.errors import CassetteError
from telephony.settings import AUDIO_FORMATS, CallSettings, Clips, Limits, SessionConfig, ToolSpec, TurnDetection

_FORMAT_NAMES = {audio: name for name, audio in AUDIO_FORMATS.items()}
_PLAIN = ("instructions", "voice", "language", "reasoning_effort")
_OWN = ("greeting", "greeting_interruptible", "speaks_first", "hang_up_tool")


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
    }


def call_settings(agent: dict[str, Any], rest: dict[str, Any], place: str = "") -> CallSettings:
    """The settings that a header holds. What it leaves out is as it is by default today.

    Raises `CassetteError` that names *place* and the key.
    """
    try:
        session = SessionConfig(
            **{name: agent[name] for name in _PLAIN if name in agent},
            audio=AUDIO_FORMATS[agent.get("audio", "pcm16")],
            turn_detection=TurnDetection.model_validate(agent.get("turn_detection", {})),
            tools=msgspec.convert(agent.get("tools", []), tuple[ToolSpec, ...]),
            provider_tools=tuple(agent.get("provider_tools", ())),
            keyterms=tuple(agent.get("keyterms", ())),
            extra=agent.get("session", {}),
        )
        return CallSettings(
            agent=agent["name"],
            session=session,
            limits=Limits.model_validate(rest.get("limits", {})),
            **{name: agent[name] for name in _OWN if name in agent},
            clips=Clips(**{name: base64.b64decode(clip) for name, clip in rest.get("clips", {}).items()}),
            transfer_to=rest.get("transfer_to", ""),
        )
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as problem:
        what = f"{type(problem).__name__}: {problem}"
    raise CassetteError(
        f"{place}: the settings in its header cannot be used ({what}). Was it written by a newer telephony?"
    )
