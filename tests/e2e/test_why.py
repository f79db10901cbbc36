"""Why a caller had to wait, over real sockets: from the call to its record, its page and the numbers of the process."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from offices import world
from telephony.agents.agent import Agent
from telephony.show import as_json
from telephony.tools import tool

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]


@tool
async def lookup_order() -> str:
    """Look an order up, at leisure."""
    await asyncio.sleep(2.5)
    return "shipped"


SLOW = {
    "replies": [
        {"on": "greeting", "say": "Hello, this is Acme."},
        {"on": "speech", "hears": "Where is my order?", "call": {"name": "lookup_order"}},
        {"on": "tool", "say": "It has shipped."},
    ],
}


async def test_a_slow_tool_is_named_in_the_record_and_counted(tmp_path: Path) -> None:
    agent = Agent("frontdesk", greeting="Hello, this is Acme.", tools=[lookup_order])
    steps = [{"wait": "agent"}, {"say": "Where is my order?"}, {"wait": "agent"}, "hang_up"]
    async with world(tmp_path, SLOW, agent, internal_port=0) as made, aiohttp.ClientSession() as session:
        record = await made.record(await made.call(*steps))
        assert made.office.internal is not None
        async with session.get(f"http://127.0.0.1:{made.office.internal.port}/metrics") as response:
            page = await response.text()
    (finding,) = record.findings
    assert (finding.kind, finding.cause) == ("pause", "tool_without_say")
    assert finding.sentence.endswith("tool lookup_order took 2.5 s and has no `say`")
    assert 3.0 < finding.seconds < 5.0
    assert as_json(record)["findings"][0]["cause"] == "tool_without_say"
    answer = record.turns[-1]
    assert answer.speech_stopped_at is not None
    assert answer.vad_at is not None
    assert answer.confirmed_at is not None
    assert answer.speech_stopped_at < answer.vad_at < answer.started_at < answer.confirmed_at
    assert 'telephony_pauses_total{agent="frontdesk",cause="tool_without_say"} 1.0' in page
    assert 'telephony_calls_total{agent="frontdesk",by="caller",result="completed"} 1.0' in page
    assert 'telephony_tool_seconds_count{outcome="ok",tool="lookup_order"} 1.0' in page
