"""A whole process, watched over its internal port while it starts, runs, is in trouble and ends."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from offices import free_port, settings_for, world
from telephony.agents.agent import Agent
from telephony.records import CallRecord, Termination
from telephony.runtime.office import answer_calls, open_office
from telephony.tools import CallContext, tool

HELLO = {"replies": [{"on": "greeting", "say": "Hello, this is Acme."}]}
INTERNAL = ("/readyz", "/metrics", "/debug/tasks")


class Database:
    """What tools are given."""


def frontdesk(**more: Any) -> Agent:
    return Agent("frontdesk", greeting="Hello, this is Acme.", **more)


async def asked(session: aiohttp.ClientSession, address: str) -> tuple[int, Any]:
    async with session.get(address) as response:
        return response.status, await response.json()


async def metric(session: aiohttp.ClientSession, port: int, name: str) -> str:
    async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
        lines = (await response.text()).splitlines()
    (line,) = [line for line in lines if line.startswith(name + " ")]
    return line.removeprefix(name + " ")


async def until_answered(session: aiohttp.ClientSession, address: str, status: int = 200) -> Any:
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(aiohttp.ClientConnectorError):
                answer = await asked(session, address)
                if answer[0] == status:
                    return answer[1]
            await asyncio.sleep(0.01)


async def test_it_says_that_it_starts_before_it_is_ready(tmp_path: Path) -> None:
    """What tools are given takes its time to open here, as a database does."""
    opening = asyncio.Event()

    @contextlib.asynccontextmanager
    async def slow() -> AsyncIterator[Database]:
        await opening.wait()
        yield Database()

    port, stop = free_port(), asyncio.Event()
    settings = settings_for(tmp_path, internal_port=port)
    address = f"http://127.0.0.1:{port}/readyz"
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        group.create_task(answer_calls(settings, {}, stop, [frontdesk()], [slow]), name="serve")
        assert await until_answered(session, address, 503) == {"ready": False, "reasons": ["starting"]}
        opening.set()
        assert await until_answered(session, address) == {"ready": True, "reasons": []}
        assert (await asked(session, f"{settings.public_url}/healthz"))[0] == 200
        stop.set()


async def test_it_is_not_ready_while_the_store_takes_nothing_and_shows_what_waits(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, internal_port=0)
    async with open_office(settings, {}, agents=[frontdesk()]) as office, aiohttp.ClientSession() as session:
        assert office.internal
        port = office.internal.port
        assert (await asked(session, f"http://127.0.0.1:{port}/readyz"))[0] == 200
        with contextlib.closing(sqlite3.connect(tmp_path / "telephony.db", isolation_level=None)) as other:
            other.execute("DROP TABLE turns")
            await office.keeper.finish(ended())
            status, body = await asked(session, f"http://127.0.0.1:{port}/readyz")
            assert (status, body["ready"]) == (503, False)
            assert body["reasons"][0].startswith("the store takes no records: ")
            assert await metric(session, port, 'telephony_records_waiting{where="disk"}') == "1.0"
            assert await metric(session, port, "telephony_ready") == "0.0"


async def test_it_drains_when_it_is_asked_to_as_on_a_signal(tmp_path: Path) -> None:
    port, stop = free_port(), asyncio.Event()
    settings = settings_for(tmp_path, internal_port=port)
    async with aiohttp.ClientSession() as session, asyncio.timeout(20), asyncio.TaskGroup() as group:
        serving = group.create_task(answer_calls(settings, {}, stop, [frontdesk()]), name="serve")
        await until_answered(session, f"{settings.public_url}/healthz")
        async with session.post(f"{settings.public_url}/drain") as response:
            assert response.status == 404
        assert not stop.is_set()
        async with session.post(f"http://127.0.0.1:{port}/drain") as response:
            assert response.status == 202
        await serving
    assert stop.is_set()


async def test_a_call_is_seen_while_it_goes_on_and_counted_when_it_is_over(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    @tool
    async def look(call: CallContext) -> str:
        """Look at the process from outside, in the middle of the call."""
        async with aiohttp.ClientSession() as session:
            port = seen["port"]
            for direction in ("inbound", "outbound"):
                name = f'telephony_calls_active{{direction="{direction}"}}'
                seen[direction] = await metric(session, port, name)
            seen["sessions"] = await metric(session, port, 'telephony_sessions_active{model="xai/grok"}')
            seen["ready"] = (await asked(session, f"http://127.0.0.1:{port}/readyz"))[1]
            seen["tasks"] = (await asked(session, f"http://127.0.0.1:{port}/debug/tasks"))[1]["tasks"]
        return "seen"

    script = {
        "replies": [
            {"on": "greeting", "say": "Hello, this is Acme."},
            {"on": "speech", "hears": "Look.", "call": {"name": "look"}},
            {"on": "tool", "say": "I have seen it."},
        ]
    }
    steps = [{"wait": "agent"}, {"say": "Look."}, {"wait": "agent"}, "hang_up"]
    async with world(tmp_path, script, frontdesk(tools=[look]), internal_port=0) as made:
        assert made.office.internal
        port = seen["port"] = made.office.internal.port
        outcome = await made.call(*steps)
        await made.record(outcome)
        async with aiohttp.ClientSession() as session:
            for path in INTERNAL:
                async with session.get(made.office.address + path) as response:
                    assert response.status == 404, f"{path} is on the public port"
            assert await metric(session, port, 'telephony_calls_active{direction="inbound"}') == "0.0"
            over = 'telephony_calls_total{agent="frontdesk",by="caller",result="completed"}'
            assert await metric(session, port, over) == "1.0"
            connected = 'telephony_upstream_connect_seconds_count{model="xai/grok",outcome="ok"}'
            assert await metric(session, port, connected) == "1.0"
            webhook = 'telephony_requests_total{code="200",route="/twilio/voice"}'
            assert await metric(session, port, webhook) == "1.0"
            async with session.post(made.office.address + "/twilio/voice") as response:
                assert response.status == 403
            forged = 'telephony_requests_total{code="403",route="/twilio/voice"}'
            assert await metric(session, port, forged) == "1.0"
    assert (seen["inbound"], seen["outbound"], seen["sessions"]) == ("1.0", "0.0", "1.0")
    assert seen["ready"] == {"ready": True, "reasons": []}
    owners = {task["name"]: task["owner"] for task in seen["tasks"]}
    assert owners[f"{outcome.call_sid} carrier listen"] == outcome.call_sid
    assert owners[f"{outcome.call_sid} tool look"] == outcome.call_sid
    assert owners["loop lag"] == "process"


def ended() -> CallRecord:
    return CallRecord("c1", "twilio", "CA1", "a", termination=Termination("completed", "caller", "caller hung up"))


async def test_the_readme_names_every_metric_and_no_other(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, internal_port=0, max_calls=30)
    async with open_office(settings, {}, agents=[frontdesk()]) as office, aiohttp.ClientSession() as session:
        assert office.internal
        async with session.get(f"http://127.0.0.1:{office.internal.port}/metrics") as response:
            page = await response.text()
    there = set(re.findall(r"^# TYPE (telephony_\w+) ", page, re.MULTILINE))
    there = {name for name in there if not name.endswith("_created")}
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Watching it")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(telephony_\w+)`", section)) == there


async def test_without_an_internal_port_there_is_nowhere_to_look(tmp_path: Path) -> None:
    async with open_office(settings_for(tmp_path), {}, agents=[frontdesk()]) as office:
        assert office.internal is None
    assert asyncio.get_running_loop().get_task_factory() is None
