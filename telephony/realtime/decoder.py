"""Reads what realtime models send, in every spelling there is of it.

One decoder serves all dialects: a LiteLLM gateway passes xAI's events through under OpenAI's address, Azure's preview
still speaks the beta, and none of the spellings contradict each other. So GA names, beta names and xAI's additions are
all understood at all times, and a dialect differs in what it sends.

Three rules keep a call alive here. Nothing raises: what cannot be used becomes a `ModelFault`. Nothing is required that
any server is known to leave out. And nothing is acted on twice, because function calls are reported three times over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from telephony.events import ConversationOpened, Event, HistoryReplayed, ModelAudio, ModelFault, ModelNoise
from telephony.realtime.calls import FunctionCalls
from telephony.realtime.meanings import AUDIO_DELTA, MEANINGS, response_done, session_updated
from telephony.realtime.reading import JsonObject, child, children, text

BETA_NAMES: Mapping[str, str] = {
    "conversation.item.created": "conversation.item.added",
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
    "response.text.delta": "response.output_text.delta",
    "response.text.done": "response.output_text.done",
}
"""Beta name to GA name. xAI documents `response.text.delta` and `response.audio.delta` as aliases to this day."""

IGNORABLE = frozenset(
    {
        "conversation.item.deleted",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.segment",
        "conversation.item.retrieved",
        "input_audio_buffer.cleared",
        "input_audio_buffer.committed",
        "input_audio_buffer.dtmf_event_received",
        "mcp_list_tools.completed",
        "mcp_list_tools.failed",
        "mcp_list_tools.in_progress",
        "output_audio_buffer.cleared",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "ping",
        "rate_limits.updated",
        "response.content_part.added",
        "response.content_part.done",
        "response.function_call_arguments.delta",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
        "response.mcp_call.in_progress",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
    }
)
"""Documented events that change nothing in a call: bookkeeping, said better elsewhere, or of other transports."""


class _AudioDelta(msgspec.Struct):
    """The one message whose cost matters: msgspec reads the base64 straight out of the JSON."""

    type: str
    delta: bytes
    response_id: str | None = None
    item_id: str | None = None
    content_index: int | None = None


_read_audio_delta = msgspec.json.Decoder(_AudioDelta).decode
_read = msgspec.json.Decoder().decode
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What msgspec raises on text that is no JSON: malformed, with lone surrogates, or nested without end."""


class Decoder:
    """Turns a session's messages into events. It remembers its function calls, and whether it is configured."""

    def __init__(self, *, resumable: bool = False) -> None:
        """*resumable*: whether the conversation can be resumed under the id it is given, if it is given one."""
        self._resumable = resumable
        self._calls = FunctionCalls()
        self._configured = False
        self._handlers: dict[str, Callable[[JsonObject], list[Event]]] = {
            "conversation.created": self._conversation_created,
            "conversation.item.added": self._history_added,
            "response.function_call_arguments.done": self._arguments_done,
            "response.output_item.added": self._item_added,
            "response.output_item.done": self._item_done,
            "response.done": self._response_done,
            "session.updated": self._session_updated,
        }

    def decode(self, message: str | bytes) -> list[Event]:
        """Events of one WebSocket message."""
        if not isinstance(message, str):
            return [ModelFault(f"a binary message of {len(message)} bytes; the protocol is JSON text")]
        if 'audio.delta"' in message and (audio := _fast_audio(message)):
            return [audio]
        try:
            event = _read(message)
        except _UNREADABLE as error:
            return [ModelFault(f"not JSON: {error}")]
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            return [ModelFault("a message without a type")]
        return self._understand(event["type"], event)

    def _understand(self, kind: str, event: JsonObject) -> list[Event]:
        name = BETA_NAMES.get(kind, kind)
        handler = self._handlers.get(name) or MEANINGS.get(name)
        if handler is None:
            return [ModelNoise(kind, known=name in IGNORABLE)]
        return handler(event) or [ModelNoise(kind)]

    def _item_added(self, event: JsonObject) -> list[Event]:
        self._calls.announce(child(event, "item"))
        return []

    def _history_added(self, event: JsonObject) -> list[Event]:
        """An item that stands in the conversation. Before the session is configured nobody can have said anything in
        it, so the item is one of an earlier session's that is being resumed."""
        item = child(event, "item")
        self._calls.announce(item)
        return [] if self._configured else [HistoryReplayed(text(item, "id"))]

    def _conversation_created(self, event: JsonObject) -> list[Event]:
        conversation_id = text(child(event, "conversation"), "id")
        return [ConversationOpened(conversation_id)] if conversation_id and self._resumable else []

    def _session_updated(self, event: JsonObject) -> list[Event]:
        self._configured = True
        return session_updated(event)

    def _arguments_done(self, event: JsonObject) -> list[Event]:
        if not text(event, "call_id") and not text(event, "item_id"):
            return [ModelFault("a function call without call_id and item_id cannot be answered")]
        return [*self._calls.arguments_done(event)]

    def _item_done(self, event: JsonObject) -> list[Event]:
        return [*self._calls.item_done(child(event, "item"), text(event, "response_id"))]

    def _response_done(self, event: JsonObject) -> list[Event]:
        done = response_done(event)
        items = children(child(event, "response"), "output")
        late = [call for item in items for call in self._calls.item_done(item, done.response_id)]
        return [*late, *self._calls.response_done(done.response_id), done]


def _fast_audio(message: str) -> ModelAudio | None:
    try:
        frame = _read_audio_delta(message)
    except _UNREADABLE:
        return None  # the patient path says what is wrong with it
    if BETA_NAMES.get(frame.type, frame.type) != AUDIO_DELTA or not frame.delta:
        return None
    return ModelAudio(frame.response_id or "", frame.item_id or "", frame.delta, frame.content_index or 0)
