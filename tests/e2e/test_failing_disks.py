"""Calls whose record or recording finds no place: they go on as if nothing was, and what fits somewhere is not lost."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from disks import files_no_longer_than
from offices import World, free_port, world
from telephony.agents.agent import Agent
from telephony.records import CallRecord, Termination
from telephony.sim.caller import Observation
from telephony.simulate.outcome import CallOutcome

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(90)]

AGENT = Agent("frontdesk", greeting="Hello.")
MODEL = {"replies": [{"on": "speech", "hears": "Are you there?", "say": "Yes."}]}
STEPS: list[Any] = [{"wait": "agent"}, {"pause": 0.5}, {"say": "Are you there?"}, {"wait": "agent"}, "hang_up"]
SMALL = 24 * 1024
"""Bytes that fit on a disk that is nearly full: a record, and less than a second of a recording."""


async def called(made: World, greeted: asyncio.Event | None = None) -> CallOutcome:
    """A call in which the caller was heard and answered to the end."""

    def observe(seen: Observation) -> None:
        if greeted and seen.kind == "agent quiet":
            greeted.set()

    outcome = await made.call(*STEPS, observe=observe)
    assert outcome.complaints == made.outside.faults() == made.outside.unmet() == []
    return outcome


async def told(made: World) -> None:
    """Wait until a call's record has been put somewhere."""
    async with asyncio.timeout(30):
        while not made.records:  # noqa: ASYNC110  a call tells of its record, not of an event
            await asyncio.sleep(0.05)


async def readiness(made: World) -> tuple[int, str]:
    url = f"http://127.0.0.1:{made.office.settings.internal_port}/readyz"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


def whole(record: CallRecord) -> None:
    assert record.termination == Termination("completed", "caller", "caller hung up")
    assert [turn.heard for turn in record.turns] == ["Hello.", "Are you there?", "Yes."]


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """Somebody else writes into it, and does not come to an end."""
    other = sqlite3.connect(database, isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


async def test_a_call_goes_on_while_the_database_is_locked_and_its_record_is_stored_later(tmp_path: Path) -> None:
    async with world(tmp_path, MODEL, AGENT, internal_port=free_port()) as made:
        assert (await readiness(made))[0] == 200
        with locked(tmp_path / "telephony.db"):
            outcome = await called(made)
            await told(made)
            assert len(made.office.keeper.spooled) == 1
            status, why = await readiness(made)
            assert status == 503
            assert "the store takes no records" in why
        await made.office.keeper.round()
        whole(await made.record(outcome))
        assert made.office.keeper.spooled == set()
        assert (await readiness(made))[0] == 200
        assert made.office.keeper.lost == 0


async def test_a_disk_that_fills_up_in_a_call_costs_the_rest_of_its_recording_and_nothing_else(tmp_path: Path) -> None:
    greeted = asyncio.Event()
    with capture_logs() as logs:
        async with world(tmp_path, MODEL, AGENT) as made, asyncio.TaskGroup() as group:
            calling = group.create_task(called(made, greeted), name="call")
            await greeted.wait()
            with files_no_longer_than(SMALL):
                outcome = await calling
                await told(made)
            await made.office.keeper.round()
            record = await made.record(outcome)
            assert made.office.keeper.lost == 0
    whole(record)
    assert [note for note in record.notes if "recording" in note.lower()], record.notes
    stopped = [line["file"] for line in logs if line["event"] == "a file of the call stopped; the call goes on"]
    assert any(file.endswith(".wav") for file in stopped), stopped
    assert {"request failed", "the call failed"}.isdisjoint(line["event"] for line in logs)


async def test_a_call_whose_recording_has_no_folder_goes_on_without_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    async with world(tmp_path, MODEL, AGENT) as made:
        folder.rename(tmp_path / "elsewhere")
        folder.write_text("in the way")
        record = await made.record(await called(made))
        folder.unlink()
        (tmp_path / "elsewhere").rename(folder)
        whole(record)
        assert [note for note in record.notes if "recording" in note.lower()], record.notes
