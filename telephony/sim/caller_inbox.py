"""Our messages as Twilio reads them: exactly the documented fields, or a warning and nothing else.

Twilio ignores what it cannot use and writes a line into the customer's debugger; the codes are Twilio's own (31950 for
a binary frame, 31951 for bad JSON, an unknown event, missing or unexpected fields, or another stream's id).
"""

from __future__ import annotations

import msgspec

BINARY = 31950
INVALID = 31951
TOO_MUCH_BUFFERED = 31931
PROTOCOL_ERROR = 31924


class TwilioWarning(msgspec.Struct, frozen=True):
    """A line in Twilio's debugger."""

    code: int
    """Twilio's number, see https://www.twilio.com/docs/api/errors."""
    message: str
    """What was wrong with what, and what to do about it."""
    at: float = 0.0
    """Seconds since the call was answered."""


class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    payload: bytes


class _Name(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str


class MediaMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="event", tag="media"):
    stream_id: str = msgspec.field(name="streamSid")
    media: _Payload


class MarkMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="event", tag="mark"):
    stream_id: str = msgspec.field(name="streamSid")
    mark: _Name


class ClearMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="event", tag="clear"):
    stream_id: str = msgspec.field(name="streamSid")


ServerMessage = MediaMessage | MarkMessage | ClearMessage

_decoder = msgspec.json.Decoder(ServerMessage)


def read(message: str | bytes, stream_id: str) -> ServerMessage | TwilioWarning:
    """A message for the stream *stream_id*, or what Twilio would complain of."""
    if isinstance(message, bytes):
        return TwilioWarning(BINARY, f"binary frame of {len(message)} bytes: send JSON in text frames")
    try:
        decoded: ServerMessage = _decoder.decode(message)
    except msgspec.ValidationError as error:
        return TwilioWarning(INVALID, f"invalid message: {error} (only what Twilio documents may be sent)")
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        return TwilioWarning(INVALID, f"invalid message: not JSON ({error})")
    if decoded.stream_id != stream_id:
        return TwilioWarning(INVALID, f"invalid message: streamSid {decoded.stream_id!r} is not ours, {stream_id!r}")
    return decoded


def suspicious(message: ServerMessage) -> TwilioWarning | None:
    """What Twilio takes without a word although the caller will be sorry: a file header played as noise."""
    if isinstance(message, MediaMessage) and message.media.payload[:4] == b"RIFF":
        return TwilioWarning(INVALID, "media.payload begins with a WAV header: send raw mu-law without a header")
    return None
