"""Waiting for blocking work: bounded, cancellable, and never half done."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection

from telephony.errors import StoreError
from telephony.records import CallRecord, Turn
from telephony.store.database import address, engine_for
from telephony.store.rows import write_record
from telephony.store.sql import SqlStore
from telephony.store.transactions import Transactions


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


async def test_work_that_waits_when_the_store_closes_is_not_begun_and_what_runs_is_finished(database: Path) -> None:
    engine = engine_for(address(f"sqlite:///{database}"), connections=1, busy=1, patience=1)
    transactions = Transactions(engine, 1, 5)
    begun, release, seen = threading.Event(), threading.Event(), list[str]()

    def first(_: Connection) -> None:
        begun.set()
        release.wait(5)
        seen.append("first")

    async def attempt(work: Callable[[Connection], None]) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await transactions.read("try", work)

    async with asyncio.TaskGroup() as group:
        group.create_task(attempt(first), name="first")
        group.create_task(attempt(lambda _: seen.append("second")), name="second")
        await asyncio.to_thread(begun.wait, 5)
        closing = group.create_task(transactions.close(), name="close")
        await asyncio.sleep(0)
        release.set()
        await closing
    assert seen == ["first"]


async def test_what_a_transaction_raises_of_its_own_undoes_it_and_comes_through(
    database: Path, store: SqlStore, ended: CallRecord
) -> None:
    engine = engine_for(address(f"sqlite:///{database}"), connections=1, busy=1, patience=1)
    transactions = Transactions(engine, 1, 5)

    def half(connection: Connection) -> None:
        write_record(connection, ended, ended.termination, "somebody")
        raise LookupError("a bug of ours")

    with pytest.raises(LookupError):
        await transactions.write("write a call", half)
    await transactions.close()
    assert await store.get("call-1") is None


async def test_a_cancelled_write_is_whole_or_absent(database: Path, ended: CallRecord) -> None:
    """Cancelled after each number of loop cycles that a write can take; the next waits for what goes on in a thread."""
    store = SqlStore(f"sqlite:///{database}", busy=30, patience=40)
    await store.open()
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
    await store.close()
