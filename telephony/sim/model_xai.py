"""xAI's wire, as recorded in July 2026, down to its oddities: every one of them broke somebody's strict client.

Bare UUIDs as ids; `previous_item_id` on every frame but the first, mostly null and `"0"` on content parts;
`status_details` a string; usage beside the response instead of in it; function calls that belong to the "user" or the
"tool"; `output_index` always 0; arguments in one delta; caller transcripts repeated and cumulative, only the last of
them `completed`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from telephony.sim.model_ids import Ids
from telephony.sim.model_wire import Delta, Item, Message, Problem, Response, Spent, Timed

_PHRASE_WORDS = 7


def _frame(type_: str, **fields: Any) -> Message:
    """A frame with its `previous_item_id`, which is null unless given."""
    return {"type": type_, "previous_item_id": None, **fields}


class XaiWire:
    """Grok Voice ("speech to speech")."""

    pings = True
    words_lead = False
    item_at_speech = True

    def __init__(self, seed: int) -> None:
        self._ids = Ids(seed, "xai")
        self.conversation_id = self._ids.uuid()
        self._billed_ms = 0.0

    def event_id(self) -> str:
        return self._ids.uuid()

    response_id = item_id = event_id

    def call_id(self, index: int) -> str:
        return f"call-{self._ids.uuid()}-{index}"

    # -- the session ------------------------------------------------------------------------------------------------

    def opening(self, order: str, session: Message, unix_ms: int, lasts_s: float) -> list[Message]:
        created: Message = {"type": "session.created", "session": {"id": self._ids.hexadecimal(), **session}}
        conversation = _frame(
            "conversation.created", conversation={"id": self.conversation_id, "object": "realtime.conversation"}
        )
        first = {
            "both": [created, conversation],
            "reversed": [conversation, created],
            "created_only": [created],
            "conversation_only": [conversation],
            "none": [],
        }[order]
        return [*first, self.ping(unix_ms)] if first else []

    def ping(self, unix_ms: int) -> Message:
        return _frame("ping", timestamp=unix_ms)

    def updated(self, session: Message) -> Message:
        return _frame("session.updated", session=session)

    def error(self, problem: Problem, client_event_id: str | None) -> Message:
        # `code` repeats the type, and the id is the server's own: nothing to correlate on.
        error = {
            "type": problem.kind,
            "code": problem.kind,
            "message": problem.message,
            "param": problem.param,
            "event_id": self._ids.uuid(),
        }
        return _frame("error", error=error)

    def session_over(self) -> Message:
        message = "The session reached its maximum duration."
        return self.error(Problem("session_over", message, kind="max_duration"), None)

    # -- the caller -------------------------------------------------------------------------------------------------

    def speech_started(self, item: Item, at_ms: int, *, resumed: bool) -> list[Message]:
        started = _frame("input_audio_buffer.speech_started", item_id=item.id, audio_start_ms=at_ms)
        if resumed:
            return [started]
        added = {**_stem(item, "user"), "content": [{"type": "input_audio", "transcript": ""}]}
        return [started, _frame("conversation.item.added", item=added)]

    def speech_stopped(self, item: Item, at_ms: int) -> list[Message]:
        return [_frame("input_audio_buffer.speech_stopped", item_id=item.id, audio_end_ms=at_ms)]

    def committed(self, item: Item, previous: Item | None) -> list[Message]:
        return [_frame("input_audio_buffer.committed", item_id=item.id)]

    def timed_out(self, item: Item, at_ms: int) -> list[Message]:
        return [
            _frame("input_audio_buffer.timeout_triggered", item_id=item.id, audio_start_ms=at_ms, audio_end_ms=at_ms)
        ]

    def understanding(self, item: Item, text: str) -> list[Message]:
        return [self._transcript("updated", item, text), self._transcript("completed", item, text, "in_progress")]

    def understood(self, item: Item, text: str, *, partials: bool) -> list[Timed]:
        messages = self.understanding(item, _head(text, 2 / 3)) if partials else []
        return [(0.0, message) for message in (*messages, self._transcript("completed", item, text, "completed"))]

    def _transcript(self, kind: str, item: Item, text: str, status: str = "") -> Message:
        extra = {"status": status} if status else {}
        name = f"conversation.item.input_audio_transcription.{kind}"
        return _frame(name, item_id=item.id, transcript=text, content_index=0, **extra)

    # -- items ------------------------------------------------------------------------------------------------------

    def item_created(self, item: Item, previous: Item | None) -> list[Message]:
        if item.type == "message":
            before = previous.id if previous else None
            return [_frame("conversation.item.added", item=_whole(item, "tool"), previous_item_id=before)]
        # Recorded: what belongs to a function is placed behind nothing, and a call comes back without its arguments.
        blank = {"arguments": ""} if item.type == "function_call" else {}
        return [_frame("conversation.item.added", item={**_whole(item, "tool"), **blank})]

    def replay(self, items: Iterable[Item], *, whole: bool) -> list[Message]:
        """Documented are all items as `conversation.item.created`; recorded were the model's words alone, as `added`.
        Since September 2026 items say whether they are `replayed`."""
        if whole:
            known = ({**_whole(item, "tool"), "replayed": True} for item in items)
            return [_frame("conversation.item.created", item=item) for item in known]
        said = [item for item in items if item.type == "message" and item.role == "assistant"]
        return [message for item in said for message in self.item_created(item, None)]

    def item_deleted(self, item_id: str) -> Message:
        return _frame("conversation.item.deleted", item_id=item_id)

    def item_truncated(self, item: Item, audio_end_ms: int) -> Message:
        return _frame(
            "conversation.item.truncated",
            item_id=item.id,
            content_index=0,
            audio_end_ms=audio_end_ms,
            transcript=item.text,
        )

    # -- responses --------------------------------------------------------------------------------------------------

    def response_created(self, response: Response, session: Message) -> Message:
        return _frame("response.created", response=_response(response, []))

    def message_opened(self, response: Response, item: Item, previous: Item | None) -> list[Message]:
        stem = _stem(item, "assistant")
        part = {"type": "audio", "transcript": ""}
        where = {"response_id": response.id, "output_index": 0}
        before = previous.id if previous else None
        return [
            _frame("response.output_item.added", item=stem, **where),
            _frame("conversation.item.added", item={**stem, "content": []}, previous_item_id=before),
            _frame(
                "response.content_part.added",
                previous_item_id="0",
                item_id=item.id,
                part=part,
                content_index=0,
                **where,
            ),
        ]

    def audio(self, response: Response, item: Item, delta: Delta, unix_ms: int) -> Message:
        extra = {} if delta.latency_s is None else {"latency": f"{delta.latency_s:.2f}"}
        return _frame(
            "response.output_audio.delta",
            **_place(response, item),
            delta=delta.payload,
            rid=delta.rid,
            **extra,
            audio_duration_ms=round(delta.duration_ms),
            ts=unix_ms,
        )

    def words(self, response: Response, item: Item, text: str, start_s: float, rid: str) -> Message:
        name = "response.output_audio_transcript.delta"
        return _frame(name, event_id=rid, **_place(response, item), delta=text, rid=rid, start_time=round(start_s, 2))

    def message_closed(self, response: Response, item: Item) -> list[Message]:
        place = _place(response, item)
        done = {"item": _stem(item, "assistant"), "response_id": response.id, "output_index": 0}
        return [
            _frame("response.output_audio_transcript.done", transcript=item.text, **place),
            _frame("response.content_part.done", **place),
            _frame("response.output_audio.done", **place),
            _frame("response.output_item.done", **done),
        ]

    def call_opened(self, response: Response, item: Item, previous: Item | None) -> list[Message]:
        where = {"response_id": response.id, "output_index": 0}
        blank = {"arguments": ""}
        return [
            _frame("response.output_item.added", item={**_whole(item, "user"), **blank}, **where),
            _frame("conversation.item.added", item={**_whole(item, "tool"), **blank}),
        ]

    def call_arguments(self, response: Response, item: Item) -> list[Message]:
        whole = {"item_id": item.id, "response_id": response.id, "delta": item.arguments, "call_id": item.call_id}
        return [_frame("response.function_call_arguments.delta", **whole)]

    def call_arguments_done(self, response: Response, item: Item) -> Message:
        return _frame(
            "response.function_call_arguments.done",
            item_id=item.id,
            response_id=response.id,
            output_index=0,
            call_id=item.call_id,
            name=item.name,
            arguments=item.arguments,
        )

    def call_closed(self, response: Response, item: Item) -> list[Message]:
        done = {"item": _whole(item, "user"), "response_id": response.id, "output_index": 0}
        return [_frame("response.output_item.done", **done)]

    def response_done(self, response: Response, session: Message, spent: Spent) -> list[Message]:
        self._billed_ms += spent.output_ms + spent.input_ms
        output = [_whole(item, "user") for item in response.items]
        return [
            _frame(
                "response.done",
                response=_response(response, output),
                response_id=response.id,
                usage=_usage(spent, self._billed_ms),
            )
        ]

    def phrases(self, text: str) -> list[str]:
        """Up to seven words or to the end of a sentence; all but the first begin with their space."""
        pieces: list[str] = []
        room = 0
        for word in re.findall(r"\s*\S+", text):
            if room == 0:
                pieces.append("")
                room = _PHRASE_WORDS
            pieces[-1] += word
            room = 0 if word.endswith((".", "!", "?")) else room - 1
        return pieces


def _place(response: Response, item: Item) -> Message:
    return {"item_id": item.id, "response_id": response.id, "content_index": 0, "output_index": 0}


def _stem(item: Item, role: str) -> Message:
    return {"id": item.id, "object": "realtime.item", "type": item.type, "status": item.status, "role": role}


def _whole(item: Item, caller_role: str) -> Message:
    """An item with its content. *caller_role*: whose a function call is said to be, which differs between events."""
    if item.type == "function_call":
        return {
            **_stem(item, caller_role),
            "call_id": item.call_id,
            "name": item.name,
            "arguments": item.arguments,
        }
    if item.type == "function_call_output":
        return {**_stem(item, "tool"), "call_id": item.call_id, "output": item.output}
    if item.spoken:
        return {**_stem(item, item.role), "content": [{"type": "audio", "transcript": item.text}]}
    kind = "text" if item.role == "assistant" else "input_text"
    return {**_stem(item, item.role), "content": [{"type": kind, "text": item.text}]}


def _response(response: Response, output: list[Message]) -> Message:
    resource = {
        "id": response.id,
        "object": "realtime.response",
        "output": output,
        "status": response.status,
        "status_details": "unimplemented",
        "usage": {},
    }
    return {**resource, "metadata": response.metadata} if response.metadata else resource


def _usage(spent: Spent, billed_ms: float) -> Message:
    """Some 50 audio tokens a second, both ways; `billable_audio_seconds` runs through the whole conversation."""
    audio_in, audio_out = round(spent.input_ms / 20), round(spent.output_ms / 20)
    return {
        "input_tokens": spent.input_words + audio_in,
        "input_token_details": {"text_tokens": spent.input_words, "audio_tokens": audio_in, "grok_tokens": 0},
        "output_tokens": spent.output_words + audio_out,
        "output_token_details": {"text_tokens": spent.output_words, "audio_tokens": audio_out, "grok_tokens": 0},
        "total_tokens": spent.input_words + audio_in + spent.output_words + audio_out,
        "output_audio_seconds": spent.output_ms / 1000,
        "billable_audio_seconds": math.ceil(billed_ms / 1000),
    }


def _head(text: str, share: float) -> str:
    """The first words of *text*, at least one."""
    words = text.split()
    return " ".join(words[: max(1, int(len(words) * share))])
