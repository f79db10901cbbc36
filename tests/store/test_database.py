"""Addresses, drivers and the names of troubles."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest

from telephony.errors import ConfigurationError
from telephony.store.database import address, explain
from telephony.store.sql import SqlStore


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


async def test_a_url_with_its_password_is_not_repeated_in_an_error() -> None:
    with pytest.raises(ConfigurationError) as caught:
        SqlStore("mysql://me:hunter2@db/calls")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SQLITE_BUSY", "locked"),
        ("SQLITE_BUSY_SNAPSHOT", "locked"),
        ("SQLITE_LOCKED_SHAREDCACHE", "locked"),
        ("SQLITE_FULL", "full"),
        ("SQLITE_READONLY_DBMOVED", "read-only"),
        ("SQLITE_IOERR_FSYNC", "broken"),
    ],
)
def test_sqlites_refined_codes_keep_their_meaning(name: str, kind: str) -> None:
    error = sqlite3.OperationalError("as SQLite words it")
    error.sqlite_errorname = name
    explained = explain(error, "write a call")
    assert explained.kind == kind
    assert str(explained).startswith("could not write a call: ")


def test_an_error_without_words_is_still_named() -> None:
    assert str(explain(OSError(), "read a call")) == "could not read a call: OSError()"


def test_a_wait_that_ran_out_is_slowness() -> None:
    assert explain(TimeoutError(), "read a call").kind == "slow"
