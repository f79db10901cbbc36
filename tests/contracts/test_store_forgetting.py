"""What every store promises of calls that are to be forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from telephony.records import AuditRow, CallRecord, Termination, ToolUse, Turn
from telephony.store.base import CallStore

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
ANN, BOB, US = "+15550142", "+15550143", "+15550100"
OVER = Termination("completed", "caller", "caller hung up")


def a_call(name: str, day: int = 0, over: bool = True, **more: Any) -> CallRecord:
    """A call that began so many days ago."""
    record = CallRecord(
        name, "twilio", f"CA-{name}", "frontdesk", ANN, US, started_at=NOW - timedelta(days=day), **more
    )
    record.turns = [Turn("caller", heard="My secret.")]
    record.tools = [ToolUse("c1", "look_up", "{}", "{}", "ok")]
    record.termination = OVER if over else None
    return record


async def keep(store: CallStore, *records: CallRecord) -> None:
    for record in records:
        await (store.begin(record) if record.termination is None else store.finish(record))


def asked(name: str, call: str, number: str = "", day: int = 0) -> AuditRow:
    at = NOW - timedelta(days=day)
    return AuditRow(name, at, call, "frontdesk", "transfer", "sales", "allowed", number=number)


def ids(calls: list[Any]) -> list[str]:
    return [call.id for call in calls]


async def test_calls_that_are_over_are_found_oldest_first_by_age_number_and_files(store: CallStore) -> None:
    outbound = a_call("d", 1)
    outbound.from_number, outbound.to_number = US, BOB
    await keep(store, a_call("a", 1, recording="a.wav"), a_call("b", 3), a_call("c", 5, over=False), outbound)
    assert ids(await store.ended(10)) == ["b", "a", "d"]
    assert ids(await store.ended(1)) == ["b"]
    assert ids(await store.ended(10, before=NOW - timedelta(days=2))) == ["b"]
    assert ids(await store.ended(10, number=ANN)) == ["b", "a"]
    assert ids(await store.ended(10, number=BOB)) == ["d"]
    assert ids(await store.ended(10, files=True)) == ["a"]


async def test_a_call_without_its_files_is_the_same_call(store: CallStore) -> None:
    await keep(store, a_call("a", recording="a.wav", cassette="a.jsonl"), a_call("b", cassette="b.jsonl"))
    await store.drop_files(["a"])
    assert await store.get("a") == a_call("a")
    assert ids(await store.ended(10, files=True)) == ["b"]


async def test_an_erased_call_leaves_nothing_and_takes_nobody_with_it(store: CallStore) -> None:
    await keep(store, a_call("a"), a_call("b"), a_call("c", over=False))
    for row in (asked("1", "a"), asked("2", "CA-a"), asked("3", "b")):
        await store.audit(row)
    assert await store.erase(["a", "c", "nobody's"]) == 1
    assert await store.get("a") is None
    assert await store.get("b") == a_call("b")
    assert await store.get("c") is not None, "it goes on"
    assert [row.id for row in await store.audits()] == ["3"]
    assert await store.erase(["a"]) == 0


async def test_an_erased_call_can_be_written_anew(store: CallStore) -> None:
    await keep(store, a_call("a"))
    await store.erase(["a"])
    assert await store.finish(a_call("a"))
    assert await store.get("a") == a_call("a")


async def test_requests_are_erased_by_age_or_by_number(store: CallStore) -> None:
    for row in (asked("1", "x", BOB), asked("2", "y", ANN, 9), asked("3", "z", ANN)):
        await store.audit(row)
    assert await store.erase_requests(before=NOW - timedelta(days=5)) == 1
    assert await store.erase_requests(number=BOB) == 1
    assert [row.id for row in await store.audits()] == ["3"]


async def test_nobody_erases_all_requests_by_mistake(store: CallStore) -> None:
    with pytest.raises(ValueError, match="a time or a number"):
        await store.erase_requests()
