"""Call records in SQL: SQLite by default, Postgres by URL. SQLAlchemy Core, so both speak through one set of tables."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TypeVar, TypeVarTuple

from sqlalchemy import Connection

from telephony.errors import ConfigurationError, StoreError
from telephony.records import AuditRow, CallRecord, Termination
from telephony.store import audits, forgetting, queries
from telephony.store.base import ALL, AuditRows, CallFilter, Position, Summaries, storable
from telephony.store.database import KEY, Raced, address, engine_for, in_memory, misconfigured
from telephony.store.migration import upgrade
from telephony.store.owner import Owner, gone
from telephony.store.rows import write_record
from telephony.store.schema import VERSION
from telephony.store.transactions import Transactions

BUSY = 3.0
"""Seconds SQLite waits for another writer. Ours need milliseconds; longer than this somebody forgot a transaction."""
PATIENCE = 8.0
"""Seconds one operation may take altogether, waiting for a thread included."""
THREADS = 4
"""And connections. SQLite writes one at a time anyway; the others are for readers."""

T = TypeVar("T")
Args = TypeVarTuple("Args")


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
        self._transactions: Transactions | None = None
        self._registered = False

    async def open(self) -> None:
        """`ConfigurationError` if the database is newer than this program or none at all, or the driver is missing."""
        if self._transactions is not None:
            return
        threads = 1 if in_memory(self._url) else THREADS
        engine = engine_for(self._url, connections=threads, busy=self._busy, patience=self._patience)
        self._transactions = Transactions(engine, threads, self._patience)
        try:
            if not await self._is_there():
                await self._create()
            await self._upgrade()
        except StoreError as error:
            await self.close()
            if mistake := misconfigured(error, self._url):
                raise mistake from error
            raise
        except BaseException:
            await self.close()
            raise

    async def begin(self, record: CallRecord) -> None:
        await self.save(record)

    async def save(self, record: CallRecord) -> bool:
        return await self._put(storable(record), None)

    async def finish(self, record: CallRecord) -> bool:
        if record.termination is None:
            raise ValueError(f"call {record.id} has no termination: it cannot be finished")
        return await self._put(storable(record), record.termination)

    async def get(self, wanted: str) -> CallRecord | None:
        return await self._open().read("read a call", queries.find, wanted) if wanted else None

    async def list(self, limit: int = 50, *, before: Position | None = None, where: CallFilter = ALL) -> Summaries:
        return await self._open().read("list the calls", queries.page, limit, before, where)

    async def renew(self, now: datetime) -> None:
        await self._write("renew the lease", queries.renew, self.owner, now)
        self._registered = True

    async def recover(self, now: datetime) -> Summaries:
        rows = await self._open().read("look for abandoned calls", queries.running_elsewhere, self.owner.id)
        # Whether a process lives is asked outside of any transaction: nobody waits for a lock meanwhile.
        abandoned = [row for row in rows if gone(queries.owner_of(row), row["seen_at"], now)]
        return await self._open().write("close abandoned calls", queries.close_abandoned, abandoned, now)

    async def audit(self, row: AuditRow) -> None:
        await self._write("write what was asked for", audits.write_audit, storable(row))

    async def admit(self, row: AuditRow, most: int, since: datetime) -> int:
        return await self._write("count what was allowed", audits.admit, storable(row), most, since)

    async def audits(self, limit: int = 50, *, calls: Collection[str] | None = None) -> AuditRows:
        return await self._open().read("read what was asked for", audits.read_audits, limit, calls)

    async def ended(
        self, limit: int, *, before: datetime | None = None, number: str = "", files: bool = False
    ) -> Summaries:
        return await self._open().read("look for old calls", forgetting.ended, limit, before, number, files)

    async def drop_files(self, calls: Collection[str]) -> None:
        await self._write("forget the files of calls", forgetting.drop_files, calls)

    async def erase(self, calls: Collection[str]) -> int:
        return await self._write("erase calls", forgetting.erase, calls)

    async def erase_requests(self, *, before: datetime | None = None, number: str = "") -> int:
        return await self._write("erase what was asked for", forgetting.erase_requests, before, number)

    async def close(self) -> None:
        transactions, self._transactions = self._transactions, None
        if transactions is not None:
            await transactions.close()

    # -- for what else is kept in the same database ----------------------------------------------------------------

    async def read(self, purpose: str, work: Callable[[Connection, *Args], T], *args: *Args) -> T:
        """See `Transactions.read`."""
        return await self._open().read(purpose, work, *args)

    async def register(self) -> None:
        """Let others know that we live, if they do not yet. Who only reads needs no lease; what belongs to a process
        that nobody knows would be taken for abandoned."""
        if not self._registered:
            await self.renew(datetime.now(UTC))

    async def write(self, purpose: str, work: Callable[[Connection, *Args], T], *args: *Args) -> T:
        """See `Transactions.write`; tried again if somebody else inserted the same row meanwhile."""
        return await self._write(purpose, work, *args)

    # -- below the verbs -------------------------------------------------------------------------------------------

    def _open(self) -> Transactions:
        if self._transactions is None:
            raise StoreError("the store of call records is not open")
        return self._transactions

    async def _is_there(self) -> bool:
        """Whether there are tables, maybe of an earlier version. `ConfigurationError` if a newer program made them."""
        version = await self._open().read("open the database", queries.version_of)
        if version is not None and version > VERSION:
            raise ConfigurationError(
                KEY,
                f"the database has schema version {version}, and this program knows versions up to {VERSION}",
                "Upgrade telephony-bridge, or set DATABASE_URL to another database.",
            )
        return version is not None

    async def _create(self) -> None:
        try:
            await self._open().write("create the tables", queries.create)
        except StoreError:
            if not await self._is_there():  # else another process was faster
                raise

    async def _upgrade(self) -> None:
        if await self._open().read("open the database", queries.version_of) != VERSION:
            await self._open().write("bring the tables up to date", upgrade)

    async def _put(self, record: CallRecord, end: Termination | None) -> bool:
        await self.register()
        return await self._write("write a call", write_record, record, end, self.owner.id)

    async def _write(self, purpose: str, work: Callable[[Connection, *Args], T], *args: *Args) -> T:
        """Twice if need be: when somebody else inserts the row between our update and our insert, there is a row to
        update. (SQLite has one writer at a time; Postgres has many.)"""
        try:
            return await self._open().write(purpose, work, *args)
        except Raced:
            return await self._open().write(purpose, work, *args)
