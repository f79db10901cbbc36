"""What both providers' wires have in common: the things that are talked about, and what a profile must be able to say.

A wire has no state but its ids and running totals: the simulator decides *what* happens, the wire knows *how* the
provider words it. Messages are dicts without `event_id`; `Stage.send` adds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Protocol

import msgspec

Message = dict[str, Any]


class Problem(msgspec.Struct, frozen=True):
    """Something the client did that the provider does not accept, or silently does not do."""

    fault: str
    """Our stable code for it."""
    message: str
    code: str = "invalid_value"
    """The provider's code (OpenAI's names; xAI repeats the type)."""
    param: str | None = None
    kind: str = "invalid_request_error"
    silent: bool = False
    """Whether the provider says nothing about it: the user would never learn of it from the wire."""


Source = Literal["live", "seeded", "resumed"]
"""Where an item comes from: said or done in this session, written by the client, or kept from an earlier session."""


class Item(msgspec.Struct):
    """An item of the conversation."""

    id: str
    type: Literal["message", "function_call", "function_call_output"]
    role: Literal["user", "assistant", "system", "tool"]
    text: str = ""
    """Transcript or text as sent so far."""
    spoken: bool = False
    """Whether its content is audio."""
    audio_ms: float = 0.0
    """Milliseconds of audio sent so far, or kept by a truncation."""
    status: Literal["in_progress", "completed", "incomplete"] = "in_progress"
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str = ""
    source: Source = "live"

    @property
    def words(self) -> str:
        """What it tells a model: its text, its arguments or its output."""
        return self.text or self.arguments or self.output


class Response(msgspec.Struct):
    """A response while it is generated and after."""

    id: str
    opened_at: float
    items: list[Item] = []
    status: Literal["in_progress", "completed", "cancelled", "failed"] = "in_progress"
    reason: str = ""
    """`turn_detected`, `client_cancelled`, or the code of a failure."""
    metadata: dict[str, str] | None = None
    closed_at: float | None = None


class Spent(msgspec.Struct):
    """What a response used. Input counts what is new since the response before."""

    input_words: int = 0
    input_ms: float = 0.0
    output_words: int = 0
    output_ms: float = 0.0


class Delta(msgspec.Struct, frozen=True):
    """A piece of speech to be sent."""

    payload: bytes
    duration_ms: float
    rid: str = ""
    """xAI: the id of the transcript delta that these sounds belong to."""
    latency_s: float | None = None
    """xAI: on the first delta of a response."""


Timed = tuple[float, Message]
"""Seconds from the commit of a caller's turn, and what is sent then."""


class Wire(Protocol):
    """How a provider words what happens."""

    pings: bool
    words_lead: bool
    """Whether the first transcript delta comes before the first audio."""
    item_at_speech: bool
    """Whether the caller's item is announced when speech starts (xAI) or when it is committed (OpenAI)."""
    conversation_id: str

    def event_id(self) -> str: ...
    def response_id(self) -> str: ...
    def item_id(self) -> str: ...
    def call_id(self, index: int) -> str: ...

    def opening(self, order: str, session: Message, unix_ms: int, lasts_s: float) -> list[Message]:
        """What comes before the client has said a word. *lasts_s*: how long the session may, 0 for as long as usual."""

    def ping(self, unix_ms: int) -> Message: ...
    def updated(self, session: Message) -> Message: ...
    def error(self, problem: Problem, client_event_id: str | None) -> Message: ...
    def session_over(self) -> Message:
        """The error at the session's maximum duration."""

    def speech_started(self, item: Item, at_ms: int, *, resumed: bool) -> list[Message]: ...
    def speech_stopped(self, item: Item, at_ms: int) -> list[Message]: ...
    def committed(self, item: Item, previous: Item | None) -> list[Message]: ...
    def timed_out(self, item: Item, at_ms: int) -> list[Message]: ...
    def understanding(self, item: Item, text: str) -> list[Message]:
        """Transcripts while the caller still speaks."""

    def understood(self, item: Item, text: str, *, partials: bool) -> list[Timed]:
        """Transcripts from the commit on."""

    def item_created(self, item: Item, previous: Item | None) -> list[Message]: ...
    def replay(self, items: Iterable[Item], *, whole: bool) -> list[Message]:
        """A resumed conversation as the new session is told of it: all of it, or what the model said."""

    def item_deleted(self, item_id: str) -> Message: ...
    def item_truncated(self, item: Item, audio_end_ms: int) -> Message: ...

    def response_created(self, response: Response, session: Message) -> Message: ...
    def message_opened(self, response: Response, item: Item, previous: Item | None) -> list[Message]: ...
    def audio(self, response: Response, item: Item, delta: Delta, unix_ms: int) -> Message: ...
    def words(self, response: Response, item: Item, text: str, start_s: float, rid: str) -> Message: ...
    def message_closed(self, response: Response, item: Item) -> list[Message]: ...
    def call_opened(self, response: Response, item: Item, previous: Item | None) -> list[Message]: ...
    def call_arguments(self, response: Response, item: Item) -> list[Message]: ...
    def call_arguments_done(self, response: Response, item: Item) -> Message: ...
    def call_closed(self, response: Response, item: Item) -> list[Message]: ...
    def response_done(self, response: Response, session: Message, spent: Spent) -> list[Message]: ...

    def phrases(self, text: str) -> list[str]:
        """*text* as the provider cuts it into transcript deltas."""
