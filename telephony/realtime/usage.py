"""What a session costs, read off its events as they pass: replies and their tokens, text messages.

Providers bill differently (xAI by the minute and per text message, OpenAI by tokens), so everything is counted and
nobody here knows a price. Whatever cannot be read is passed over: a counter must never be why a session ends.
"""

from __future__ import annotations

from typing import Any

import msgspec

from telephony.realtime.reading import child, flat_numbers


class Usage(msgspec.Struct):
    """Sums over one session."""

    responses: int = 0
    """`response.done` events."""
    tokens: dict[str, int | float] = {}
    """Every number of their `usage`, summed, its place written with dots."""
    text_items: int = 0
    """Messages the client wrote into the conversation; xAI bills each of them."""

    @property
    def total_tokens(self) -> int:
        return int(self.tokens.get("total_tokens", 0))


class _Typed(msgspec.Struct):
    type: str = ""


class _Part(msgspec.Struct):
    type: str = ""


class _Item(msgspec.Struct):
    type: str = "message"
    content: list[_Part] = []


class _ItemCreate(msgspec.Struct):
    item: _Item


_TEXT = frozenset({"input_text", "output_text", "text"})
_typed = msgspec.json.Decoder(_Typed)
_item_create = msgspec.json.Decoder(_ItemCreate)


class UsageMeter:
    """Counts into `usage` what one session's messages say. Binary frames are audio and say nothing."""

    def __init__(self) -> None:
        self.usage = Usage()

    def from_client(self, message: str | bytes) -> None:
        """A message on its way to the model."""
        if _type(message) != "conversation.item.create":
            return
        try:
            item = _item_create.decode(message).item
        except (msgspec.DecodeError, UnicodeError):
            return
        if item.type == "message" and any(part.type in _TEXT for part in item.content):
            self.usage.text_items += 1

    def from_model(self, message: str | bytes) -> None:
        """A message on its way to the client."""
        if _type(message) != "response.done":
            return
        try:
            event: dict[str, Any] = msgspec.json.decode(message)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return
        self.usage.responses += 1
        # xAI has its usage beside the response; LiteLLM adds zeros inside and leaves the real one where it was.
        inside, beside = flat_numbers(child(event, "response", "usage")), flat_numbers(child(event, "usage"))
        for name, count in (inside if any(inside.values()) else beside).items():
            self.usage.tokens[name] = self.usage.tokens.get(name, 0) + count


def _type(message: str | bytes) -> str:
    """The event's type; everything else in it is only skimmed, which takes microseconds."""
    if isinstance(message, bytes):
        return ""
    try:
        return _typed.decode(message).type
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
