"""Twenty calls at once through the whole office: every cassette is its call again, and holds no secret."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from offices import TOKEN, World, opened, outside, settings_for, stored_records
from telephony.agents.agent import Agent
from telephony.cassette.replay import replay
from telephony.records import CallRecord
from telephony.runtime.cassettes import cassettes_in, new_carrier, open_cassette
from telephony.server.tokens import Tokens
from telephony.settings import LiteLLMParams, ModelEntry
from telephony.simulate.voice import Voice
from telephony.tools import tool

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(120)]

CALLS = 20
LONGEST = 90.0
"""Seconds; the story takes a tenth of it, if the machine is ours."""
PATIENCE = 40.0
"""Seconds a caller waits for what others do, since all sides of all calls share this process."""
API_KEY = "planted-key-5d31c0"
MCP_KEY = "planted-authorization-77aa"
MCP_HEADER = "planted-header-9c02"
BEARER = "planted.bearer-e41b"
NAMED = "planted-password-1f6d"

STORY: list[dict[str, Any]] = [
    {"on": "greeting", "say": "Hello."},
    {"on": "speech", "hears": "Where is it?", "call": {"name": "look_up", "arguments": {}}},
    {"on": "tool", "say": "It was shipped on Tuesday and is with the carrier now, who will bring it soon."},
    {"on": "speech", "hears": "The day.", "say": "Thursday."},
    {"on": "speech", "hears": "Bye.", "say": "Goodbye.", "call": {"name": "hang_up"}},
]
ASKS: list[Any] = [
    {"wait": "agent"}, {"say": "Where is it?"}, {"wait": {"agent_ms": 800}}, {"say": "The day."}, {"wait": "agent"},
]  # fmt: skip
ENDINGS: list[tuple[str, list[Any]]] = [("agent", [{"say": "Bye."}, {"wait": "end"}]), ("caller", ["hang_up"])]


@tool(timeout=5)
async def look_up() -> dict[str, str]:
    """Look something up."""
    await asyncio.sleep(0.1)
    return {"status": "shipped", "asked_with": f"Authorization: Bearer {BEARER}", "password": NAMED}


def frontdesk() -> Agent:
    mcp = {
        "type": "mcp",
        "server_label": "orders",
        "server_url": "https://orders.example.com",
        "authorization": MCP_KEY,
        "headers": {"X-Customer": MCP_HEADER},
    }
    return Agent("frontdesk", greeting="Hello.", tools=[look_up, mcp, "builtin:hang_up"])


async def one(made: World, number: int) -> CallRecord:
    """One caller's story; every other one leaves it to the agent to hang up."""
    by, ending = ENDINGS[number % 2]
    outcome = await made.call(*ASKS, *ending, patience=PATIENCE)
    assert outcome.complaints == []
    assert outcome.ended_by == by
    record = await made.record(outcome)
    assert record.termination
    assert (record.termination.result, record.termination.by) == ("completed", by)
    assert record.notes == []
    assert [(use.name, use.outcome) for use in record.tools][:1] == [("look_up", "ok")]
    assert any(turn.interrupted for turn in record.turns)
    return record


def is_the_call_again(path: Path, record: CallRecord) -> None:
    """Nothing goes out that did not go out then, to the byte, and what remains is what remained."""
    kept: list[bytes] = []
    source = open_cassette(path)
    result = replay(source, new_carrier, keep=kept.append)
    assert result.divergence is None
    assert result.diverged == 0
    assert source.header.call_id == record.carrier_call_id
    assert result.recorded
    assert result.record.termination == result.recorded.termination == record.termination
    assert result.record.turns == result.recorded.turns == record.turns
    assert result.record.usage == record.usage
    assert [(use.name, use.outcome) for use in result.record.tools] == [(u.name, u.outcome) for u in record.tools]
    assert abs(result.duration - record.duration) < 1.0


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_twenty_calls_at_once_are_all_on_cassettes_that_replay_and_hold_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued: list[str] = []
    issue = Tokens.issue

    def remember(self: Tokens, *ticket: Any, **more: Any) -> str:
        issued.append(issue(self, *ticket, **more))
        return issued[-1]

    monkeypatch.setattr(Tokens, "issue", remember)
    voices = {"voice": Voice("agent", synthesis=False), "caller_voice": Voice("caller", synthesis=False)}
    async with outside({"profile": "openai", "replies": STORY}, **voices) as around:
        there = LiteLLMParams(model="openai/gpt-realtime", api_base=around.model.url, api_key=SecretStr(API_KEY))
        settings = settings_for(
            tmp_path,
            around.model.url,
            around.rest.base_url,
            model_list=[ModelEntry(model_name="sim", litellm_params=there)],
        )
        async with opened(settings, around, frontdesk()) as made, asyncio.timeout(LONGEST):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(made, n), name=f"caller {n}") for n in range(CALLS)]
            assert made.outside.faults() == []
            assert len(made.outside.model.sessions) == CALLS
            assert len(made.records) == CALLS
    records = {record.id: record for record in (task.result() for task in tasks)}
    assert {record.id for record in await stored_records(settings)} == {*records}
    assert len(records) == CALLS

    folder = Path(settings.cassettes.folder)
    assert sorted(path.stem for path in cassettes_in([folder])) == sorted(records)
    files = await asyncio.to_thread(contents, tmp_path)
    cassettes = {name: data for name, data in files.items() if name.startswith(folder.name)}
    assert len(cassettes) == CALLS, "and nothing else is in the folder"
    assert len({*issued}) == CALLS
    for secret in (TOKEN, API_KEY, *issued):
        assert [name for name, data in files.items() if secret.encode() in data] == []
    for secret in (MCP_KEY, MCP_HEADER, BEARER, NAMED):
        assert [name for name, data in cassettes.items() if secret.encode() in data] == []
    assert all(b"Bearer ***" in data and b"orders.example.com" in data for data in cassettes.values())
    for path in cassettes_in([folder]):
        is_the_call_again(path, records[path.stem])
    ends = Counter(record.termination.by for record in records.values() if record.termination)
    assert ends == {"agent": CALLS // 2, "caller": CALLS // 2}
