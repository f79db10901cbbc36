"""Reading a session's parts, and what is wrong with them: formats, turn detection, speed and tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from telephony.audio.format import ALAW_8K, MULAW_8K, AudioFormat
from telephony.sim.model_schema import Tree, misshapen
from telephony.sim.model_wire import Message, Problem

_SPOKEN_RATES = (8000, 16_000, 24_000)
"""Rates of PCM the simulator can speak and hear; xAI knows more."""


class TurnTaking(msgspec.Struct, frozen=True):
    """How the session finds turns."""

    threshold: float
    silence_ms: int
    prefix_ms: int
    answers: bool = True
    """Whether a turn's end makes the model reply."""
    interrupts: bool = True
    idle_ms: int | None = None


def read_format(raw: Any) -> AudioFormat:
    """The audio format of a checked `{type, rate?}`."""
    if not isinstance(raw, dict) or raw.get("type") == "audio/pcm":
        rate = raw.get("rate", 24_000) if isinstance(raw, dict) else 24_000
        return AudioFormat("pcm16", rate)
    return MULAW_8K if raw["type"] == "audio/pcmu" else ALAW_8K


def write_format(audio: AudioFormat) -> Message:
    if audio.encoding == "pcm16":
        return {"type": "audio/pcm", "rate": audio.rate}
    return {"type": "audio/pcmu" if audio.encoding == "mulaw" else "audio/pcma"}


def read_turns(raw: Any, threshold: float, prefix_ms: int, silence_ms: int) -> TurnTaking | None:
    """Turn taking of a checked `turn_detection` with the provider's defaults. `semantic_vad` ends turns by silence too:
    the simulator has no sense for meaning."""
    if not isinstance(raw, dict) or not raw.get("type"):
        return None
    return TurnTaking(
        threshold=raw.get("threshold", threshold),
        silence_ms=raw.get("silence_duration_ms", silence_ms),
        prefix_ms=raw.get("prefix_padding_ms", prefix_ms),
        answers=raw.get("create_response", True) is not False,
        interrupts=raw.get("interrupt_response", True) is not False,
        idle_ms=raw.get("idle_timeout_ms"),
    )


def shape_problems(wanted: Message, tree: Tree) -> Iterator[Problem]:
    """Objects where objects belong; the other checks rely on it."""
    for path in misshapen(wanted, tree, "session."):
        yield Problem("invalid_type", f"Invalid type for '{path}': expected an object.", "invalid_type", path)


def format_problems(raw: Any, place: str, profile: str) -> Iterator[Problem]:
    if not isinstance(raw, dict):
        return
    code = "invalid_audio_format" if profile == "xai" else "invalid_value"
    kind = raw.get("type")
    if kind not in ("audio/pcm", "audio/pcmu", "audio/pcma"):
        message = f"Invalid value: {kind!r}. Supported values are: 'audio/pcm', 'audio/pcmu', and 'audio/pcma'."
        yield Problem("invalid_format", message, code, place)
        return
    rates = (24_000,) if profile == "openai" else _SPOKEN_RATES
    if kind == "audio/pcm" and raw.get("rate", 24_000) not in rates:
        message = f"Invalid rate: {raw.get('rate')!r}. Supported values are: {', '.join(map(str, rates))}."
        yield Problem("invalid_format", message, code, f"{place}.rate")
    if kind != "audio/pcm" and raw.get("rate", 8000) != 8000:
        yield Problem("invalid_format", f"{kind} has a rate of 8000.", code, f"{place}.rate")


def turn_problems(raw: Any, place: str, kinds: tuple[str, ...], thresholds: tuple[float, float]) -> Iterator[Problem]:
    if not isinstance(raw, dict):
        return
    if raw.get("type") not in (*kinds, None):
        message = f"Invalid value: {raw['type']!r}. Supported values are: {', '.join(kinds)}."
        yield Problem("invalid_turn_detection", message, param=f"{place}.type")
        return
    bounds = {"threshold": thresholds, "silence_duration_ms": (0, 10_000), "prefix_padding_ms": (0, 10_000)}
    if raw.get("idle_timeout_ms") is not None:
        bounds["idle_timeout_ms"] = (0, 60_000)
    for key, (low, high) in bounds.items():
        if key in raw and not _between(raw[key], low, high):
            message = f"Invalid value: {raw[key]!r}. Expected a number from {low} to {high}."
            yield Problem("invalid_turn_detection", message, param=f"{place}.{key}")


def speed_problems(spoken: Message, bounds: tuple[float, float]) -> Iterator[Problem]:
    if "speed" in spoken and not _between(spoken["speed"], *bounds):
        message = f"Invalid value: {spoken['speed']!r}. Expected a number from {bounds[0]} to {bounds[1]}."
        yield Problem("invalid_speed", message, param="session.audio.output.speed")


def tool_problems(tools: Any, *, nested: bool) -> Iterator[Problem]:
    if tools is None:
        return
    if not isinstance(tools, list):
        yield Problem("invalid_tool", "Invalid type for 'session.tools': expected an array.", "invalid_type")
        return
    seen: set[str] = set()
    for number, tool in enumerate(tools):
        place = f"session.tools[{number}]"
        body = inner(tool, "function") if nested and isinstance(tool, dict) and "function" in tool else tool
        kind = tool.get("type") if isinstance(tool, dict) else None
        name = body.get("name") if isinstance(body, dict) else None
        if not isinstance(kind, str) or (kind == "function" and not isinstance(name, str)):
            message = f"Missing required parameter: '{place}.{'name' if kind else 'type'}'."
            yield Problem("invalid_tool", message, "missing_required_parameter", place)
        elif kind == "function" and name in seen:
            yield Problem("invalid_tool", f"Duplicate function name: {name!r}.", param=place)
        elif kind == "function":
            seen.add(str(name))


def _between(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def inner(value: Message, key: str) -> Message:
    """The object at *key*, or an empty one."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}
