"""What a link does beside the contract that all of them keep, seen in memory."""

from __future__ import annotations

from telephony.links.memory import memory_links, memory_wires
from telephony.links.wire import WireLink


async def test_what_the_peer_said_before_it_closed_is_heard_though_sending_failed_first() -> None:
    ours, theirs = memory_wires()
    link = WireLink(ours, name="carrier", audio_bound_ms=1000)
    await theirs.send("stop")
    await theirs.shut(1000, "")
    link.write("too late")
    await link.pump()
    assert link.closed == (None, "")
    link.write("later still")
    assert len(link.outbox) == 0
    assert [message async for message in link] == ["stop"]
    assert link.closed == (1000, "")
    await link.close()


async def test_two_links_in_memory_talk_to_each_other() -> None:
    carrier, model = memory_links()
    assert (carrier.name, model.name) == ("carrier", "model")
    carrier.write("hello", audio_ms=20)
    await carrier.close(1001, "going away")
    assert [message async for message in model] == ["hello"]
    assert model.closed == (1001, "going away")
    await model.close()


async def test_without_a_pump_what_was_queued_is_sent_when_it_is_said_so() -> None:
    ours, theirs = memory_wires()
    link = WireLink(ours, name="model", audio_bound_ms=1000)
    link.write("one")
    link.write("two", audio_ms=20)
    assert await link.flush()
    assert [await theirs.receive(), await theirs.receive()] == ["one", "two"]
    assert await link.flush()
    await link.close()
    assert not await link.flush()


async def test_without_a_pump_a_peer_that_is_gone_or_does_not_read_is_noticed_too() -> None:
    ours, theirs = memory_wires()
    gone = WireLink(ours, name="model", audio_bound_ms=1000)
    await theirs.shut(1011, "boom")
    gone.write("too late")
    assert not await gone.flush()
    assert [message async for message in gone] == []
    assert gone.closed == (1011, "boom")

    ours, _ = memory_wires()
    stuck = WireLink(ours, name="model", audio_bound_ms=1000, send_patience=0.01)
    for _ in range(1000):
        stuck.write("x" * 64_000)
    assert not await stuck.flush()
    assert stuck.closed[0] == 1013
