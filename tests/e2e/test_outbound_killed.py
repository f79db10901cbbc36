"""A server that is killed while it places a call, at every step of the way: once it runs again there is exactly one
call for each request, whether or not somebody asks again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from offices import ACCOUNT, free_port
from telephony.simulate.callee import Callee
from telephony.simulate.rest import TwilioRest
from telephony.simulate.telling import CallbackFaults
from terminals import Desk, Process

pytestmark = pytest.mark.timeout(90)

TOKEN, KEY = "practice", "an-api-key-of-ours"
US, THEM = "+15550100", "+15550177"
CONFIGURATION = """
public_url: http://127.0.0.1:{port}
host: 127.0.0.1
port: {port}
twilio: {{account_sid: {account}, auth_token: practice, api_base: "{rest}"}}
outbound: {{api_key: an-api-key-of-ours, from_number: "+15550100", hours: "00:00-24:00", calls_per_second: {rate}}}
dialling: {{directory: {{clerk: "+15550177"}}}}
agents: {{desk: {{instructions: Be brief.}}}}
numbers: {{"*": desk}}
model_list:
  - {{model_name: grok, litellm_params: {{model: xai/grok-voice-latest, api_base: "ws://127.0.0.1:9"}}}}
"""


class Line:
    """The server as a process that can be killed, and Twilio here."""

    def __init__(self, desk: Desk, rest: TwilioRest) -> None:
        self.desk = desk
        self.rest = rest
        self.port = free_port()
        self.running: Process | None = None

    async def serve(self, rate: float = 50) -> None:
        text = CONFIGURATION.format(port=self.port, account=ACCOUNT, rest=self.rest.base_url, rate=rate)
        self.desk.write("ours.yaml", text)
        self.running = self.desk.start("serve", "--config", "ours.yaml")
        await asyncio.to_thread(self.running.until, '"listening"')

    async def kill(self) -> None:
        assert self.running is not None
        self.running.send(signal.SIGKILL)
        await asyncio.to_thread(self.running.ended)

    async def ask(self, key: str = "order-1", method: str = "POST") -> dict[str, Any]:
        """Ask for a call, or how it goes; what there is for an answer."""
        headers = {"Idempotency-Key": key, "Authorization": f"Bearer {KEY}"}
        url = f"http://127.0.0.1:{self.port}/api/v1/" + ("calls" if method == "POST" else f"orders/{key}")
        order = {"to": THEM, "agent": "desk"}
        async with aiohttp.ClientSession() as session, session.request(method, url, json=order, headers=headers) as got:
            return dict(await got.json(content_type=None))

    async def asked_and_killed(self, when: Callable[[], Awaitable[None]], key: str = "order-1") -> None:
        """Ask for a call and kill the server at a certain moment; whoever asked gets no answer."""
        asking = asyncio.get_running_loop().create_task(self.ask(key), name="ask")
        await when()
        await self.kill()
        with contextlib.suppress(aiohttp.ClientError):
            await asking

    async def placed(self, key: str = "order-1") -> str:
        """The carrier's id of a call, once the server knows it."""
        async with asyncio.timeout(30):
            while True:
                if call_id := (await self.ask(key, "GET")).get("call_id"):
                    return str(call_id)
                await asyncio.sleep(0.1)

    @property
    def database(self) -> Path:
        return self.desk.folder / "telephony.db"

    @contextlib.contextmanager
    def database_locked(self) -> Any:
        """While entered, nobody can write."""
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def written(self, key: str = "order-1") -> str:
        """The state in which an intent lies in the database; empty if it does not."""
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            row = db.execute("SELECT state FROM intents WHERE id = ?", (key,)).fetchone()
        return row[0] if row else ""

    async def until_written(self, key: str) -> None:
        await self.rest.board.until(lambda: bool(self.written(key)))


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with TwilioRest(ACCOUNT, TOKEN) as rest:
        rest.callees[THEM] = Callee(does="no answer")
        rest.board.ring = 60.0
        rest.board.callback_faults = CallbackFaults(backwards=True)  # no status comes to the rescue
        with Desk(tmp_path) as desk:
            yield Line(desk, rest)


class Halt:
    """Stops a request to the REST API where a test wants it, the first time it comes there."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, method: str, path: str) -> None:
        if method == "POST" and path.endswith("/Calls.json") and not self.reached.is_set():
            self.reached.set()
            await self.go_on.wait()
            raise ConnectionResetError

    async def wait(self) -> None:
        async with asyncio.timeout(20):
            await self.reached.wait()


async def once(line: Line, *keys: str, asks_again: bool) -> None:
    """The server is started again: whatever happens then, there is one call for each of *keys*."""
    await line.serve()
    if asks_again:
        for key in keys:
            await line.ask(key)
    sids = [await line.placed(key) for key in keys]
    assert len(set(sids)) == len(keys)
    if asks_again:
        assert [(await line.ask(key))["call_id"] for key in keys] == sids
    assert sorted(line.rest.board.calls) == sorted(sids)


async def test_killed_before_the_call_is_written_down(line: Line) -> None:
    await line.serve()
    with line.database_locked():
        await line.asked_and_killed(lambda: asyncio.sleep(0.5))
    assert line.written() == ""
    await once(line, "order-1", asks_again=True)


@pytest.mark.parametrize("asks_again", [True, False])
async def test_killed_when_it_is_written_down_and_waits_for_its_turn(line: Line, asks_again: bool) -> None:
    await line.serve(rate=0.15)
    await line.ask("order-1")
    await line.asked_and_killed(lambda: line.until_written("order-2"), "order-2")
    assert (line.written("order-2"), len(line.rest.board.calls)) == ("placing", 1)
    await once(line, "order-1", "order-2", asks_again=asks_again)


@pytest.mark.parametrize("asks_again", [True, False])
async def test_killed_when_the_carrier_was_asked_and_did_nothing(line: Line, asks_again: bool) -> None:
    halt = Halt()
    line.rest.before_doing = halt
    await line.serve()
    await line.asked_and_killed(halt.wait)
    halt.go_on.set()
    assert (line.written(), len(line.rest.board.calls)) == ("placing", 0)
    await once(line, "order-1", asks_again=asks_again)


@pytest.mark.parametrize("asks_again", [True, False])
async def test_killed_when_the_carrier_placed_the_call_and_has_not_said_so(line: Line, asks_again: bool) -> None:
    halt = Halt()
    line.rest.before_answer = halt
    await line.serve()
    await line.asked_and_killed(halt.wait)
    halt.go_on.set()
    assert (line.written(), len(line.rest.board.calls)) == ("placing", 1)
    await once(line, "order-1", asks_again=asks_again)


async def test_killed_when_the_carrier_has_said_so_and_it_is_not_written_down(line: Line) -> None:
    await line.serve()
    with contextlib.ExitStack() as locks:

        async def lock(method: str, path: str) -> None:
            if method == "POST" and path.endswith("/Calls.json"):
                locks.enter_context(line.database_locked())

        async def answered() -> None:
            await line.rest.board.until(lambda: bool(line.rest.board.calls))
            await asyncio.sleep(0.5)

        line.rest.before_answer = lock
        await line.asked_and_killed(answered)
    line.rest.before_answer = None
    assert (line.written(), len(line.rest.board.calls)) == ("placing", 1)
    await once(line, "order-1", asks_again=True)


async def test_killed_when_it_is_written_down_that_the_call_was_placed(line: Line) -> None:
    await line.serve()
    await line.ask()
    await line.kill()
    assert line.written() == "placed"
    await once(line, "order-1", asks_again=True)


async def test_of_two_calls_to_one_number_the_one_that_was_never_placed_is_asked_for_again(line: Line) -> None:
    stuck, placed = asyncio.Event(), asyncio.Event()

    async def never_arrives(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/Calls.json") and not stuck.is_set():
            stuck.set()
            await asyncio.sleep(60)
            raise ConnectionResetError

    async def no_answer(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/Calls.json"):
            placed.set()
            await asyncio.sleep(60)

    line.rest.before_doing, line.rest.before_answer = never_arrives, no_answer
    await line.serve()
    first = asyncio.get_running_loop().create_task(line.ask("order-1"), name="first")
    await stuck.wait()
    await asyncio.sleep(1.5)  # the carrier counts in whole seconds
    await line.asked_and_killed(lambda: asyncio.wait_for(placed.wait(), 20), "order-2")
    with contextlib.suppress(aiohttp.ClientError):
        await first
    line.rest.before_doing = line.rest.before_answer = None
    [call] = line.rest.board.calls
    await once(line, "order-1", "order-2", asks_again=False)
    assert await line.placed("order-2") == call
    assert await line.placed("order-1") != call


async def test_a_call_is_placed_from_the_command_line(line: Line) -> None:
    await line.serve()
    words = ("call", THEM, "--agent", "desk", "--key", "order-1", "--config", "ours.yaml")
    for more in ((), ("--json",)):
        done = line.desk.start(*words, *more)
        assert await asyncio.to_thread(done.ended) == 0, done.story
    (sid,) = line.rest.board.calls
    assert json.loads(done.out)["call_id"] == sid
    refused = line.desk.start("call", "911", "--agent", "desk", "--config", "ours.yaml")
    assert await asyncio.to_thread(refused.ended) == 1
    assert "no number that can be dialled" in refused.errors
    unknown = line.desk.start(*words, "--from", "+15550101")
    assert await asyncio.to_thread(unknown.ended) == 1
    assert "stands for another call already" in unknown.errors
