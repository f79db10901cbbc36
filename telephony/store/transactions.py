"""Blocking transactions, awaited: a few threads, each with a connection and one transaction at a time.

Whoever waits may be cancelled or lose patience; the transaction itself is never half done and never left open. That
cannot be said of cancelling an asynchronous driver in the middle: it leaves a connection behind that holds SQLite's
write lock until the garbage is collected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from sqlalchemy import Connection, Engine

from telephony.store.database import ERRORS, explain

T = TypeVar("T")
Args = TypeVarTuple("Args")


class Transactions:
    """An engine and the threads that use it."""

    def __init__(self, engine: Engine, threads: int, patience: float) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="store")
        self._patience = patience

    async def read(self, purpose: str, work: Callable[[Connection, *Args], T], *args: *Args) -> T:
        """What *work* returns, called with a connection and *args* inside a transaction that only reads.

        `StoreError`, which says that it could not do *purpose*, if it fails or takes longer than our patience. One
        that had begun runs to its end all the same, and so does one whose waiter is cancelled.
        """
        return await self._run(purpose, lambda: self._transact(False, work, *args))

    async def write(self, purpose: str, work: Callable[[Connection, *Args], T], *args: *Args) -> T:
        """Like `read`, in a transaction that has the right to write from its start."""
        return await self._run(purpose, lambda: self._transact(True, work, *args))

    async def close(self) -> None:
        """Let running transactions end, within our patience, and close the connections. What waits is not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        try:
            async with asyncio.timeout(self._patience):
                await asyncio.to_thread(self._threads.shutdown)
        except TimeoutError:
            return  # a thread hangs in a dead disk, and its connection with it
        self._engine.dispose()

    async def _run(self, purpose: str, transaction: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.wrap_future(self._threads.submit(transaction))
        except ERRORS as error:
            raise explain(error, purpose) from error

    def _transact(self, writes: bool, work: Callable[[Connection, *Args], T], *args: *Args) -> T:
        with self._engine.execution_options(writes=writes).begin() as connection:
            return work(connection, *args)
