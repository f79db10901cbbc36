"""Conferences of a simulated Twilio: who is in which, on hold or muted, and who is told of it. Nothing is mixed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import msgspec

from telephony.simulate.live import LiveCall, new_sid
from telephony.simulate.requests import Fields
from telephony.simulate.telling import Callbacks, Teller

Reason = Literal[
    "conference-ended-via-api",
    "participant-with-end-conference-on-exit-left",
    "participant-with-end-conference-on-exit-kicked",
    "last-participant-left",
    "last-participant-kicked",
]
"""Why a conference ended (Twilio's OpenAPI description)."""


class ConferenceNoun(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody joins: `<Conference>` in TwiML, or a participant that the REST API created."""

    name: str
    muted: bool = False
    start_on_enter: bool = True
    end_on_exit: bool = False
    label: str = ""
    callbacks: Callbacks = Callbacks(events=())


class Participant:
    """A call in a conference, or on its way there."""

    def __init__(self, live: LiveCall, noun: ConferenceNoun) -> None:
        self.live = live
        self.label = noun.label
        self.muted = noun.muted
        self.hold = False
        self.start_on_enter = noun.start_on_enter
        self.end_on_exit = noun.end_on_exit
        self.coaching = ""
        """The call that alone hears this one."""
        self.announced: list[str] = []
        """What was said to this one alone, or where it was asked for."""
        self.joined = False
        self.left = False
        self.created = datetime.now(UTC)


class Conference:
    """One conference from its first participant to its end."""

    def __init__(self, account_sid: str, name: str) -> None:
        self.sid = new_sid("CF")
        self.account_sid = account_sid
        self.name = name
        self.status: Literal["init", "in-progress", "completed"] = "init"
        self.reason: Reason | None = None
        self.created = datetime.now(UTC)
        self.participants: dict[str, Participant] = {}
        """By call: those who are there and those who are being called."""
        self._teller: Teller | None = None

    @property
    def there(self) -> list[str]:
        """The calls that are in it now, in the order in which they came."""
        return [sid for sid, one in self.participants.items() if one.joined]

    def expect(self, live: LiveCall, noun: ConferenceNoun) -> Participant:
        """Somebody is being called into it."""
        participant = self.participants[live.sid] = Participant(live, noun)
        return participant

    def join(self, live: LiveCall, noun: ConferenceNoun, told: Callable[[], Teller]) -> Participant:
        """Somebody is there. *told* makes whoever is told of it, if nobody is yet."""
        participant = self.participants.get(live.sid) or self.expect(live, noun)
        if self._teller is None and noun.callbacks.url:
            self._teller = told()
        participant.joined = True
        self._tell("join", "participant-join", participant)
        starters = any(one.start_on_enter for one in self.participants.values() if one.joined)
        if self.status == "init" and starters and len(self.there) > 1:
            self.status = "in-progress"
            self._tell("start", "conference-start")
        return participant

    def leave(self, participant: Participant, *, kicked: bool = False) -> None:
        """Somebody is not there any more; the conference may end with them. Twice is once."""
        if participant.left:
            return
        participant.left = True
        self.participants.pop(participant.live.sid, None)
        participant.live.attention.set()
        if not participant.joined:
            participant.live.tell("hang up")
            if not self.participants:
                self.end("last-participant-left")
            return
        self._tell("leave", "participant-leave", participant)
        how = "kicked" if kicked else "left"
        if participant.end_on_exit:
            self.end(f"participant-with-end-conference-on-exit-{how}")  # type: ignore[arg-type]  # both are reasons
        elif not self.participants:
            self.end(f"last-participant-{how}")  # type: ignore[arg-type]  # both are reasons

    def end(self, reason: Reason) -> None:
        """Everybody has to go."""
        if self.status == "completed":
            return
        self.status, self.reason = "completed", reason
        for participant in list(self.participants.values()):
            self.leave(participant)
        self._tell("end", "conference-end")
        if self._teller:
            self._teller.close()

    def change(self, participant: Participant, *, muted: bool | None = None, hold: bool | None = None) -> None:
        """Mute or hold somebody, and tell of it if that is new."""
        if muted is not None and muted != participant.muted:
            participant.muted = muted
            self._tell("mute", f"participant-{'mute' if muted else 'unmute'}", participant)
        if hold is not None and hold != participant.hold:
            participant.hold = hold
            self._tell("hold", f"participant-{'hold' if hold else 'unhold'}", participant)

    def _tell(self, event: str, name: str, participant: Participant | None = None) -> None:
        if self._teller is None:
            return
        fields: Fields = [
            ("AccountSid", self.account_sid),
            ("ConferenceSid", self.sid),
            ("FriendlyName", self.name),
            ("StatusCallbackEvent", name),
        ]
        if participant is not None:
            fields += [
                ("CallSid", participant.live.sid),
                ("ParticipantLabel", participant.label),
                ("Muted", str(participant.muted).lower()),
                ("Hold", str(participant.hold).lower()),
                ("Coaching", str(bool(participant.coaching)).lower()),
                ("StartConferenceOnEnter", str(participant.start_on_enter).lower()),
                ("EndConferenceOnExit", str(participant.end_on_exit).lower()),
            ]
        if event == "end":
            fields.append(("ReasonConferenceEnded", self.reason or ""))
        self._teller.tell(event, fields)


class Conferences:
    """All of an account's: one with a name goes on at a time, and those that ended stay readable by their id."""

    def __init__(self, account_sid: str, teller: Callable[[LiveCall, Callbacks], Teller]) -> None:
        """*teller* makes whoever is told of a conference, in the name of the call that asked for it, and runs it."""
        self.all: dict[str, Conference] = {}
        self._account_sid = account_sid
        self._teller = teller

    def find(self, name_or_sid: str) -> Conference | None:
        """By id, or the one of this name that goes on."""
        found = self.all.get(name_or_sid)
        return found or next((c for c in self.all.values() if c.name == name_or_sid and c.status != "completed"), None)

    def open(self, name: str) -> Conference:
        """The one of this name that goes on, or a new one."""
        conference = self.find(name)
        if conference is None or conference.status == "completed":
            conference = Conference(self._account_sid, name)
            self.all[conference.sid] = conference
        return conference

    def join(self, live: LiveCall, noun: ConferenceNoun) -> tuple[Conference, Participant]:
        """Let a call into the conference that it asks for."""
        conference = self.open(noun.name)
        return conference, conference.join(live, noun, lambda: self._teller(live, noun.callbacks))
