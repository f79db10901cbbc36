"""What differs between databases: their addresses, their drivers, their settings and the names of their troubles."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from telephony.errors import ConfigurationError, StoreError, Trouble

KEY = "database_url"
DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+aiosqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
EXAMPLES = (
    "Write sqlite:///telephony.db, sqlite:////var/lib/telephony/calls.db or postgresql://user:password@host/name."
)
ERRORS = (SQLAlchemyError, OSError, TimeoutError, sqlite3.Error)


class Raced(StoreError):
    """Somebody else wrote the same row first. Looking again finds it."""


def address(url: str) -> URL:
    """The URL with the driver we use; users need not name one. `ConfigurationError` if it is of another kind."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(KEY, "it is not a database URL", EXAMPLES) from error
    if parsed.drivername not in DRIVERS:
        raise ConfigurationError(KEY, f"{parsed.drivername} is not a database that we can use", EXAMPLES)
    return parsed.set(drivername=DRIVERS[parsed.drivername])


def engine_for(url: URL, *, connections: int, busy: float, patience: float) -> Engine:
    """An engine that waits at most *busy* seconds for a lock and *patience* for a connection or an answer. No
    connection is made yet. `ConfigurationError` if the driver is not installed."""
    if is_sqlite(url):
        # One thread at a time uses a connection, but the one that closes them is not the one that opened them.
        wait: dict[str, Any] = {"timeout": busy, "check_same_thread": False}
    else:
        options = f"-c lock_timeout={busy * 1000:.0f} -c statement_timeout={patience * 1000:.0f}"
        wait = {"connect_timeout": max(2, round(patience)), "options": options}
    pool: dict[str, Any] = {"pool_size": connections, "max_overflow": 0, "pool_timeout": patience}
    try:
        engine = create_engine(url, connect_args=wait, **({"poolclass": StaticPool} if in_memory(url) else pool))
    except ModuleNotFoundError as error:
        problem = f"{url.get_backend_name()} needs the Python package {error.name}, which is not installed"
        raise ConfigurationError(KEY, problem, "Install it: pip install 'telephony-bridge[postgres]'") from error
    if is_sqlite(url):
        event.listen(engine, "connect", prepare_sqlite)
        event.listen(engine, "begin", begin_sqlite)
    return engine


def in_memory(url: URL) -> bool:
    """Whether the database is one connection's own: then there can only be one."""
    return is_sqlite(url) and url.database in (None, "", ":memory:")


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def missing_file(url: URL) -> Path | None:
    """The file that a database would be made in, if there is none yet; None for a database that is not one file."""
    if not is_sqlite(url) or in_memory(url) or url.query:
        return None
    file = Path(url.database or "")
    return None if file.exists() else file.absolute()


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


def misconfigured(error: StoreError, url: URL) -> ConfigurationError | None:
    """The same trouble as somebody's mistake, where opening a database shows that it is one."""
    cause = error.__cause__
    orig = cause.orig if isinstance(cause, DBAPIError) else cause
    match getattr(orig, "sqlite_errorname", ""):
        case "SQLITE_NOTADB":
            return ConfigurationError(KEY, f"{url.database} is not an SQLite database", "Name another file.")
        case "SQLITE_CANTOPEN":
            remedy = "Create its folder, let this user write there, or name another file."
            return ConfigurationError(KEY, f"{url.database} cannot be opened", remedy)
    return None


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
