"""Placing calls of the load: what goes wrong is said."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from telephony.audio.format import PCM16_24K
from telephony.bench.fleet import BenchError, Line, open_fleet
from telephony.simulate.signature import HEADER, sign_webhook


def answering(status: int, text: str) -> TestServer:
    async def answer(request: web.Request) -> web.Response:
        form = [(name, str(value)) for name, value in (await request.post()).items()]
        genuine = request.headers[HEADER] == sign_webhook("secret", str(request.url), form)
        return web.Response(status=status if genuine else 403, text=text, content_type="text/xml")

    app = web.Application()
    app.router.add_post("/voice", answer)
    return TestServer(app)


async def test_webhook_is_signed_and_timed() -> None:
    async with answering(200, "<Response/>") as server, open_fleet(PCM16_24K) as (fleet, _):
        text, milliseconds = await fleet.ask(Line(str(server.make_url("/voice")), "secret"), 0)
    assert text == "<Response/>"
    assert milliseconds > 0


@pytest.mark.parametrize(
    ("status", "text", "problem"),
    [
        (403, "Forbidden", "answered 403: Forbidden"),
        (200, "<Response><Hangup/></Response>", "did not connect the call"),
    ],
)
async def test_call_that_is_not_connected_is_an_error(status: int, text: str, problem: str) -> None:
    async with answering(status, text) as server, open_fleet(PCM16_24K) as (fleet, _):
        line = Line(str(server.make_url("/voice")), "secret")
        with pytest.raises(ExceptionGroup) as raised:
            async with asyncio.TaskGroup() as group:
                await fleet.place(line, 1, group)
        assert raised.group_contains(BenchError, match=problem)
