"""Strangers who flood the port, from an address of their own, while calls go on: a real `serve`, real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from offices import world
from telephony.agents.agent import Agent
from telephony.records import Termination
from telephony.settings.connections import ConnectionSettings

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

STRANGER = "127.0.0.2"
LIMITS = ConnectionSettings(per_address=40, per_second=1000, proxies=["127.0.0.1"])
SLOW = b"POST /twilio/voice HTTP/1.1\r\nHost: voice.example.com\r\nX-Slow:"


async def flood(port: int, until: asyncio.Event) -> None:
    """Idle sockets and half headers, more and more of them."""
    held: list[asyncio.StreamWriter] = []
    while not until.is_set():
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(STRANGER, 0))
            held.append(writer)
            writer.write(SLOW if len(held) % 2 else b"")
        await asyncio.sleep(0.005)
    for writer in held:
        writer.transport.abort()


async def test_calls_go_on_whole_while_strangers_flood_the_port(tmp_path: Path) -> None:
    agent = Agent("frontdesk", greeting="Hello.")
    model = {"replies": [{"on": "speech", "hears": "Are you there?", "say": "Yes."}]}
    over = asyncio.Event()
    async with world(tmp_path, model, agent, connections=LIMITS) as made:
        port = made.office.server.port
        flooding = asyncio.get_running_loop().create_task(flood(port, over), name="flood")
        steps = [{"wait": "agent"}, {"say": "Are you there?"}, {"wait": "agent"}, "hang_up"]
        outcomes = await asyncio.gather(*(made.call(*steps) for _ in range(4)))
        over.set()
        await flooding
        records = [await made.record(outcome) for outcome in outcomes]
    assert [outcome.complaints for outcome in outcomes] == [[]] * 4
    for record in records:
        assert record.termination == Termination("completed", "caller", "caller hung up")
        assert [turn.heard for turn in record.turns if turn.speaker == "agent"] == ["Hello.", "Yes."]
    assert made.office.server.refused > 0
