"""A channel between two processes: questions and notes over a real socket pair, until either side is gone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest

from telephony.links.channel import LONGEST_LINE, UNREAD, Channel, ChannelClosed

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(30)]


class Said(msgspec.Struct):
    """A message."""

    text: str


Hear = Callable[[Said], Awaitable[Said | None]]


async def deaf(message: Said) -> Said | None:
    return None


async def echo(message: Said) -> Said | None:
    await asyncio.sleep(0)
    return Said(message.text.upper())


@contextlib.asynccontextmanager
async def joined(ours: Hear = deaf, theirs: Hear = deaf) -> AsyncIterator[tuple[Channel[Said], Channel[Said]]]:
    """Two sides that hear each other."""
    channels = []
    for end, hear in zip(socket.socketpair(), (ours, theirs), strict=True):
        reader, writer = await asyncio.open_unix_connection(sock=end, limit=LONGEST_LINE)
        channels.append(Channel[Said](reader, writer, Said, hear))
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(channel.run(), name="channel") for channel in channels]
        try:
            yield channels[0], channels[1]
        finally:
            for channel in channels:
                channel.close()
            await asyncio.wait(running)


async def test_every_question_gets_its_own_answer() -> None:
    async with joined(theirs=echo) as (ours, _):
        answers = await asyncio.gather(*(ours.ask(Said(text), 5) for text in ("a", "b", "c")))
        assert [answer.text for answer in answers] == ["A", "B", "C"]


async def test_both_sides_ask_at_once() -> None:
    async with joined(echo, echo) as (ours, theirs):
        answers = await asyncio.gather(ours.ask(Said("a"), 5), theirs.ask(Said("b"), 5))
        assert [answer.text for answer in answers] == ["A", "B"]


async def test_notes_come_in_order() -> None:
    heard: list[str] = []
    all_heard = asyncio.Event()

    async def note(message: Said) -> Said | None:
        heard.append(message.text)
        if len(heard) == 100:
            all_heard.set()
        return None

    async with joined(theirs=note) as (ours, _):
        for number in range(100):
            ours.tell(Said(str(number)))
        await all_heard.wait()
    assert heard == [str(number) for number in range(100)]


async def test_a_question_without_an_answer_has_a_bound_and_a_late_answer_is_nobodys() -> None:
    asked = asyncio.Event()

    async def late(message: Said) -> Said | None:
        if message.text == "slow":
            await asked.wait()
        return message

    async with joined(theirs=late) as (ours, _):
        with pytest.raises(TimeoutError):
            await ours.ask(Said("slow"), 0.05)
        asked.set()
        assert (await ours.ask(Said("quick"), 5)).text == "quick"


async def test_whoever_waits_is_told_when_the_other_side_is_gone() -> None:
    async with joined() as (ours, theirs):
        asking = asyncio.gather(ours.ask(Said("a"), 5), return_exceptions=True)
        await asyncio.sleep(0)
        theirs.close()
        assert isinstance((await asking)[0], ChannelClosed)
        assert ours.closed
        ours.tell(Said("to nobody"))
        with pytest.raises(ChannelClosed):
            await ours.ask(Said("b"), 5)


@pytest.mark.parametrize("line", [b"no JSON\n", b'[0, {"text": 3}]\n', b"x" * (LONGEST_LINE + 1)])
async def test_what_is_no_message_ends_the_channel(line: bytes) -> None:
    one, other = socket.socketpair()
    with other:
        reader, writer = await asyncio.open_unix_connection(sock=one, limit=LONGEST_LINE)
        channel = Channel[Said](reader, writer, Said, deaf)
        other.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(other, line)
        await channel.run()
        assert channel.closed


async def test_a_side_that_does_not_read_is_given_up() -> None:
    one, other = socket.socketpair()
    with other:
        reader, writer = await asyncio.open_unix_connection(sock=one, limit=LONGEST_LINE)
        channel = Channel[Said](reader, writer, Said, deaf)
        for _ in range(2 * UNREAD // 10_000):
            channel.tell(Said("x" * 10_000))
        assert channel.closed
        writer.transport.abort()
