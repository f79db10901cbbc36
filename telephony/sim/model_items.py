"""The client's dealings with the conversation: adding, deleting, cutting and fetching items.

Here live the rules that clients break most: an output for a call that was never made, a second output for the same
call, a truncation beyond what was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from telephony.sim.model_memory import keep
from telephony.sim.model_stage import Stage
from telephony.sim.model_wire import Item, Message, Problem

_OPENAI_PARTS = {
    "user": ("input_text", "input_audio", "input_image"),
    "system": ("input_text",),
    "assistant": ("output_text", "output_audio"),
}
_XAI_PARTS = dict.fromkeys(("user", "system", "assistant"), ("input_text", "input_audio", "text", "audio"))
_CALL_ID_LENGTH = 32
"""OpenAI refuses longer call ids; xAI's own have 43 characters, which matters when history moves between them."""


class Items:
    """`conversation.item.*` as a client sends it. Every method takes the event and answers through the stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._xai = stage.script.profile == "xai"

    # -- create -----------------------------------------------------------------------------------------------------

    def create(self, event: Message, now: float) -> None:
        stage = self._stage
        raw = event.get("item")
        problem = self._wrong_with(raw, event.get("previous_item_id"))
        if problem:
            stage.object_to(problem, now, event.get("event_id"))
            return
        item = self._read(event["item"])
        if item.type == "function_call_output":
            if stage.memory.answered(item.call_id):
                stage.blame("duplicate_tool_output", f"call {item.call_id} was answered before", now)
                return
            stage.memory.answer(item.call_id, item.output)
        if item.type == "message" and item.role == "user":
            stage.memory.fresh_texts += 1
        stage.memory.fresh_words += len((item.text or item.output).split())
        previous = stage.memory.get(str(event.get("previous_item_id"))) or stage.memory.last
        stage.memory.add(item, after=event.get("previous_item_id"))
        stage.send(*stage.wire.item_created(item, previous))

    def _read(self, raw: Message) -> Item:
        texts = [part.get("text") or part.get("transcript") for part in raw.get("content") or []]
        return Item(
            raw.get("id") or self._stage.wire.item_id(),
            raw["type"],
            raw.get("role", "tool"),
            text=" ".join(text for text in texts if isinstance(text, str)),
            status="completed",
            call_id=raw.get("call_id", ""),
            name=raw.get("name", ""),
            arguments=raw.get("arguments", ""),
            output=raw.get("output", ""),
            source="seeded",
        )

    def _wrong_with(self, raw: Any, after: Any) -> Problem | None:
        if not isinstance(raw, dict):
            return _missing("item")
        kind = raw.get("type")
        if after not in (None, "root") and self._stage.memory.get(str(after)) is None:
            message = f"Item with id '{after}' does not exist."
            return Problem("unknown_item", message, "item_create_invalid_previous_item_id", "previous_item_id")
        checks = {
            "message": self._wrong_message,
            "function_call": self._wrong_call,
            "function_call_output": self._wrong_output,
        }
        if kind not in checks:
            message = f"Invalid value: {kind!r}. Supported values are: {', '.join(checks)}."
            return Problem("invalid_item", message, param="item.type")
        return next(checks[kind](raw), None)

    def _wrong_message(self, raw: Message) -> Iterator[Problem]:
        parts = _XAI_PARTS if self._xai else _OPENAI_PARTS
        role, content = raw.get("role"), raw.get("content")
        if not isinstance(role, str) or role not in parts:
            message = f"Invalid value: {role!r}. Supported values are: 'system', 'user', and 'assistant'."
            yield Problem("invalid_item", message, param="item.role")
            return
        if not isinstance(content, list) or not content:
            yield _missing("item.content")
            return
        for number, part in enumerate(content):
            kind = part.get("type") if isinstance(part, dict) else None
            if kind not in parts[role]:
                known = ", ".join(parts[role])
                message = f"Invalid value: {kind!r}. Supported values for a message of the {role} are: {known}."
                yield Problem("invalid_content_type", message, param=f"item.content[{number}].type")

    def _wrong_call(self, raw: Message) -> Iterator[Problem]:
        for key in ("name", "call_id", "arguments"):
            if not isinstance(raw.get(key), str):
                yield _missing(f"item.{key}")
        yield from self._wrong_call_id(raw)

    def _wrong_output(self, raw: Message) -> Iterator[Problem]:
        call_id, output = raw.get("call_id"), raw.get("output")
        if not isinstance(call_id, str):
            yield _missing("item.call_id")
        elif self._stage.memory.called(call_id) is None:
            message = f"Tool call ID '{call_id}' not found in conversation."
            yield Problem("orphan_tool_output", message, "invalid_tool_call_id", "item.call_id")
        if not isinstance(output, str):
            # JSON is to be encoded once, into a string.
            message = "Invalid type for 'item.output': expected a string."
            yield Problem("invalid_item", message, "invalid_type", "item.output")

    def _wrong_call_id(self, raw: Message) -> Iterator[Problem]:
        if not self._xai and len(raw["call_id"]) > _CALL_ID_LENGTH:
            message = f"Invalid 'item.call_id': string too long. Expected a maximum length of {_CALL_ID_LENGTH}."
            yield Problem("invalid_item", message, "string_above_max_length", "item.call_id")

    # -- delete, truncate, retrieve ---------------------------------------------------------------------------------

    def delete(self, event: Message, now: float) -> None:
        item = self._find("delet", event, now)
        if item:
            self._stage.memory.forget(item.id)
            self._stage.send(self._stage.wire.item_deleted(item.id))

    def truncate(self, event: Message, now: float) -> None:
        stage = self._stage
        item = self._find("truncat", event, now)
        if item is None:
            return
        problem = _wrong_truncation(item, event.get("audio_end_ms"), event.get("content_index"))
        if problem:
            stage.object_to(problem, now, event.get("event_id"))
            return
        keep(item, event["audio_end_ms"])
        stage.send(stage.wire.item_truncated(item, event["audio_end_ms"]))

    def retrieve(self, event: Message, now: float) -> None:
        item = self._find("retriev", event, now)
        if item:
            fetched = self._stage.wire.item_created(item, None)[-1]["item"]
            self._stage.send({"type": "conversation.item.retrieved", "item": fetched})

    def _find(self, verb: str, event: Message, now: float) -> Item | None:
        stage, item_id = self._stage, event.get("item_id")
        if not isinstance(item_id, str):
            stage.object_to(_missing("item_id"), now, event.get("event_id"))
            return None
        item = stage.memory.get(item_id)
        if item is None:
            message = f"Error {verb}ing item: the item with id '{item_id}' does not exist."
            code = f"item_{verb}e_invalid_item_id"
            problem = Problem("unknown_item", "Item not found" if self._xai else message, code, "item_id")
            # xAI forgets a cancelled reply by itself and does not say so.
            forgiven = self._xai and stage.memory.knew(item_id)
            stage.object_to(problem, now, event.get("event_id"), forgiven=forgiven)
        return item


def _wrong_truncation(item: Item, wanted: Any, content_index: Any) -> Problem | None:
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 0:
        return Problem(
            "invalid_truncation", "Invalid 'audio_end_ms': expected an integer of at least 0.", param="audio_end_ms"
        )
    if item.role != "assistant" or not item.spoken or wanted == 0:
        message = "Only model output audio messages can be truncated."
        fault = "truncate_zero" if item.spoken and item.role == "assistant" else "truncate_not_audio"
        return Problem(fault, message, "unsupported_content_type", "item_id")
    if content_index != 0:
        return Problem(
            "invalid_truncation", "Invalid 'content_index': the item has one part, 0.", param="content_index"
        )
    if wanted > item.audio_ms + 1:  # a millisecond for the fraction that an integer cannot say
        message = f"Audio content of {int(item.audio_ms)}ms is already shorter than {wanted}ms"
        return Problem("truncate_too_far", message, param="audio_end_ms")
    return None


def _missing(path: str) -> Problem:
    message = f"Missing required parameter: '{path}'."
    return Problem("missing_parameter", message, "missing_required_parameter", path)
