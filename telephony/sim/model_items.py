"""The client's dealings with the conversation: adding, deleting, cutting and fetching items.

Here live the rules that clients break most: an output for a call that was never made, a second output for the same
call, a truncation beyond what was sent.
"""

from __future__ import annotations

from typing import Any

from telephony.sim.model_item_checks import item_problems, missing
from telephony.sim.model_memory import keep
from telephony.sim.model_stage import Stage
from telephony.sim.model_wire import Item, Message, Problem

_REPEATED = ("duplicate_tool_call", "duplicate_tool_output")
"""Told a second time, which nobody answers: neither provider documents what becomes of it."""


class Items:
    """`conversation.item.*` as a client sends it. Every method takes the event and answers through the stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._xai = stage.script.profile == "xai"

    # -- create -----------------------------------------------------------------------------------------------------

    def create(self, event: Message, now: float) -> None:
        stage = self._stage
        after = event.get("previous_item_id")
        repeated = False
        for problem in item_problems(event.get("item"), after, stage.memory, stage.script.profile):
            stage.object_to(problem, now, event.get("event_id"))
            if not problem.silent:
                return
            repeated = repeated or problem.fault in _REPEATED
        if repeated:
            return
        item = self._read(event["item"])
        if item.type == "function_call_output":
            stage.memory.answer(item.call_id, item.output)
        if item.type == "message" and item.role == "user":
            stage.memory.fresh_texts += 1
        stage.memory.fresh_words += len((item.text or item.output).split())
        previous = stage.memory.get(str(after)) or (None if after == "root" else stage.memory.last)
        stage.memory.add(item, after=after)
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
            stage.object_to(missing("item_id"), now, event.get("event_id"))
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
