"""The API of several processes: whichever of them is asked, it shows and reaches the calls of all."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from telephony.sim.caller_script import CallerScript
from telephony.simulate.callee import Callee
from terminals import BOUND, Process
from versions import Line, ended, versions, workers_of

pytestmark = pytest.mark.timeout(120)

KEY = "a-key-of-ours"
THEM = "+15550177"
CALLS = 4
MORE = f"""
api:
  keys:
    ours: {{sha256: "{hashlib.sha256(KEY.encode()).hexdigest()}", scopes: ["live:read", "live:write", "calls:write"]}}
outbound: {{from_number: "+15550100", hours: "00:00-24:00"}}
dialling: {{directory: {{clerk: "{THEM}"}}}}
"""
STAYS = CallerScript.parse({"patience": 60, "steps": [{"wait": "agent"}, {"pause": 40}, "hang_up"]})


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with versions(tmp_path) as made:
        made.configure(MORE)
        yield made


class Client:
    """Somebody whose connection is with one certain worker."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def ask(self, path: str, body: Any = None, method: str = "", **headers: str) -> tuple[int, Any]:
        method = method or ("GET" if body is None else "POST")
        async with self.session.request(method, "/api/v1" + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def carriers_ids(self) -> list[str]:
        status, listed = await self.ask("/live")
        assert status == 200
        return [call["carrier_call_id"] for call in listed["calls"]]

    @contextlib.asynccontextmanager
    async def listening(self, path: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        async with self.session.get("/api/v1/live" + path) as answer:
            assert answer.status == 200
            yield _events(answer.content)


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[dict[str, Any]]:
    while line := await content.readline():
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


async def until(events: AsyncIterator[dict[str, Any]], **wanted: str) -> dict[str, Any]:
    """The first event with these values."""
    async with asyncio.timeout(BOUND):
        async for event in events:
            about = event | event.get("call", {})
            if all(about.get(name) == value for name, value in wanted.items()):
                return event
    raise AssertionError(f"the stream ended without {wanted}")


@contextlib.contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """These workers neither accept nor answer anything meanwhile."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def client_of(line: Line, pid: int, server: Process) -> AsyncIterator[Client]:
    """A client whose one connection was accepted by worker *pid*, for the others could not."""
    headers = {"Authorization": f"Bearer {KEY}"}
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{line.port}", connector=connector, headers=headers) as session:
        with stopped(*(other for other in workers_of(server) if other != pid)):
            async with session.get("/healthz") as answer:
                assert answer.status == 200
        yield Client(session)


async def test_whichever_worker_is_asked_it_shows_and_reaches_the_calls_of_all(line: Line) -> None:
    server = await line.serve()
    calls = [line.call(STAYS) for _ in range(CALLS)]
    await line.until_heard(server, CALLS)
    gone: set[str] = set()
    for pid in workers_of(server):
        async with client_of(line, pid, server) as client:
            ids = await client.carriers_ids()
            assert len(ids) == CALLS - len(gone)
            for call in ids:
                status, shown = await client.ask(f"/live/{call}")
                assert (status, shown["carrier_call_id"]) == (200, call)
                assert (await client.ask(f"/live/{shown['id']}"))[1]["id"] == shown["id"], "our own id will do, too"
                assert (await client.ask(f"/live/{call}/say", {"text": "We close."}))[0] == 202
                assert (await client.ask(f"/live/{call}/say", {"text": ""}))[0] == 400
                assert (await client.ask(f"/live/{call}/transfer", {"target": "nobody"}))[0] == 403
            for path in ("", "/hang-up"):
                body = {} if path else None
                assert (await client.ask(f"/live/nobody{path}", body))[0] == 404
            for call in (ids[0], ids[-1]):
                assert (await client.ask(f"/live/{call}/hang-up", {"reason": "misuse"}))[0] == 202
                gone.add(call)
        async with asyncio.timeout(BOUND):
            while sum(call.done() for call in calls) < len(gone):  # noqa: ASYNC110  the carrier ends them
                await asyncio.sleep(0.05)
        if len(gone) == CALLS:
            break
    outcomes = await asyncio.gather(*calls)
    assert {outcome.call_sid for outcome in outcomes} == gone
    assert {outcome.ended_by for outcome in outcomes} == {"agent"}
    server.send(signal.SIGTERM)
    assert await ended(server) == 0, server.story


async def test_the_stream_of_one_call_comes_from_the_worker_that_carries_it(line: Line) -> None:
    server = await line.serve()
    calls = [line.call(STAYS) for _ in range(2)]
    await line.until_heard(server, 2)
    [asked, other] = workers_of(server)
    async with client_of(line, asked, server) as client:
        ids = await client.carriers_ids()
    for call in ids:
        async with client_of(line, asked, server) as client, client.listening(f"/{call}/events") as events:
            await until(events, event="call", carrier_call_id=call)
            async with client_of(line, other, server) as operator:
                assert (await operator.ask(f"/live/{call}/hang-up", {}))[0] == 202
            await until(events, event="ended", carrier_call_id=call)
            assert [event async for event in events] == [], "it ends with the call"
    await asyncio.gather(*calls)


async def test_the_stream_of_all_calls_tells_of_all_workers_whoever_comes_and_goes(line: Line) -> None:
    server = await line.serve()
    calls = [line.call(STAYS) for _ in range(2)]
    await line.until_heard(server, 2)
    [asked, other] = workers_of(server)
    async with (
        client_of(line, asked, server) as again,
        client_of(line, asked, server) as client,
        client.listening("/events") as events,
    ):
        ids = {(await until(events, event="call"))["call"]["carrier_call_id"] for _ in range(2)}
        assert len(ids) == 2
        os.kill(other, signal.SIGKILL)
        lost = (await until(events, event="ended"))["carrier_call_id"]
        assert lost in ids
        assert await again.carriers_ids() == list(ids - {lost})
        await asyncio.to_thread(server.until, '"a worker died; it is started again"')
        async with asyncio.timeout(BOUND):
            while len(workers_of(server)) < 3:  # noqa: ASYNC110  the log tells of it
                await asyncio.sleep(0.05)
        calls += [line.call(STAYS) for _ in range(2)]
        begun = {(await until(events, event="call"))["call"]["carrier_call_id"] for _ in range(2)}
        assert len(begun - ids) == 2
        assert set(await again.carriers_ids()) == begun | ids - {lost}


async def test_a_worker_that_does_not_answer_is_told_and_no_error_of_the_others(line: Line) -> None:
    server = await line.serve()
    for _ in range(2):
        line.call(STAYS)
    await line.until_heard(server, 2)
    [asked, other] = workers_of(server)
    async with client_of(line, asked, server) as client:
        ids = set(await client.carriers_ids())
        with stopped(other):
            status, listed = await client.ask("/live")
            assert (status, len(listed["calls"]), listed["silent_workers"]) == (200, 1, 1)
            own = {call["carrier_call_id"] for call in listed["calls"]}
            assert (await client.ask(f"/live/{own.copy().pop()}"))[0] == 200
            assert (await client.ask(f"/live/{(ids - own).pop()}/hang-up", {}))[0] == 503
        assert set(await client.carriers_ids()) == ids


async def test_calls_that_the_version_before_still_carries_are_shown_and_reached(line: Line) -> None:
    old = await line.serve()
    before = line.call(STAYS)
    await line.until_heard(old, 1)
    new = await line.serve()
    old.send(signal.SIGTERM)
    await asyncio.to_thread(old.until, '"worker stopping"')
    after = line.call(STAYS)
    await line.until_heard(new, 1)
    async with client_of(line, workers_of(new)[0], new) as client:
        assert len(await client.carriers_ids()) == 2
        for call in await client.carriers_ids():
            assert (await client.ask(f"/live/{call}/hang-up", {"reason": "misuse"}))[0] == 202
    outcomes = await asyncio.gather(before, after)
    assert {outcome.ended_by for outcome in outcomes} == {"agent"}, old.story
    assert await ended(old) == 0, old.story


async def test_a_call_that_was_asked_for_at_one_worker_is_known_at_the_others(line: Line) -> None:
    server = await line.serve()
    line.rest.board.ring = 0.05
    line.rest.board.callees[THEM] = Callee()
    [one, other] = workers_of(server)
    order = {"to": THEM, "agent": "desk"}
    async with client_of(line, one, server) as first, client_of(line, other, server) as second:
        status, placed = await first.ask("/calls", order, **{"Idempotency-Key": "order-1"})
        assert status == 201, placed
        _, again = await second.ask("/calls", order, **{"Idempotency-Key": "order-1"})
        assert (again["id"], again["call_id"]) == ("order-1", placed["call_id"]), "it was called twice"
        for client in (first, second):
            status, known = await client.ask("/orders/order-1")
            assert (status, known["call_id"]) == (200, placed["call_id"])
        await line.until_heard(server, 1)
        for client in (first, second):
            assert await client.carriers_ids() == [placed["call_id"]]
            assert (await client.ask("/orders/order-1"))[1]["state"] == "in-progress"
