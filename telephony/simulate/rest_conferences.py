"""Conferences in the simulated REST API: call somebody in, hold, mute, put out, end it for everybody."""

from __future__ import annotations

from typing import Any

from telephony.simulate import resources
from telephony.simulate.board import Switchboard
from telephony.simulate.conference import Conference, ConferenceNoun, Participant
from telephony.simulate.outbound import Order, Outbound
from telephony.simulate.parameters import Form
from telephony.simulate.refusals import PARAMETER, RefusedError, not_found
from telephony.simulate.rest_calls import ANY_TIME_LIMIT, endpoints, progress_callbacks
from telephony.simulate.telling import Callbacks
from telephony.simulate.twiml import SayVerb, parse


def create_participant(board: Switchboard, name: str, form: Form) -> dict[str, Any]:
    """Call somebody, who joins on answering."""
    to, from_number = endpoints(board, form)
    known = board.conferences.find(name)
    noun = ConferenceNoun(
        name=known.name if known else name,
        muted=form.flag("Muted"),
        start_on_enter=form.flag("StartConferenceOnEnter", True),
        end_on_exit=form.flag("EndConferenceOnExit"),
        label=form.text("Label"),
        callbacks=Callbacks(
            form.text("ConferenceStatusCallback"),
            form.text("ConferenceStatusCallbackMethod", "POST"),
            tuple(form.texts("ConferenceStatusCallbackEvent")),
        ),
    )
    conference = board.conferences.open(noun.name)
    if noun.label and any(one.label == noun.label for one in conference.participants.values()):
        raise RefusedError(400, PARAMETER, f"The label '{noun.label}' is in use in this conference")
    order = Order(
        to=to,
        from_number=form.text("CallerId") or from_number,
        time_limit=form.number("TimeLimit", ANY_TIME_LIMIT),
        ring=form.number("Timeout", 60),
        conference=noun,
        callbacks=progress_callbacks(form),
    )
    placed = Outbound(board, order)
    participant = conference.participants[placed.live.sid]
    participant.coaching = form.text("CallSidToCoach") if form.flag("Coaching") else ""
    board.start(placed.run(), f"{placed.live.sid} outbound")
    return resources.participant(participant, conference)


def participant_of(conference: Conference, sid_or_label: str) -> Participant | None:
    """By call, or by label."""
    found = conference.participants.get(sid_or_label)
    return found or next((one for one in conference.participants.values() if one.label == sid_or_label), None)


async def update_participant(
    board: Switchboard, conference: Conference, participant: Participant, form: Form
) -> dict[str, Any]:
    """Mute, hold, or let them hear something."""
    muted = form.flag("Muted") if "Muted" in form else None
    hold = form.flag("Hold") if "Hold" in form else None
    conference.change(participant, muted=muted, hold=hold)
    if "EndConferenceOnExit" in form:
        participant.end_on_exit = form.flag("EndConferenceOnExit")
    if "Coaching" in form:
        participant.coaching = form.text("CallSidToCoach") if form.flag("Coaching") else ""
    if "AnnounceUrl" in form:
        url = form.text("AnnounceUrl")
        courier = board.courier(participant.live, url)
        answer = await courier.instructions("announce", url, form.text("AnnounceMethod", "POST"))
        verbs = parse(answer.body, url).verbs if not answer.problem else ()
        participant.announced += [verb.text for verb in verbs if isinstance(verb, SayVerb)]
    return resources.participant(participant, conference)


def update_conference(conference: Conference, form: Form) -> dict[str, Any]:
    """End it."""
    if form.text("Status") == "completed":
        conference.end("conference-ended-via-api")
    return resources.conference(conference)


def find_conferences(board: Switchboard, form: Form, path: str) -> dict[str, Any]:
    """List conferences, the newest first."""
    wanted = {"FriendlyName": "name", "Status": "status"}
    found = [
        resources.conference(one)
        for one in reversed(board.conferences.all.values())
        if all(getattr(one, field) == form.text(name) for name, field in wanted.items() if name in form)
    ]
    return resources.listed("conferences", found, path, form.number("PageSize", 50), form.number("Page", 0))


def participants(conference: Conference | None, form: Form, path: str) -> dict[str, Any]:
    """List who is in a conference, and who is being called into it."""
    if conference is None:
        raise not_found(path)
    found = [
        resources.participant(one, conference)
        for one in conference.participants.values()
        if ("Muted" not in form or one.muted == form.flag("Muted"))
        and ("Hold" not in form or one.hold == form.flag("Hold"))
    ]
    return resources.listed("participants", found, path, form.number("PageSize", 50), form.number("Page", 0))
