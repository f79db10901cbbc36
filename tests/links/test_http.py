"""Requests a carrier wants made: what is sent, what is tried again, and what refusals say."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from telephony.commands import HttpRequest
from telephony.errors import (
    AccountRefused,
    CarrierBusy,
    CarrierError,
    CarrierGone,
    CarrierRefused,
    NumberRefused,
    OutcomeUnknown,
)
from telephony.links import http
from telephony.links.http import HttpAnswer, perform

pytestmark = pytest.mark.timeout(30)

Script = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FIRST_WAIT", 0.001)


@asynccontextmanager
async def carrier(
    *answers: web.Response | Script | None,
) -> AsyncIterator[tuple[str, aiohttp.ClientSession, list[str]]]:
    """A REST API that gives *answers* one after the other, the last for ever; None breaks the connection off."""
    asked: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        body = await request.text()
        asked.append(f"{request.method} {request.path} {request.headers.get('Authorization', '-')} {body}")
        answer = answers[min(len(asked), len(answers)) - 1]
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if isinstance(answer, web.Response):
            return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        return await answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", session, asked
    await runner.cleanup()


def hang_up(base: str, *, idempotent: bool = True) -> HttpRequest:
    return HttpRequest(
        method="POST",
        url=f"{base}/Calls/CA1.json",
        form=(("Status", "completed"), ("Twiml", "<a b='ü&'/>")),
        auth=("AC1", "canary"),
        gone_is_success=True,
        idempotent=idempotent,
        purpose="hang up",
    )


def refusal(status: int, code: int = 0, message: str = "No", **headers: str) -> web.Response:
    body = {"code": code, "message": message, "status": status}
    return web.json_response(body, status=status, headers={name.replace("_", "-"): v for name, v in headers.items()})


async def test_a_form_is_posted_with_basic_auth() -> None:
    async with carrier(web.json_response({"sid": "CA1"})) as (base, session, asked):
        assert await perform(session, hang_up(base)) == HttpAnswer(200, {"sid": "CA1"})
    assert asked == [
        "POST /Calls/CA1.json Basic QUMxOmNhbmFyeQ== Status=completed&Twiml=%3Ca+b%3D%27%C3%BC%26%27%2F%3E"
    ]


async def test_a_get_needs_neither_form_nor_auth() -> None:
    async with carrier(web.json_response({"n": 1})) as (base, session, asked):
        assert (await perform(session, HttpRequest("GET", f"{base}/x"))).body == {"n": 1}
    assert asked == ["GET /x - "]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"[" * 100_000, b"\xff", b" " * (http.LONGEST_ANSWER + 1)])
async def test_an_answer_that_is_no_json_object_is_still_an_answer(body: bytes) -> None:
    async with carrier(web.Response(body=body)) as (base, session, _):
        assert await perform(session, hang_up(base)) == HttpAnswer(200, {})


async def test_what_is_gone_already_counts_as_done() -> None:
    async with carrier(refusal(404, 20404)) as (base, session, asked):
        answer = await perform(session, hang_up(base))
        assert (answer.status, answer.gone) == (404, True)
        with pytest.raises(CarrierRefused):
            await perform(session, HttpRequest("GET", f"{base}/x"))
    assert len(asked) == 2


@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 409, 422])
async def test_a_refusal_is_final_and_says_why(status: int) -> None:
    async with carrier(refusal(status, 21220, "Call is\nnot in-progress", Location="/y")) as (base, session, asked):
        with pytest.raises(CarrierRefused, match="error 21220: Call is") as caught:
            await perform(session, hang_up(base))
    assert (caught.value.status, caught.value.code) == (status, 21220)
    assert str(caught.value).isprintable()
    assert "canary" not in str(caught.value)
    assert len(asked) == 1


async def test_an_error_body_of_another_shape_is_survived() -> None:
    async with carrier(web.json_response({"code": "x", "message": 5}, status=400)) as (base, session, _):
        with pytest.raises(CarrierRefused) as caught:
            await perform(session, hang_up(base))
    assert (caught.value.status, caught.value.code) == (400, 0)


@pytest.mark.parametrize("failure", [refusal(429, 20429), refusal(500), refusal(503), None])
async def test_what_may_be_done_twice_is_tried_again(failure: web.Response | None) -> None:
    async with carrier(failure, failure, web.Response()) as (base, session, asked):
        assert (await perform(session, hang_up(base))).status == 200
    assert len(asked) == 3


@pytest.mark.parametrize("failure", [refusal(500), refusal(503), None])
async def test_what_may_not_be_done_twice_is_not(failure: web.Response | None) -> None:
    async with carrier(failure, web.Response()) as (base, session, asked):
        with pytest.raises(CarrierError):
            await perform(session, hang_up(base, idempotent=False))
    assert len(asked) == 1


async def test_not_now_is_tried_again_in_any_case() -> None:
    async with carrier(refusal(429, 20429), web.Response()) as (base, session, asked):
        assert (await perform(session, hang_up(base, idempotent=False))).status == 200
    assert len(asked) == 2


async def test_it_gives_up_after_a_few_tries_with_the_last_refusal() -> None:
    async with carrier(refusal(503, 20503)) as (base, session, asked):
        with pytest.raises(CarrierRefused) as caught:
            await perform(session, hang_up(base))
    assert (caught.value.status, caught.value.code) == (503, 20503)
    assert len(asked) == http.TRIES


async def test_a_wait_beyond_the_budget_is_not_begun() -> None:
    async with carrier(refusal(429, 20429, Retry_After="3600")) as (base, session, asked):
        with pytest.raises(CarrierRefused):
            await perform(session, hang_up(base))
    assert len(asked) == 1


async def test_a_carrier_that_never_answers_costs_the_budget_and_no_more() -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with carrier(never) as (base, session, _):
        with pytest.raises(CarrierError, match=r"no answer within 0\.2 s"):
            await perform(session, hang_up(base), timeout=0.2)


async def test_a_carrier_that_cannot_be_reached() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with aiohttp.ClientSession() as session:
            with pytest.raises(CarrierError, match="cannot be reached") as caught:
                await perform(session, hang_up(base, idempotent=False))
    assert "canary" not in str(caught.value)


# -- what refusals mean --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 21211, NumberRefused),
        (400, 99999, CarrierRefused),
        (401, 0, AccountRefused),
        (403, 0, AccountRefused),
        (404, 20404, CarrierGone),
        (429, 20429, CarrierBusy),
        (500, 0, CarrierRefused),
    ],
)
async def test_a_refusal_is_of_the_kind_that_its_code_or_else_its_status_says(
    status: int, code: int, kind: type[CarrierRefused]
) -> None:
    async with carrier(refusal(status, code, "Twilio's own sentence")) as (base, session, _):
        request = HttpRequest("POST", f"{base}/x", refusals={21211: NumberRefused})
        with pytest.raises(CarrierRefused, match="Twilio's own sentence") as caught:
            await perform(session, request)
    assert (type(caught.value), caught.value.status, caught.value.code) == (kind, status, code)


async def test_it_is_not_known_what_came_of_a_request_that_broke_off_and_may_not_be_repeated() -> None:
    async with carrier(None) as (base, session, asked):
        with pytest.raises(OutcomeUnknown, match="it may have been done all the same"):
            await perform(session, hang_up(base, idempotent=False))
        assert len(asked) == 1
        with pytest.raises(CarrierError) as caught:
            await perform(session, hang_up(base))
    assert not isinstance(caught.value, OutcomeUnknown)


async def test_too_many_requests_is_tried_again_also_for_what_may_not_be_repeated_since_nothing_was_done() -> None:
    async with carrier(refusal(429, 20429), web.json_response({"sid": "CA1"})) as (base, session, asked):
        assert (await perform(session, hang_up(base, idempotent=False))).body == {"sid": "CA1"}
    assert len(asked) == 2
