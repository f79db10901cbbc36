"""What is the memory store's own; the rest is in the contract."""

from __future__ import annotations

from telephony.records import CallRecord
from telephony.store.memory import MemoryStore, Shelf


async def test_stores_are_strangers_unless_they_share_a_shelf(ended: CallRecord) -> None:
    shelf = Shelf()
    one, other, stranger = MemoryStore(shelf), MemoryStore(shelf), MemoryStore()
    await one.finish(ended)
    assert await other.get("call-1") == ended
    assert await stranger.get("call-1") is None
