"""Reading bodies and queries, writing answers; who sends what wrongly is told in test_service and test_calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from apis import EVERYTHING, serving
from telephony.server.api import requests
from telephony.server.api.keys import Holder
from telephony.server.api.problem import Problem
from telephony.server.api.requests import Answers, read_body, read_query
from telephony.server.api.route import JSON, Route


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """Something."""

    what: str = ""
    count: int = 1
    urgent: bool = False


async def take(request: web.Request, holder: Holder) -> web.StreamResponse:
    return await Answers(str).json(await read_body(request, Wish))


def test_numbers_and_truths_of_a_query_are_read_as_such() -> None:
    assert read_query(make_mocked_request("GET", "/?count=3&urgent=true"), Wish) == Wish("", 3, True)


@pytest.mark.parametrize("query", ["count=x", "wat=1", "what=%00", "what=a&what=b", "urgent=2"])
def test_what_a_query_cannot_be_is_a_problem(query: str) -> None:
    with pytest.raises(Problem) as raised:
        read_query(make_mocked_request("GET", f"/?{query}"), Wish)
    assert raised.value.status == 400


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "PATIENCE", 0.05)

    forever = asyncio.Event()

    async def dawdling() -> AsyncIterator[bytes]:
        yield b'{"what":'
        await forever.wait()

    async with serving(
        [Route("POST", "/take", "calls:write", take, "Take.", {200: {JSON: Wish}}, body=Wish)]
    ) as client:
        headers = {"Content-Type": JSON}
        status, _, body = await client.ask("/take", method="POST", key=EVERYTHING, data=dawdling(), headers=headers)
        assert (status, json.loads(body)["status"]) == (408, 408)
        forever.set()


async def test_no_answer_leaves_unmasked() -> None:
    answers = Answers(lambda text: text.replace("hunter2", "***"))
    response = await answers.json(Wish("hunter2"), 201, {"Location": "/there"})
    assert (response.status, response.headers["Location"], response.content_type) == (201, "/there", JSON)
    assert json.loads(response.text or "")["what"] == "***"
    assert await answers.plain('say "hunter2"\n') == 'say "***"\n'
