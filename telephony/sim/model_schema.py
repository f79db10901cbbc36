"""Which keys a client may send, per provider: what is not listed, OpenAI refuses and xAI silently ignores.

A tree of dicts; `ANY` stands for a value whose inside is not checked (a JSON schema, a metadata map).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

ANY: dict[str, Any] = {"*": None}
LEAF: dict[str, Any] = {}

Tree = dict[str, Any]


def _keys(names: str, **branches: Tree) -> Tree:
    return {**dict.fromkeys(names.split(), LEAF), **branches}


_FORMAT = _keys("type rate")

OPENAI_SESSION: Tree = _keys(
    "type id object model output_modalities instructions parallel_tool_calls max_output_tokens expires_at",
    audio={
        "input": {
            "format": _FORMAT,
            "noise_reduction": _keys("type strength"),
            "transcription": _keys("model language prompt"),
            "turn_detection": _keys(
                "type threshold prefix_padding_ms silence_duration_ms idle_timeout_ms create_response"
                " interrupt_response eagerness"
            ),
        },
        "output": {"format": _FORMAT, "voice": ANY, "speed": LEAF},
    },
    tools=ANY,
    tool_choice=ANY,
    reasoning=_keys("effort"),
    truncation=ANY,
    tracing=ANY,
    prompt=ANY,
    include=ANY,
)

XAI_SESSION: Tree = _keys(
    "type model instructions voice modalities max_output_tokens parallel_tool_calls",
    reasoning=_keys("effort"),
    turn_detection=_keys(
        "type threshold prefix_padding_ms silence_duration_ms idle_timeout_ms create_response interrupt_response"
    ),
    audio={
        "input": {
            "format": _FORMAT,
            "transport": LEAF,
            "transcription": _keys("model language_hint keyterms"),
        },
        "output": {"format": _FORMAT, "transport": LEAF, "speed": LEAF},
    },
    tools=ANY,
    tool_choice=ANY,
    resumption=_keys("enabled"),
    replace=ANY,
)

_RESPONSE = _keys(
    "conversation instructions output_modalities max_output_tokens modalities",
    input=ANY,
    metadata=ANY,
    tools=ANY,
    tool_choice=ANY,
    audio=ANY,
    reasoning=ANY,
)
_OPENAI_RESPONSE: Tree = {key: value for key, value in _RESPONSE.items() if key != "modalities"}
_XAI_RESPONSE = _keys("modalities instructions", tool_choice=ANY, metadata=ANY)


def _events(response: Tree) -> dict[str, Tree]:
    """Client events and their keys beside `type` and `event_id`."""
    return {
        "session.update": _keys("", session=ANY),  # has a tree of its own
        "input_audio_buffer.append": _keys("audio"),
        "input_audio_buffer.commit": _keys(""),
        "input_audio_buffer.clear": _keys(""),
        "conversation.item.create": _keys("previous_item_id", item=ANY),
        "conversation.item.delete": _keys("item_id"),
        "conversation.item.truncate": _keys("item_id content_index audio_end_ms"),
        "response.create": {"response": response},
        "response.cancel": _keys("response_id"),
    }


OPENAI_EVENTS: dict[str, Tree] = {**_events(_OPENAI_RESPONSE), "conversation.item.retrieve": _keys("item_id")}
XAI_EVENTS: dict[str, Tree] = _events(_XAI_RESPONSE)


def unknown(value: Mapping[str, Any], tree: Tree, path: str = "") -> Iterator[str]:
    """Paths in *value* that *tree* does not have, such as `session.audio.input.turn_detection`."""
    for key, inner in value.items():
        branch = tree.get(key)
        if branch is None:
            yield path + key
        elif branch is not ANY and isinstance(inner, Mapping):
            yield from unknown(inner, branch, f"{path}{key}.")


_MAY_BE_NULL = {"turn_detection", "transcription", "noise_reduction", "reasoning", "resumption", "response"}


def misshapen(value: Mapping[str, Any], tree: Tree, path: str = "") -> Iterator[str]:
    """Paths in *value* where an object belongs and something else stands."""
    for key, inner in value.items():
        branch = tree.get(key)
        if not branch or branch is ANY:
            continue
        if isinstance(inner, Mapping):
            yield from misshapen(inner, branch, f"{path}{key}.")
        elif inner is not None or key not in _MAY_BE_NULL:
            yield path + key
