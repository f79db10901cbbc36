"""The machine: file descriptors, folders and their disks, the database, the clock."""

from __future__ import annotations

import asyncio
import resource
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from telephony.doctor.finding import Finding, amber, green, reason, red, skipped
from telephony.errors import ConfigurationError, StoreError
from telephony.settings import Settings

PER_CALL = 8
"""File descriptors of one call: two sockets and three files, and up to three more sockets while it changes its session,
asks a tool's server and is put through."""
BASE = 100
"""Of a process without calls: the program, its database, its listening sockets, the libraries'."""
FEW_CALLS = 100
"""Calls that a limit should allow where nobody has said how many there will be."""
LITTLE_ROOM = 1_000_000_000
"""Bytes: some 17 hours of recordings, 16 kB a second each."""
NO_ROOM = 50_000_000
CLOCK_AMBER = timedelta(seconds=10)
CLOCK_RED = timedelta(minutes=5)
"""Beyond it certificates and opening hours are judged wrongly, and signatures of many providers do not hold."""
BUSY = 3.0
"""Seconds to wait for whoever writes to the database just now."""
ASKING = 8.0
"""Seconds for the clock of somebody else."""


# -- file descriptors ----------------------------------------------------------------------------------------------


async def descriptors(settings: Settings) -> Sequence[Finding]:
    """Whether one process can carry as many calls as it may at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    bounds = [bound for bound in (settings.max_calls, settings.max_calls_per_worker) if bound]
    return [judge_descriptors(soft, hard, min(bounds, default=None))]


def judge_descriptors(soft: int, hard: int, max_calls: int | None) -> Finding:
    """*soft* and *hard* as the system counts them; `RLIM_INFINITY` is no limit."""
    name = "file descriptors"
    if soft == resource.RLIM_INFINITY:
        return green(name, "no limit")
    enough, needed = max(0, soft - BASE) // PER_CALL, BASE + PER_CALL * (max_calls or FEW_CALLS)
    remedy = f"Allow {needed} or more: LimitNOFILE={needed} in systemd's unit, ulimits in compose, `ulimit -n {needed}`"
    remedy += " in a shell." if hard == resource.RLIM_INFINITY or hard >= needed else f" by root; {hard} is the most."
    told = f"{soft} are allowed, enough for {enough} calls in one process"
    if max_calls is None:
        return green(name, told) if enough >= FEW_CALLS else amber(name, told, remedy)
    return green(name, told) if soft >= needed else red(name, f"{told}, which may carry {max_calls}", remedy)


# -- disk ----------------------------------------------------------------------------------------------------------


async def folders(settings: Settings) -> Sequence[Finding]:
    """Whether what calls leave behind can be written, and how much room there is."""
    wanted = {"recordings": Path(settings.recordings)}
    if any(agent.cassette != "off" for agent in settings.agents.values()):
        wanted["cassettes"] = Path(settings.cassettes.folder)
    return await asyncio.to_thread(lambda: [_folder(name, path) for name, path in wanted.items()])


def _folder(name: str, path: Path) -> Finding:
    title, there = f"folder {name}", _nearest(path)
    shown = path if there == path else f"{path} (will be made)"
    remedy = f"Let this user write to {there.absolute()}, or name another folder."
    if not there.is_dir():
        return red(title, f"{there} is no folder", "Name a folder, or move the file away.")
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"0" * 4096)
    except OSError as error:
        return red(title, f"{there} cannot be written to ({error.strerror or error})", remedy)
    return judge_room(title, str(shown), shutil.disk_usage(there).free)


def judge_room(title: str, shown: str, free: int) -> Finding:
    """*free* in bytes."""
    told = f"{shown}: {_size(free)} free"
    remedy = "Make room, or name a folder on another disk. Recordings need 58 MB an hour."
    if free < NO_ROOM:
        return red(title, told, remedy)
    return amber(title, told, remedy) if free < LITTLE_ROOM else green(title, told)


def _size(amount: int) -> str:
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.0f} MB"


def _nearest(path: Path) -> Path:
    """*path*, or the folder above it that is there."""
    return next((each for each in (path, *path.absolute().parents) if each.exists()), Path("/"))


# -- the database --------------------------------------------------------------------------------------------------


def is_file(settings: Settings) -> bool:
    """Whether the database is on this machine's disk, and no server is asked."""
    return settings.database_url.startswith("sqlite")


async def database(settings: Settings) -> Sequence[Finding]:
    """Whether the database opens and can be written to. One that is a file and is not there yet is not made."""
    from telephony.store.database import address, missing_file
    from telephony.store.sql import SqlStore

    name = "database"
    try:
        url = address(settings.database_url)
        if file := missing_file(url):
            place = _folder("", file.parent)
            told = f"{file} will be made at the first start"
            return [green(name, told) if place.state != "red" else red(name, place.what, place.remedy)]
        store = SqlStore(settings.database_url)
        await store.open()
        try:
            await asyncio.to_thread(_try_writing, settings.database_url)
        finally:
            await store.close()
    except ConfigurationError as error:
        return [red(name, error.problem, error.remedy)]
    except StoreError as error:
        return [red(name, str(error), _DATABASE.get(error.kind, "Is the server up, and is database_url its address?"))]
    return [green(name, f"{url.get_backend_name()} {url.database}, opened and writable")]


_DATABASE = {
    "locked": "Find out who holds it: no other program may keep a transaction open.",
    "full": "Make room on its disk.",
    "read-only": "Let this user write to the file and to its folder.",
    "slow": "Is the server up, and is there a firewall on the way?",
}


def _try_writing(url: str) -> None:
    """Begin to write, and leave it at that. Blocking. Raises `StoreError`."""
    from telephony.store.database import ERRORS, address, engine_for, explain

    engine = engine_for(address(url), connections=1, busy=BUSY, patience=2 * BUSY)
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin() as transaction:
            transaction.rollback()
    except ERRORS as error:
        raise explain(error, "write to it") from error
    finally:
        engine.dispose()


# -- the clock -----------------------------------------------------------------------------------------------------


async def clock(settings: Settings, session: aiohttp.ClientSession) -> Sequence[Finding]:
    """Whether it is as late here as at the carrier's REST API, whose every answer has the date."""
    host = urlsplit(settings.twilio.api_base).netloc
    timeout = aiohttp.ClientTimeout(total=ASKING)
    before = datetime.now(UTC)
    try:
        async with session.get(settings.twilio.api_base, allow_redirects=False, timeout=timeout) as response:
            told = response.headers.get("Date", "")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        remedy = f"Let this machine reach {host}: calls are hung up and transferred through it."
        return [amber("clock", f"{host} could not be asked: {reason(error)}", remedy)]
    middle = before + (datetime.now(UTC) - before) / 2
    try:
        theirs = parsedate_to_datetime(told)
    except ValueError:
        return [skipped("clock", f"{host} does not say how late it is")]
    return [judge_clock(middle - theirs - timedelta(seconds=0.5), host)]


def judge_clock(ahead: timedelta, host: str) -> Finding:
    """*ahead* is how much later it is here than at *host*."""
    off = abs(ahead)
    told = f"{off.total_seconds():.0f} s {'ahead of' if ahead > timedelta() else 'behind'} {host}"
    remedy = "Let the machine keep its time: `timedatectl set-ntp true`."
    if off > CLOCK_RED:
        return red("clock", told, remedy)
    return amber("clock", told, remedy) if off > CLOCK_AMBER else green("clock", f"as late as at {host}")
