"""The REST side, as strict as Twilio's."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from telephony.simulate.live import LiveCall, Source
from telephony.simulate.rest import TwilioRest

ACCOUNT, TOKEN, CALL = "AC" + "7" * 32, "secret", "CA" + "8" * 32
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def rest() -> AsyncIterator[TwilioRest]:
    async with TwilioRest(ACCOUNT, TOKEN) as server:
        yield server


@pytest.fixture
def live(rest: TwilioRest) -> LiveCall:
    call = LiveCall(CALL, ACCOUNT, "+15550142", "+15550100", 60)
    rest.add(call)
    call.answer()
    return call


async def ask(rest: TwilioRest, method: str = "POST", *, login: str = f"{ACCOUNT}:{TOKEN}", **options: Any) -> Any:
    """Status and body of a request about the call."""
    path = options.pop("path", f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}.json")
    headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()} if login else {}
    headers.update(options.pop("headers", {}))
    url = rest.base_url + path
    async with ClientSession() as session, session.request(method, url, headers=headers, **options) as response:
        return response.status, await response.json()


async def test_a_call_can_be_looked_up_while_it_lasts_and_afterwards(rest: TwilioRest, live: LiveCall) -> None:
    status, body = await ask(rest, "GET")
    assert status == 200
    assert {key: body[key] for key in ("sid", "status", "from", "to", "direction", "end_time", "duration")} == {
        "sid": CALL,
        "status": "in-progress",
        "from": "+15550142",
        "to": "+15550100",
        "direction": "inbound",
        "end_time": None,
        "duration": None,
    }
    live.finish("completed")
    _, body = await ask(rest, "GET")
    assert (body["status"], body["duration"]) == ("completed", "0")
    assert body["end_time"]


async def test_completing_a_call_hangs_it_up(rest: TwilioRest, live: LiveCall) -> None:
    status, body = await ask(rest, data={"Status": "completed"})
    assert (status, body["sid"]) == (200, CALL)
    assert live.take_told() == "hang up"
    assert rest.requests == [("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}.json", {"Status": "completed"})]


async def test_new_instructions_redirect_it(rest: TwilioRest, live: LiveCall) -> None:
    await ask(rest, data={"Twiml": "<Response/>"})
    assert live.take_told() == Source(twiml="<Response/>")
    await ask(rest, data={"Url": "https://x.example/y", "Method": "GET"})
    assert live.take_told() == Source(url="https://x.example/y", method="GET")


async def test_the_time_limit_can_be_changed(rest: TwilioRest, live: LiveCall) -> None:
    await ask(rest, data={"TimeLimit": "7"})
    assert live.time_limit == 7
    assert live.attention.is_set()


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"login": ""}, 401, 20003),
        ({"login": f"{ACCOUNT}:wrong"}, 401, 20003),
        ({"login": "", "headers": {"Authorization": "Basic %%%"}}, 401, 20003),
        ({"login": "", "headers": {"Authorization": "Bearer secret"}}, 401, 20003),
        ({"path": f"/2010-04-01/Accounts/{ACCOUNT}/Calls/CA{'9' * 32}.json"}, 404, 20404),
        ({"path": f"/2010-04-01/Accounts/AC{'9' * 32}/Calls/{CALL}.json"}, 404, 20404),
        ({"path": f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}"}, 404, 20404),
        ({"path": "/"}, 404, 20404),
        ({"method": "DELETE"}, 405, 20004),
        ({"json": {"Status": "completed"}}, 415, 20415),
        ({"data": {"Sttaus": "completed"}}, 400, 20001),
        ({"data": b"Status=completed&Status=completed", "headers": {"Content-Type": FORM}}, 400, 20001),
        ({"data": {"Status": "finished"}}, 400, 20001),
        ({"data": {"Status": "completed", "Twiml": "<Response/>"}}, 400, 20001),
        ({"data": {"Url": "https://x.example", "Method": "PUT"}}, 400, 20001),
        ({"data": {"Url": "/relative"}}, 400, 21205),
        ({"data": {"Url": "https://un_der.example.com/x"}}, 400, 21205),
        ({"data": {"StatusCallback": "nowhere"}}, 400, 21609),
        ({"data": {"Twiml": "x" * 4001}}, 400, 20001),
        ({"data": {"TimeLimit": "ten"}}, 400, 20001),
        ({"data": {"Status": "canceled"}}, 400, 21220),
    ],
)
async def test_what_twilio_would_refuse_is_refused_in_its_words(
    rest: TwilioRest, live: LiveCall, options: dict[str, Any], status: int, code: int
) -> None:
    answered, body = await ask(rest, **options)
    assert (answered, body["code"], body["status"]) == (status, code, status)
    assert body["message"]
    assert body["more_info"].endswith(str(code))
    assert live.take_told() is None


async def test_a_call_that_is_over_is_gone_for_a_hang_up_and_not_in_progress_for_a_redirect(
    rest: TwilioRest, live: LiveCall
) -> None:
    live.finish("completed")
    assert (await ask(rest, data={"Status": "completed"}))[1]["code"] == 20404
    assert (await ask(rest, data={"Twiml": "<Response/>"}))[1]["code"] == 21220


async def test_a_ringing_call_can_be_cancelled_but_not_redirected(rest: TwilioRest) -> None:
    call = LiveCall(CALL, ACCOUNT, "+15550142", "+15550100", 60)
    rest.add(call)
    assert (await ask(rest, data={"Twiml": "<Response/>"}))[1]["code"] == 21220
    assert (await ask(rest, data={"Status": "canceled"}))[0] == 200
    assert call.take_told() == "hang up"


async def test_calls_that_are_over_are_forgotten_first(rest: TwilioRest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.simulate.board.MOST_CALLS", 2)
    first, second, third = (LiveCall(f"CA{digit * 32}", ACCOUNT, "", "", 60) for digit in "123")
    rest.add(first)
    rest.add(second)
    second.finish("completed")
    rest.add(third)
    paths = [f"/2010-04-01/Accounts/{ACCOUNT}/Calls/CA{digit * 32}.json" for digit in "123"]
    assert [(await ask(rest, "GET", path=path))[0] for path in paths] == [200, 404, 200]
