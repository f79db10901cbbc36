"""What is wrong with an item that a client adds to the conversation, by each provider's rules.

A conversation is carried from one session to another item by item, so this is where a client learns that history cannot
simply be copied: part types, ids and their lengths differ between the providers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from telephony.sim.model_memory import Memory
from telephony.sim.model_wire import Message, Problem

_OPENAI_PARTS = {
    "user": ("input_text", "input_audio", "input_image"),
    "system": ("input_text",),
    "assistant": ("output_text", "output_audio"),
}
_XAI_PARTS = {
    "user": ("input_text", "input_audio"),
    "system": ("input_text",),
    "assistant": ("text", "audio", "output_text"),
}
"""`output_text` is not documented, but was recorded to be taken."""
_XAI_DOCUMENTED = ("input_text", "input_audio", "text", "audio")
"""xAI's schema ties no part type to a role: one of these in the wrong place is taken, and only noted."""
_WRITTEN = ("input_text", "output_text", "text")
_KEYS = {
    "message": {"role", "content"},
    "function_call": {"name", "call_id", "arguments"},
    "function_call_output": {"call_id", "output"},
}
_COMMON_KEYS = {"id", "object", "type", "status"}
_PART_KEYS = {"type", "text", "audio", "transcript", "image_url", "detail"}
_ID_LENGTH = 32
"""OpenAI refuses longer ids of items and calls; xAI's own have 36 and 43 characters, which matters when history moves
from one to the other."""


def item_problems(raw: Any, after: Any, memory: Memory, profile: str) -> Iterator[Problem]:
    """Everything wrong with adding *raw* behind the item *after*. The first that is not silent is the answer."""
    if not isinstance(raw, dict):
        yield missing("item")
        return
    if after not in (None, "root") and memory.get(str(after)) is None:
        message = f"Item with id '{after}' does not exist."
        yield Problem("unknown_item", message, "item_create_invalid_previous_item_id", "previous_item_id")
    kind = raw.get("type")
    checks = {"message": _message, "function_call": _call, "function_call_output": _output}
    if not isinstance(kind, str) or kind not in checks:
        message = f"Invalid value: {kind!r}. Supported values are: {', '.join(checks)}."
        yield Problem("invalid_item", message, param="item.type")
        return
    yield from _id(raw.get("id"), memory, profile)
    yield from _keys(raw, profile)
    yield from checks[kind](raw, memory, profile)


def _id(item_id: Any, memory: Memory, profile: str) -> Iterator[Problem]:
    if item_id is None:
        return
    if not isinstance(item_id, str):
        yield Problem("invalid_item", "Invalid type for 'item.id': expected a string.", "invalid_type", "item.id")
        return
    if memory.get(item_id) is not None:
        yield Problem("duplicate_item", f"There is already an item with the id '{item_id}'.", param="item.id")
    if profile == "openai" and not re.fullmatch(r"[a-zA-Z0-9_-]+", item_id):
        message = "Invalid 'item.id': expected letters, digits, underscores and hyphens."
        yield Problem("invalid_item", message, param="item.id")
    if profile == "openai":
        yield from _too_long(item_id, "item.id")


def _keys(raw: Message, profile: str) -> Iterator[Problem]:
    known = _KEYS[raw["type"]] | _COMMON_KEYS
    paths = [f"item.{key}" for key in raw if key not in known]
    content = raw.get("content") if raw["type"] == "message" else None
    for number, part in enumerate(content if isinstance(content, list) else ()):
        if isinstance(part, dict):
            paths += [f"item.content[{number}].{key}" for key in part if key not in _PART_KEYS]
    for path in paths:
        message = f"Unknown parameter: '{path}'."
        yield Problem("unknown_parameter", message, "unknown_parameter", path, silent=profile == "xai")


def _message(raw: Message, _: Memory, profile: str) -> Iterator[Problem]:
    parts = _XAI_PARTS if profile == "xai" else _OPENAI_PARTS
    role, content = raw.get("role"), raw.get("content")
    if not isinstance(role, str) or role not in parts:
        message = f"Invalid value: {role!r}. Supported values are: 'system', 'user', and 'assistant'."
        yield Problem("invalid_item", message, param="item.role")
        return
    if not isinstance(content, list) or not content:
        yield missing("item.content")
        return
    for number, part in enumerate(content):
        place = f"item.content[{number}]"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in parts[role]:
            message = (
                f"Invalid value: {kind!r}. Supported values for a message of the {role}: {', '.join(parts[role])}."
            )
            taken = profile == "xai" and kind in _XAI_DOCUMENTED
            yield Problem("invalid_content_type", message, param=f"{place}.type", silent=taken)
        if kind in _WRITTEN and not isinstance(part.get("text"), str):
            yield missing(f"{place}.text")


def _call(raw: Message, memory: Memory, profile: str) -> Iterator[Problem]:
    for key in ("name", "call_id", "arguments"):
        if not isinstance(raw.get(key), str):
            yield missing(f"item.{key}")
            return
    if profile == "openai":
        yield from _too_long(raw["call_id"], "item.call_id")
    if memory.called(raw["call_id"]):
        message = f"call {raw['call_id']} is in the conversation already"
        yield Problem("duplicate_tool_call", message, param="item.call_id", silent=True)


def _output(raw: Message, memory: Memory, _: str) -> Iterator[Problem]:
    call_id, output = raw.get("call_id"), raw.get("output")
    if not isinstance(call_id, str):
        yield missing("item.call_id")
        return
    if memory.called(call_id) is None:
        message = f"Tool call ID '{call_id}' not found in conversation."
        yield Problem("orphan_tool_output", message, "invalid_tool_call_id", "item.call_id")
    elif memory.answered(call_id):
        message = f"call {call_id} was answered before"
        yield Problem("duplicate_tool_output", message, param="item.call_id", silent=True)
    if not isinstance(output, str):
        # JSON is to be encoded once, into a string.
        yield Problem(
            "invalid_item", "Invalid type for 'item.output': expected a string.", "invalid_type", "item.output"
        )


def _too_long(value: str, path: str) -> Iterator[Problem]:
    if len(value) > _ID_LENGTH:
        message = (
            f"Invalid '{path}': string too long. Expected a string with maximum length {_ID_LENGTH}, "
            f"but got a string with length {len(value)} instead."
        )
        yield Problem("invalid_item", message, "string_above_max_length", path)


def missing(path: str) -> Problem:
    """A parameter that is not there."""
    message = f"Missing required parameter: '{path}'."
    return Problem("missing_parameter", message, "missing_required_parameter", path)
