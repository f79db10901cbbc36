"""What a carrier is: a pure translator between its wire and our events and commands, and an author of requests.

`Carrier` is one media stream's codec: it may remember things of that stream and nothing else. Everything about
webhooks and REST is an `Account`: it reads what was posted, says whether it is genuine, and returns what to answer or
to ask for as values. Neither opens a connection, looks at a clock or draws a random number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

from telephony.audio.format import AudioFormat
from telephony.commands import CarrierCommand, HttpRequest, Sending
from telephony.events import Event

CallStatus = Literal[
    "queued",
    "initiated",
    "ringing",
    "in-progress",
    "completed",
    "busy",
    "failed",
    "no-answer",
    "canceled",
    "unknown",
]
"""An open list at the carrier: what we do not know is `unknown`."""


NORMAL = 1000
UNSUPPORTED_DATA = 1003
POLICY_VIOLATION = 1008
"""Close codes of WebSockets (RFC 6455, 7.4.1)."""


class Traits(msgspec.Struct, frozen=True):
    """What differs between carriers, as data."""

    name: str
    audio: AudioFormat
    """What it speaks unless its start message says otherwise."""
    buffers_playback: bool = True
    """Whether it keeps a playout queue that `ClearPlayback` can empty."""
    marks: bool = True
    """Whether it returns marks."""


class Carrier(Protocol):
    """The codec of one media stream."""

    traits: Traits
    close_code: int
    """With which code its socket is to be closed (RFC 6455, 7.4.1): `NORMAL`, unless the peer broke the protocol."""

    def decode(self, message: str | bytes) -> list[Event]:
        """Events of one WebSocket message. Never raises: what cannot be used is a `CarrierFault`."""

    def hide(self, message: str | bytes) -> str | bytes:
        """The same message for whoever may not know what the caller types: another key, and silence for audio. `decode`
        makes the same of it otherwise."""

    def encode(self, command: CarrierCommand) -> list[str]:
        """Messages for one command; `Play` holds the carrier's own audio format here. Empty before the stream began."""


class IncomingCall(msgspec.Struct, frozen=True):
    """What a voice webhook says."""

    call_id: str
    from_number: str
    """E.164 where it is a number; otherwise whatever the carrier says (`anonymous`, `client:…`, `sip:…`)."""
    to_number: str
    status: str = ""
    account_id: str = ""
    fields: dict[str, str] = {}
    """Every posted field."""


class StatusUpdate(msgspec.Struct, frozen=True):
    """What a status callback says. Callbacks come late, twice and out of order."""

    call_id: str
    status: CallStatus
    sequence: int | None = None
    duration: int | None = None
    """Seconds."""
    reason: str = ""

    @property
    def terminal(self) -> bool:
        return self.status in {"completed", "busy", "failed", "no-answer", "canceled"}


class OutboundCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call to be placed, in the words of any carrier."""

    to_number: str
    """E.164."""
    from_number: str
    """One of the account's."""
    answer_url: str
    """Asked for instructions once somebody has answered."""
    status_url: str
    """Told how the call goes."""
    machine_url: str = ""
    """Told, while the call goes on, whether a machine has answered; empty: nobody finds out."""
    after_the_tone: bool = False
    """Whether it is told when the machine's greeting is over, and not as soon as it is known to be one."""
    ring: int = 30
    """Seconds it may ring."""
    time_limit: int = 3600
    """Seconds after which the carrier hangs up."""


class Announcement(msgspec.Struct, frozen=True):
    """What the carrier's own voice says."""

    say: str = ""
    language: str = ""
    """BCP 47 with a region, such as `de-DE`; empty for the carrier's default."""


class ColleagueCall(msgspec.Struct, frozen=True):
    """Somebody to be called to whom a caller is to be put through, while that one stays with the agent."""

    to: str
    """E.164, or a `sip:` address."""
    from_number: str
    """The number that is shown."""
    room: str
    """The conference in which they wait then; its name is unique."""
    briefing: Announcement
    """Said to them alone, before."""
    status_url: str
    """Told how the call goes."""
    room_url: str
    """Told who comes into the room."""
    ring: int
    """Seconds it may ring."""
    time_limit: int
    """Seconds after which the carrier hangs up on them."""


class PlacedCall(msgspec.Struct, frozen=True):
    """A call that the carrier placed for us."""

    call_id: str
    status: CallStatus
    from_number: str = ""
    created_at: datetime | None = None


class StreamOffer(msgspec.Struct, frozen=True):
    """What the webhook's answer tells the carrier: where to open the media stream, and what to bring."""

    media_url: str
    """`wss://…` without a query."""
    parameters: dict[str, str] = {}
    ended_url: str = ""
    """Asked for instructions when the stream has ended (Twilio: `action`)."""
    status_url: str = ""
    """Told about the stream's own state."""
    before: Announcement = Announcement()
    """Said before the stream is opened."""


class MessageTaken(msgspec.Struct, frozen=True):
    """What is known of a message that a caller was asked to leave."""

    call_id: str
    recording_id: str = ""
    """The carrier's; empty if there is none."""
    seconds: float = 0.0


class Account(Protocol):
    """A carrier account: its secrets, its webhooks, its REST API. All of it as values."""

    def genuine_webhook(
        self,
        path: str,
        query: str,
        headers: Mapping[str, str],
        form: Sequence[tuple[str, str]],
        body: bytes,
    ) -> bool:
        """Whether a webhook request was signed by the carrier for our public URL."""

    def genuine_media(self, path: str, headers: Mapping[str, str]) -> bool:
        """Whether a WebSocket upgrade request was signed by the carrier for our public URL."""

    def incoming(self, form: Mapping[str, str]) -> IncomingCall:
        """Read a voice webhook; raise `CarrierError` if it is none."""

    def status(self, form: Mapping[str, str]) -> StatusUpdate:
        """Read a status callback; raise `CarrierError` if it is none."""

    def dialled(self, form: Mapping[str, str]) -> CallStatus:
        """What the request to a transfer's *ended_url* says of the call that it placed: `completed` if somebody took
        it."""

    def offer_stream(self, offer: StreamOffer) -> str:
        """The answer that connects the call to our media socket."""

    def apologise(self, sentence: str, language: str = "") -> str:
        """The answer that says *sentence* and hangs up, for when no agent can take the call."""

    def refuse(self, *, busy: bool) -> str:
        """The answer that does not take the call at all: its caller hears that the line is busy, or that the number is
        not in service."""

    def forward(self, to: str, before: Announcement, *, ended_url: str, caller_id: str = "", timeout: int = 20) -> str:
        """The answer that says something and sends the caller on to the number *to* (E.164); *ended_url* is asked for
        instructions as after a transfer."""

    def take_message(self, before: Announcement, *, ended_url: str, status_url: str, seconds: int) -> str:
        """The answer that says something and records what the caller says after a tone, *seconds* at most. *ended_url*
        is asked for instructions when the message ended, also if there is none; *status_url* is told when it can be
        fetched."""

    def message_taken(self, form: Mapping[str, str]) -> MessageTaken:
        """Read what *ended_url* or *status_url* is told; raise `CarrierError` if it is something else."""

    def message_audio(self, recording_id: str) -> HttpRequest:
        """Fetches a message as a WAV file."""

    def ask_for_key(self, question: Announcement, *, answer_url: str) -> str:
        """The answer that asks for one key. *answer_url* is asked for instructions, also if none is pressed."""

    def key_pressed(self, form: Mapping[str, str]) -> str:
        """The key that *answer_url* is told of; empty if none was pressed."""

    def finish(self) -> str:
        """The answer that ends the call."""

    def answered_by(self, form: Mapping[str, str]) -> Literal["human", "machine", "after the tone", "unknown"]:
        """What the request to a call's *machine_url* says; raise `CarrierError` if it names no call."""

    def place(self, call: OutboundCall) -> HttpRequest:
        """Places a call. Doing it twice places two; raise `ConfigurationError` for a number that is none."""

    def placed(self, body: Mapping[str, Any]) -> PlacedCall:
        """Read the answer to `place`; raise `CarrierError` if it names no call."""

    def calls_to(self, number: str, since: datetime) -> HttpRequest:
        """Looks for the calls to a number that were placed lately."""

    def calls_found(self, body: Mapping[str, Any]) -> list[PlacedCall]:
        """Read the answer to `calls_to`: those that we placed; raise `CarrierError` if it is none."""

    def hang_up(self, call_id: str) -> HttpRequest:
        """Ends the call; a call that is gone already counts as success."""

    def redirect(self, call_id: str, twiml: str) -> HttpRequest:
        """Gives a live call other instructions, which end its stream. Not repeated: they would begin anew."""

    def transfer(self, call_id: str, to: str, sending: Sending, *, ended_url: str) -> HttpRequest:
        """Sends the caller on to the number *to* (E.164), to a `sip:` address, or to the room in which somebody waits;
        *ended_url* is asked for instructions when nobody took the call, and when they have finished speaking. Doing it
        twice is not the same as doing it once: it would interrupt them."""

    def consult(self, call: ColleagueCall) -> HttpRequest:
        """Calls somebody to whom a caller is to be put through. Doing it twice calls them twice; raise
        `ConfigurationError` for a number that is none."""

    def in_room(self, form: Mapping[str, str]) -> str:
        """The carrier's id of the call that has come into a room, of which the room's address is told; empty if it is
        told of something else."""
