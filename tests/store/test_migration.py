"""A database that an earlier version made: opened, brought up to date, and nothing of it lost."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from telephony.records import CallRecord, Finding, Termination, Turn
from telephony.store.migration import STEPS
from telephony.store.schema import VERSION, metadata
from telephony.store.sql import SqlStore
from telephony.store.sql_intents import SqlIntents

OLD = Path(__file__).parents[2] / "fixtures" / "store" / "version-1.sql"
FINDING = Finding(1.0, 2.5, "pause", "vad_slow", "silent 2.5 s: the model took 2.1 s to notice")


@pytest.fixture
def old(database: Path) -> Path:
    """A database that version 1 made, with one call."""
    with closing(sqlite3.connect(database)) as db:
        db.executescript(OLD.read_text(encoding="utf-8"))
    return database


async def opened(database: Path) -> SqlStore:
    store = SqlStore(f"sqlite:///{database}")
    await store.open()
    return store


def columns(database: Path) -> dict[str, list[tuple[str, str, bool]]]:
    """Every table's columns by name, with type and whether they may be NULL."""
    engine = create_engine(f"sqlite:///{database}")
    try:
        found = inspect(engine)
        return {
            name: sorted((c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name))
            for name in metadata.tables
        }
    finally:
        engine.dispose()


def test_every_version_has_the_step_that_leads_to_it() -> None:
    assert list(STEPS) == list(range(2, VERSION + 1))


async def test_calls_of_version_1_stay_readable(old: Path) -> None:
    store = await opened(old)
    try:
        record = await store.get("old-1")
        (line,) = await store.list()
    finally:
        await store.close()
    assert record is not None
    assert record.termination == Termination("completed", "caller", "caller hung up")
    assert record.turns == [Turn("agent", heard="Hello.", sent_at=1.0)]
    assert (record.findings, record.cassette, record.notes) == ([], "", ["A mark was lost."])
    assert line.findings == 0


async def test_what_is_new_can_be_written_then(old: Path, ended: CallRecord) -> None:
    ended.findings, ended.cassette = [FINDING], "cassettes/1"
    ended.turns = [Turn("agent", heard="Yes.", vad_at=1.0, confirmed_at=2.0)]
    store = await opened(old)
    try:
        await store.finish(ended)
        assert await store.get(ended.id) == ended
    finally:
        await store.close()


async def test_an_old_database_has_the_same_tables_then_as_a_new_one(old: Path, tmp_path: Path) -> None:
    await (await opened(old)).close()
    await (await opened(tmp_path / "new.db")).close()
    assert columns(old) == columns(tmp_path / "new.db")
    with closing(sqlite3.connect(old)) as db:
        assert db.execute("SELECT version FROM schema_version").fetchall() == [(VERSION,)]


async def test_a_table_that_an_earlier_step_made_gets_what_a_later_one_adds(database: Path) -> None:
    """Version 4 brought the intents, version 6 their metadata."""
    await (await opened(database)).close()
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("ALTER TABLE intents DROP COLUMN metadata")
        db.execute("UPDATE schema_version SET version = 5")
        db.execute("INSERT INTO intents VALUES ('k', '+1', '+2', 'desk', 'busy', '', '', '', '2026-11-22', 'me')")
    store = await opened(database)
    try:
        (intent,) = await SqlIntents(store).list(10)
    finally:
        await store.close()
    assert (intent.id, intent.state, intent.metadata) == ("k", "busy", {})


async def test_several_may_bring_it_up_to_date_at_once_and_once_more(old: Path) -> None:
    stores = await asyncio.gather(*(opened(old) for _ in range(4)))
    await asyncio.gather(*(store.close() for store in stores))
    await (await opened(old)).close()


async def test_a_process_of_version_1_that_still_runs_goes_on_writing(old: Path) -> None:
    await (await opened(old)).close()
    with closing(sqlite3.connect(old)) as db, db:
        db.execute(
            "INSERT INTO calls (id, carrier, carrier_call_id, agent, from_number, to_number, direction, started_at,"
            " duration, model, presumed, usage, recording, notes, owner) SELECT 'old-2', carrier, carrier_call_id,"
            " agent, from_number, to_number, direction, started_at, duration, model, presumed, usage, recording,"
            " notes, owner FROM calls"
        )
    store = await opened(old)
    try:
        record = await store.get("old-2")
    finally:
        await store.close()
    assert record is not None
    assert record.findings == []
