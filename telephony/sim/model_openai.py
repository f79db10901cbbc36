"""OpenAI's wire (GA), as recorded in July 2026: full objects, null where there is nothing, rate limits last.

With `beta_names` the same events carry the names of the beta, which Azure's preview and many look-alikes still use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from telephony.sim.model_ids import Ids
from telephony.sim.model_wire import Delta, Item, Message, Problem, Response, Spent, Timed

_LASTS_S = 3600
"""Seconds."""


class OpenAiWire:
    """The realtime API's general availability form."""

    pings = False
    words_lead = True
    item_at_speech = False

    def __init__(self, seed: int) -> None:
        self._ids = Ids(seed, "openai")
        self.conversation_id = self._ids.prefixed("conv")
        self._session_id = self._ids.prefixed("sess")
        self._expires_at = 0

    def event_id(self) -> str:
        return self._ids.prefixed("event")

    def response_id(self) -> str:
        return self._ids.prefixed("resp")

    def item_id(self) -> str:
        return self._ids.prefixed("item")

    def call_id(self, index: int) -> str:
        return self._ids.prefixed("call", 16)

    # -- the session ------------------------------------------------------------------------------------------------

    def opening(self, order: str, session: Message, unix_ms: int, lasts_s: float) -> list[Message]:
        self._expires_at = unix_ms // 1000 + round(lasts_s or _LASTS_S)
        return [{"type": "session.created", "session": self._session(session)}]

    def _session(self, session: Message) -> Message:
        return {**session, "id": self._session_id, "object": "realtime.session", "expires_at": self._expires_at}

    def ping(self, unix_ms: int) -> Message:
        raise AssertionError("only xAI pings")  # guarded by `pings`

    def updated(self, session: Message) -> Message:
        return {"type": "session.updated", "session": self._session(session)}

    def error(self, problem: Problem, client_event_id: str | None) -> Message:
        error = {
            "type": problem.kind,
            "code": problem.code,
            "message": problem.message,
            "param": problem.param,
            "event_id": client_event_id,
        }
        return {"type": "error", "error": error}

    def session_over(self) -> Message:
        message = "Your session hit the maximum duration of 60 minutes."
        return self.error(Problem("session_over", message, code="session_expired"), None)

    # -- the caller -------------------------------------------------------------------------------------------------

    def speech_started(self, item: Item, at_ms: int, *, resumed: bool) -> list[Message]:
        return [{"type": "input_audio_buffer.speech_started", "audio_start_ms": at_ms, "item_id": item.id}]

    def speech_stopped(self, item: Item, at_ms: int) -> list[Message]:
        return [{"type": "input_audio_buffer.speech_stopped", "audio_end_ms": at_ms, "item_id": item.id}]

    def committed(self, item: Item, previous: Item | None) -> list[Message]:
        before = {"previous_item_id": previous.id if previous else None}
        committed = {"type": "input_audio_buffer.committed", **before, "item_id": item.id}
        return [committed, *self.item_created(item, previous)]

    def timed_out(self, item: Item, at_ms: int) -> list[Message]:
        name = "input_audio_buffer.timeout_triggered"
        return [{"type": name, "item_id": item.id, "audio_start_ms": at_ms, "audio_end_ms": at_ms}]

    def understanding(self, item: Item, text: str) -> list[Message]:
        return []

    def understood(self, item: Item, text: str, *, partials: bool) -> list[Timed]:
        if not partials:
            return []
        stem = "conversation.item.input_audio_transcription"
        place = {"item_id": item.id, "content_index": 0}
        pieces = self.phrases(text)
        timed: list[Timed] = []
        for number, piece in enumerate(pieces):
            timed.append((0.06 + 0.03 * number, self._padded({"type": f"{stem}.delta", **place, "delta": piece})))
        usage = {"type": "duration", "seconds": max(1, round(item.audio_ms / 1000))}
        completed = {"type": f"{stem}.completed", **place, "transcript": text, "usage": usage}
        return [*timed, (0.15 + 0.03 * len(pieces), completed)]

    # -- items ------------------------------------------------------------------------------------------------------

    def item_created(self, item: Item, previous: Item | None) -> list[Message]:
        before = {"previous_item_id": previous.id if previous else None}
        return [
            {"type": "conversation.item.added", **before, "item": _whole(item)},
            {"type": "conversation.item.done", **before, "item": _whole(item)},
        ]

    def replay(self, items: Iterable[Item], *, whole: bool) -> list[Message]:
        return []  # OpenAI's sessions cannot be resumed

    def item_deleted(self, item_id: str) -> Message:
        return {"type": "conversation.item.deleted", "item_id": item_id}

    def item_truncated(self, item: Item, audio_end_ms: int) -> Message:
        name = "conversation.item.truncated"
        return {"type": name, "item_id": item.id, "content_index": 0, "audio_end_ms": audio_end_ms}

    # -- responses --------------------------------------------------------------------------------------------------

    def response_created(self, response: Response, session: Message) -> Message:
        return {"type": "response.created", "response": self._response(response, session, None)}

    def message_opened(self, response: Response, item: Item, previous: Item | None) -> list[Message]:
        part = {"type": "audio", "transcript": ""}
        return [
            *self._item_opened(response, item, previous, {**_stem(item), "role": "assistant", "content": []}),
            {"type": "response.content_part.added", **_place(response, item), "content_index": 0, "part": part},
        ]

    def audio(self, response: Response, item: Item, delta: Delta, unix_ms: int) -> Message:
        place = _place(response, item)
        return {"type": "response.output_audio.delta", **place, "content_index": 0, "delta": delta.payload}

    def words(self, response: Response, item: Item, text: str, start_s: float, rid: str) -> Message:
        name = "response.output_audio_transcript.delta"
        return self._padded({"type": name, **_place(response, item), "content_index": 0, "delta": text})

    def message_closed(self, response: Response, item: Item) -> list[Message]:
        place = {**_place(response, item), "content_index": 0}
        part = {"type": "audio", "transcript": item.text}
        return [
            {"type": "response.output_audio.done", **place},
            {"type": "response.output_audio_transcript.done", **place, "transcript": item.text},
            {"type": "response.content_part.done", **place, "part": part},
            *self._item_closed(response, item),
        ]

    def call_opened(self, response: Response, item: Item, previous: Item | None) -> list[Message]:
        return self._item_opened(response, item, previous, {**_whole(item), "arguments": ""})

    def call_arguments(self, response: Response, item: Item) -> list[Message]:
        pieces = re.findall(r"\w+|\s+|[^\w\s]+", item.arguments)
        where = {**_place(response, item), "call_id": item.call_id}
        name = "response.function_call_arguments.delta"
        return [self._padded({"type": name, **where, "delta": piece}) for piece in pieces]

    def call_arguments_done(self, response: Response, item: Item) -> Message:
        return {
            "type": "response.function_call_arguments.done",
            **_place(response, item),
            "call_id": item.call_id,
            "name": item.name,
            "arguments": item.arguments,
        }

    def call_closed(self, response: Response, item: Item) -> list[Message]:
        return self._item_closed(response, item)

    def response_done(self, response: Response, session: Message, spent: Spent) -> list[Message]:
        limits = [
            {"name": "requests", "limit": 5000, "remaining": 4999, "reset_seconds": 0.012},
            {"name": "tokens", "limit": 800_000, "remaining": 797_500, "reset_seconds": 0.187},
        ]
        done = {"type": "response.done", "response": self._response(response, session, _usage(spent))}
        return [done, {"type": "rate_limits.updated", "rate_limits": limits}]

    def phrases(self, text: str) -> list[str]:
        """Words and punctuation, about as the tokenizer cuts; all but the first begin with their space."""
        return re.findall(r"\s*[\w'’-]+|\s*[^\w\s]+", text)

    def _padded(self, message: Message) -> Message:
        """With the undocumented `obfuscation`, which makes every delta's length tell less."""
        return {**message, "obfuscation": self._ids.letters(16 - len(message["delta"]) % 16)}

    def _item_opened(self, response: Response, item: Item, previous: Item | None, blank: Message) -> list[Message]:
        index = response.items.index(item)
        return [
            {"type": "response.output_item.added", "response_id": response.id, "output_index": index, "item": blank},
            {
                "type": "conversation.item.added",
                "previous_item_id": previous.id if previous else None,
                "item": blank,
            },
        ]

    def _item_closed(self, response: Response, item: Item) -> list[Message]:
        index = response.items.index(item)
        whole = _whole(item)
        # Recorded: `added` names the item before, `done` of the same item says null.
        return [
            {"type": "conversation.item.done", "previous_item_id": None, "item": whole},
            {"type": "response.output_item.done", "response_id": response.id, "output_index": index, "item": whole},
        ]

    def _response(self, response: Response, session: Message, usage: Message | None) -> Message:
        output = session["audio"]["output"]
        return {
            "object": "realtime.response",
            "id": response.id,
            "status": response.status,
            "status_details": _details(response),
            "output": [_whole(item) for item in response.items] if usage else [],
            "conversation_id": self.conversation_id,
            "output_modalities": session["output_modalities"],
            "max_output_tokens": session["max_output_tokens"],
            "audio": {"output": {"format": output["format"], "voice": output["voice"]}},
            "usage": usage,
            "metadata": response.metadata,
        }


BETA_NAMES = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "conversation.item.added": "conversation.item.created",
    "conversation.item.done": "",
}
"""What the beta called an event; the empty name is an event it did not have."""


def _place(response: Response, item: Item) -> Message:
    return {"response_id": response.id, "item_id": item.id, "output_index": response.items.index(item)}


def _stem(item: Item) -> dict[str, Any]:
    return {"id": item.id, "type": item.type, "status": item.status}


def _whole(item: Item) -> Message:
    if item.type == "function_call":
        return {**_stem(item), "name": item.name, "call_id": item.call_id, "arguments": item.arguments}
    if item.type == "function_call_output":
        return {"id": item.id, "type": item.type, "call_id": item.call_id, "output": item.output}
    content: Message
    if item.role == "assistant":
        content = {"type": "output_audio", "transcript": item.text} if item.spoken else _text("output_text", item)
    else:
        content = {"type": "input_audio", "transcript": None} if item.spoken else _text("input_text", item)
    return {**_stem(item), "role": item.role, "content": [content]}


def _text(kind: str, item: Item) -> Message:
    return {"type": kind, "text": item.text}


def _details(response: Response) -> Message | None:
    if response.status == "cancelled":
        return {"type": "cancelled", "reason": response.reason}
    if response.status == "failed":
        error = {"type": "server_error", "code": response.reason, "message": "The model could not answer."}
        return {"type": "failed", "error": error}
    return None


def _usage(spent: Spent) -> Message:
    """10 audio tokens a second in, 20 out (OpenAI's pricing page)."""
    audio_in, audio_out = round(spent.input_ms / 100), round(spent.output_ms / 50)
    return {
        "total_tokens": spent.input_words + audio_in + spent.output_words + audio_out,
        "input_tokens": spent.input_words + audio_in,
        "output_tokens": spent.output_words + audio_out,
        "input_token_details": {
            "text_tokens": spent.input_words,
            "audio_tokens": audio_in,
            "image_tokens": 0,
            "cached_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": spent.output_words, "audio_tokens": audio_out},
    }
