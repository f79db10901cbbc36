"""Several processes on one port: callers notice neither which of them answers, nor the death of another, nor that a new
version takes over."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import time
import wave
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from offices import ACCOUNT, free_port
from telephony.sim.caller_script import CallerScript
from telephony.sim.model_script import decode_script
from telephony.simulate.caller import place_call
from telephony.simulate.model import RunningModel, start_model
from telephony.simulate.outcome import CallOutcome
from telephony.simulate.rest import TwilioRest
from telephony.simulate.voice import Voice
from telephony.store.owner import exists
from terminals import BOUND, Desk, Process

pytestmark = pytest.mark.timeout(120)

TOKEN = "practice"
CALLS = 8
"""In a test of many calls; an even number."""
LOST = 1.0
"""Seconds of a recording that a killed process may take with it."""
SLACK = 0.5
"""Seconds between a moment and its being noticed, on a busy machine."""
LAST_WORDS = 3.0
"""Seconds that a process may live on after it was told twice."""
STORY = " ".join(["once upon a time"] * 5)
"""Six seconds; the agent's greeting. Whoever hears every sample of it in its place has heard no gap."""
CONFIGURATION = """
public_url: http://127.0.0.1:{port}
host: 127.0.0.1
port: {port}
recordings: heard
drain: {drain}
shed_lag_ms: 60000
twilio: {{account_sid: {account}, auth_token: practice, api_base: "{rest}"}}
agents:
  desk: {{greeting: {story}, audio: pcmu, instructions: Be brief., cassette: "off"}}
numbers: {{"*": {{agent: desk, overflow: Busy., outage: Gone.}}}}
{more}
model_list:
  - {{model_name: grok, litellm_params: {{model: xai/grok-voice-latest, api_base: "{model}"}}}}
"""
LISTENS = CallerScript.parse({"patience": 30, "steps": [{"wait": "agent"}, "hang_up"]})
BRIEF = CallerScript.parse({"patience": 30, "steps": [{"wait": {"agent_ms": 500}}, "hang_up"]})
STAYS = CallerScript.parse({"patience": 60, "steps": [{"wait": "agent"}, {"pause": 40}, "hang_up"]})


class Line:
    """Servers as processes; the model, Twilio and the callers here."""

    def __init__(self, desk: Desk, model: RunningModel, rest: TwilioRest) -> None:
        self.desk = desk
        self.model = model
        self.rest = rest
        self.port = free_port()
        self.calls: list[asyncio.Task[CallOutcome]] = []

    def configure(self, more: str = "", drain: float = 30) -> None:
        text = CONFIGURATION.format(
            port=self.port,
            account=ACCOUNT,
            rest=self.rest.base_url,
            model=self.model.url,
            story=STORY,
            more=more,
            drain=drain,
        )
        self.desk.write("ours.yaml", text)

    async def serve(self, workers: int = 2) -> Process:
        process = self.desk.start("serve", "--config", "ours.yaml", "--workers", str(workers))
        await asyncio.to_thread(process.until, '"listening"')
        return process

    def call(self, script: CallerScript = LISTENS) -> asyncio.Task[CallOutcome]:
        url = f"http://127.0.0.1:{self.port}/twilio/voice"
        placing = place_call(
            url,
            script,
            account_sid=ACCOUNT,
            auth_token=TOKEN,
            rest=self.rest,
            status_callback=url.replace("voice", "status"),
        )
        self.calls.append(asyncio.get_running_loop().create_task(placing, name="call"))
        return self.calls[-1]

    async def until_heard(self, process: Process, count: int) -> None:
        """Wait until the agent has begun to speak in so many calls of a server."""
        async with asyncio.timeout(BOUND):
            while process.errors.count('"agent speaks"') < count:  # noqa: ASYNC110  it is another process that says so
                await asyncio.sleep(0.02)

    def terminations(self) -> dict[str, list[tuple[str, str, str]]]:
        """Those of all records, by the carrier's id of the call: id, how it ended, the recording."""
        found: dict[str, list[tuple[str, str, str]]] = {}
        with closing(sqlite3.connect(self.desk.folder / "telephony.db")) as db:
            rows = db.execute("SELECT carrier_call_id, id, result, recording FROM calls").fetchall()
        for call, record, result, recording in rows:
            found.setdefault(call, []).append((record, result, recording))
        return found

    def seconds_of(self, recording: str) -> float:
        with wave.open(str(self.desk.folder / recording)) as file:
            return file.getnframes() / file.getframerate()


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    voice = Voice("agent", synthesis=False)
    script = decode_script({"model": {"replies": [{"on": "greeting", "say": STORY}]}}, "model")
    async with TwilioRest(ACCOUNT, TOKEN) as rest, await start_model(script, voice=voice) as model:
        with Desk(tmp_path, {"TELEPHONY_RUN_FOLDER": str(tmp_path)} if len(str(tmp_path)) < 40 else {}) as desk:
            made = Line(desk, model, rest)
            made.configure()
            yield made
            for call in made.calls:
                call.cancel()
            await asyncio.gather(*made.calls, return_exceptions=True)


def workers_of(process: Process) -> list[int]:
    """The ids of its workers, the first one first."""
    lines = [json.loads(line) for line in process.errors.splitlines() if line.startswith("{")]
    return [int(line["pid"]) for line in lines if line["event"] == "worker"]


def whole(outcome: CallOutcome) -> bool:
    """Whether the caller has heard the agent's story without a gap."""
    return Voice("agent", synthesis=False)(STORY) in outcome.heard


def failed(outcome: CallOutcome) -> list[str]:
    """What became of requests of the carrier's that nobody answered."""
    return [made.problem for made in outcome.exchanges if not made.status]


def spoken(outcome: CallOutcome) -> str:
    """What the carrier itself said to the caller in the end."""
    documents = [ET.fromstring(made.body) for made in outcome.exchanges if made.body.startswith("<")]  # noqa: S314
    return " ".join(verb.text or "" for document in documents for verb in document.iter("Say"))


async def ended(process: Process, bound: float = BOUND) -> int:
    return await asyncio.to_thread(process.ended, bound)


async def test_the_death_of_a_worker_ends_its_calls_and_nobody_elses(line: Line) -> None:
    server = await line.serve()
    calls = [line.call() for _ in range(CALLS)]
    await line.until_heard(server, CALLS)
    began = time.monotonic()
    await asyncio.sleep(2.5)
    os.kill(workers_of(server)[0], signal.SIGKILL)
    ran = time.monotonic() - began
    outcomes = await asyncio.gather(*calls)
    survivors = [outcome for outcome in outcomes if outcome.ended_by == "caller"]
    assert len(survivors) == CALLS // 2, server.story
    assert all(whole(outcome) for outcome in survivors), "another worker's caller has noticed"
    lost = [outcome for outcome in outcomes if outcome not in survivors]
    # Whoever asks on a connection to the dead, in the moment of its death, gets no answer from anybody.
    assert all("something went wrong on our side" in spoken(outcome) for outcome in lost if not failed(outcome))
    assert '"a worker died; it is started again"' in server.errors
    assert len(workers_of(server)) == 3
    again = await line.call(BRIEF)
    server.send(signal.SIGTERM)
    assert await ended(server) == 0, server.story
    records = line.terminations()
    assert {call: len(found) for call, found in records.items()} == dict.fromkeys(
        [outcome.call_sid for outcome in [*outcomes, again]], 1
    )
    for outcome in outcomes:
        [(_, result, recording)] = records[outcome.call_sid]
        assert result == ("completed" if outcome in survivors else "aborted")
        if outcome in lost:
            assert ran - LOST - SLACK <= line.seconds_of(recording) <= ran + LOST + SLACK


async def test_a_new_version_on_the_same_port_cuts_no_call_and_loses_none(line: Line) -> None:
    old = await line.serve()
    new = line.desk.start("serve", "--config", "ours.yaml", "--workers", "2")
    await asyncio.to_thread(new.until, '"worker"')
    before = [line.call() for _ in range(CALLS // 2)]
    await line.until_heard(old, CALLS // 2)
    await asyncio.to_thread(new.until, '"listening"')
    between = [line.call() for _ in range(CALLS // 2)]
    old.send(signal.SIGTERM)
    after = [line.call() for _ in range(CALLS // 2)]
    outcomes = await asyncio.gather(*before, *between, *after)
    assert [outcome.complaints for outcome in outcomes if not outcome.ok or not whole(outcome)] == [], old.story
    assert await ended(old) == 0, old.story
    new.send(signal.SIGTERM)
    assert await ended(new) == 0, new.story
    assert old.errors.count('"call comes in"') == CALLS // 2
    assert new.errors.count('"call comes in"') == CALLS
    records = line.terminations()
    assert sorted(len(found) for found in records.values()) == [1] * len(outcomes)
    assert {result for [(_, result, _)] in records.values()} == {"completed"}


async def test_all_workers_are_watched_as_one_process_and_drained_from_there(line: Line) -> None:
    internal = free_port()
    line.configure(more=f"internal_port: {internal}")
    server = await line.serve()
    calls = [line.call() for _ in range(CALLS)]
    await line.until_heard(server, CALLS)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{internal}") as session:
        async with session.get("/readyz") as response:
            assert await response.json() == {"ready": True, "reasons": []}
        async with session.get("/metrics") as response:
            assert f'telephony_calls_active{{direction="inbound"}} {CALLS}.0' in await response.text()
        async with session.get("/debug/tasks") as response:
            tasks = (await response.json())["tasks"]
        assert len({task["worker"] for task in tasks}) == 2
        owners = {task["owner"] for task in tasks} - {"process"}
        async with session.post("/drain") as response:
            assert response.status == 202
        await asyncio.sleep(0.5)
        async with session.get("/readyz") as response:
            assert response.status == 503
            assert "draining" in (await response.json())["reasons"]
        outcomes = await asyncio.gather(*calls)
    assert all(whole(outcome) for outcome in outcomes), "a caller has noticed"
    assert {outcome.call_sid for outcome in outcomes} == owners
    assert await ended(server) == 0, server.story


async def test_told_to_stop_it_says_goodbye_and_sends_new_callers_elsewhere(line: Line) -> None:
    line.configure(drain=2)
    server = await line.serve()
    running = line.call(STAYS)
    await line.until_heard(server, 1)
    server.send(signal.SIGTERM)
    await asyncio.to_thread(server.until, '"worker stopping"')
    assert spoken(await line.call()) == "Gone."
    assert await ended(server) == 0, server.story
    outcome = await running
    assert outcome.ended_by == "agent", server.story
    assert failed(outcome) == [], "callbacks were not served to the end"
    [(_, result, _)] = line.terminations()[outcome.call_sid]
    assert result == "completed"


async def test_told_twice_it_ends_at_once_with_all_its_workers_and_keeps_the_records(line: Line) -> None:
    server = await line.serve()
    calls = [line.call(STAYS) for _ in range(2)]
    await line.until_heard(server, 2)
    server.send(signal.SIGTERM)
    await asyncio.to_thread(server.until, '"worker stopping"')
    server.send(signal.SIGINT)
    await ended(server, LAST_WORDS + SLACK)
    assert not [pid for pid in workers_of(server) if exists(pid)]
    assert "Traceback" not in server.errors, server.story
    outcomes = await asyncio.gather(*calls)
    assert [len(line.terminations()[outcome.call_sid]) for outcome in outcomes] == [1, 1]
    assert all(line.terminations()[outcome.call_sid][0][1] for outcome in outcomes)


async def test_the_death_of_the_parent_cuts_no_call_and_leaves_the_port_to_the_next(line: Line) -> None:
    server = await line.serve()
    calls = [line.call() for _ in range(2)]
    await line.until_heard(server, 2)
    server.send(signal.SIGKILL)
    await ended(server)
    again = await line.serve()
    assert all(whole(outcome) for outcome in await asyncio.gather(*calls)), server.story
    async with asyncio.timeout(BOUND):
        while any(exists(pid) for pid in workers_of(server)):  # noqa: ASYNC110  nobody waits for them
            await asyncio.sleep(0.05)
    again.send(signal.SIGTERM)
    assert await ended(again) == 0, again.story


@pytest.mark.parametrize("limit", ["max_calls: 2", "max_calls_per_worker: 1"])
async def test_of_callers_who_come_at_once_no_more_are_carried_than_there_are_places(line: Line, limit: str) -> None:
    line.configure(limit)
    server = await line.serve()
    outcomes = await asyncio.gather(*[line.call(BRIEF) for _ in range(CALLS)])
    carried = [outcome for outcome in outcomes if outcome.stream_sids]
    assert len(carried) == 2, server.story
    assert {spoken(outcome) for outcome in outcomes if outcome not in carried} == {"Busy."}
    async with asyncio.timeout(BOUND):
        while not (await line.call(BRIEF)).stream_sids:  # a place is free as soon as the call's files are closed
            pass
    server.send(signal.SIGTERM)
    assert await ended(server) == 0


async def test_what_is_wrong_is_told_once_and_nothing_is_started_again(line: Line) -> None:
    line.desk.write("heard", "in the way of the recordings")
    refused = line.desk.start("serve", "--config", "ours.yaml", "--workers", "2")
    assert await ended(refused) == 2
    assert refused.errors.count("recordings") == 1, refused.story
    assert "started again" not in refused.errors


async def test_a_stranger_on_the_port_is_noticed(line: Line) -> None:
    with socket.create_server(("127.0.0.1", line.port)):
        refused = line.desk.start("serve", "--config", "ours.yaml", "--workers", "2")
        assert await ended(refused) == 2
    assert f"{line.port} cannot be listened on" in refused.errors
