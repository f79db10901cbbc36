"""What a call can ask of the world, in the imperative. Commands go out; whoever performs them never answers in place,
but feeds an event later.

Audio payloads in `AppendAudio` are in the carrier's format and in `Play` in the model's, as the conversation got them;
the exchange transcodes between the two.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from telephony.errors import CarrierRefused


class Command(msgspec.Struct, frozen=True):
    """Anything that `Conversation.handle` can return."""


# -- to the carrier ------------------------------------------------------------------------------------------------


class Play(Command, frozen=True, gc=False):
    """Queue audio at the carrier."""

    payload: bytes
    at: float
    """Seconds (the call's clock): when the caller will begin to hear it if the carrier plays without a gap."""


class SendMark(Command, frozen=True, gc=False):
    """Ask the carrier to return *name* once everything queued before it was played."""

    name: str


class ClearPlayback(Command, frozen=True):
    """Throw away what the carrier has queued and not yet played."""


CarrierCommand = Play | SendMark | ClearPlayback


# -- to the model --------------------------------------------------------------------------------------------------


class ConfigureSession(Command, frozen=True):
    """Send the configuration to a session whose socket is open; `SessionReady` answers."""

    session: int = 0


class UseSession(Command, frozen=True):
    """From here on this session is the one that is spoken to. What others still say is dropped."""

    session: int


class AppendAudio(Command, frozen=True, gc=False):
    """Let the model hear the caller."""

    payload: bytes


class RequestResponse(Command, frozen=True):
    """Ask the model to speak now. Only the sequencer emits it, and only when no response is open."""

    instructions: str | None = None
    """For this response alone; it replaces the session's instructions on every provider we know."""


class SpeakVerbatim(Command, frozen=True):
    """Ask the model to say exactly this. It opens a response like `RequestResponse`."""

    text: str
    interruptible: bool = True


class CancelResponse(Command, frozen=True):
    """Stop generating an open response."""

    response_id: str


class Truncate(Command, frozen=True):
    """Tell the model how much of an item the caller heard."""

    item_id: str
    audio_end_ms: int
    """Milliseconds of the item's audio that were heard; never more than we received."""
    content_index: int = 0


class ForgetItem(Command, frozen=True):
    """Tell the model that nothing of an item was heard (a truncation to 0 ms is an error with OpenAI)."""

    item_id: str


class SendToolOutput(Command, frozen=True):
    """Answer a function call."""

    call_id: str
    output: str


class AddMessage(Command, frozen=True):
    """Add a text item to the conversation: keys the caller pressed, or what was said in an earlier session. It asks for
    no answer by itself."""

    text: str
    role: Literal["user", "assistant", "system"] = "user"


class AddToolCall(Command, frozen=True):
    """Add a function call that was made in an earlier session. Its `SendToolOutput` follows, at once or later."""

    call_id: str
    name: str
    arguments: str


ModelCommand = (
    ConfigureSession
    | AppendAudio
    | RequestResponse
    | SpeakVerbatim
    | CancelResponse
    | Truncate
    | ForgetItem
    | SendToolOutput
    | AddMessage
    | AddToolCall
)


# -- to the world --------------------------------------------------------------------------------------------------


class RunTool(Command, frozen=True):
    """Run a function; `ToolFinished` answers, always."""

    call_id: str
    name: str
    arguments: str


class CancelTool(Command, frozen=True):
    """Stop a running function; its `ToolFinished`, if one still comes, is ignored."""

    call_id: str


class ErrandDone(Command, frozen=True):
    """What a function of ours wanted of the call itself came to an end."""

    errand: str
    outcome: Literal["ok", "timeout", "spoke", "cut", "busy", "over"] = "ok"
    """`spoke`: the caller spoke instead of pressing keys. `cut`: it was not heard to the end. `busy`: another of the
    kind was under way. `over`: the call ends."""
    keys: str = ""
    """What the caller pressed."""
    secret: bool = False
    """Whether nobody but the function may know the keys."""
    seconds: float = 0.0
    """How long the message is."""


class MessageAudio(Command, frozen=True):
    """A piece of the caller's message, in the carrier's format."""

    errand: str
    payload: bytes


class OpenSession(Command, frozen=True):
    """Open another session with the model; `ModelConnected` or `ModelLost` answers."""

    session: int
    failed: str = ""
    """Why the present one, which is still there, is not trusted any more, so that the next is looked for elsewhere
    first; empty if it is."""
    resume: str = ""
    """The provider's id of the conversation, if it can be resumed there."""
    agent: str = ""
    """Whose model it shall be, if another agent takes over."""


class CloseSession(Command, frozen=True):
    """Close a session's socket, or stop opening it. No event follows."""

    session: int
    failed: str = ""
    """Why it was of no use, so that the next is looked for elsewhere; empty if it was not its fault."""


class CheckSession(Command, frozen=True):
    """Find out whether the other end of a session's socket is alive; `ModelLost` follows if it is not."""

    session: int


class Sending(msgspec.Struct, frozen=True):
    """How a caller is sent on."""

    name: str = ""
    """What the agent calls whoever takes the call, such as `billing`."""
    caller_id: str = ""
    """E.164: the number that is shown there; empty shows the caller's own."""
    timeout: int = 20
    """Seconds it may ring there."""
    time_limit: int = 14_400
    """Seconds they may speak with each other."""
    room: str = ""
    """The conference in which they wait for the caller already; empty: they are still to be called."""
    refer: bool = False
    """Whether the caller's own telephone is to call them, and leave the line to us (SIP REFER, RFC 3515)."""


class HangUp(Command, frozen=True):
    """End the phone call at the carrier, or send the caller on."""

    call_id: str
    reason: str
    transfer_to: str = ""
    """E.164, or a `sip:` address: instead of hanging up, send the caller on."""
    sending: Sending | None = None
    """How, if it is the agent who wants that; None for the agent's fallback."""


class Move(Command, frozen=True):
    """Keep what another process must know to go on with the call; `Moved` answers."""


class EndCall(Command, frozen=True):
    """The conversation is over: close both legs and store the record. Nothing follows it."""

    result: Literal["completed", "failed", "aborted"]
    by: Literal["caller", "agent", "limit", "model", "carrier", "server", "operator"]
    reason: str


class Note(Command, frozen=True):
    """Something worth a log line. A command, so that tests can assert which event caused it."""

    level: Literal["debug", "info", "warning", "error"]
    event: str
    fields: dict[str, Any] = {}


WorldCommand = (
    RunTool
    | CancelTool
    | ErrandDone
    | MessageAudio
    | OpenSession
    | CloseSession
    | CheckSession
    | HangUp
    | Move
    | EndCall
    | Note
)


# -- HTTP as a value -----------------------------------------------------------------------------------------------


class HttpRequest(msgspec.Struct, frozen=True):
    """A request that a carrier wants made; `links.http` makes it."""

    method: str
    url: str
    form: tuple[tuple[str, str], ...] = ()
    """Sent url-encoded, in this order."""
    auth: tuple[str, str] | None = None
    """HTTP Basic user and password."""
    gone_is_success: bool = False
    """Whether a 404 means that what we wanted is already so."""
    idempotent: bool = False
    """Whether doing it twice is the same as doing it once, so that it may be tried again after a failure."""
    purpose: str = ""
    """For logs: `hang up`, `redirect`."""
    refusals: dict[int, type[CarrierRefused]] = {}
    """What the carrier's own error codes mean; those that are not here go by the HTTP status."""
