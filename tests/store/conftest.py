"""A store on a real database, and databases that misbehave for real: locked by somebody else, full, read-only."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Pool, event

from telephony.records import CallRecord, Termination
from telephony.store.sql import SqlStore


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


@pytest.fixture
async def store(database: Path) -> AsyncIterator[SqlStore]:
    store = SqlStore(f"sqlite:///{database}", busy=0.02)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def locked(database: Path) -> Callable[[], AbstractContextManager[None]]:
    """While entered, another connection holds the write lock."""

    @contextmanager
    def hold() -> Iterator[None]:
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    return hold


@pytest.fixture
def pragma() -> Iterator[Callable[[str], None]]:
    """Sets a PRAGMA on every connection made from then on, to bring about what a disk would."""
    undo: list[Callable[..., None]] = []

    def set_pragma(text: str) -> None:
        def on_connect(connection: sqlite3.Connection, _record: object) -> None:
            connection.cursor().execute(f"PRAGMA {text}")

        event.listen(Pool, "connect", on_connect)
        undo.append(on_connect)

    yield set_pragma
    for listener in undo:
        event.remove(Pool, "connect", listener)


@pytest.fixture
def running() -> CallRecord:
    return CallRecord("call-1", "twilio", "CA1", "frontdesk", started_at=datetime(2026, 11, 22, 12, tzinfo=UTC))


@pytest.fixture
def ended(running: CallRecord) -> CallRecord:
    return CallRecord(
        **{name: getattr(running, name) for name in ("id", "carrier", "carrier_call_id", "agent", "started_at")},
        duration=12.5,
        termination=Termination("completed", "caller", "caller hung up"),
    )
