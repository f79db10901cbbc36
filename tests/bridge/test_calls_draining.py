"""The end of all calls of a process: patience, goodbyes, and what is done with those that do not end."""

from __future__ import annotations

import asyncio

from bridged import BridgedCall, House, goodbye
from telephony.records import Termination

BRIEF = 0.1
HUNG_UP = Termination("completed", "caller", "caller hung up")


async def test_an_idle_house_is_drained_at_once(house: House) -> None:
    await house.calls.drain(60, 60)
    assert house.calls.draining


async def test_draining_lets_calls_end_by_themselves(house: House) -> None:
    call = BridgedCall()
    task = house.take(call)
    await call.begin()
    async with asyncio.TaskGroup() as group:
        group.create_task(house.calls.drain(60, 60), name="drain")
        await asyncio.sleep(0)
        await call.phone.stop()
    assert task.result().termination == HUNG_UP


async def test_when_patience_ends_the_agents_say_goodbye(house: House) -> None:
    calls = [BridgedCall(), BridgedCall()]
    tasks = [house.take(call, call_id=f"CA{number}") for number, call in enumerate(calls)]
    for call in calls:
        await call.begin()
    async with asyncio.TaskGroup() as group:
        group.create_task(house.calls.drain(0, 60), name="drain")
        for call in calls:
            await goodbye(call)
            await call.phone.stop()
    records = [task.result() for task in tasks]
    assert [r.termination for r in records] == [Termination("completed", "server", "server stopping")] * 2


async def test_a_call_that_begins_while_goodbyes_are_said_says_goodbye_too(house: House) -> None:
    first, late = BridgedCall(), BridgedCall()
    house.take(first)
    await first.begin()
    async with asyncio.TaskGroup() as group:
        group.create_task(house.calls.drain(0, 60), name="drain")
        await first.model.until("response.create")
        house.take(late, call_id="CA1")
        await late.phone.until("media")  # the recorded goodbye: there is no model yet
        await late.phone.stop()
        await first.phone.stop()
    assert ("CA1", "leaving") in house.noted


async def test_who_does_not_end_in_time_is_cut_off_and_recorded(house: House) -> None:
    call = BridgedCall()
    task = house.take(call)
    await call.begin()
    await house.calls.drain(0, BRIEF)
    assert (await task).termination == Termination("failed", "server", "server stopping")
    assert len(await house.stored()) == 1
    await house.calls.cut_off()
