"""What is the SQL store's own: addresses, the schema, and databases that misbehave. The rest is in the contract."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import msgspec
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from telephony.errors import ConfigurationError, StoreError
from telephony.records import CallRecord, ToolUse, Turn
from telephony.store import schema
from telephony.store.database import address
from telephony.store.rows import PLAIN_FIELDS
from telephony.store.sql import SqlStore


@pytest.fixture
async def store(database: Path) -> AsyncIterator[SqlStore]:
    store = SqlStore(f"sqlite:///{database}", busy=0.05)
    await store.open()
    yield store
    await store.close()


# -- addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sqlite:///telephony.db", "sqlite:///telephony.db"),
        ("sqlite:////var/lib/calls.db", "sqlite:////var/lib/calls.db"),
        ("sqlite+aiosqlite:///telephony.db", "sqlite:///telephony.db"),
        ("postgresql://me:pw@db/calls", "postgresql+psycopg://me:pw@db/calls"),
        ("postgres://me:pw@db/calls", "postgresql+psycopg://me:pw@db/calls"),
    ],
)
def test_addresses_are_taken_as_users_write_them(written: str, meant: str) -> None:
    assert address(written).render_as_string(hide_password=False) == meant


@pytest.mark.parametrize("url", ["", "telephony.db", "mysql://host/name", "sqlite"])
def test_an_address_that_cannot_be_used_is_refused_with_examples(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"database_url: .*sqlite:///telephony\.db"):
        SqlStore(url)


async def test_a_missing_driver_is_refused_with_the_name_of_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"psycopg.*pip install 'telephony-bridge\[postgres\]'"):
        await SqlStore("postgresql://me:secret@db/calls").open()


async def test_a_folder_that_is_not_there_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be opened. Create its folder"):
        await SqlStore(f"sqlite:///{tmp_path}/nowhere/calls.db").open()


def test_a_file_that_is_no_database_is_left_as_it_is(database: Path) -> None:
    database.write_text("Dear diary, " * 100)
    with pytest.raises(ConfigurationError, match="not an SQLite database"):
        asyncio.run(SqlStore(f"sqlite:///{database}").open())
    assert database.read_text().startswith("Dear diary")


# -- the schema ----------------------------------------------------------------------------------------------------


def test_every_field_of_a_record_has_its_column() -> None:
    """If this fails after a field was added: add the column, raise `VERSION`, and write the step between the two."""
    parts = {"call", "position"}
    assert {column.name for column in schema.turns.c} - parts == set(Turn.__struct_fields__)
    assert {column.name for column in schema.tools.c} - parts == set(ToolUse.__struct_fields__)
    ours = {"result", "ended_by", "reason", "presumed", "owner"}
    assert {column.name for column in schema.calls.c} - ours == set(PLAIN_FIELDS)
    assert set(PLAIN_FIELDS) | {"termination", "turns", "tools"} == set(CallRecord.__struct_fields__)


def test_the_schema_is_valid_for_postgres_too() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in schema.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table, if_not_exists=True).compile(dialect=dialect))
        for index in table.indexes:
            assert "CREATE INDEX" in str(CreateIndex(index, if_not_exists=True).compile(dialect=dialect))


async def test_a_database_of_a_newer_program_is_refused_untouched(database: Path, store: SqlStore) -> None:
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("UPDATE schema_version SET version = 7")
    with pytest.raises(ConfigurationError, match=r"schema version 7, and this program knows.*Upgrade telephony-bridge"):
        await SqlStore(f"sqlite:///{database}").open()


async def test_opening_again_keeps_what_is_there(database: Path, store: SqlStore, ended: CallRecord) -> None:
    await store.finish(ended)
    await store.close()
    again = SqlStore(f"sqlite:///{database}")
    await again.open()
    assert await again.get("call-1") == ended
    await again.close()


def test_many_processes_can_create_one_database_at_once(database: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from telephony.store.sql import SqlStore\n"
        "async def main():\n"
        "    store = SqlStore(sys.argv[1])\n"
        "    sys.stdin.readline()\n"
        "    await store.open(); await store.close()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", code, f"sqlite:///{database}"]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]  # noqa: S603
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    endings = [process.communicate(timeout=50) for process in processes]
    assert [err.decode()[-300:] for _, err in endings] == [""] * 4
    assert [process.returncode for process in processes] == [0] * 4


async def test_deleting_a_call_deletes_what_it_is_made_of(database: Path, store: SqlStore, ended: CallRecord) -> None:
    await store.finish(msgspec.structs.replace(ended, turns=[Turn("caller", heard="hello")]))
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("PRAGMA foreign_keys=ON")
        db.execute("DELETE FROM calls")
        assert db.execute("SELECT count(*) FROM turns").fetchone() == (0,)


async def test_a_list_is_read_from_an_index(database: Path, store: SqlStore) -> None:
    with closing(sqlite3.connect(database)) as db:
        plans = [
            db.execute(f"EXPLAIN QUERY PLAN SELECT * FROM calls {rest} LIMIT 50").fetchall()  # noqa: S608
            for rest in (
                "ORDER BY started_at DESC, id DESC",
                "WHERE agent = 'x' ORDER BY started_at DESC, id DESC",
                "WHERE carrier_call_id = 'x'",
                "WHERE result IS NULL AND owner != 'x'",
            )
        ]
    for plan in plans:
        text = " ".join(row[3] for row in plan)
        assert "INDEX" in text
        assert "TEMP B-TREE" not in text


async def test_a_database_in_memory_is_one_for_all_threads(ended: CallRecord) -> None:
    store = SqlStore("sqlite://")
    await store.open()
    await asyncio.gather(*(store.finish(msgspec.structs.replace(ended, id=f"call-{n}")) for n in range(8)))
    assert len(await store.list()) == 8
    await store.close()


# -- troubles ------------------------------------------------------------------------------------------------------


async def test_a_locked_database_is_an_error_soon_and_works_again_later(
    store: SqlStore, locked: Callable[[], AbstractContextManager[None]], ended: CallRecord
) -> None:
    with locked():
        with pytest.raises(StoreError, match=r"could not .*another process holds the database locked") as caught:
            await store.finish(ended)
        assert caught.value.kind == "locked"
        assert await store.get("call-1") is None, "readers do not wait for writers"
    assert await store.finish(ended)


async def test_a_wait_longer_than_our_patience_is_cut_off(
    database: Path, store: SqlStore, locked: Callable[[], AbstractContextManager[None]], ended: CallRecord
) -> None:
    hasty = SqlStore(f"sqlite:///{database}", busy=0.5, patience=0.1)
    await hasty.open()
    with locked(), pytest.raises(StoreError) as caught:
        await hasty.finish(ended)
    assert caught.value.kind == "slow"
    await hasty.close()
    await store.finish(ended)
    assert await store.get("call-1") == ended


async def test_a_full_disk_is_named_and_leaves_nothing_behind(
    database: Path, store: SqlStore, pragma: Callable[[str], None], ended: CallRecord
) -> None:
    pragma("max_page_count=1")
    full = SqlStore(f"sqlite:///{database}")
    await full.open()
    big = msgspec.structs.replace(ended, turns=[Turn("caller", heard="x" * 200_000)])
    with pytest.raises(StoreError, match="the disk is full") as caught:
        await full.finish(big)
    assert caught.value.kind == "full"
    await full.close()
    assert await store.get("call-1") is None


async def test_a_read_only_database_is_named_and_can_be_read(
    database: Path, store: SqlStore, pragma: Callable[[str], None], ended: CallRecord
) -> None:
    await store.finish(ended)
    pragma("query_only=ON")
    read_only = SqlStore(f"sqlite:///{database}")
    await read_only.open()
    assert await read_only.get("call-1") == ended
    with pytest.raises(StoreError, match="the database is read-only") as caught:
        await read_only.begin(msgspec.structs.replace(ended, id="call-2"))
    assert caught.value.kind == "read-only"
    await read_only.close()


async def test_a_store_that_is_not_open_says_so(database: Path, ended: CallRecord) -> None:
    with pytest.raises(StoreError, match="not open"):
        await SqlStore(f"sqlite:///{database}").finish(ended)


async def test_a_cancelled_write_is_whole_or_absent(store: SqlStore, ended: CallRecord) -> None:
    """Cancelled after each number of loop cycles that a write can take."""
    for cycles in range(0, 40, 3):
        record = msgspec.structs.replace(ended, id=f"call-{cycles}", turns=[Turn("caller", heard="hello")] * 3)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(store.finish(record), name="finish")
            for _ in range(cycles):
                await asyncio.sleep(0)
            task.cancel()
        assert await store.get(record.id) in (None, record)
        await store.finish(record)
        assert await store.get(record.id) == record
