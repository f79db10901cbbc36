"""Calls that were asked of us, and are to be forgotten; the rest is in tests/contracts/test_store_forgetting.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from telephony.store.intents import Intent
from telephony.store.sql import SqlStore
from telephony.store.sql_intents import SqlIntents

NOW = datetime.now(UTC)


def wanted(name: str, to: str, days: int = 0) -> Intent:
    return Intent(name, to, "+15550100", "frontdesk", created_at=NOW - timedelta(days=days))


async def test_calls_that_were_asked_for_are_forgotten_once_they_are_over(tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'calls.db'}")
    await store.open()
    intents = SqlIntents(store)
    for intent in (wanted("old", "+15550142", 9), wanted("ann", "+15550142"), wanted("bob", "+15550143")):
        await intents.add(intent)
    await intents.advance("old", "completed")
    await intents.advance("bob", "busy")
    assert await store.erase_requests(before=NOW - timedelta(days=5)) == 1
    assert await store.erase_requests(number="+15550143") == 1
    assert await store.erase_requests(number="+15550142") == 0, "it is being placed"
    assert [await intents.get(name) is None for name in ("old", "ann", "bob")] == [True, False, True]
    await store.close()
