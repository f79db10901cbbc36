"""Asking a server for a call from the command line's side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from telephony.errors import ConfigurationError
from telephony.runtime import ordering
from telephony.runtime.ordering import NotPlaced, order_call, server_of
from telephony.settings import OutboundSettings, Settings

SETTINGS = Settings(outbound=OutboundSettings(api_key=SecretStr("a-key")), host="0.0.0.0", port=8099)  # noqa: S104  compared


class Server:
    """Gives one answer after the other, the last for ever."""

    def __init__(self) -> None:
        self.answers: list[web.Response] = []
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path, dict(request.headers), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=answer.status, body=answer.body, content_type=answer.content_type)


def call(state: str, call_id: str = "CA1") -> web.Response:
    return web.json_response({"id": "k1", "state": state, "call_id": call_id})


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(ordering, "LOOK", 0.01)
    made = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    running = TestServer(app)
    await running.start_server()
    made.url = f"http://127.0.0.1:{running.port}"
    yield made
    await running.close()


async def test_the_server_is_asked_with_the_key_and_what_was_said(server: Server) -> None:
    server.answers = [call("placed")]
    got = await order_call(SETTINGS, server.url, "k1", to="+15550177", agent="desk", from_number="+15550100")
    assert got["state"] == "placed"
    ((method, path, headers, body),) = server.asked
    assert (method, path, body) == (
        "POST",
        "/api/v1/calls",
        {"to": "+15550177", "agent": "desk", "from": "+15550100"},
    )
    assert (headers["Authorization"], headers["Idempotency-Key"]) == ("Bearer a-key", "k1")


async def test_what_its_tools_shall_know_is_sent_along(server: Server) -> None:
    server.answers = [call("placed")]
    await order_call(SETTINGS, server.url, "k1", to="+15550177", agent="desk", metadata={"order": "A=1042"})
    assert server.asked[0][3] == {"to": "+15550177", "agent": "desk", "metadata": {"order": "A=1042"}}


async def test_a_call_is_followed_to_its_end(server: Server) -> None:
    server.answers = [call("placing"), call("ringing"), call("in-progress"), call("busy")]
    assert (await order_call(SETTINGS, server.url, "k1", to="+1", agent="desk", wait=10))["state"] == "busy"
    assert [path for _, path, _, _ in server.asked][1:] == ["/api/v1/orders/k1"] * 3


async def test_it_is_followed_no_longer_than_one_wants_to_wait(server: Server) -> None:
    server.answers = [call("ringing")]
    assert (await order_call(SETTINGS, server.url, "k1", to="+1", agent="desk", wait=0.05))["state"] == "ringing"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (web.json_response({"detail": "It is late there."}, status=403), "It is late there."),
        (web.json_response({}, status=500), "the server answered 500"),
        (web.Response(text="<html>", status=404), "is it this program's server"),
    ],
)
async def test_a_no_is_told_in_the_servers_words(server: Server, answer: web.Response, says: str) -> None:
    server.answers = [answer]
    with pytest.raises(NotPlaced, match=says):
        await order_call(SETTINGS, server.url, "k1", to="+1", agent="desk")


async def test_a_server_that_does_not_answer_leaves_the_key_to_ask_again_with() -> None:
    with pytest.raises(ConfigurationError, match="--key k1 asks for this very call again"):
        await order_call(SETTINGS, "http://127.0.0.1:9", "k1", to="+1", agent="desk")


async def test_without_a_key_nobody_is_asked() -> None:
    with pytest.raises(ConfigurationError, match="TELEPHONY_OUTBOUND__API_KEY"):
        await order_call(Settings(), "http://127.0.0.1:9", "k1", to="+1", agent="desk")


def test_the_server_is_where_the_settings_say() -> None:
    assert server_of(SETTINGS) == "http://127.0.0.1:8099"
    assert server_of(Settings(host="10.0.0.5", port=80)) == "http://10.0.0.5:80"
