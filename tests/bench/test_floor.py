"""The floor relay under one real call of the load."""

from __future__ import annotations

import asyncio

import pytest

from telephony.audio.format import MULAW_8K, PCM16_24K, AudioFormat
from telephony.bench.fleet import Line, open_fleet
from telephony.bench.floor import open_floor


@pytest.mark.parametrize("audio", [PCM16_24K, MULAW_8K])
async def test_floor_carries_calls_and_loses_nothing(audio: AudioFormat) -> None:
    async with (
        asyncio.timeout(20),
        open_fleet(audio) as (fleet, model_url),
        open_floor(model_url, audio) as webhook,
        asyncio.TaskGroup() as group,
    ):
        await fleet.place(Line(webhook, "token"), 2, group)
        for _ in range(100):
            if fleet.latencies.barge_in:
                break
            await asyncio.sleep(0.1)
        complaints = await fleet.hang_up()
    assert complaints == []
    assert fleet.latencies.inward
