"""The last words of an agent that hangs up or puts the caller through, over real sockets: they are heard first, and
whatever happens while they are said has one consequence."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from offices import ShortVoice, World, world
from telephony.agents.agent import Agent
from telephony.records import CallRecord, Termination
from telephony.settings import DiallingSettings, Limits
from telephony.sim.caller_faults import CallerFaults
from telephony.simulate.outcome import CallOutcome
from telephony.simulate.refusals import RefusedError

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

BILLING = "+14155552671"
DIALLING = DiallingSettings.model_validate({"directory": {"billing": BILLING}})
AGENT = Agent(
    "frontdesk",
    greeting="Hello.",
    tools=["builtin:hang_up", "builtin:transfer"],
    limits=Limits(goodbye=1, dead_air=2),
)
CALLS: dict[str, dict[str, Any]] = {
    "hang_up": {"name": "hang_up"},
    "transfer": {"name": "transfer", "arguments": {"target": "billing"}},
}
WHY = {"hang_up": "agent hung up", "transfer": "transferred to billing"}
WORDS = 1.2
"""Seconds that the last words take."""
MEANWHILE = {"wait": {"agent_ms": 400}}
HUNG_UP = Termination("completed", "caller", "caller hung up")
REFUSED = RefusedError(400, 21220, "Call is not in-progress. Cannot redirect.")

Called = tuple[World, CallOutcome, CallRecord]


async def called(
    folder: Path,
    way: str,
    *steps: Any,
    then: list[dict[str, Any]] | None = None,
    refuse: RefusedError | None = None,
    faults: CallerFaults | None = None,
    **trouble: Any,
) -> Called:
    """A call that its agent ends in one of the two ways. *then* is what the model does after that, *refuse* what the
    carrier says to it."""

    async def say_no(method: str, path: str) -> None:
        if refuse:
            raise refuse

    ends = {"on": "speech", "hears": "That is all.", "say": "One moment.", "call": CALLS[way], **trouble}
    script = {"replies": [{"on": "greeting", "say": "Hello."}, ends, *(then or [])]}
    begins = [{"wait": "agent"}, {"say": "That is all."}]
    async with world(folder, script, AGENT, dialling=DIALLING, voice=ShortVoice("agent", WORDS)) as made:
        made.outside.rest.before_doing = say_no
        outcome = await made.call(*begins, *steps, faults=faults)
        assert made.outside.faults() == []
        return made, outcome, await made.record(outcome)


async def both(folder: Path, *steps: Any, **how: Any) -> dict[str, Called]:
    """The same call with each way to end it, at the same time."""
    folders = {way: folder / way for way in CALLS}
    for each in folders.values():
        each.mkdir()
    async with asyncio.TaskGroup() as group:
        tasks = {way: group.create_task(called(folders[way], way, *steps, **how), name=way) for way in CALLS}
    return {way: task.result() for way, task in tasks.items()}


def as_wanted(way: str, outcome: CallOutcome, record: CallRecord) -> None:
    """The call has ended as the agent wanted, once its words were heard."""
    assert outcome.complaints == [], way
    assert outcome.dialled == ((BILLING,) if way == "transfer" else ()), way
    assert record.termination == Termination("completed", "agent", WHY[way])
    assert heard(record) == ["Hello.", "One moment."], way


def heard(record: CallRecord) -> list[str]:
    return [turn.heard for turn in record.turns if turn.speaker == "agent"]


async def test_where_no_mark_ever_comes_the_line_is_released_all_the_same(tmp_path: Path) -> None:
    calls = await both(tmp_path, {"wait": "end"}, faults=CallerFaults(marks_lost=1.0))
    for way, (_, outcome, record) in calls.items():
        as_wanted(way, outcome, record)


async def test_a_model_that_is_lost_meanwhile_changes_nothing(tmp_path: Path) -> None:
    calls = await both(tmp_path, {"wait": "end"}, close=1011, trouble_at="done")
    for way, (_, outcome, record) in calls.items():
        as_wanted(way, outcome, record)


async def test_a_caller_who_speaks_up_stays_with_the_agent(tmp_path: Path) -> None:
    then = [{"on": "speech", "hears": "Wait.", "say": "Yes?"}]
    calls = await both(tmp_path, MEANWHILE, {"say": "Wait."}, {"wait": "agent"}, "hang_up", then=then)
    for way, (made, outcome, record) in calls.items():
        assert outcome.complaints == made.outside.unmet() == [], way
        assert (outcome.dialled, made.outside.rest.requests) == ((), []), way
        assert record.termination == HUNG_UP, way
        assert heard(record)[-1] == "Yes?", way
        assert [turn.interrupted for turn in record.turns if turn.speaker == "agent"] == [False, True, False], way


async def test_a_caller_who_hangs_up_first_has_ended_the_call(tmp_path: Path) -> None:
    for way, (made, outcome, record) in (await both(tmp_path, MEANWHILE, "hang_up")).items():
        assert outcome.complaints == [], way
        assert (outcome.dialled, made.outside.rest.requests) == ((), []), way
        assert record.termination == HUNG_UP, way


async def test_a_call_that_the_carrier_will_not_end_is_over_for_the_agent(tmp_path: Path) -> None:
    _, _, record = await called(tmp_path, "hang_up", {"wait": "end"}, refuse=REFUSED)
    assert record.termination == Termination("completed", "agent", "agent hung up")
    assert "The carrier did not end the call when asked to" in " ".join(record.notes)


async def test_a_caller_whom_the_carrier_does_not_put_through_is_told_so_by_the_agent(tmp_path: Path) -> None:
    then = [{"on": "tool", "knows_once": ["did not put the caller through"], "say": "I am sorry."}]
    steps = [{"wait": {"quiet": 1.5}}, "hang_up"]
    made, outcome, record = await called(tmp_path, "transfer", *steps, refuse=REFUSED, then=then)
    assert outcome.complaints == made.outside.unmet() == []
    assert outcome.dialled == ()
    assert record.termination == HUNG_UP
    assert heard(record) == ["Hello.", "One moment.", "I am sorry."]
    assert "The caller could not be sent on" in " ".join(record.notes)
