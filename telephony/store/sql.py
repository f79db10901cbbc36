"""Call records in SQL: SQLite by default, Postgres by URL. SQLAlchemy Core, so both speak through one set of tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import CreateIndex, CreateTable

from telephony.errors import ConfigurationError, StoreError
from telephony.records import CallRecord, Termination
from telephony.store.base import Summaries, ambiguous, storable
from telephony.store.database import ERRORS, KEY, Raced, address, engine_for, explain
from telephony.store.owner import Owner, gone
from telephony.store.rows import (
    abandoned_candidates,
    owner_of,
    presume_dead,
    read_record,
    read_summaries,
    write_record,
)
from telephony.store.schema import VERSION, calls, metadata, owners, schema_version

BUSY = 3.0
"""Seconds SQLite waits for another writer. Ours need milliseconds; longer than this somebody forgot a transaction."""
PATIENCE = 8.0
"""Seconds one operation may take altogether, waiting for a connection included."""
OWNERS_KEPT = timedelta(days=1)


class SqlStore:
    """A `CallStore` in an SQL database.

    *url* as users write it: `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://user:password@host/name`.
    *owner* is this process; a test plays several.
    """

    def __init__(self, url: str, *, owner: Owner | None = None, busy: float = BUSY, patience: float = PATIENCE) -> None:
        self.owner = owner or Owner.current()
        self._url = address(url)
        self._busy = busy
        self._patience = patience
        self._engine: AsyncEngine | None = None
        self._registered = False

    async def open(self) -> None:
        """`ConfigurationError` if the database is newer than this program, or its driver is not installed."""
        if self._engine is not None:
            return
        self._engine = engine_for(self._url, busy=self._busy, patience=self._patience)
        try:
            if not await self._is_current():
                await self._create()
        except BaseException:
            await self.close()
            raise

    async def begin(self, record: CallRecord) -> None:
        await self.save(record)

    async def save(self, record: CallRecord) -> bool:
        return await self._write(storable(record), None)

    async def finish(self, record: CallRecord) -> bool:
        if record.termination is None:
            raise ValueError(f"call {record.id} has no termination: it cannot be finished")
        return await self._write(storable(record), record.termination)

    async def get(self, wanted: str) -> CallRecord | None:
        if not wanted:
            return None
        exact, carriers = calls.c.id == wanted, calls.c.carrier_call_id == wanted
        matching = select(calls).where(or_(exact, carriers, calls.c.id.startswith(wanted, autoescape=True)))
        best_first = matching.order_by(exact.desc(), carriers.desc(), calls.c.started_at.desc())
        async with self._transaction("read a call") as connection:
            rows = (await connection.execute(best_first.limit(2))).mappings().all()
            if not rows:
                return None
            if len(rows) > 1 and wanted not in (rows[0]["id"], rows[0]["carrier_call_id"]):
                raise ambiguous(wanted, rows[0]["id"], rows[1]["id"])
            return await read_record(connection, rows[0])

    async def list(self, limit: int = 50, *, before: str | None = None, agent: str | None = None) -> Summaries:
        wanted: list[ColumnElement[bool]] = [] if agent is None else [calls.c.agent == agent]
        async with self._transaction("list the calls") as connection:
            if before is not None:
                last = (await connection.execute(select(calls.c.started_at).where(calls.c.id == before))).first()
                if last is None:
                    return []
                same_moment = and_(calls.c.started_at == last.started_at, calls.c.id < before)
                wanted.append(or_(calls.c.started_at < last.started_at, same_moment))
            return await read_summaries(connection, wanted, (calls.c.started_at.desc(), calls.c.id.desc()), limit)

    async def renew(self, now: datetime) -> None:
        own = {"host": self.owner.host, "pid": self.owner.pid, "born": self.owner.born, "seen_at": now}
        async with self._transaction("renew the lease", writes=True) as connection:
            known = await connection.execute(update(owners).where(owners.c.id == self.owner.id).values(own))
            if known.rowcount == 0:
                await connection.execute(insert(owners).values(id=self.owner.id, **own))
        self._registered = True

    async def recover(self, now: datetime) -> Summaries:
        async with self._transaction("look for abandoned calls") as connection:
            candidates = await abandoned_candidates(connection, self.owner.id)
        # Whether a process lives is asked outside of any transaction: nobody waits for a lock meanwhile.
        abandoned = [row for row in candidates if gone(owner_of(row), row["seen_at"], now)]
        async with self._transaction("close abandoned calls", writes=True) as connection:
            closed = [row["id"] for row in abandoned if await presume_dead(connection, row)]
            running = select(calls.c.owner).where(calls.c.result.is_(None))
            long_gone = (owners.c.seen_at < now - OWNERS_KEPT, owners.c.id.not_in(running))
            await connection.execute(delete(owners).where(*long_gone))
            oldest_first = (calls.c.started_at.asc(), calls.c.id.asc())
            return await read_summaries(connection, [calls.c.id.in_(closed)], oldest_first, len(closed))

    async def close(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    # -- below the verbs -------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _transaction(self, purpose: str, *, writes: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction that is bounded in time; its failures are `StoreError`s that say what could not be done."""
        if self._engine is None:
            raise explain(RuntimeError("the store is not open"), purpose)
        engine = self._engine.execution_options(writes=writes)
        try:
            async with asyncio.timeout(self._patience), engine.begin() as connection:
                yield connection
        except ERRORS as error:
            raise explain(error, purpose) from error

    async def _is_current(self) -> bool:
        """Whether the tables are there. `ConfigurationError` if a newer program made them."""
        async with self._transaction("open the database") as connection:
            if not await connection.run_sync(lambda sync: sync.dialect.has_table(sync, schema_version.name)):
                return False
            version = await connection.scalar(select(schema_version.c.version))
        if version is not None and version > VERSION:
            raise ConfigurationError(
                KEY,
                f"the database has schema version {version}, and this program knows versions up to {VERSION}",
                "Upgrade telephony-bridge, or set DATABASE_URL to another database.",
            )
        return version is not None

    async def _create(self) -> None:
        """Several processes may do this at once on a new database; whoever comes late finds everything there."""
        try:
            async with self._transaction("create the tables", writes=True) as connection:
                for table in metadata.sorted_tables:
                    await connection.execute(CreateTable(table, if_not_exists=True))
                    for index in sorted(table.indexes, key=lambda index: str(index.name)):
                        await connection.execute(CreateIndex(index, if_not_exists=True))
                if await connection.scalar(select(schema_version.c.version)) is None:
                    await connection.execute(insert(schema_version).values(one=1, version=VERSION))
        except StoreError:
            if not await self._is_current():
                raise

    async def _write(self, record: CallRecord, end: Termination | None) -> bool:
        """Twice if need be: another process may insert the row between our update and our insert."""
        if not self._registered:
            # Who only reads needs no lease; a call whose process nobody knows would be taken for abandoned.
            await self.renew(datetime.now(UTC))
        try:
            return await self._write_once(record, end)
        except Raced:
            return await self._write_once(record, end)

    async def _write_once(self, record: CallRecord, end: Termination | None) -> bool:
        async with self._transaction("write a call", writes=True) as connection:
            return await write_record(connection, record, end, self.owner.id)
