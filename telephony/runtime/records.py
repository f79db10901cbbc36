"""Where the records, recordings and cassettes of a process go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.bridge.journal import Journal
from telephony.bridge.plan import Plan
from telephony.bridge.shelf import Shelf
from telephony.bridge.tape import recover
from telephony.encryption.keys import Key, KeyRing
from telephony.errors import ConfigurationError
from telephony.runtime.redaction import mask_json
from telephony.server.sharing import Sharing
from telephony.settings import Settings
from telephony.store.keeper import RecordKeeper

if TYPE_CHECKING:
    from telephony.store.sql import SqlStore

_log: FilteringBoundLogger = structlog.get_logger("telephony.office")


def make_keeper(settings: Settings) -> tuple[SqlStore, RecordKeeper]:
    """Where the records go, and who keeps them."""
    from telephony.store.sql import SqlStore

    store = SqlStore(settings.database_url)
    return store, RecordKeeper(store, Path(settings.recordings) / "unsaved")


def make_journal(store: SqlStore, sharing: Sharing) -> Journal:
    """What outlives this process of its calls."""
    from telephony.store.sql_journals import SqlJournals

    return Journal(SqlJournals(store), sharing.let_go)


async def open_records(keeper: RecordKeeper, recordings: Path, keys: KeyRing) -> None:
    """Open them, once what dead processes left of recordings has been finished with *keys*."""
    await _make_folder("recordings", recordings)
    for path in await asyncio.to_thread(recover, recordings, keys):
        _log.warning("a recording of a dead process was finished", path=str(path))
    await keeper.open()


async def open_shelf(settings: Settings, plans: Iterable[Plan]) -> None:
    """Make the folder of the cassettes, if there will be any."""
    if any(plan.cassette for plan in plans):
        await _make_folder("cassettes.folder", Path(settings.cassettes.folder))


async def _make_folder(key: str, folder: Path) -> None:
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        problem = f"the folder {folder} cannot be made ({error.strerror})"
        raise ConfigurationError(key, problem, "Name one that this user may write to.") from error


def make_shelf(settings: Settings, secrets: list[str], key: Key | None, threads: Executor) -> Shelf:
    room = settings.cassettes
    largest, all_together = round(room.call_mb * 1e6), round(room.total_mb * 1e6)
    return Shelf(Path(room.folder), largest, all_together, partial(mask_json, secrets=secrets), threads, key)
