"""What every store promises of the requests to call or text somebody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from telephony.records import AuditRow, Use
from telephony.store.base import CallStore
from telephony.store.owner import Owner

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ELSEWHERE = Owner("there", "another host", 4711, "99")

Open = Callable[..., Awaitable[CallStore]]


def a_row(name: str = "row-1", minutes: float = 0, **changes: Any) -> AuditRow:
    """A request that was allowed."""
    at = NOW + timedelta(minutes=minutes)
    row = AuditRow(name, at, "CA1", "frontdesk", "transfer", "sales", "allowed", None, "+14155552671")
    return msgspec.structs.replace(row, **changes)


def refused(row: AuditRow) -> AuditRow:
    return msgspec.structs.replace(row, verdict="refused", code="premium", number="")


async def test_requests_are_read_back_newest_first_and_by_their_calls(store: CallStore) -> None:
    rows = [a_row("a"), refused(a_row("b", 1, call_id="CA2")), a_row("c", 1, call_id="CA3", use="sms")]
    for row in rows:
        await store.audit(row)
    assert await store.audits() == rows[::-1]
    assert await store.audits(2) == rows[:0:-1]
    assert await store.audits(calls=["CA1", "CA2"]) == rows[1::-1]
    assert await store.audits(calls=[]) == []


async def test_a_request_that_is_written_again_replaces_itself(store: CallStore) -> None:
    await store.audit(a_row())
    await store.audit(refused(a_row()))
    assert await store.audits() == [refused(a_row())]


async def test_requests_of_no_call_on_record_and_with_any_text_are_kept(store: CallStore) -> None:
    await store.audit(refused(a_row(call_id="", target="\0\ud800 \u202e<b>\n")))
    (kept,) = await store.audits()
    assert kept.target == "\N{REPLACEMENT CHARACTER}? \u202e<b>\n"


async def test_as_many_are_admitted_as_the_limit_says(store: CallStore) -> None:
    since = NOW - DAY
    assert [await store.admit(a_row(str(n), n), 2, since) for n in range(4)] == [0, 1, 2, 2]
    assert [row.id for row in await store.audits()] == ["1", "0"]
    assert await store.admit(a_row("no"), 0, since) == 2


async def test_what_was_refused_or_is_over_a_day_old_or_of_another_use_is_not_counted(store: CallStore) -> None:
    uses: list[Use] = ["transfer", "dial", "sms"]
    for number, use in enumerate(uses):
        await store.audit(a_row(use, number, use=use))
    await store.audit(refused(a_row("refused")))
    await store.audit(a_row("old", -24 * 60))
    since = NOW - DAY
    assert [await store.admit(a_row("x", use=use), 0, since) for use in uses] == [2, 2, 1]
    assert await store.admit(a_row("x"), 0, since - timedelta(seconds=1)) == 3


async def test_a_request_is_not_counted_against_itself_and_what_was_said_of_it_stays(store: CallStore) -> None:
    assert await store.admit(a_row(), 1, NOW - DAY) == 0
    assert await store.admit(a_row(), 1, NOW - DAY) == 0
    await store.audit(refused(a_row()))
    await store.admit(a_row(), 1, NOW - DAY)
    assert await store.audits() == [refused(a_row())]


async def test_processes_that_share_a_store_hold_the_limit_together(shelf: Open) -> None:
    stores = [await shelf(), await shelf(Owner.current()), await shelf(ELSEWHERE)]
    counts = await asyncio.gather(
        *(store.admit(a_row(f"{n}-{k}"), 5, NOW - DAY) for k, store in enumerate(stores) for n in range(6))
    )
    assert sum(count < 5 for count in counts) == 5
    assert len(await stores[0].audits()) == 5
