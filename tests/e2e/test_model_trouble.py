"""Models that fail over real sockets: the caller is never left in silence, and one record says what happened."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from offices import NOWHERE, outside, settings_for, silences, stored_records, world
from telephony.agents.agent import Agent
from telephony.records import CallRecord
from telephony.runtime.office import open_office
from telephony.settings import Limits
from telephony.simulate.caller import CallOutcome

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

LIMITS = Limits(connect=1.5, dead_air=1.5, goodbye=1)
SLACK = 1.5
"""Seconds on top of the bounds for ten processes' worth of programs on one processor."""
HELLO = {"on": "greeting", "say": "Hello."}
DROPPED = ("speech", "prompt", "resume", "resume")
"""Whatever is asked for, in whatever session."""
ASKS: list[Any] = [{"wait": "agent"}, {"say": "Where is my order?"}, {"wait": "end"}]


@dataclass(frozen=True)
class Trouble:
    """What the model does wrong, and what must come of it."""

    script: dict[str, Any]
    result: str
    by: str
    said_of_it: str
    """What stands in the reason or the notes of the record."""
    steps: list[Any] = field(default_factory=lambda: [{"wait": "end"}])
    silence: float = LIMITS.connect
    """Seconds that the caller may wait for the next sound."""


TROUBLES = {
    "lost in the middle of a sentence": Trouble(
        {"replies": [{**HELLO, "say": "Hello, this is a long greeting.", "close": 1011}]}, "failed", "model", "(1011)"
    ),
    "refusing the key": Trouble({"refuse": 401}, "failed", "model", "the API key is wrong or missing"),
    "out of order": Trouble({"refuse": 503}, "failed", "model", "HTTP 503"),
    "refusing in its first event": Trouble(
        {"open_error": "insufficient_quota", "profile": "openai"}, "failed", "model", "insufficient_quota"
    ),
    "dropping a reply": Trouble(
        {"replies": [HELLO, {"on": "speech", "drop": True}, {"on": "prompt", "say": "Sorry, once more?"}]},
        "completed",
        "caller",
        "asked again",
        [{"wait": "agent"}, {"say": "Where is my order?"}, {"wait": "agent"}, "hang_up"],
        LIMITS.dead_air + 3,
    ),
    "dropping every reply": Trouble(
        {"sessions": "continue", "replies": [HELLO, *({"on": cue, "drop": True} for cue in DROPPED)]},
        "failed",
        "model",
        "owed an answer",
        ASKS,
        LIMITS.dead_air + 3,
    ),
    "failing a response": Trouble(
        {"replies": [HELLO, {"on": "speech", "fail": "server_error"}, {"on": "prompt", "say": "Sorry, once more?"}]},
        "completed",
        "caller",
        "A response failed",
        [{"wait": "agent"}, {"say": "Where is my order?"}, {"wait": "agent"}, "hang_up"],
        LIMITS.dead_air + 3,
    ),
    "stalling in the middle of a sentence": Trouble(
        {"replies": [HELLO, {"on": "speech", "say": "It has shipped.", "stall_ms": 1000}]},
        "completed",
        "caller",
        "",
        [{"wait": "agent"}, {"say": "Where is my order?"}, {"wait": "agent"}, "hang_up"],
        3.0,
    ),
    "at the end of its session": Trouble(
        {"session_limit_s": 2.0, "replies": [HELLO]}, "failed", "model", "lost", silence=3.0
    ),
    "sending nonsense": Trouble(
        {"replies": [{**HELLO, "malformed": 3}]}, "completed", "caller", "", [{"wait": "agent"}, "hang_up"]
    ),
}


async def trouble(folder: Path, case: Trouble) -> tuple[CallOutcome, CallRecord]:
    """One call to an agent with a troubled model."""
    agent = Agent("frontdesk", greeting="Hello, this is a long greeting.", limits=LIMITS)
    async with world(folder, case.script, agent) as made:
        outcome = await made.call(*case.steps)
        return outcome, await made.record(outcome)


async def test_a_model_in_trouble_never_means_silence_for_the_caller(tmp_path: Path) -> None:
    folders = {name: tmp_path / name.replace(" ", "-") for name in TROUBLES}
    for folder in folders.values():
        folder.mkdir()
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(trouble(folders[name], case), name=name) for name, case in TROUBLES.items()}
    for name, task in tasks.items():
        case, (outcome, record) = TROUBLES[name], task.result()
        assert outcome.complaints == [], name
        assert record.termination is not None
        assert (record.termination.result, record.termination.by) == (case.result, case.by), f"{name}: {record}"
        told = " ".join([record.termination.reason, *record.notes])
        assert case.said_of_it in told, f"{name}: {told}"
        assert any(seen.kind == "agent speaks" for seen in outcome.observations), f"{name}: nothing was heard"
        assert silences(outcome) <= case.silence + SLACK, f"{name}: {silences(outcome):.1f} s of silence"
        if case.result == "failed":
            assert outcome.ended_by == "agent", name
            assert record.turns[-1].heard == "[recorded apology]", name


async def test_a_session_that_is_never_acknowledged_is_used_all_the_same(tmp_path: Path) -> None:
    script = {"never_ready": True, "replies": [HELLO]}
    async with world(tmp_path, script, Agent("frontdesk", greeting="Hello.")) as made:
        outcome = await made.call({"wait": "agent"}, {"wait": "agent"}, "hang_up")  # the filler, and then the greeting
        record = await made.record(outcome)
    assert outcome.complaints == []
    assert any("did not acknowledge" in note for note in record.notes)
    assert "Hello." in [turn.heard for turn in record.turns]


async def test_a_model_that_nobody_answers_for_is_excused(tmp_path: Path) -> None:
    async with outside({}) as around:
        settings = settings_for(tmp_path, NOWHERE, around.rest.base_url)
        async with open_office(settings, {}, agents=[Agent("frontdesk", limits=LIMITS)]) as office:
            outcome = await around.call(settings.public_url, [{"wait": "end"}])
            await office.calls.idle()
        (record,) = await stored_records(settings)
    assert outcome.complaints == []
    assert record.termination is not None
    assert (record.termination.result, record.termination.by) == ("failed", "model")
    assert record.turns[-1].heard == "[recorded apology]"
