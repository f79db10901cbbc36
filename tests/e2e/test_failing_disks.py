"""Calls whose record or recording finds no place: they go on as if nothing was, and what fits somewhere is not lost."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from disks import files_no_longer_than
from offices import World, stored_records, world
from telephony.agents.agent import Agent
from telephony.records import CallRecord, Termination
from telephony.sim.caller import Observation
from telephony.simulate.outcome import CallOutcome
from telephony.store.sql import SqlStore

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


async def shown(made: World, path: str) -> tuple[int, str]:
    """What whoever watches the process is told: status and text."""
    assert made.office.internal
    url = f"http://127.0.0.1:{made.office.internal.port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


def whole(record: CallRecord) -> None:
    assert record.termination == Termination("completed", "caller", "caller hung up")
    assert [turn.heard for turn in record.turns] == ["Hello.", "Are you there?", "Yes."]


@contextlib.contextmanager
def locked(database: Path) -> Iterator[Callable[[], object]]:
    """Somebody else writes into it, and comes to no end until they are told to."""
    other = sqlite3.connect(database, isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield lambda: other.execute("ROLLBACK")
    finally:
        other.close()


async def test_a_call_goes_on_while_the_database_is_locked_and_its_record_is_stored_later(tmp_path: Path) -> None:
    database = SqlStore(f"sqlite:///{tmp_path / 'telephony.db'}")
    await database.open()
    await database.close()
    with locked(tmp_path / "telephony.db") as unlock:
        async with world(tmp_path, MODEL, AGENT, internal_port=0) as made:
            outcome = await called(made)
            status, why = await shown(made, "/readyz")
            assert status == 503
            assert "the store takes no records" in why
            assert (await shown(made, "/healthz"))[0] == 200, "nobody is helped by the end of the process"
            _, metrics = await shown(made, "/metrics")
            assert 'telephony_records_waiting{where="disk"} 1.0' in metrics
            assert await stored_records(made.office.settings) == []
            unlock()
            await told(made)
            await made.office.keeper.round()
            whole(await made.record(outcome))
            assert (await shown(made, "/readyz"))[0] == 200
            _, metrics = await shown(made, "/metrics")
            assert 'telephony_records_waiting{where="disk"} 0.0' in metrics
            assert "telephony_records_lost_total 0.0" in metrics


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
