"""A thousand clients come and go, in every manner, and the gateway is afterwards what it was before."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateways import MASTER, Running, entry, gateway, model

pytestmark = pytest.mark.timeout(120)

CYCLES = 1000
AT_ONCE = 20
GROWTH = 150
"""Bytes a cycle may leave behind: less than the smallest object that could leak with it."""


async def come_and_go(running: Running, number: int) -> None:
    """One client: some leave politely, some vanish, some speak first, some have no key."""
    key = MASTER if number % 10 else "wrong"
    options = {"additional_headers": {"Authorization": f"Bearer {key}"}, "compression": None, "proxy": None}
    try:
        client = await connect(running.url, **options)
    except InvalidStatus:
        return
    if number % 3:
        await client.recv()
    if number % 4 == 0:
        await client.send('{"type": "session.update", "session": {}}')
    if number % 5 == 0:
        client.transport.abort()
        await client.wait_closed()
    else:
        await client.close()


async def cycles(running: Running, count: int) -> None:
    for first in range(0, count, AT_ONCE):
        async with asyncio.TaskGroup() as group:
            for number in range(first, first + AT_ONCE):
                group.create_task(come_and_go(running, number), name=f"client {number}")
    refused = count // 10
    for _ in range(count - refused):
        await running.reports.get()


async def test_a_thousand_sessions_leave_nothing_behind(baseline):
    async with await model(profile="openai") as gpt, gateway([entry(gpt.url, provider="openai")]) as running:
        await cycles(running, 100)  # caches fill, pools grow
        gpt.sessions.clear()
        before = baseline()
        tracemalloc.start(1)
        try:
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
            await cycles(running, CYCLES)
            gpt.sessions.clear()
            assert await before.settled() == []
            gc.collect()
            holds, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert running.process.gateway.sessions == 0
        assert (holds - held) / CYCLES < GROWTH
