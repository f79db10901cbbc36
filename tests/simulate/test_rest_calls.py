"""Calls in the simulated REST API: what is refused, what is found, and what is recorded. That they are placed and
carried out is shown in test_outbound.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from asked import ACCOUNT, THEM, TOKEN, US, ask
from telephony.simulate.callee import Callee
from telephony.simulate.live import LiveCall
from telephony.simulate.rest import TwilioRest

pytestmark = pytest.mark.timeout(30)

CALL = "CA" + "8" * 32
TWIML = "<Response><Hangup/></Response>"


@pytest.fixture
async def rest() -> AsyncIterator[TwilioRest]:
    async with TwilioRest(ACCOUNT, TOKEN) as server:
        server.board.ring = 0.01
        server.callees[THEM] = Callee(does="busy")
        yield server


@pytest.fixture
def live(rest: TwilioRest) -> LiveCall:
    call = LiveCall(CALL, ACCOUNT, "+15550142", US, 60)
    rest.add(call)
    call.answer()
    return call


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": None}, 21201),
        ({"To": ""}, 21201),
        ({"From": None}, 21213),
        ({"To": "911"}, 21211),
        ({"To": "+1 555 0177"}, 21211),
        ({"From": "Acme"}, 21212),
        ({"From": "+15550999"}, 21210),
        ({"To": "+88213000000"}, 21215),
        ({"Twiml": None}, 21205),
        ({"Url": "https://x.example"}, 21205),
        ({"Urll": "https://x.example"}, 20001),
    ],
)
async def test_a_call_that_twilio_would_not_place_is_refused_with_its_code(
    rest: TwilioRest, change: dict[str, str | None], code: int
) -> None:
    rest.board.numbers = {US}
    rest.board.barred = {"+8821"}
    form = {"To": THEM, "From": US, "Twiml": TWIML, **change}
    status, body = await ask(rest, "POST", "Calls.json", {name: v for name, v in form.items() if v is not None})
    assert (status, body["code"], body["status"]) == (400, code, 400)
    assert body["more_info"].endswith(str(code))
    assert rest.board.calls == {}


async def test_a_call_that_was_placed_has_the_fields_of_the_real_resource(rest: TwilioRest) -> None:
    status, body = await ask(rest, "POST", "Calls.json", {"To": THEM, "From": US, "Twiml": TWIML})
    assert status == 201
    assert (body["status"], body["direction"], body["start_time"], body["duration"]) == (
        "queued",
        "outbound-api",
        None,
        None,
    )
    assert body["uri"] == f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{body['sid']}.json"
    await rest.board.over(body["sid"])
    _, later = await ask(rest, "GET", f"Calls/{body['sid']}.json")
    assert (later["status"], later["duration"]) == ("busy", "0")
    assert set(later) == set(body)


async def test_calls_are_found_by_whom_they_went_to_and_the_day_they_began(rest: TwilioRest, live: LiveCall) -> None:
    sids = [
        (await ask(rest, "POST", "Calls.json", {"To": THEM, "From": US, "Twiml": TWIML}))[1]["sid"] for _ in range(3)
    ]
    rest.board.calls[sids[0]].began = datetime.now(UTC) - timedelta(days=2)
    today = datetime.now(UTC).strftime("%Y-%m-%d")

    async def found(query: str) -> list[str]:
        _, body = await ask(rest, "GET", f"Calls.json?{query}")
        return [call["sid"] for call in body["calls"]]

    to = "To=%2B15550177"
    assert await found(to) == sids[::-1]
    assert await found(f"{to}&StartTime%3E={today}T23:59:59Z") == sids[:0:-1]
    assert await found(f"{to}&StartTime%3C={today}&PageSize=1") == [sids[2]]
    assert await found(f"{to}&PageSize=1&Page=1") == [sids[1]]
    assert await found("From=%2B15550142&Status=in-progress") == [CALL]
    assert (await ask(rest, "GET", "Calls.json?StartTime=2026-13-45"))[1]["code"] == 20001
    assert (await ask(rest, "GET", "Calls.json?to=x"))[0] == 400


# -- recordings ----------------------------------------------------------------------------------------------------


async def test_a_recording_pauses_and_goes_on_as_it_is_told(rest: TwilioRest, live: LiveCall) -> None:
    status, body = await ask(rest, "POST", f"Calls/{CALL}/Recordings.json", {"RecordingChannels": "dual"})
    assert (status, body["status"], body["channels"], body["call_sid"]) == (201, "in-progress", 2, CALL)
    current = f"Calls/{CALL}/Recordings/Twilio.CURRENT.json"
    for form in (
        {"Status": "paused"},
        {"Status": "in-progress"},
        {"Status": "paused", "PauseBehavior": "skip"},
        {"Status": "stopped"},
    ):
        status, _ = await ask(rest, "POST", current, form)
        assert status == 200
    recording = rest.board.recordings[body["sid"]]
    assert recording.history == ["in-progress", "paused (silence)", "in-progress", "paused (skip)", "stopped"]
    assert (await ask(rest, "POST", current, {"Status": "stopped"}))[0] == 404
    assert (await ask(rest, "GET", f"Calls/{CALL}/Recordings/{body['sid']}.json"))[1]["status"] == "stopped"
    again, refused = await ask(rest, "POST", f"Calls/{CALL}/Recordings/{body['sid']}.json", {"Status": "paused"})
    assert (again, refused["code"]) == (400, 21220)


async def test_a_call_that_is_over_is_not_recorded(rest: TwilioRest, live: LiveCall) -> None:
    live.finish("completed")
    assert (await ask(rest, "POST", f"Calls/{CALL}/Recordings.json", {}))[0] in (400, 415)
    status, body = await ask(rest, "POST", f"Calls/{CALL}/Recordings.json", {"RecordingChannels": "mono"})
    assert (status, body["code"]) == (400, 21220)


async def test_a_recording_is_told_what_to_do(rest: TwilioRest, live: LiveCall) -> None:
    _, body = await ask(rest, "POST", f"Calls/{CALL}/Recordings.json", {"RecordingChannels": "mono"})
    status, refused = await ask(rest, "POST", f"Calls/{CALL}/Recordings/{body['sid']}.json", {"PauseBehavior": "skip"})
    assert (status, refused["code"]) == (400, 20001)


async def test_a_call_can_be_recorded_from_its_beginning(rest: TwilioRest) -> None:
    form = {"To": THEM, "From": US, "Twiml": TWIML, "Record": "true", "RecordingChannels": "dual"}
    _, body = await ask(rest, "POST", "Calls.json", form)
    assert [(one.call_sid, one.channels) for one in rest.board.recordings.values()] == [(body["sid"], 2)]


async def test_what_happens_before_and_after_a_request_can_be_decided(rest: TwilioRest) -> None:
    seen: list[tuple[str, int]] = []

    async def before(method: str, path: str) -> None:
        seen.append(("before", len(rest.board.calls)))

    async def after(method: str, path: str) -> None:
        seen.append(("after", len(rest.board.calls)))

    rest.before_doing, rest.before_answer = before, after
    await ask(rest, "POST", "Calls.json", {"To": THEM, "From": US, "Twiml": TWIML})
    assert seen == [("before", 0), ("after", 1)]
