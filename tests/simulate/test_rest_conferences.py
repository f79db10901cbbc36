"""Conferences in the simulated REST API: what is refused and what is found. What happens in one is in
test_conference.py."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from asked import ACCOUNT, THEM, TOKEN, US, ask
from telephony.simulate.callee import Callee
from telephony.simulate.rest import TwilioRest

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
async def rest() -> AsyncIterator[TwilioRest]:
    async with TwilioRest(ACCOUNT, TOKEN) as server:
        server.board.ring = 0.01
        server.callees[THEM] = Callee()
        yield server


async def bring(rest: TwilioRest, **form: str) -> tuple[int, dict[str, object]]:
    return await ask(rest, "POST", "Conferences/room/Participants.json", {"To": THEM, "From": US, **form})


async def test_a_participant_has_the_fields_of_the_real_resource(rest: TwilioRest) -> None:
    status, body = await bring(rest, Muted="true", EndConferenceOnExit="true", Label="clerk")
    assert status == 201
    assert {key: body[key] for key in ("status", "muted", "hold", "label", "end_conference_on_exit", "coaching")} == {
        "status": "queued",
        "muted": True,
        "hold": False,
        "label": "clerk",
        "end_conference_on_exit": True,
        "coaching": False,
    }


@pytest.mark.parametrize(
    ("form", "code"), [({"To": ""}, 21201), ({"From": ""}, 21213), ({"To": "911"}, 21211), ({"Beep": "x"}, 20001)]
)
async def test_a_participant_that_twilio_would_not_call_is_refused(
    rest: TwilioRest, form: dict[str, str], code: int
) -> None:
    status, body = await bring(rest, **form)
    assert (status, body["code"]) == (400, code)
    assert rest.board.conferences.all == {}


async def test_a_label_belongs_to_one_participant(rest: TwilioRest) -> None:
    await bring(rest, Label="clerk")
    status, body = await bring(rest, Label="clerk")
    assert (status, body["code"]) == (400, 20001)


async def test_a_supervisor_coaches_one_call(rest: TwilioRest) -> None:
    _, clerk = await bring(rest)
    _, body = await bring(rest, Coaching="true", CallSidToCoach=str(clerk["call_sid"]))
    assert (body["coaching"], body["call_sid_to_coach"]) == (True, clerk["call_sid"])
    path = f"Conferences/room/Participants/{body['call_sid']}.json"
    _, after = await ask(rest, "POST", path, {"Coaching": "false"})
    assert (after["coaching"], after["call_sid_to_coach"]) == (False, None)


async def test_what_is_not_there_is_not_found(rest: TwilioRest) -> None:
    await bring(rest)
    for method, path in (
        ("GET", "Conferences/other.json"),
        ("GET", "Conferences/other/Participants.json"),
        ("POST", "Conferences/other.json"),
        ("DELETE", f"Conferences/room/Participants/CA{'9' * 32}.json"),
        ("GET", "Conferences/room/Guests.json"),
    ):
        status, body = await ask(rest, method, path, {"Status": "completed"} if method == "POST" else None)
        assert (status, body["code"]) == (404, 20404), path
    assert (await ask(rest, "DELETE", "Conferences/room.json"))[1]["code"] == 20004


async def test_a_conference_is_found_by_its_id_and_by_its_name(rest: TwilioRest) -> None:
    _, body = await bring(rest)
    _, by_name = await ask(rest, "GET", "Conferences/room.json")
    _, by_sid = await ask(rest, "GET", f"Conferences/{body['conference_sid']}.json")
    assert by_name == by_sid
    assert (by_name["friendly_name"], by_name["status"]) == ("room", "init")


async def test_who_is_in_it_is_listed_by_what_they_are(rest: TwilioRest) -> None:
    _, one = await bring(rest)
    await bring(rest, Muted="true")
    path = "Conferences/room/Participants.json?Muted=false"
    _, body = await ask(rest, "GET", path)
    assert [who["call_sid"] for who in body["participants"]] == [one["call_sid"]]
    assert (body["page"], body["page_size"], body["next_page_uri"]) == (0, 50, None)
