"""What stands in the tables."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from telephony.records import CallRecord, ToolUse, Turn
from telephony.store.sql import SqlStore


async def test_deleting_a_call_deletes_what_it_is_made_of(database: Path, store: SqlStore, ended: CallRecord) -> None:
    await store.finish(msgspec.structs.replace(ended, turns=[Turn("caller", heard="hello")]))
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("PRAGMA foreign_keys=ON")
        db.execute("DELETE FROM calls")
        assert db.execute("SELECT count(*) FROM turns").fetchone() == (0,)


async def test_a_person_with_a_database_shell_can_read_it(database: Path, store: SqlStore, ended: CallRecord) -> None:
    tool = ToolUse("fc_1", "lookup_order", "{}", "shipped", "ok", 1.0, 1.5)
    await store.finish(msgspec.structs.replace(ended, turns=[Turn("caller", heard="my order?")], tools=[tool]))
    with closing(sqlite3.connect(database)) as db:
        question = (
            "SELECT calls.started_at, calls.result, calls.reason, turns.heard, tools.name FROM calls"
            " JOIN turns ON turns.call = calls.id JOIN tools ON tools.call = calls.id"
        )
        assert db.execute(question).fetchall() == [
            ("2026-11-22T12:00:00.000000Z", "completed", "caller hung up", "my order?", "lookup_order")
        ]
