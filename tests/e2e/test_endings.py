"""How calls end over real sockets: the caller at every phase, the limits, and a server that stops."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from offices import World, stored_records, world
from raw_lines import raw_line
from telephony.agents.agent import Agent
from telephony.records import CallRecord, Termination
from telephony.settings import Limits
from telephony.sim.caller import Observation
from telephony.tools import tool

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

HUNG_UP = Termination("completed", "caller", "caller hung up")


@tool(timeout=20)
async def slow_lookup() -> str:
    """Look something up for longer than anybody waits."""
    await asyncio.sleep(20)
    return "found"


CHATTY = {
    "fallback": "Yes?",
    "replies": [
        {"on": "greeting", "say": "Hello, this is Acme."},
        {"on": "speech", "hears": "Hi.", "say": "Let me see.", "call": {"name": "slow_lookup"}},
    ],
}
PHASES: dict[str, list[Any]] = {
    "at once": ["hang_up"],
    "before the greeting": [{"pause": 0.1}, "hang_up"],
    "during the greeting": [{"wait": {"agent_ms": 200}}, "hang_up"],
    "after the greeting": [{"wait": "agent"}, "hang_up"],
    "having spoken": [{"wait": "agent"}, {"say": "Hi."}, "hang_up"],
    "while the model thinks": [{"wait": "agent"}, {"say": "Hi."}, {"pause": 0.7}, "hang_up"],
    "while the model speaks": [{"wait": "agent"}, {"say": "Hi."}, {"wait": {"agent_ms": 300}}, "hang_up"],
    "while a tool runs": [{"wait": "agent"}, {"say": "Hi."}, {"wait": "agent"}, {"pause": 0.3}, "hang_up"],
    "having talked over it": [{"wait": {"agent_ms": 200}}, {"say": "Stop."}, {"pause": 0.1}, "hang_up"],
}


async def test_a_caller_may_hang_up_at_any_phase(tmp_path: Path) -> None:
    agent = Agent("frontdesk", greeting="Hello, this is Acme.", tools=[slow_lookup])
    async with world(tmp_path, CHATTY, agent) as made:
        async with asyncio.TaskGroup() as group:
            calls = {phase: group.create_task(made.call(*steps), name=phase) for phase, steps in PHASES.items()}
        records: dict[str, CallRecord] = {}
        for phase, task in calls.items():
            outcome = task.result()
            assert outcome.complaints == [], phase
            assert (outcome.status, outcome.ended_by) == ("completed", "caller"), phase
            if outcome.stream_sids:
                records[phase] = await made.record(outcome)
        assert made.outside.faults() == []
    for phase, record in records.items():
        assert record.termination == HUNG_UP, phase
        assert [use.outcome for use in record.tools] in ([], ["cancelled"]), phase
        assert (tmp_path / "recordings" / f"{record.id}.wav").is_file(), phase
    assert [use.outcome for use in records["while a tool runs"].tools] == ["cancelled"]
    assert records["during the greeting"].turns[0].interrupted
    assert set(PHASES) - set(records) <= {"at once"}


# -- limits --------------------------------------------------------------------------------------------------------

GOODBYE = [{"on": "greeting", "say": "Hello."}, {"on": "prompt", "say": "Goodbye."}]


async def test_a_call_that_lasts_too_long_ends_with_a_goodbye(tmp_path: Path) -> None:
    agent = Agent("frontdesk", greeting="Hello.", limits=Limits(max_duration=2))
    async with world(tmp_path, {"replies": GOODBYE}, agent) as made:
        outcome = await made.call({"wait": "end"})
        record = await made.record(outcome)
        assert made.outside.unmet() == []
    assert outcome.complaints == []
    assert outcome.ended_by == "agent"
    assert record.termination == Termination("completed", "limit", "maximum duration")
    assert [turn.heard for turn in record.turns] == ["Hello.", "Goodbye."]


async def test_a_call_that_soon_lasts_too_long_is_warned_of_it_and_then_ends(tmp_path: Path) -> None:
    replies = [GOODBYE[0], {"on": "prompt", "say": "Soon it will."}, GOODBYE[1]]
    agent = Agent("frontdesk", greeting="Hello.", limits=Limits(max_duration=5, max_duration_warning=2.5))
    async with world(tmp_path, {"replies": replies}, agent) as made:
        outcome = await made.call({"wait": "end"})
        record = await made.record(outcome)
        assert made.outside.unmet() == made.outside.faults() == []
    assert outcome.complaints == []
    assert record.termination == Termination("completed", "limit", "maximum duration")
    assert [turn.heard for turn in record.turns] == ["Hello.", "Soon it will.", "Goodbye."]


async def test_a_silent_caller_is_asked_twice_and_taken_leave_of(tmp_path: Path) -> None:
    replies = [GOODBYE[0], {"on": "prompt", "say": "Hello?"}, {"on": "prompt", "say": "Are you there?"}, GOODBYE[1]]
    agent = Agent("frontdesk", greeting="Hello.", limits=Limits(caller_silence=1, caller_silence_prompts=2))
    async with world(tmp_path, {"replies": replies}, agent) as made:
        outcome = await made.call({"wait": "end"})
        record = await made.record(outcome)
        assert made.outside.unmet() == made.outside.faults() == []
    assert outcome.complaints == []
    assert record.termination == Termination("completed", "limit", "the caller was silent")
    assert [turn.heard for turn in record.turns] == ["Hello.", "Hello?", "Are you there?", "Goodbye."]


# -- a server that stops -------------------------------------------------------------------------------------------


async def test_a_server_that_stops_says_goodbye_to_everybody(tmp_path: Path) -> None:
    greeted = asyncio.Semaphore(0)

    def observe(seen: Observation) -> None:
        if seen.kind == "agent quiet":
            greeted.release()

    async with asyncio.TaskGroup() as group:
        async with world(tmp_path, {"replies": GOODBYE}, Agent("frontdesk", greeting="Hello.")) as made:
            waits = {"wait": "end"}
            calls = [group.create_task(made.call(waits, observe=observe), name=f"call {n}") for n in range(3)]
            for _ in calls:
                await greeted.acquire()
        records = await stored_records(made.office.settings)
    for call in calls:
        assert call.result().complaints == []
        assert call.result().ended_by == "agent"
    assert [record.termination for record in records] == [Termination("completed", "server", "server stopping")] * 3
    assert [[turn.heard for turn in record.turns] for record in records] == [["Hello.", "Goodbye."]] * 3


async def test_a_server_that_goes_says_so_to_the_carrier_once_its_goodbye_was_heard(tmp_path: Path) -> None:
    greeted = asyncio.Event()

    async def call(made: World) -> tuple[int | None, set[str]]:
        async with raw_line(made) as line:
            await line.until("mark")
            greeted.set()
            return await line.closed(), {told["event"] for told in line.heard}

    async with asyncio.TaskGroup() as group:
        async with world(tmp_path, {"replies": GOODBYE}, Agent("frontdesk", greeting="Hello.")) as made:
            calling = group.create_task(call(made), name="call")
            await greeted.wait()
        (record,) = await stored_records(made.office.settings)
    assert record.termination == Termination("completed", "server", "server stopping")
    assert [turn.heard for turn in record.turns] == ["Hello.", "Goodbye."]
    assert calling.result() == (1001, {"media", "mark"})


async def test_a_server_that_is_stopping_turns_new_callers_away_with_words(tmp_path: Path) -> None:
    turned_away: list[str] = []

    def observe(seen: Observation) -> None:
        if seen.kind == "carrier says":
            turned_away.append(seen.text)

    async with world(tmp_path, {"replies": GOODBYE}, Agent("frontdesk", greeting="Hello.")) as made:
        made.office.calls.draining = True
        outcome = await made.call({"wait": "end"}, observe=observe)
        record = await made.record(outcome)
    assert record.termination == Termination("failed", "server", "outage: the server is stopping")
    assert outcome.stream_sids == ()
    assert ["cannot take your call" in text for text in turned_away] == [True]
