"""What every link promises when its peer does not read."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from peers import AUDIO_BOUND_MS, OPENERS, a_link, everything
from telephony.links.outbox import CONTROL_LIMIT

BIG = "x" * 64_000
"""A message of which a few hundred fill every buffer between two sockets."""

pytestmark = [pytest.mark.parametrize("kind", OPENERS), pytest.mark.timeout(30)]


# -- a peer that does not read -------------------------------------------------------------------------------------


async def test_writing_never_waits_and_drops_only_the_oldest_audio(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        for n in range(200):  # the pump has had no turn yet: everything waits
            link.write(f"audio {n}", audio_ms=20)
            if n % 50 == 0:
                link.write(f"control {n}")
        assert link.outbox.audio_ms == AUDIO_BOUND_MS
        assert (link.outbox.dropped, link.outbox.dropped_ms) == (150, 3000)
        kept = ["control 0", "control 50", "control 100", "audio 150", "control 150"]
        kept += [f"audio {n}" for n in range(151, 200)]
        assert [await peer.receive() for _ in kept] == kept


async def test_a_peer_that_does_not_read_is_closed(kind: str) -> None:
    async with a_link(kind, send_patience=0.1) as (link, peer):
        peer.stop_reading()
        for _ in range(400):
            link.write(BIG)
        assert await everything(link) == []
        code, reason = link.closed
        assert code == 1013
        assert "does not read" in reason


async def test_whoever_waits_for_room_goes_on_as_the_peer_reads(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        peer.stop_reading()
        for _ in range(400):
            link.write(BIG)
        assert link.waiting == 400 * len(BIG)
        async with asyncio.TaskGroup() as group:
            waits = group.create_task(link.room(200 * len(BIG)), name="room")
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await asyncio.shield(waits)
            if kind == "memory":  # the sockets swallow a good part by themselves
                assert not waits.done()
            peer.read_on()
            for _ in range(300):
                await peer.receive()
            await waits
        assert link.waiting < 200 * len(BIG)


async def test_whoever_waits_for_room_is_let_go_when_the_link_ends(kind: str) -> None:
    async with a_link(kind, send_patience=0.1, close_patience=0.1) as (link, peer):
        peer.stop_reading()
        for _ in range(400):
            link.write(BIG)
        await link.room(1)
        assert link.closed[0] == 1013


async def test_a_close_without_flush_leaves_out_what_waits(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        for n in range(200):  # the pump has had no turn yet
            link.write(f"{n}")
        async with asyncio.TaskGroup() as group:
            seen = group.create_task(peer.receive(), name="peer")
            await link.close(1013, "too slow", flush=False)
        assert seen.result() is None
        assert peer.ended() == (1013, "too slow")


async def test_too_many_waiting_control_messages_close_the_link_at_once(kind: str) -> None:
    async with a_link(kind) as (link, _):
        for _ in range(CONTROL_LIMIT + 10):
            link.write("control")
        assert link.closed[0] == 1013
        assert len(link.outbox) == CONTROL_LIMIT + 1
        assert await everything(link) == []


async def test_closing_does_not_wait_for_a_peer_that_does_not_read(kind: str) -> None:
    async with a_link(kind, close_patience=0.1) as (link, peer):
        peer.stop_reading()
        for _ in range(400):
            link.write(BIG)
        await link.close(1001, "going away")
        assert link.closed == (1001, "going away")


async def test_closing_is_fine_after_the_pump_was_cancelled_in_the_middle_of_a_message(kind: str) -> None:
    async with OPENERS[kind](close_patience=0.1) as (link, peer):
        peer.stop_reading()
        for _ in range(400):
            link.write(BIG)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await link.pump()
        await link.close(1001, "going away")
        assert link.closed == (1001, "going away")


async def test_a_cancelled_close_leaves_nothing_behind(kind: str) -> None:
    async with a_link(kind, close_patience=20) as (link, peer):
        peer.stop_reading()
        for _ in range(400):
            link.write(BIG)
        with suppress(TimeoutError):  # a goodbye in memory needs nobody's consent and is over before
            async with asyncio.timeout(0.05):
                await link.close()
        assert await everything(link) == []
