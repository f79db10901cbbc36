"""What a process asks of its neighbours, which are played by servers on this loop."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from telephony.server import neighbours
from telephony.server.app import Server
from telephony.server.forwarding import Forwarder
from telephony.server.neighbours import Neighbours

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(30)]

SOON = 5.0
Ask = Callable[[Neighbours, web.Request], Awaitable[str]]


def neighbour(name: str) -> web.Application:
    """One that has only what bears its name; it dawdles where it is asked for `slow`."""

    async def own(request: web.Request) -> web.Response:
        if request.match_info["what"] == "slow":
            await asyncio.sleep(SOON)
        known = request.match_info["what"] in ("all", name)
        return web.Response(status=200 if known else 404, text=f"{name} {request.headers['Authorization']}")

    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in (f"event: call\ndata: {name} one\n\n:\n\nevent: no", f"te\ndata: {name} two\n\n"):
            await response.write(part.encode())
            await asyncio.sleep(0.01)
        return response

    app = web.Application()
    app.router.add_get("/has/{what}", own)
    app.router.add_get("/events", events)
    return app


@contextlib.asynccontextmanager
async def asked(ask: Ask, names: str = "bc", path: str = "/") -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """What process `a` says that gives its requests to *ask*; `b` and `c` are there, whichever of them it knows by
    *names*."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    forwarder = Forwarder(lambda name: folder / f"{name}.http", lambda name: folder / f"{name}.fds")
    others = Neighbours(forwarder)
    others.are(names)

    async def handle(request: web.Request) -> web.Response:
        return web.Response(text=await ask(others, request))

    front = web.Application()
    front.router.add_get("/", handle)
    front.router.add_get("/events", handle)
    applications = {"a": front, "b": neighbour("b"), "c": neighbour("c")}
    servers = {name: Server(app, "127.0.0.1", 0) for name, app in applications.items()}
    try:
        for name, server in servers.items():
            await server.start()
            await server.listen_at(folder / f"{name}.http")
        async with aiohttp.ClientSession(f"http://127.0.0.1:{servers['a'].port}") as session:

            async def get() -> str:
                async with session.get(path, headers={"Authorization": "Bearer x"}) as answer:
                    return await answer.text()

            yield get
    finally:
        await forwarder.close()
        for server in servers.values():
            await server.stop()
        shutil.rmtree(folder)


async def test_all_of_them_are_asked_with_the_key_that_came_and_the_dead_say_nothing() -> None:
    async def ask(others: Neighbours, request: web.Request) -> str:
        return b"|".join(await others.ask(request, "/has/all")).decode()

    async with asked(ask, "bcd") as get:
        assert await get() == "b Bearer x|c Bearer x|"


async def test_what_a_neighbour_has_sent_on_is_asked_of_nobody_else() -> None:
    async def ask(others: Neighbours, request: web.Request) -> str:
        return b"|".join(await others.ask(request, "/")).decode() or "nobody was asked"

    async with asked(ask, "a") as get:
        assert await get() == "nobody was asked"


@pytest.mark.parametrize(("what", "found"), [("b", "b"), ("c", "c"), ("d", "")])
async def test_the_one_that_has_it_is_found(what: str, found: str) -> None:
    async def ask(others: Neighbours, request: web.Request) -> str:
        return await others.who_has(request, f"/has/{what}")

    async with asked(ask, "bcd") as get:
        assert await get() == found


async def test_where_one_says_nothing_it_is_not_known_that_nobody_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(others: Neighbours, request: web.Request) -> str:
        try:
            return await others.who_has(request, "/has/slow")
        except TimeoutError:
            return "not known"

    monkeypatch.setattr(neighbours, "PATIENCE", 0.05)
    async with asked(ask) as get:
        assert await get() == "not known"


async def test_the_events_of_all_are_followed_those_of_late_comers_and_again_after_their_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(neighbours, "AGAIN", 0.01)
    told: list[str] = []

    async def ask(others: Neighbours, request: web.Request) -> str:
        async def tell(data: bytes) -> None:
            told.append(data.decode())
            if told.count("b two") == 1:
                others.are("bcd")

        async with asyncio.timeout(SOON), asyncio.TaskGroup() as group:
            follow = others.follow(request, lambda name: others.events(name, request, SOON, tell))
            following = group.create_task(follow, name="follow")
            while min(told.count(f"{name} {what}") for name in "bc" for what in ("one", "two")) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            following.cancel()
        return "done"

    async with asked(ask, "b", "/events") as get:
        assert await get() == "done"
    assert set(told) == {"b one", "b two", "c one", "c two"}
