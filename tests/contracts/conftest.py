"""The stores of call records, each of which keeps all promises of the contract."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from telephony.store.base import CallStore
from telephony.store.database import address
from telephony.store.memory import MemoryStore, Shelf
from telephony.store.owner import Owner
from telephony.store.schema import metadata
from telephony.store.sql import SqlStore

Open = Callable[..., Awaitable[CallStore]]

POSTGRES = os.environ.get("TELEPHONY_TEST_POSTGRES", "")
NO_POSTGRES = pytest.mark.skipif(not POSTGRES, reason="TELEPHONY_TEST_POSTGRES names no empty database")


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=NO_POSTGRES)])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens stores over the same data, as several processes do. Called with an owner it plays that process."""
    shared = Shelf()
    opened: list[CallStore] = []

    async def open_store(owner: Owner | None = None) -> CallStore:
        store: CallStore
        if request.param == "memory":
            store = MemoryStore(shared, owner=owner)
        elif request.param == "postgres":
            store = SqlStore(POSTGRES, owner=owner)
        else:
            store = SqlStore(f"sqlite:///{tmp_path / 'calls.db'}", owner=owner)
        await store.open()
        opened.append(store)
        return store

    yield open_store
    for store in opened:
        await store.close()
    if request.param == "postgres":
        engine = create_engine(address(POSTGRES))
        metadata.drop_all(engine)
        engine.dispose()


@pytest.fixture
async def store(shelf: Open) -> CallStore:
    return await shelf()
