"""Function calls and keypad digits over real sockets, with a model that is as strict about both as the real ones."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from offices import world
from telephony.agents.agent import Agent
from telephony.records import CallRecord, Termination
from telephony.simulate.caller import CallOutcome
from telephony.tools import CallContext, tool

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

HUNG_UP = Termination("completed", "caller", "caller hung up")
ASKS: list[Any] = [{"wait": "agent"}, {"say": "Do it."}, {"wait": "agent"}, "hang_up"]
RELEASE = threading.Event()


@tool(timeout=5)
async def succeed(number: int = 1) -> dict[str, int]:
    """Work."""
    await asyncio.sleep(0.1)
    return {"number": number}


@tool(timeout=5)
async def fail() -> str:
    """Have a bug."""
    raise ZeroDivisionError("a secret detail")


@tool(timeout=0.5)
async def hang() -> str:
    """Never come back."""
    await asyncio.Event().wait()
    return "never"


@tool(timeout=0.5)
def hang_in_a_thread() -> str:
    """Hold a thread."""
    RELEASE.wait(10)
    return "late"


@tool(timeout=5)
async def junk() -> object:
    """Return what is no JSON."""
    return object()


@tool(timeout=8, say="One moment, please.")
async def slow() -> str:
    """Take longer than anybody likes to wait in silence."""
    await asyncio.sleep(2.5)
    return "done"


@tool(timeout=5)
async def who_calls(call: CallContext) -> str:
    """Say who calls."""
    return f"{call.from_number} calls {call.to_number} at {call.agent}"


TOOLS = [succeed, fail, hang, hang_in_a_thread, junk, slow, who_calls]


def asked(reply: dict[str, Any], expect: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """A model that greets, calls functions when spoken to, and says so when they were answered."""
    answer = {"on": "tool", "say": "Here it is.", "expect": expect or {}}
    return [{"on": "greeting", "say": "Hello."}, {"on": "speech", "hears": "Do it.", **reply}, answer]


SCRIPTS: dict[str, tuple[list[dict[str, Any]], list[tuple[str, str]]]] = {
    "one that works": (asked({"call": {"name": "succeed"}}, {"succeed": {"number": 1}}), [("succeed", "ok")]),
    "spoken beside": (asked({"say": "Let me see.", "call": {"name": "succeed"}}), [("succeed", "ok")]),
    "two at once": (
        asked({"calls": [{"name": "succeed", "arguments": {"number": 2}}, {"name": "who_calls"}]}),
        [("succeed", "ok"), ("who_calls", "ok")],
    ),
    "one that fails": (asked({"call": {"name": "fail"}}, {"fail": "did not work"}), [("fail", "error")]),
    "one that hangs": (asked({"call": {"name": "hang"}}, {"hang": "longer than"}), [("hang", "timeout")]),
    "one that holds a thread": (asked({"call": {"name": "hang_in_a_thread"}}), [("hang_in_a_thread", "timeout")]),
    "one that returns junk": (asked({"call": {"name": "junk"}}, {"junk": "error"}), [("junk", "error")]),
    "one asked for wrongly": (
        asked({"call": {"name": "succeed", "arguments": {"number": "many"}}}, {"succeed": "retry"}),
        [("succeed", "invalid")],
    ),
    "one asked for in no JSON": (
        asked({"call": {"name": "succeed"}, "bad_arguments": '{"number": '}, {"succeed": "retry"}),
        [("succeed", "invalid")],
    ),
    "one that is not there": (
        asked({"call": {"name": "succed"}}, {"succed": "Did you mean succeed"}),
        [("succed", "invalid")],
    ),
    "one announced twice": (asked({"call": {"name": "succeed"}, "duplicate_call": True}), [("succeed", "ok")]),
    "one that knows who calls": (
        asked({"call": {"name": "who_calls"}}, {"who_calls": "+15550142 calls +15550100 at frontdesk"}),
        [("who_calls", "ok")],
    ),
}


async def one(folder: Path, profile: str, replies: list[dict[str, Any]]) -> tuple[CallOutcome, CallRecord]:
    """One caller, who hears out whatever the model says beside the call."""
    steps = [*ASKS[:3], {"wait": {"quiet": 2}}, "hang_up"] if "say" in replies[1] else ASKS
    agent = Agent("frontdesk", greeting="Hello.", tools=TOOLS)
    async with world(folder, {"profile": profile, "replies": replies}, agent, provider=f"{profile}/m") as made:
        outcome = await made.call(*steps)
        assert made.outside.faults() == []
        assert made.outside.unmet() == []
        return outcome, await made.record(outcome)


@pytest.mark.parametrize("profile", ["xai", "openai"])
async def test_every_fate_of_a_tool_is_answered_and_the_call_goes_on(tmp_path: Path, profile: str) -> None:
    RELEASE.clear()
    folders = {name: tmp_path / name.replace(" ", "-") for name in SCRIPTS}
    for folder in folders.values():
        folder.mkdir()
    async with asyncio.TaskGroup() as group:
        tasks = {
            name: group.create_task(one(folders[name], profile, replies), name=name)
            for name, (replies, _) in SCRIPTS.items()
        }
        while not all(task.done() for name, task in tasks.items() if name != "one that holds a thread"):
            await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED, timeout=1)
        RELEASE.set()
    for name, task in tasks.items():
        outcome, record = task.result()
        assert outcome.complaints == [], name
        assert record.termination == HUNG_UP, name
        assert [(use.name, use.outcome) for use in record.tools] == SCRIPTS[name][1], name
        assert record.turns[-1].heard == "Here it is.", f"{name}: {record.turns}"
        assert "secret" not in str(record), name


async def test_a_caller_who_waits_for_a_tool_is_told_so(tmp_path: Path) -> None:
    replies = asked({"call": {"name": "slow"}}, {"slow": "done"})
    agent = Agent("frontdesk", greeting="Hello.", tools=TOOLS)
    async with world(tmp_path, {"replies": replies}, agent) as made:
        steps = [*ASKS[:3], {"wait": "agent"}, "hang_up"]
        outcome = await made.call(*steps)
        record = await made.record(outcome)
        assert made.outside.faults() == made.outside.unmet() == []
    assert outcome.complaints == []
    assert [turn.heard for turn in record.turns if turn.speaker == "agent"] == [
        "Hello.",
        "One moment, please.",
        "Here it is.",
    ]


async def test_keys_reach_the_model_and_the_transcript(tmp_path: Path) -> None:
    replies = [{"on": "greeting", "say": "Press your number."}, {"on": "text", "say": "Thank you."}]
    async with world(tmp_path, {"replies": replies}, Agent("frontdesk", greeting="Press your number.")) as made:
        outcome = await made.call({"wait": "agent"}, {"press": "12#"}, {"wait": "agent"}, "hang_up")
        record = await made.record(outcome)
        assert made.outside.faults() == made.outside.unmet() == []
    assert outcome.complaints == []
    assert [(turn.speaker, turn.heard) for turn in record.turns] == [
        ("agent", "Press your number."),
        ("keypad", "12#"),
        ("agent", "Thank you."),
    ]
