"""What a model's `error` event means for the call.

OpenAI has codes. xAI repeats the type as the code and says the rest in prose, so for the races of a live call (nothing
to cancel, already answering, an item that is gone) the words decide, as every client that lived with it does.
"""

from __future__ import annotations

import re
from typing import Literal

from telephony.events import ModelError
from telephony.realtime.reading import JsonObject, child, text

Kind = Literal["active_response", "no_active_response", "benign", "recoverable", "session_over", "fatal"]

_BY_CODE: dict[str, Kind] = {
    "conversation_already_has_active_response": "active_response",
    "response_cancel_not_active": "no_active_response",
    "input_audio_buffer_commit_empty": "benign",
    "item_delete_invalid_item_id": "benign",
    "item_retrieve_invalid_item_id": "benign",
    "item_truncate_invalid_item_id": "benign",
    "max_duration": "session_over",
    "session_expired": "session_over",
    "session_limit_reached": "session_over",
    "timeout": "session_over",
    "account_deactivated": "fatal",
    "beta_api_shape_disabled": "fatal",
    "billing_hard_limit_reached": "fatal",
    "insufficient_quota": "fatal",
    "invalid_api_key": "fatal",
    "invalid_model": "fatal",
    "model_not_found": "fatal",
}
"""Codes, and types where a provider uses the type as the code (xAI: `timeout` is its inactivity limit)."""

_BY_WORDS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"already has an active response", re.IGNORECASE), "active_response"),
    (re.compile(r"no active response", re.IGNORECASE), "no_active_response"),
    (re.compile(r"truncat|already shorter than|item not found", re.IGNORECASE), "benign"),
    # LiteLLM reports the provider's refusal in words only and closes; a wrong key stays wrong, a full house does not.
    (re.compile(r"handshake rejected with HTTP 40[13]", re.IGNORECASE), "fatal"),
    (re.compile(r"handshake rejected with HTTP", re.IGNORECASE), "session_over"),
)


def understand(event: JsonObject) -> ModelError:
    """The error in an `error` event, wherever the sender put it: in `error`, beside it, or as a bare string."""
    inner = child(event, "error") or event
    code = text(inner, "code")
    kind = "" if inner is event else text(inner, "type")  # beside it, `type` is the event's own
    message = text(inner, "message") or text(event, "error")
    return ModelError(_classify(code, kind, message, text(inner, "param")), code or kind, message)


def _classify(code: str, kind: str, message: str, parameter: str) -> Kind:
    for name in (code, kind):
        if name in _BY_CODE:
            return _BY_CODE[name]
    # A refused configuration must stay loud, also where it speaks of `session.truncation`.
    if parameter.startswith("session"):
        return "recoverable"
    return next((verdict for words, verdict in _BY_WORDS if words.search(message)), "recoverable")
