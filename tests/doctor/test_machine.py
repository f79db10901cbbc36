"""The machine: real folders, databases and servers, and the limits that are judged."""

from __future__ import annotations

import resource
import sqlite3
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from offices import free_port, settings_for
from telephony.agents.agent import Agent
from telephony.doctor.machine import (
    BASE,
    LITTLE_ROOM,
    NO_ROOM,
    PER_CALL,
    clock,
    database,
    descriptors,
    folders,
    judge_clock,
    judge_descriptors,
    judge_room,
)
from telephony.settings import TwilioSettings
from telephony.store.sql import SqlStore

pytestmark = pytest.mark.timeout(30)


def made_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


NONE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "max_calls", "state", "remedy"),
    [
        (NONE, NONE, 10_000, "green", ""),
        (1024, 4096, None, "green", ""),
        (256, 4096, None, "amber", "ulimit -n 900"),
        (1024, 4096, 100, "green", ""),
        (BASE + PER_CALL * 100 - 1, 4096, 100, "red", "LimitNOFILE=900"),
        (1024, 4096, 1000, "red", "by root; 4096 is the most"),
        (16, 16, None, "amber", ""),
    ],
)
def test_file_descriptors_are_measured_by_the_calls_there_may_be(
    soft: int, hard: int, max_calls: int | None, state: str, remedy: str
) -> None:
    found = judge_descriptors(soft, hard, max_calls)
    assert found.state == state
    assert remedy in found.remedy


async def test_the_limit_is_that_of_this_process(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    (found,) = await descriptors(settings_for(tmp_path, max_calls=soft))
    assert found == judge_descriptors(soft, hard, soft)
    assert found.state == "red"
    (found,) = await descriptors(settings_for(tmp_path, max_calls=soft, max_calls_per_worker=1))
    assert found == judge_descriptors(soft, hard, 1)


async def test_folders_that_are_not_there_yet_are_looked_for_above_and_not_made(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, agents={"desk": Agent("desk", cassette="always").settings})
    found = await folders(settings)
    assert [finding.name for finding in found] == ["folder recordings", "folder cassettes"]
    assert all(f"{tmp_path}" in finding.what and "(will be made)" in finding.what for finding in found)
    assert made_in(tmp_path) == []


async def test_no_folder_is_needed_for_cassettes_that_nobody_wants(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, agents={"desk": Agent("desk", cassette="off").settings})
    assert [finding.name for finding in await folders(settings)] == ["folder recordings"]


async def test_a_folder_that_cannot_be_one_is_red(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (found,) = await folders(settings_for(tmp_path, recordings=str(tmp_path / "file" / "recordings")))
    assert (found.state, found.what) == ("red", f"{tmp_path / 'file'} is no folder")


async def test_a_folder_that_takes_no_file_is_red() -> None:
    (found,) = await folders(settings_for(Path("/proc"), recordings="/proc/recordings"))  # nobody may write there
    assert found.state == "red"
    assert "/proc cannot be written to" in found.what
    assert "another folder" in found.remedy


@pytest.mark.parametrize(
    ("free", "state", "told"),
    [
        (70 * 10**9, "green", "x: 70.0 GB free"),
        (LITTLE_ROOM - 1, "amber", "x: 1000 MB free"),
        (NO_ROOM - 1, "red", "x: 50 MB free"),
    ],
)
def test_room_is_judged_by_what_recordings_need(free: int, state: str, told: str) -> None:
    found = judge_room("folder recordings", "x", free)
    assert (found.state, found.what) == (state, told)


# -- the database ----------------------------------------------------------------------------------------------------


async def test_a_database_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    (found,) = await database(settings_for(tmp_path))
    assert (found.state, found.what) == ("green", f"{tmp_path / 'telephony.db'} will be made at the first start")
    assert made_in(tmp_path) == []


async def test_a_database_is_opened_and_written_to(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    store = SqlStore(settings.database_url)
    await store.open()
    await store.close()
    (found,) = await database(settings)
    assert (found.state, found.what) == ("green", f"sqlite {tmp_path / 'telephony.db'}, opened and writable")


async def test_a_database_that_somebody_holds_is_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(tmp_path)
    store = SqlStore(settings.database_url)
    await store.open()
    await store.close()
    monkeypatch.setattr("telephony.doctor.machine.BUSY", 0.1)
    monkeypatch.setattr("telephony.store.sql.BUSY", 0.1)
    holder = sqlite3.connect(tmp_path / "telephony.db", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        (found,) = await database(settings)
    finally:
        holder.close()
    assert found.state == "red"
    assert "another process holds the database locked" in found.what
    assert "no other program" in found.remedy


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:///{folder}/text", "is not an SQLite database"),
        ("mysql://x", "not a database that we can use"),
        ("sqlite:////proc/telephony.db", "/proc cannot be written to"),
        ("postgresql://u:planted-9d1e@127.0.0.1:9/x", ""),  # without its driver, too
    ],
)
async def test_a_database_that_is_none_is_red_and_no_password_is_told(tmp_path: Path, url: str, told: str) -> None:
    (tmp_path / "text").write_text("no database" * 1000)
    (found,) = await database(settings_for(tmp_path, database_url=url.format(folder=tmp_path)))
    assert found.state == "red"
    assert told in found.what
    assert "planted" not in found.what + found.remedy


# -- the clock -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "state", "told"),
    [
        (0, "green", "as late as at api"),
        (9, "green", "as late as at api"),
        (-11, "amber", "11 s behind api"),
        (301, "red", "301 s ahead of api"),
    ],
)
def test_a_clock_is_judged_by_how_far_it_is_off(ahead: float, state: str, told: str) -> None:
    found = judge_clock(timedelta(seconds=ahead), "api")
    assert (found.state, found.what) == (state, told)


async def told_by_a_server(tmp_path: Path, date: str | None) -> str:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=401, headers={"Date": date} if date is not None else {})

    app = web.Application()
    app.router.add_get("/", answer)
    runner, port = web.AppRunner(app), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        settings = settings_for(tmp_path, twilio=TwilioSettings(api_base=f"http://127.0.0.1:{port}"))
        async with aiohttp.ClientSession() as session:
            (found,) = await clock(settings, session)
        return found.state
    finally:
        await runner.cleanup()


async def test_the_clock_is_compared_with_a_server_s(tmp_path: Path) -> None:
    assert await told_by_a_server(tmp_path, None) == "green"  # the server's own header
    assert await told_by_a_server(tmp_path, format_datetime(datetime.now(UTC) + timedelta(minutes=1), True)) == "amber"
    assert await told_by_a_server(tmp_path, format_datetime(datetime.now(UTC) - timedelta(hours=1), True)) == "red"
    assert await told_by_a_server(tmp_path, "soon") == "skipped"


async def test_a_server_that_cannot_be_asked_leaves_the_clock_in_doubt(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        (found,) = await clock(settings_for(tmp_path), session)
    assert (found.state, found.what) == ("amber", "127.0.0.1:9 could not be asked: nothing listens there")
