"""What the model is told when a function came to an end. It is a string: text as it is, anything else as JSON, once.

A failure is always `{"error": sentence, "retry": bool}`: what happened and what to do about it, and whether the model
should correct its call and repeat it right away, without asking the caller.
Nothing here is meant for the caller's ear, but a model may read any of it out; so no sentence holds a class name, a
path or a traceback.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any

import msgspec
from pydantic_core import PydanticSerializationError, to_json

from telephony.errors import TelephonyError

MAX_BYTES = 16_000
"""Of UTF-8, the note about the cut included. A longer item costs seconds before the model's next word."""

_MAX_SENTENCE = 2_000
"""Bytes of a failure's sentence: short enough to stay below `MAX_BYTES` even if JSON escapes every character."""

_NOTE = "\n[Cut here: the result was longer than {limit} bytes. Ask for less, or work with this part.]"


class UnusableResult(TelephonyError):
    """A function returned something that has no form a model could read. The message is for its author."""


def render(result: Any, limit: int = MAX_BYTES) -> str:
    """*result* for the model, at most *limit* bytes of UTF-8; raise `UnusableResult`.

    Pydantic models, dataclasses, msgspec structs, dates, decimals, enums, sets and UTF-8 bytes have their usual JSON
    form. NaN and infinity are no JSON and become null.
    """
    if result is None:
        return '{"result": null, "note": "It ran and returned nothing."}'
    if isinstance(result, Enum):
        result = result.value
    if isinstance(result, str):
        return _shorten(result, limit)
    if isinstance(result, Iterator):
        raise UnusableResult(f"it returned a {type(result).__name__}, which may never end: return a list")
    try:
        if isinstance(result, bytes | bytearray):
            return _shorten(result.decode(), limit)
        return _shorten(_json(result), limit)
    except (PydanticSerializationError, UnicodeDecodeError) as error:
        raise UnusableResult(f"it returned a {type(result).__name__} that has no JSON form ({error})") from error


def _json(result: Any) -> str:
    options: dict[str, Any] = {"inf_nan_mode": "null", "bytes_mode": "utf8", "timedelta_mode": "iso8601"}
    return to_json(result, fallback=_fallback, **options).decode()


def _fallback(value: Any) -> Any:
    """For what pydantic does not know."""
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value)
    raise TypeError(f"a {type(value).__name__} is no JSON")


def failure(sentence: str, *, retry: bool) -> str:
    """The answer to a call that came to nothing."""
    return json.dumps({"error": _shorten(sentence, _MAX_SENTENCE), "retry": retry}, ensure_ascii=False)


def _shorten(text: str, limit: int = MAX_BYTES) -> str:
    """*text* as valid Unicode of at most *limit* bytes of UTF-8, cut between two characters."""
    # A character takes a byte at least, so the rest of a huge text need not even be encoded.
    encoded = text[: limit + 1].encode(errors="replace")
    if len(encoded) <= limit:
        return encoded.decode()
    note = _NOTE.format(limit=limit)
    return encoded[: limit - len(note.encode())].decode(errors="ignore") + note
