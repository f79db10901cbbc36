"""Reading JSON that others wrote: by key, with a default, whatever is there.

Gateways drop fields, older servers never sent them, and some put a string where an object belongs (xAI sends
`"status_details": "unimplemented"`). A call must not end over that, so nothing here raises.
"""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]


def text(source: JsonObject, key: str) -> str:
    """The string at *key*, or an empty one."""
    value = source.get(key)
    return value if isinstance(value, str) else ""


def number(source: JsonObject, key: str) -> float | None:
    """The number at *key*; a boolean is none."""
    value = source.get(key)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def integer(source: JsonObject, key: str, default: int = 0) -> int:
    """The number at *key* as an int."""
    value = number(source, key)
    return default if value is None else int(value)


def child(source: JsonObject, *path: str) -> JsonObject:
    """The object at the end of *path*, or an empty one."""
    for key in path:
        value = source.get(key)
        if not isinstance(value, dict):
            return {}
        source = value
    return source


def children(source: JsonObject, key: str) -> list[JsonObject]:
    """The objects in the array at *key*; anything else in it is passed over."""
    value = source.get(key)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def flat_numbers(source: JsonObject, prefix: str = "") -> dict[str, int | float]:
    """Every number inside *source*, its place written with dots: `{"output_token_details.audio_tokens": 170}`."""
    flat: dict[str, int | float] = {}
    for key, value in source.items():
        if isinstance(value, dict):
            flat |= flat_numbers(value, f"{prefix}{key}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            flat[f"{prefix}{key}"] = value
    return flat
