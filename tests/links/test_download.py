"""Files that a carrier keeps: whole or not at all, and asked for until they are there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from telephony.commands import HttpRequest
from telephony.errors import CarrierError, CarrierRefused
from telephony.links import download as module
from telephony.links.download import download

pytestmark = pytest.mark.timeout(30)


def files(folder: Path) -> list[tuple[str, int]]:
    return [(path.name, path.stat().st_size) for path in folder.iterdir()]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT", 0.01)


@asynccontextmanager
async def shelf(*answers: web.Response | None) -> AsyncIterator[tuple[HttpRequest, aiohttp.ClientSession, list[str]]]:
    """A server that gives *answers* one after the other, the last for ever; None breaks off."""
    asked: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Authorization", ""))
        answer = answers[min(len(asked), len(answers)) - 1]
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/RE1.wav"
    try:
        async with aiohttp.ClientSession() as session:
            yield HttpRequest("GET", url, auth=("AC1", "secret"), purpose="fetch recording"), session, asked
    finally:
        await runner.cleanup()


async def test_a_file_that_is_there_later_is_fetched_whole(tmp_path: Path) -> None:
    late = [web.Response(status=404), None, web.Response(status=503), web.Response(body=b"RIFF" * 50_000)]
    async with shelf(*late) as (request, session, asked):
        assert await download(session, request, tmp_path / "m.wav") == 200_000
    assert len(asked) == 4
    assert {header.partition(" ")[0] for header in asked} == {"Basic"}
    assert files(tmp_path) == [("m.wav", 200_000)]


@pytest.mark.parametrize("status", [401, 403, 410])
async def test_an_answer_that_will_not_change_is_believed_at_once(tmp_path: Path, status: int) -> None:
    async with shelf(web.Response(status=status)) as (request, session, asked):
        with pytest.raises(CarrierRefused, match=f"HTTP {status}"):
            await download(session, request, tmp_path / "m.wav")
    assert len(asked) == 1
    assert files(tmp_path) == []


async def test_what_never_comes_is_given_up_within_the_bound(tmp_path: Path) -> None:
    async with shelf(web.Response(status=404)) as (request, session, asked):
        with pytest.raises(CarrierError, match="404") as caught:
            await download(session, request, tmp_path / "m.wav", budget=0.2)
    assert 1 < len(asked) < 10
    assert "secret" not in str(caught.value)


async def test_a_file_that_is_too_large_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1000)
    async with shelf(web.Response(body=b"x" * 1001)) as (request, session, asked):
        with pytest.raises(CarrierRefused, match="more than 1000 bytes"):
            await download(session, request, tmp_path / "m.wav")
    assert len(asked) == 1


async def test_a_disk_that_does_not_take_it_says_so(tmp_path: Path) -> None:
    async with shelf(web.Response(body=b"x")) as (request, session, _):
        with pytest.raises(OSError, match="No such file"):
            await download(session, request, tmp_path / "gone" / "m.wav")
