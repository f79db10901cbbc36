"""Conferences: who is in one, when it begins and ends, and who is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from asked import ACCOUNT, PUBLIC, THEM, TOKEN, US, ask
from telephony.sim.caller_script import CallerScript
from telephony.simulate.callee import Callee
from telephony.simulate.caller import place_call
from telephony.simulate.conference import Conference
from telephony.simulate.outcome import CallOutcome
from telephony.simulate.rest import TwilioRest

pytestmark = pytest.mark.timeout(30)

OTHER = "+15550178"
ROOM = "Conferences/room/Participants"


@pytest.fixture
async def rest(server: Any) -> AsyncIterator[TwilioRest]:
    async with TwilioRest(ACCOUNT, TOKEN) as made:
        made.board.ring = 0.02
        made.reach(f"{server.url}/twilio/voice", PUBLIC)
        made.callees[THEM] = made.callees[OTHER] = Callee()
        server.answers["/done"] = xml("<Response/>")
        yield made


def xml(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/xml")


async def call_in(server: Any, rest: TwilioRest, attributes: str = "", dial: str = "action='/done'") -> CallOutcome:
    """A caller who is sent into the conference."""
    server.twiml = f"<Response><Dial {dial}><Conference {attributes}>room</Conference></Dial></Response>"
    script = CallerScript.parse({"steps": [{"wait": "end"}]})
    return await place_call(
        f"{server.url}/twilio/voice", script, account_sid=ACCOUNT, auth_token=TOKEN, public_url=PUBLIC, rest=rest
    )


async def bring(rest: TwilioRest, **form: str) -> dict[str, Any]:
    """Somebody is called in by the API, and is there."""
    status, body = await ask(rest, "POST", f"{ROOM}.json", {"To": THEM, "From": US, "TimeLimit": "60", **form})
    assert status == 201, body
    return dict(body)


def room(rest: TwilioRest) -> Conference:
    return list(rest.board.conferences.all.values())[-1]


async def there(rest: TwilioRest, count: int) -> None:
    await rest.board.until(lambda: bool(rest.board.conferences.all) and len(room(rest).there) == count)


ALL = "start end join leave mute hold"


async def test_a_caller_and_somebody_who_is_called_meet(server: Any, rest: TwilioRest) -> None:
    async with asyncio.TaskGroup() as group:
        told = f"statusCallback='/room' statusCallbackEvent='{ALL}' participantLabel='caller'"
        calling = group.create_task(call_in(server, rest, told), name="caller")
        await there(rest, 1)
        assert room(rest).status == "init"
        body = await bring(rest, Label="clerk")
        assert (body["status"], body["label"], body["conference_sid"]) == ("queued", "clerk", room(rest).sid)
        await there(rest, 2)
        assert room(rest).status == "in-progress"
        _, listed = await ask(rest, "GET", f"{ROOM}.json")
        assert [(one["label"], one["status"]) for one in listed["participants"]] == [
            ("caller", "connected"),
            ("clerk", "connected"),
        ]
        assert (await ask(rest, "DELETE", f"{ROOM}/clerk.json"))[0] == 204
        clerk = await rest.board.over(body["call_sid"])
        assert clerk.status == "completed"
        assert (await ask(rest, "POST", "Conferences/room.json", {"Status": "completed"}))[0] == 200
    assert calling.result().status == "completed"
    assert server.told("/done")[0]["DialCallStatus"] == "answered"
    await rest.board.until(lambda: len(server.told("/room")) == 6)
    assert [(one["StatusCallbackEvent"], one["SequenceNumber"]) for one in server.told("/room")] == [
        ("participant-join", "0"),
        ("participant-join", "1"),
        ("conference-start", "2"),
        ("participant-leave", "3"),
        ("participant-leave", "4"),
        ("conference-end", "5"),
    ]
    assert server.told("/room")[-1]["ReasonConferenceEnded"] == "conference-ended-via-api"


async def test_it_does_not_begin_before_somebody_comes_who_begins_it(server: Any, rest: TwilioRest) -> None:
    await bring(rest, StartConferenceOnEnter="false")
    await bring(rest, To=OTHER, StartConferenceOnEnter="false")
    await there(rest, 2)
    assert room(rest).status == "init"
    await bring(rest)
    await there(rest, 3)
    assert room(rest).status == "in-progress"


async def test_it_ends_for_everybody_when_whoever_ends_it_leaves(server: Any, rest: TwilioRest) -> None:
    rest.callees[OTHER] = Callee(stays=0.1)
    first = await bring(rest)
    await there(rest, 1)
    second = await bring(rest, To=OTHER, EndConferenceOnExit="true")
    assert (await rest.board.over(second["call_sid"])).ended_by == "caller"
    assert (await rest.board.over(first["call_sid"])).status == "completed"
    assert (room(rest).status, room(rest).reason) == ("completed", "participant-with-end-conference-on-exit-left")


async def test_it_goes_on_when_somebody_else_leaves(server: Any, rest: TwilioRest) -> None:
    rest.callees[OTHER] = Callee(stays=0.1)
    first = await bring(rest)
    second = await bring(rest, To=OTHER)
    await rest.board.over(second["call_sid"])
    assert room(rest).there == [first["call_sid"]]
    await ask(rest, "DELETE", f"{ROOM}/{first['call_sid']}.json")
    await rest.board.over(first["call_sid"])
    assert room(rest).reason == "last-participant-kicked"


async def test_hold_and_mute_are_seen_and_told_once(server: Any, rest: TwilioRest) -> None:
    told = {"ConferenceStatusCallback": f"{PUBLIC}/room", "ConferenceStatusCallbackEvent": "hold mute"}
    sid = (await bring(rest, **told))["call_sid"]
    await there(rest, 1)
    for form in ({"Hold": "true"}, {"Hold": "true"}, {"Muted": "true"}, {"Hold": "false", "Muted": "false"}):
        status, body = await ask(rest, "POST", f"{ROOM}/{sid}.json", form)
        assert status == 200
    assert (body["hold"], body["muted"]) == (False, False)
    await rest.board.until(lambda: len(server.told("/room")) == 4)
    assert [one["StatusCallbackEvent"] for one in server.told("/room")] == [
        "participant-hold",
        "participant-mute",
        "participant-unmute",
        "participant-unhold",
    ]


async def test_an_announcement_is_fetched_and_heard(server: Any, rest: TwilioRest) -> None:
    server.answers["/announce"] = xml("<Response><Say>One moment</Say></Response>")
    sid = (await bring(rest))["call_sid"]
    await there(rest, 1)
    await ask(rest, "POST", f"{ROOM}/{sid}.json", {"AnnounceUrl": f"{PUBLIC}/announce"})
    assert room(rest).participants[sid].announced == ["One moment"]


async def test_a_redirect_takes_a_call_out_of_it(server: Any, rest: TwilioRest) -> None:
    sid = (await bring(rest))["call_sid"]
    await there(rest, 1)
    twiml = "<Response><Say>Elsewhere</Say></Response>"
    assert (await ask(rest, "POST", f"Calls/{sid}.json", {"Twiml": twiml}))[0] == 200
    outcome = await rest.board.over(sid)
    assert "Elsewhere" in [one.text for one in outcome.observations]
    assert room(rest).status == "completed"


async def test_whoever_does_not_answer_is_not_in_it(server: Any, rest: TwilioRest) -> None:
    rest.callees[THEM] = Callee(does="busy")
    body = await bring(rest)
    assert (await rest.board.over(body["call_sid"])).status == "busy"
    assert room(rest).participants == {}
    assert (await ask(rest, "GET", f"{ROOM}/{body['call_sid']}.json"))[0] == 404


async def test_whoever_still_rings_when_it_ends_is_hung_up_on(server: Any, rest: TwilioRest) -> None:
    rest.callees[OTHER] = Callee(rings=10_000)
    await bring(rest)
    await there(rest, 1)
    ringing = await bring(rest, To=OTHER)
    await ask(rest, "POST", "Conferences/room.json", {"Status": "completed"})
    assert (await rest.board.over(ringing["call_sid"])).status == "canceled"


async def test_a_name_is_free_again_when_its_conference_is_over(server: Any, rest: TwilioRest) -> None:
    for _ in range(2):
        body = await bring(rest)
        await there(rest, 1)
        await ask(rest, "POST", "Conferences/room.json", {"Status": "completed"})
        await rest.board.over(body["call_sid"])
    assert len(rest.board.conferences.all) == 2
    _, found = await ask(rest, "GET", "Conferences.json?FriendlyName=room&Status=completed")
    assert len(found["conferences"]) == 2
    assert (await ask(rest, "POST", "Conferences/room.json", {"Status": "completed"}))[0] == 404
