"""What can happen to a call, in the past tense. Events come in with a time; nothing here knows a wire.

Audio payloads are in the format of the leg they came from. Times in events are the sender's own claims
(a carrier's stream clock, a model's audio clock); the time at which we learnt of the event travels beside it as `now`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from telephony.audio.format import AudioFormat
from telephony.commands import Sending
from telephony.settings import CallSettings


class Event(msgspec.Struct, frozen=True):
    """Anything that can be given to `Conversation.handle`."""


# -- the carrier's leg ---------------------------------------------------------------------------------------------


class CallStarted(Event, frozen=True):
    """The media stream is open and says which call it carries."""

    call_id: str
    """The carrier's own id of the call (Twilio: CallSid)."""
    stream_id: str
    audio: AudioFormat
    account_id: str = ""
    parameters: dict[str, str] = {}
    """What the webhook's answer attached to the stream (Twilio: `<Parameter>`)."""


class CallerAudio(Event, frozen=True, gc=False):
    """The caller was heard."""

    payload: bytes
    at_ms: int | None = None
    """Milliseconds from the start of the stream to the first sample, where the carrier says so."""


class KeyPressed(Event, frozen=True):
    """A key of the caller's keypad."""

    digit: str
    """One of `0-9 * # A-D`."""


class MarkReached(Event, frozen=True, gc=False):
    """The carrier returned a mark: it was played up to there, or cleared."""

    name: str


class CarrierStopped(Event, frozen=True):
    """The carrier said that the stream ends."""

    reason: str = "stop"


class CarrierLost(Event, frozen=True):
    """The carrier's socket closed or failed without saying so first."""

    reason: str
    code: int | None = None
    """WebSocket close code, where there was one."""


class CarrierFault(Event, frozen=True):
    """A message from the carrier could not be used. It is counted; the call goes on."""

    reason: str
    fatal: bool = False
    """Whether the carrier broke the protocol so that the stream must end (wrong stream, media before start)."""


# -- the model's leg -----------------------------------------------------------------------------------------------


class ModelConnected(Event, frozen=True):
    """The socket of one of the call's sessions is open; it has not been configured yet."""

    model: str = ""
    session: int = 0
    """Which of the call's sessions, counted from 0. The exchange fills it in; dialects do not know."""


class SessionCreated(Event, frozen=True):
    """The model announced the session (optional: some servers never do)."""

    session_id: str = ""
    model: str = ""
    session: int = 0


class ConversationOpened(Event, frozen=True):
    """The model named the conversation, under which it can be resumed in another session (xAI)."""

    conversation_id: str
    session: int = 0


class HistoryReplayed(Event, frozen=True):
    """A resumed session showed an item of what was said before it (xAI: only between `ping` and `session.updated`, and
    only the agent's text). It is no news."""

    item_id: str
    session: int = 0


class SessionReady(Event, frozen=True):
    """The model acknowledged our configuration. Unknown echoes are None."""

    input_audio: AudioFormat | None = None
    output_audio: AudioFormat | None = None
    turn_detection: bool | None = None
    """Whether the server detects turns; False means the model would never answer by itself."""
    session: int = 0


class SpeechStarted(Event, frozen=True):
    """The model heard the caller begin to speak."""

    item_id: str = ""
    at_ms: int | None = None
    """Milliseconds of caller audio the model had received where speech began."""


class SpeechStopped(Event, frozen=True):
    """The model heard the caller fall silent."""

    item_id: str = ""
    at_ms: int | None = None


class SilenceReported(Event, frozen=True):
    """The model's own idle timer fired and it is about to speak (`input_audio_buffer.timeout_triggered`)."""

    item_id: str = ""


class CallerTranscript(Event, frozen=True):
    """What the model understood the caller to say. *text* replaces earlier text of the same item."""

    item_id: str
    text: str
    final: bool


class CallerTranscriptDelta(Event, frozen=True):
    """More of what the caller said. *text* is appended to earlier text of the same item."""

    item_id: str
    text: str


class ResponseStarted(Event, frozen=True):
    """The model opened a response, asked for or not."""

    response_id: str


class ModelAudio(Event, frozen=True, gc=False):
    """The model spoke."""

    response_id: str
    item_id: str
    payload: bytes
    content_index: int = 0


class ModelAudioDone(Event, frozen=True):
    """The model will send no more audio for this item."""

    response_id: str
    item_id: str


class ModelTranscript(Event, frozen=True):
    """What the model says. A delta is appended; a final text replaces."""

    response_id: str
    item_id: str
    text: str
    final: bool = False
    start_ms: int | None = None
    """Where in the item's audio *text* begins, where the model says so (xAI: `start_time`)."""


class ToolRequested(Event, frozen=True):
    """The model asked for a function call, arguments complete."""

    response_id: str
    call_id: str
    name: str
    arguments: str
    """JSON as the model wrote it; it may not be valid."""
    item_id: str = ""


class ResponseDone(Event, frozen=True):
    """The model closed a response. It says nothing about playout."""

    response_id: str
    status: Literal["completed", "cancelled", "failed", "incomplete"] = "completed"
    reason: str = ""
    """Why it was not completed, as the provider says (`turn_detected`, `max_output_tokens`, an error code)."""
    usage: dict[str, Any] = {}


class ItemTruncated(Event, frozen=True):
    """The model confirmed a truncation."""

    item_id: str
    audio_end_ms: int = 0
    transcript: str | None = None
    """What remains of the item's text, where the provider says so (xAI)."""


class ModelError(Event, frozen=True):
    """The model reported an error."""

    kind: Literal["active_response", "no_active_response", "benign", "recoverable", "session_over", "fatal"]
    """`active_response`: a response is already open. `no_active_response`: nothing to cancel. `benign`: ignore.
    `recoverable`: log and go on. `session_over`: this session ends, another would work. `fatal`: none would."""
    code: str = ""
    message: str = ""
    session: int = 0


class ModelFault(Event, frozen=True):
    """A message from the model could not be used. It is counted; the call goes on."""

    reason: str


class ModelNoise(Event, frozen=True):
    """A message we know of, or do not know of, and do not act on (`ping`, `rate_limits.updated`, future events)."""

    type: str
    known: bool = True


class ModelLost(Event, frozen=True):
    """A session's socket closed, failed, or could not be opened."""

    reason: str
    code: int | None = None
    session: int = 0


# -- ours ----------------------------------------------------------------------------------------------------------


class ToolFinished(Event, frozen=True):
    """A tool came to an end, one way or the other. *output* is what the model is told."""

    call_id: str
    output: str
    outcome: Literal["ok", "error", "timeout", "cancelled", "invalid"] = "ok"


class ToolSays(Event, frozen=True):
    """What a tool that has begun wants said if it takes long."""

    call_id: str
    text: str


class ToolProgress(Event, frozen=True):
    """A tool that runs tells how far it has come. *text* is for the model."""

    call_id: str
    text: str


class SpeechWanted(Event, frozen=True):
    """A function of ours wants something said."""

    text: str
    interruptible: bool = True
    verbatim: bool = True
    """Whether *text* is said word for word; otherwise it tells the model what to say."""


class HangUpWanted(Event, frozen=True):
    """A function of ours wants the call to end once the caller has heard the last words."""

    reason: str = "agent hung up"
    function: str = ""
    """The model's id of the function call."""
    operator: bool = False
    """Whether it is not the agent's wish but an operator's, from which the caller cannot talk the agent away."""
    final: bool = False
    """Whether the line is not kept for a caller who speaks up: a machine speaks on."""


class TransferWanted(Event, frozen=True):
    """A function of ours wants the caller sent on once they have heard the last words."""

    to: str
    """E.164, or a `sip:` address."""
    sending: Sending = Sending()
    function: str = ""
    """The model's id of the function call."""
    operator: bool = False
    """As in `HangUpWanted`."""


class HandOverWanted(Event, frozen=True):
    """A function of ours wants another agent to go on with the caller."""

    settings: CallSettings
    """That agent's."""


class TonesWanted(Event, frozen=True):
    """A function of ours wants keys sounded on the line; `ErrandDone` answers once they were heard."""

    errand: str
    keys: str
    """Of `0-9 * # A-D`, `w` for half a second of silence and `W` for a whole one."""


class KeysWanted(Event, frozen=True):
    """A function of ours wants keys from the caller; `ErrandDone` answers with them."""

    errand: str
    least: int = 1
    most: int = 64
    terminator: str = "#"
    """The key that ends the number and is no part of it; empty for none."""
    patience: float = 10.0
    """Seconds for the first key, from when the caller has heard what was said."""
    between: float = 3.0
    """Seconds from one key to the next."""
    prompt: str = ""
    """Said word for word before; empty if the agent has asked already."""
    tries: int = 2
    """How often it is asked for in all."""
    secret: bool = False
    """Whether neither the keys nor their sound may reach model, log, record, recording or cassette."""


class MessageWanted(Event, frozen=True):
    """A function of ours wants a message from the caller; `MessageAudio` brings it, `ErrandDone` ends it."""

    errand: str
    longest: float = 120.0
    """Seconds."""
    silence: float = 4.0
    """Seconds of silence that end it."""


class ErrandDropped(Event, frozen=True):
    """Nobody waits for an errand any more."""

    errand: str


class CallEnded(Event, frozen=True):
    """Somebody outside the stream says that the call is over: a status callback, an API, the hang-up's own answer."""

    by: Literal["caller", "agent", "carrier", "operator"]
    reason: str


class HangUpAnswered(Event, frozen=True):
    """The carrier answered our request to end the call, or to send the caller on."""

    error: str = ""
    """Why it will not; empty if it has done so."""


class ServerMoving(Event, frozen=True):
    """Another process takes the calls of this one: go on there from the next turn."""


class Moved(Event, frozen=True):
    """What another process must know to go on with the call is kept, where it will look for it."""

    error: str = ""
    """Why it is not, so that the call stays here; empty if it is."""
    again: bool = False
    """Whether it may be at the next turn."""


class ServerStopping(Event, frozen=True):
    """The process is going down; say goodbye now."""

    reason: str = "server stopping"
