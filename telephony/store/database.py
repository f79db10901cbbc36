"""What differs between databases: their addresses, their drivers, their settings and the names of their troubles."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from telephony.errors import ConfigurationError, StoreError, Trouble

KEY = "database_url"
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
EXAMPLES = (
    "Write sqlite:///telephony.db, sqlite:////var/lib/telephony/calls.db or postgresql://user:password@host/name."
)
ERRORS = (SQLAlchemyError, OSError, TimeoutError, sqlite3.Error)

POOL = 4
"""Connections. SQLite writes one at a time anyway; the others are for readers."""


class Raced(StoreError):
    """Somebody else wrote the same row first. Looking again finds it."""


def address(url: str) -> URL:
    """The URL with its asynchronous driver: `sqlite:` and `postgresql:` need not name one. `ConfigurationError`."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(KEY, "it is not a database URL", EXAMPLES) from error
    parsed = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
    if parsed.drivername not in DRIVERS.values():
        raise ConfigurationError(KEY, f"{parsed.drivername} is not a database that we can use", EXAMPLES)
    return parsed


def engine_for(url: URL, *, busy: float, patience: float) -> AsyncEngine:
    """An engine that waits at most *busy* seconds for a lock and *patience* for a connection. `ConfigurationError` if
    the driver is not installed. No connection is made."""
    in_memory = is_sqlite(url) and url.database in (None, "", ":memory:")
    pool = {} if in_memory else {"pool_size": POOL, "max_overflow": 0, "pool_timeout": patience}
    wait = {"timeout": busy} if is_sqlite(url) else {"timeout": patience, "command_timeout": patience}
    try:
        engine = create_async_engine(url, connect_args=wait, **pool)
    except ModuleNotFoundError as error:
        problem = f"{url.get_backend_name()} needs the Python package {error.name}, which is not installed"
        raise ConfigurationError(KEY, problem, "Install it: pip install 'telephony-bridge[postgres]'") from error
    if is_sqlite(url):
        event.listen(engine.sync_engine, "connect", prepare_sqlite)
        event.listen(engine.sync_engine, "begin", begin_sqlite)
    return engine


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def prepare_sqlite(connection: Any, _record: object) -> None:
    """Readers that do not block the writer (WAL), references that hold, and transactions that begin when we say so:
    by itself the driver begins one before the first write only, so that neither reads nor tables were covered."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once and waits its turn for it. Taken later, after a read, SQLite would refuse it
    without waiting whenever somebody else had written in between (SQLITE_BUSY_SNAPSHOT)."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


KINDS: dict[str, Trouble] = {"BUSY": "locked", "LOCKED": "locked", "FULL": "full", "READONLY": "read-only"}
MEANINGS: dict[Trouble, str] = {
    "locked": "another process holds the database locked",
    "full": "the disk is full",
    "read-only": "the database is read-only",
    "slow": "the database did not answer in time",
}


def explain(error: BaseException, purpose: str) -> StoreError:
    """A `StoreError` that says what could not be done and whose doing that is, such as `could not write a call: …`."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(error, IntegrityError):
        return Raced(f"could not {purpose}: {cause}")
    # `SQLITE_BUSY_SNAPSHOT` and its like are refinements of `SQLITE_BUSY`: the second word decides.
    name = getattr(cause, "sqlite_errorname", "") or getattr(cause.__cause__, "sqlite_errorname", "")
    kind: Trouble = KINDS.get(name.split("_")[1], "broken") if name.startswith("SQLITE_") else "broken"
    if isinstance(error, TimeoutError | PoolTimeout):
        kind = "slow"
    return StoreError(f"could not {purpose}: {MEANINGS.get(kind) or str(cause) or repr(cause)}", kind)
