"""The internal port: what it says of a process that starts, runs, is in trouble and ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from telephony.server.app import Server
from telephony.server.internal import Readiness, internal_application


class Inside:
    """A process, as far as its internal port is concerned."""

    def __init__(self) -> None:
        self.trouble = ""
        self.drained = 0
        self.readiness = Readiness(lambda: self.trouble)

    async def reasons(self) -> list[str]:
        return self.readiness.reasons

    async def page(self) -> tuple[bytes, str]:
        return b"calls 1\n", "text/plain; version=9"

    def drain(self) -> None:
        self.drained += 1

    async def tasks(self) -> list[dict[str, Any]]:
        return [{"name": "serve"}]


@pytest.fixture
def inside() -> Inside:
    return Inside()


@pytest.fixture
async def session(inside: Inside) -> AsyncIterator[aiohttp.ClientSession]:
    app = internal_application(inside)
    server = Server(app, "127.0.0.1", 0)
    await server.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        yield session
    await server.stop()


async def test_it_is_not_ready_before_the_start_is_over_nor_while_anything_speaks_against_it(
    inside: Inside, session: aiohttp.ClientSession
) -> None:
    async def readiness() -> tuple[int, Any]:
        async with session.get("/readyz") as response:
            return response.status, await response.json()

    assert await readiness() == (503, {"ready": False, "reasons": ["starting"]})
    inside.readiness.begun = True
    assert await readiness() == (200, {"ready": True, "reasons": []})
    inside.trouble = "draining"
    assert await readiness() == (503, {"ready": False, "reasons": ["draining"]})


async def test_it_is_healthy_whether_or_not_it_is_ready(inside: Inside, session: aiohttp.ClientSession) -> None:
    inside.trouble = "the store takes no records"
    async with session.get("/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_metrics_and_tasks_are_shown(session: aiohttp.ClientSession) -> None:
    async with session.get("/metrics") as response:
        assert (response.status, await response.read()) == (200, b"calls 1\n")
        assert response.headers["Content-Type"] == "text/plain; version=9"
    async with session.get("/debug/tasks") as response:
        assert await response.json() == {"tasks": [{"name": "serve"}]}


async def test_it_drains_once_however_often_it_is_asked_to(inside: Inside, session: aiohttp.ClientSession) -> None:
    for _ in range(3):
        async with session.post("/drain") as response:
            assert (response.status, await response.json()) == (202, {"status": "draining"})
    assert inside.drained == 1


async def test_no_web_page_on_the_same_machine_can_drain_it(inside: Inside, session: aiohttp.ClientSession) -> None:
    async with session.post("/drain", headers={"Origin": "https://evil.example"}) as response:
        assert response.status == 403
    async with session.get("/drain") as response:
        assert response.status == 405
    assert inside.drained == 0


@pytest.mark.parametrize("path", ["/", "/debug", "/twilio/voice", "/v1/realtime", "/api/v1/calls"])
async def test_there_is_nothing_else_there(session: aiohttp.ClientSession, path: str) -> None:
    async with session.get(path) as response:
        assert response.status == 404
