"""Who is let through, and in which words everybody else is told why not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import web

from apis import EVERYTHING, SCOPES, Client, key_of, serving
from telephony.errors import StoreError
from telephony.server.api.keys import Holder
from telephony.server.api.problem import Problem
from telephony.server.api.requests import Answers, read_body
from telephony.server.api.route import JSON, Route

PROBLEM = "application/problem+json"


class Wish(msgspec.Struct):
    """Something."""

    what: str


async def answer(request: web.Request, holder: Holder) -> web.StreamResponse:
    match request.match_info["how"]:
        case "well":
            return await Answers(str).json({"key": holder.name})
        case "problem":
            raise Problem(409, "It stands for another.", Retry_After="3")
        case "database":
            raise StoreError("locked")
        case "bug":
            raise ZeroDivisionError("the secret reason")
    wish = await read_body(request, Wish)
    return await Answers(str).json(wish)


ROUTES = [
    Route("GET", "/do/{how}", "calls:read", answer, "Do it.", {200: {JSON: Wish}}),
    Route("POST", "/do/{how}", "calls:write", answer, "Do it.", {200: {JSON: Wish}}, body=Wish),
]


@pytest.fixture
async def client(nothing_left_behind: None) -> AsyncIterator[Client]:
    async with serving(ROUTES) as made:
        yield made


async def problem(client: Client, path: str, **options: object) -> tuple[int, object, dict[str, object]]:
    status, headers, body = await client.ask(path, **options)  # type: ignore[arg-type]
    assert headers["Content-Type"] == f"{PROBLEM}; charset=utf-8"
    details = json.loads(body)
    assert list(details) == ["type", "title", "status", "detail"]
    assert details["status"] == status
    return status, headers, details


async def test_a_key_for_it_is_let_through(client: Client) -> None:
    status, _, body = await client.ask("/do/well", key=key_of("calls:read"))
    assert (status, json.loads(body)) == (200, {"key": key_of("calls:read")})


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {EVERYTHING}",
        EVERYTHING,
        f"Bearer {EVERYTHING} x",
        "Bearer \udcff",
    ],
)
async def test_every_key_that_will_not_do_gets_the_same_answer(client: Client, header: str) -> None:
    wrong = await problem(client, "/do/well", key="", headers={"Authorization": header} if header else {})
    missing = await problem(client, "/do/well", key="")
    assert wrong[2] == missing[2]
    assert (wrong[0], wrong[1]["WWW-Authenticate"]) == (401, "Bearer")  # type: ignore[index]


@pytest.mark.parametrize("scope", [scope for scope in SCOPES if scope != "calls:read"])
async def test_a_key_for_something_else_is_told_which_scope_it_takes(client: Client, scope: str) -> None:
    status, _, details = await problem(client, "/do/well", key=key_of(scope))  # type: ignore[arg-type]
    assert status == 403
    assert "calls:read" in str(details["detail"])


async def test_the_body_of_whoever_has_no_key_is_not_read(client: Client) -> None:
    assert (await problem(client, "/do/read", method="POST", key="", json={"what": "x"}))[0] == 401
    assert (await problem(client, "/do/read", method="POST", key=key_of("calls:read"), data=b"x" * 9000))[0] == 403


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/do/problem", {}, 409),
        ("/do/database", {}, 503),
        ("/do/bug", {}, 500),
        ("/nowhere", {}, 404),
        ("/do/well/", {}, 404),
        ("", {}, 404),
        ("/do/well", {"method": "DELETE"}, 405),
        ("/openapi.json", {"method": "POST"}, 405),
        ("/do/read", {"method": "POST", "json": {"what": "x" * 5000}}, 413),
        ("/do/read", {"method": "POST", "data": "what=x"}, 415),
        ("/do/read", {"method": "POST", "json": {"what": 1}}, 400),
        ("/do/read", {"method": "POST", "data": b"{", "headers": {"Content-Type": JSON}}, 400),
        ("/do/read", {"method": "POST", "data": b'{"what":"\xff"}', "headers": {"Content-Type": JSON}}, 400),
    ],
)
async def test_whatever_is_wrong_is_a_problem(
    client: Client, path: str, options: dict[str, object], status: int
) -> None:
    answered, headers, details = await problem(client, path, **options)
    assert answered == status
    assert "secret" not in str(details)
    if status == 405:
        assert headers["Allow"]  # type: ignore[index]
    if status in (409, 503):
        assert headers["Retry-After"]  # type: ignore[index]


async def test_the_description_is_for_every_key_and_for_nobody_without(client: Client) -> None:
    for scope in SCOPES:
        status, _, body = await client.ask("/openapi.json", key=key_of(scope))
        assert (status, json.loads(body)["openapi"]) == (200, "3.1.0")
    assert (await client.ask("/openapi.json", key=""))[0] == 401


async def test_what_has_no_end_is_ended_with_the_server() -> None:
    stopped: list[str] = []
    async with serving(ROUTES, on_stop=lambda: stopped.append("stopped")):
        assert stopped == []
    assert stopped == ["stopped"]
