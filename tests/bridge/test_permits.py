"""Every request is judged, counted and written down before anybody dials: whatever the store does."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from targets import ADVERSARIAL, CALLER, DIALLING, FRIEND, OWN, SALES
from telephony.bridge import permits
from telephony.bridge.permits import DAY, LONGEST, Permits
from telephony.dialling import Allowed, DialPolicy, Refused
from telephony.records import AuditRow
from telephony.settings import DiallingSettings
from telephony.store import audit_keeper
from telephony.store.keeper import RecordKeeper
from telephony.store.sql import SqlStore

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)

Locked = Callable[[], AbstractContextManager[None]]


class Desk:
    """One process with its permits, over a database that others share."""

    def __init__(self, folder: Path, settings: DiallingSettings, spool: Path, busy: float) -> None:
        self.store = SqlStore(f"sqlite:///{folder / 'calls.db'}", busy=busy)
        self.keeper = RecordKeeper(self.store, spool)
        self.permits = Permits(DialPolicy(settings, own=[OWN]), self.keeper.audits)

    async def ask(self, target: str = "sales", call: str = "CA1", minutes: float = 0) -> Allowed | Refused:
        now = NOW + timedelta(minutes=minutes)
        return await self.permits.permit("transfer", target, call, "frontdesk", now, caller=CALLER, called=OWN)

    async def verdict(self, target: str = "sales", call: str = "CA1", minutes: float = 0) -> str:
        answer = await self.ask(target, call, minutes)
        return answer.code if isinstance(answer, Refused) else "allowed"

    async def rows(self) -> list[AuditRow]:
        return await self.store.audits(1000)


Open = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    """Opens processes; *limits* change the rules of `DIALLING`, *spool* is the folder for what waits, and
    *busy* the seconds that each waits for others to write."""
    desks = []

    async def open_desk(spool: Path = tmp_path / "unsaved", *, busy: float = 20, **limits: int) -> Desk:
        desk = Desk(tmp_path, DIALLING.model_copy(update=limits), spool, busy)
        desks.append(desk)
        await desk.keeper.open()
        return desk

    yield open_desk
    for desk in desks:
        await desk.store.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several write at once, on whatever machine this is: nobody shall take that for a store that does not answer."""
    monkeypatch.setattr(audit_keeper, "PROMPT", 20.0)


@pytest.fixture
def locked(tmp_path: Path) -> Locked:
    """While entered, another connection holds the write lock."""

    @contextmanager
    def hold() -> Iterator[None]:
        with closing(sqlite3.connect(tmp_path / "calls.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    return hold


async def test_every_adversarial_target_is_refused_and_leaves_its_row(opened: Open) -> None:
    desk = await opened()
    for target, code in ADVERSARIAL:
        assert await desk.verdict(target) == code
    rows = await desk.rows()
    assert len(rows) == len(ADVERSARIAL) >= 50
    assert {row.verdict for row in rows} == {"refused"}
    assert {row.number for row in rows} == {""}
    asked = {(target[:LONGEST].replace("\0", "\N{REPLACEMENT CHARACTER}"), code) for target, code in ADVERSARIAL}
    assert {(row.target, row.code) for row in rows} == asked


async def test_what_is_allowed_leaves_its_row_too(opened: Open) -> None:
    desk = await opened()
    answer = await desk.ask("Sales")
    assert isinstance(answer, Allowed)
    assert answer.number == SALES
    (row,) = await desk.rows()
    assert row == AuditRow(row.id, NOW, "CA1", "frontdesk", "transfer", "Sales", "allowed", None, SALES)


@pytest.mark.usefixtures("patient")
async def test_a_call_has_its_limit_and_requests_made_at_once_see_each_other(opened: Open) -> None:
    desk = await opened(per_call=3)
    verdicts = await asyncio.gather(*(desk.verdict() for _ in range(8)))
    assert sorted(verdicts) == ["allowed"] * 3 + ["per_call"] * 5
    assert await desk.verdict(call="CA2") == "allowed"
    assert len(await desk.rows()) == 9


async def test_the_calls_that_asked_last_are_remembered(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permits, "CALLS", 2)
    desk = await opened(per_call=2)
    for call in ("CA1", "CA2", "CA1", "CA3"):
        assert await desk.verdict(call=call) == "allowed"
    assert [await desk.verdict(call=call) for call in ("CA1", "CA2")] == ["per_call", "allowed"]


async def test_what_was_refused_does_not_count(opened: Open) -> None:
    desk = await opened(per_call=1, per_day=1)
    for _ in range(3):
        await desk.verdict("+19005551234")
    assert await desk.verdict() == "allowed"


@pytest.mark.usefixtures("patient")
async def test_a_day_has_its_limit_over_all_processes(opened: Open) -> None:
    desks = [await opened(per_day=5) for _ in range(3)]
    asked = (desk.verdict(FRIEND, f"CA{n}-{k}") for k, desk in enumerate(desks) for n in range(4))
    assert sorted(await asyncio.gather(*asked)) == ["allowed"] * 5 + ["per_day"] * 7
    verdicts = [row.verdict for row in await desks[0].rows()]
    assert (verdicts.count("allowed"), verdicts.count("refused")) == (5, 7)
    late = DAY.total_seconds() / 60
    assert [await desk.verdict(call=f"CB{n}", minutes=late) for n, desk in enumerate(desks)] == ["allowed"] * 3


async def test_messages_and_calls_have_limits_of_their_own(opened: Open) -> None:
    desk = await opened(per_call=1, per_day=1)
    assert await desk.verdict() == "allowed"
    message = await desk.permits.permit("sms", "caller", "CA1", "frontdesk", NOW, caller=CALLER)
    assert isinstance(message, Allowed)


async def test_while_the_store_does_not_answer_calls_go_on_and_their_rows_wait_on_the_disk(
    opened: Open, locked: Locked
) -> None:
    desk = await opened(busy=0.02)
    with locked(), capture_logs() as logs:
        assert await desk.verdict() == "allowed"
        assert await desk.verdict("+19005551234") == "premium"
        assert await desk.rows() == []
    assert "the limit of a day is counted by this process alone" in [line["event"] for line in logs]
    await desk.keeper.round()
    assert {(row.verdict, row.code) for row in await desk.rows()} == {("allowed", None), ("refused", "premium")}
    assert list(desk.keeper.audits.in_memory) == []


async def test_a_store_that_hangs_does_not_hang_a_call(
    opened: Open, locked: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_keeper, "PROMPT", 0.05)
    desk = await opened()
    with locked():
        async with asyncio.timeout(10):
            assert await desk.verdict() == "allowed"
    await desk.keeper.round()
    (row,) = await desk.rows()
    assert row.verdict == "allowed", "written once, although the store came to it after all"


async def test_alone_a_process_holds_the_limit_by_what_it_knows_of_the_others(opened: Open, locked: Locked) -> None:
    one = await opened(busy=0.02, per_day=4)
    other = await opened(busy=0.02, per_day=4)
    for desk, call in ((one, "CA1"), (one, "CA2"), (other, "CA3")):
        assert await desk.verdict(call=call) == "allowed"
    with locked():
        assert [await other.verdict(call=call) for call in ("CA4", "CA5")] == ["allowed", "per_day"]
    await other.keeper.round()
    verdicts = [row.verdict for row in await one.rows()]
    assert (verdicts.count("allowed"), verdicts.count("refused")) == (4, 1)
    assert await one.verdict(call="CA6") == "per_day"


async def test_what_can_leave_no_row_is_not_allowed(opened: Open, locked: Locked, tmp_path: Path) -> None:
    blocked = tmp_path / "a file where the folder should be"
    blocked.touch()
    desk = await opened(blocked, busy=0.02, per_call=1)
    with locked():
        assert await desk.verdict() == "unrecorded"
        assert len(desk.keeper.audits.in_memory) == 1
    await desk.keeper.round()
    assert [(row.verdict, row.code) for row in await desk.rows()] == [("refused", "unrecorded")]
    assert await desk.verdict() == "allowed", "it was not counted"


async def test_a_call_that_ends_meanwhile_was_refused(opened: Open, locked: Locked) -> None:
    desk = await opened(busy=0.02, per_call=1, per_day=1)
    with locked():
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(desk.ask(), name="ask")
            await asyncio.sleep(0)
            asking.cancel()
        assert asking.cancelled()
    await desk.keeper.round()
    assert [(row.verdict, row.code) for row in await desk.rows()] == [("refused", "over")]
    assert await desk.verdict() == "allowed"


async def test_who_comes_back_after_a_restart_finds_the_day_as_it_was(opened: Open) -> None:
    before = await opened(per_day=2)
    assert [await before.verdict(call=call) for call in ("CA1", "CA2")] == ["allowed"] * 2
    after = await opened(per_day=2)
    assert await after.verdict(call="CA3") == "per_day"
