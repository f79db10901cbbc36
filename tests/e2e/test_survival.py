"""Calls that outlive their model, over real sockets: two providers, and whatever happens to the first of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from offices import ShortVoice, World, opened, outside, settings_for, silences
from telephony.agents.agent import Agent
from telephony.records import CallRecord
from telephony.settings import Limits, LiteLLMParams, ModelEntry
from telephony.sim.model_script import decode_script
from telephony.simulate.caller import CallOutcome
from telephony.simulate.model import RunningModel, start_model

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

LIMITS = Limits(connect=4, dead_air=2, goodbye=1)
HEARD_WITHIN = LIMITS.dead_air + 2
"""Seconds that a caller may hear nothing, whatever happens."""
SLACK = 1.5
"""Seconds for a dozen calls at once on a shared machine."""
GREETING = {"on": "greeting", "say": "Thanks for calling Acme."}
ASKED = {"on": "speech", "hears": "Where is my order?", "say": "It has been shipped on Tuesday."}
BYE = {"on": "speech", "hears": "Thank you.", "say": "You are welcome."}
STEPS: list[Any] = [
    {"wait": "agent"},
    {"say": "Where is my order?"},
    {"wait": "agent"},
    {"pause": 3.0},
    {"say": "Thank you."},
    {"wait": "agent"},
    "hang_up",
]
RESUMES = {"on": "resume", "knows_once": ["Thanks for calling", "Where is my order?"], "say": "Tuesday."}
GOES_ON = {"replies": [RESUMES, BYE]}
"""The other provider, taking up a call in which the question was asked."""
FROM_THE_START = {"replies": [GREETING, ASKED, BYE]}
"""The other provider, of whom the caller hears only."""


def asked(**trouble: Any) -> dict[str, Any]:
    """A first provider that greets, and gets into trouble over the answer."""
    return {"replies": [GREETING, {**ASKED, **trouble}, BYE]}


TROUBLES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "killed mid-sentence": (asked(vanish=True), GOES_ON, "The model was lost"),
    "black-holed": (asked(freeze=True), GOES_ON, "silent when an answer was due"),
    "black-holed while nobody spoke": (
        {"replies": [{**GREETING, "freeze": True, "trouble_at": "done"}]},
        {"replies": [{**ASKED, "knows_once": ["Thanks for calling"]}, BYE]},
        "it answers no pings",
    ),
    "answering 401": ({"refuse": 401}, FROM_THE_START, ""),
    "answering 429": ({"refuse": 429}, FROM_THE_START, ""),
    "answering 503": ({"refuse": 503}, FROM_THE_START, ""),
    "closing 1001": (asked(close=1001), GOES_ON, "The model was lost"),
    "closing 1011": (asked(close=1011), GOES_ON, "(1011)"),
    "closing 1013": (asked(close=1013), GOES_ON, "(1013)"),
    "closing 4000": (asked(close=4000), GOES_ON, "(4000)"),
    "never acknowledging the session": ({"never_ready": True}, {"replies": [ASKED, BYE]}, "did not acknowledge"),
    "dropping a reply": (
        {"replies": [GREETING, {"on": "speech", "drop": True}, {"on": "prompt", "say": "Once more?"}, BYE]},
        {"replies": []},
        "asked again",
    ),
    "sending 50 malformed events": (asked(malformed=80), {"replies": []}, ""),
}


@contextlib.asynccontextmanager
async def two_providers(
    folder: Path, first: Mapping[str, Any], second: Mapping[str, Any], agent: Agent
) -> AsyncIterator[tuple[World, RunningModel]]:
    """An office whose agent is served by xAI first and by OpenAI when xAI is in trouble."""
    async with outside(first) as around, await another({"profile": "openai", **second}) as other:
        entries = [
            entry("xai/grok-voice-latest", around.model.url, order=0),
            entry("openai/gpt-realtime", other.url, order=1),
        ]
        settings = settings_for(folder, around.model.url, around.rest.base_url, model_list=entries)
        async with opened(settings, around, agent) as made:
            yield made, other


async def another(script: Mapping[str, Any]) -> RunningModel:
    return await start_model(decode_script(script), voice=ShortVoice("agent"))


def entry(model: str, url: str, order: int) -> ModelEntry:
    parameters = LiteLLMParams(model=model, api_base=url, order=order, api_key="sk-test")
    return ModelEntry(model_name="sim", litellm_params=parameters)


Called = tuple[CallOutcome, CallRecord, list[str]]
"""A call, its record, and what the second provider had against us."""


async def call(folder: Path, first: dict[str, Any], second: dict[str, Any]) -> Called:
    """One call to an agent with a troubled first provider."""
    agent = Agent("frontdesk", greeting="Thanks for calling Acme.", limits=LIMITS)
    async with two_providers(folder, first, second, agent) as (made, other):
        outcome = await made.call(*STEPS)
        record = await made.record(outcome)
        complaints = [f"{fault.code}: {fault.message}" for session in other.sessions for fault in session.core.faults]
        return outcome, record, complaints + [unmet for session in other.sessions for unmet in session.core.unmet]


async def test_a_call_goes_on_with_the_other_provider_whatever_happens_to_the_first(tmp_path: Path) -> None:
    folders = {name: tmp_path / str(number) for number, name in enumerate(TROUBLES)}
    for folder in folders.values():
        folder.mkdir()
    async with asyncio.TaskGroup() as group:
        tasks = {
            name: group.create_task(call(folders[name], first, second), name=name)
            for name, (first, second, _) in TROUBLES.items()
        }
    for name, task in tasks.items():
        outcome, record, complaints = task.result()
        assert complaints == [], f"{name}: the other provider complains"
        assert outcome.complaints == [], f"{name}: {record}"
        assert record.termination is not None
        assert (record.termination.result, record.termination.by) == ("completed", "caller"), f"{name}: {record}"
        assert TROUBLES[name][2] in " ".join(record.notes), f"{name}: {record.notes}"
        assert silences(outcome) <= HEARD_WITHIN + SLACK, f"{name}: {silences(outcome):.1f} s of silence"
        said = [turn.heard for turn in record.turns if turn.speaker == "agent"]
        heard = [words for words in said if words and words != "[recorded filler]"]
        assert len(set(heard)) == len(heard), f"{name}: something was said twice: {heard}"
