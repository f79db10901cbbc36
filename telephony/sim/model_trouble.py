"""What can befall a session: trouble in a reply, at a moment of the session, or in every connection but the first.

A lost session looks different each time, and a client has to notice all of it by other signs:

    malformed   messages that are no events, and the session goes on
    error       an `error` event, and the session goes on
    mute        pings are answered and everything is read, but nothing is said any more
    freeze      the socket stays open and nobody is behind it: nothing is read, said or answered, no ping either
    vanish      the TCP connection ends without a close frame
    close       a close frame with a code
"""

from __future__ import annotations

import msgspec

ABNORMAL = 1006
"""The code of a connection that ended without a close frame; it is never sent (RFC 6455, section 7.4.1)."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One mishap. What is given together happens together, in this order."""

    malformed: int = 0
    """Messages that are no events: cut off, of other types than documented, or no JSON at all."""
    error: str = ""
    """Send an `error` event with this code (`session_expired`, `insufficient_quota`, `internal_error`). Whether the
    session is over then, is for the keys below to say."""
    mute: bool = False
    """From here on read and answer pings, but never send anything again."""
    freeze: bool = False
    """From here on neither read nor send nor answer pings, though the socket stays open."""
    vanish: bool = False
    """Drop the TCP connection without a close frame."""
    close: int = 0
    """Close the socket with this code."""

    @property
    def ends(self) -> list[str]:
        """Which of the keys that exclude one another are given."""
        return [key for key in ("mute", "freeze", "vanish", "close") if getattr(self, key)]

    def wrong(self) -> str:
        """What is wrong with it, as `key: problem and remedy`; empty if nothing is."""
        if len(self.ends) > 1:
            return f"{self.ends[1]}: a session ends once, and here it does by {self.ends[0]} already. Remove one."
        if self.close and (not 1000 <= self.close < 5000 or self.close in (1005, ABNORMAL, 1015)):
            remedy = "Use vanish: true" if self.close == ABNORMAL else "Use 1000 to 4999, such as 1011"
            return f"close: {self.close} is no code that a close frame can carry. {remedy}."
        if self.malformed < 0:
            return f"malformed: {self.malformed} messages cannot be sent. Use a number from 1."
        return ""


class TimedTrouble(Trouble, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mishap at a moment of the session."""

    at_s: float
    """Seconds since the connection opened."""

    def wrong(self) -> str:
        if self.at_s < 0:
            return f"at_s: {self.at_s:g} is before the connection opened. Use a number from 0."
        return super().wrong()


MALFORMED = (
    '{"type":"response.output_aud',
    "",
    "this is no JSON",
    "[]",
    "null",
    '"session.updated"',
    '{"event_id":"without a type"}',
    '{"type":42}',
    '{"type":"response.from.the.future","payload":{"deep":[[[]]]}}',
    '{"type":"response.output_audio.delta","delta":7,"item_id":null,"response_id":[]}',
    '{"type":"response.output_audio_transcript.delta","delta":{"text":"x"}}',
    '{"type":"response.output_item.done","item":"x"}',
    '{"type":"conversation.item.added","item":[]}',
    '{"type":"response.function_call_arguments.done","call_id":5,"arguments":[]}',
    '{"type":"rate_limits.updated","rate_limits":"none"}',
)
"""Sent in turn: what a client must neither die of nor act upon."""

ERRORS = {
    "session_expired": "Your session hit the maximum duration of 60 minutes.",
    "max_duration": "The session reached its maximum duration.",
    "timeout": "The session was inactive for too long.",
    "insufficient_quota": "You exceeded your current quota, please check your plan and billing details.",
    "rate_limit_exceeded": "Rate limit reached.",
    "internal_error": "The server had an error while processing your request.",
    "server_error": "The server had an error while processing your request.",
}
"""What the providers say with an error's code."""
ERROR_KINDS = {
    "internal_error": "server_error",
    "server_error": "server_error",
    "insufficient_quota": "insufficient_quota",
    "rate_limit_exceeded": "rate_limit_error",
}
"""OpenAI's `error.type` by code, where it is not `invalid_request_error`. xAI's type is its code."""
