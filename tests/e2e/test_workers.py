"""Several processes on one port: callers notice neither which of them answers, nor the death of another, nor that a new
version takes over."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from offices import free_port
from telephony.sim.caller_script import CallerScript
from telephony.store.owner import exists
from terminals import BOUND
from versions import Line, ended, failed, spoken, versions, whole, workers_of

pytestmark = pytest.mark.timeout(120)

CALLS = 8
"""In a test of many calls; an even number."""
LOST = 1.0
"""Seconds of a recording that a killed process may take with it."""
SLACK = 0.5
"""Seconds between a moment and its being noticed, on a busy machine."""
LAST_WORDS = 3.0
"""Seconds that a process may live on after it was told twice."""
BRIEF = CallerScript.parse({"patience": 30, "steps": [{"wait": {"agent_ms": 500}}, "hang_up"]})
STAYS = CallerScript.parse({"patience": 60, "steps": [{"wait": "agent"}, {"pause": 40}, "hang_up"]})


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with versions(tmp_path) as made:
        yield made


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
