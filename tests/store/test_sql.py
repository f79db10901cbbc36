"""What is the SQL store's own: opening, and databases that misbehave. The rest is in the contract."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import msgspec
import pytest

from telephony.errors import ConfigurationError, StoreError
from telephony.records import CallRecord, Turn
from telephony.store.schema import VERSION
from telephony.store.sql import SqlStore

# -- the schema ----------------------------------------------------------------------------------------------------


async def test_a_database_of_a_newer_program_is_refused_untouched(database: Path, store: SqlStore) -> None:
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("UPDATE schema_version SET version = ?", (VERSION + 1,))
    complaint = rf"schema version {VERSION + 1}, and this program knows.*Upgrade telephony-bridge"
    with pytest.raises(ConfigurationError, match=complaint):
        await SqlStore(f"sqlite:///{database}").open()


async def test_opening_again_keeps_what_is_there(database: Path, store: SqlStore, ended: CallRecord) -> None:
    await store.finish(ended)
    await store.close()
    again = SqlStore(f"sqlite:///{database}")
    await again.open()
    assert await again.get("call-1") == ended
    await again.close()


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
