"""What every link promises, held by the served, the dialled and the in-memory one over real loopback sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from peers import OPENERS, Peer, a_link, everything, everything_until

pytestmark = [pytest.mark.parametrize("kind", OPENERS), pytest.mark.timeout(30)]


# -- messages ------------------------------------------------------------------------------------------------------


async def test_messages_arrive_in_order_both_ways(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        for n in range(40):
            link.write(f"out {n}", audio_ms=20 * (n % 2))
        assert [await peer.receive() for _ in range(40)] == [f"out {n}" for n in range(40)]
        for n in range(40):
            await peer.send(f"in {n}")
        assert await everything_until(link, peer, 1000) == [f"in {n}" for n in range(40)]


async def test_binary_frames_come_as_bytes(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        await peer.send(b"\x00\xff")
        await peer.send("text")
        assert await everything_until(link, peer, 1000) == [b"\x00\xff", "text"]


async def test_bytes_go_as_binary_frames(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        link.write(b"\x00\xff")
        link.write("text")
        assert [await peer.receive(), await peer.receive()] == [b"\x00\xff", "text"]


async def test_text_beyond_ascii_survives(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        link.write("grüß Gott 🙂")
        assert await peer.receive() == "grüß Gott 🙂"
        await peer.send("grüß Gott 🙂")
        assert await anext(aiter(link)) == "grüß Gott 🙂"


async def test_a_cancelled_reader_can_be_followed_by_another(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(aiter(link))
        await peer.send("still here")
        assert await anext(aiter(link)) == "still here"


# -- the end -------------------------------------------------------------------------------------------------------


async def test_the_peers_close_ends_the_iteration_with_its_code(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        assert link.closed == (None, "")
        assert await everything_until(link, peer, 4001, "bye now") == []
        assert link.closed == (4001, "bye now")
        assert await everything(link) == []


async def test_our_close_ends_the_iteration_and_tells_the_peer(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(everything(link), name="reader")
            seen = group.create_task(peer.receive(), name="peer")
            await asyncio.sleep(0)
            await link.close(1008, "not you")
        assert reader.result() == []
        assert seen.result() is None
        assert peer.ended() == (1008, "not you")
        assert link.closed == (1008, "not you")


async def test_what_was_written_before_the_close_is_sent(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        for n in range(20):
            link.write(f"{n}", audio_ms=20)

        async def read_all() -> list[str | bytes]:
            return [message async for message in _messages(peer)]

        async with asyncio.TaskGroup() as group:
            heard = group.create_task(read_all(), name="peer")
            await link.close()
        assert heard.result() == [f"{n}" for n in range(20)]
        assert peer.ended()[0] == 1000


async def _messages(peer: Peer) -> AsyncIterator[str | bytes]:
    while (message := await peer.receive()) is not None:
        yield message


async def test_the_peers_last_words_are_heard(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        for n in range(5):
            await peer.send(f"{n}")
        link.write("perhaps too late")
        assert await everything_until(link, peer, 1000, "done") == ["0", "1", "2", "3", "4"]
        assert link.closed == (1000, "done")


async def test_a_peer_that_vanishes_has_no_code(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        peer.vanish()
        assert await everything(link) == []
        code, reason = link.closed
        assert code is None
        assert reason


async def test_closing_twice_or_at_once_is_fine(kind: str) -> None:
    async with a_link(kind) as (link, _):
        async with asyncio.TaskGroup() as group:
            for code in (1000, 1001, 1011):
                group.create_task(link.close(code), name=f"close {code}")
        await link.close(1008, "again")
        assert link.closed == (1000, "")


async def test_closing_after_the_peer_did_is_fine(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        await everything_until(link, peer, 1000, "first")
        await link.close(1001, "second")
        assert link.closed == (1000, "first")


async def test_what_is_written_after_the_end_is_discarded(kind: str) -> None:
    async with a_link(kind) as (link, _):
        await link.close()
        link.write("nobody hears this")
        assert len(link.outbox) == 0


async def test_a_long_reason_is_cut_to_what_a_frame_can_carry(kind: str) -> None:
    async with a_link(kind) as (link, peer):
        async with asyncio.TaskGroup() as group:
            group.create_task(peer.receive(), name="peer")
            await link.close(1008, "é" * 100)
        assert peer.ended() == (1008, "é" * 61)
