"""What the measured process tells of itself."""

from __future__ import annotations

import asyncio

import pytest

from telephony.bench.served import GRAIN, Meter, memory
from telephony.records import CallRecord, Termination


async def test_meter_reads_the_loop_and_forgets_what_it_told() -> None:
    meter = Meter()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3 * GRAIN):
            await meter.run()
    reading = meter.read()
    assert reading.lags
    assert reading.cpu > 0
    assert reading.rss > 1_000_000
    assert meter.read().lags == []


def test_meter_counts_how_calls_ended() -> None:
    meter = Meter()
    record = CallRecord("1", "twilio", "CA1", "bench")
    meter.ended(record)
    record.termination = Termination("completed", "caller", "caller hung up")
    meter.ended(record)
    meter.ended(record)
    assert meter.read().endings == {"not at all": 1, "completed by caller": 2}


def test_memory_is_known_everywhere() -> None:
    assert memory() > 1_000_000
