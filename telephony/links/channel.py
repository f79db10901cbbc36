"""A channel between two processes of ours: messages in JSON, a line each, some of which want an answer.

Both sides are this program, on one machine, and belong to one user. So nothing is negotiated, and whatever goes wrong
ends the channel: a line that is none, a peer that does not read, the end of the other process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec

M = TypeVar("M")

LONGEST_LINE = 64 * 1024
"""Bytes of a message."""
UNREAD = 1024 * 1024
"""Bytes that may wait for a peer that does not read; beyond it the channel is closed."""

NOTE = 0
"""The number of a message that wants no answer; answers have that of their question, negative."""


class ChannelClosed(Exception):
    """The other side is gone."""


class Channel(Generic[M]):
    """One side. *kind* is the type of all messages, and *hear* takes what the other side says: what it returns is the
    answer, if there is to be one. It must be bounded, and not raise."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        kind: Any,
        hear: Callable[[M], Awaitable[M | None]],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = msgspec.json.Decoder(tuple[int, kind])
        self._hear = hear
        self._asked: dict[int, asyncio.Future[M]] = {}
        self._number = 0
        self._closed = False

    async def run(self) -> None:
        """Hear what comes, until the other side is gone or this is cancelled. Questions are answered beside each other,
        notes in the order in which they come."""
        try:
            async with asyncio.TaskGroup() as group:
                with contextlib.suppress(ConnectionError, ValueError, msgspec.DecodeError):
                    while line := await self._reader.readline():
                        number, message = self._decoder.decode(line)
                        if number > 0:
                            group.create_task(self._answer(number, message), name="channel answer")
                        elif number == NOTE:
                            await self._hear(message)
                        elif (asked := self._asked.pop(-number, None)) and not asked.done():
                            asked.set_result(message)
                self.close()
        finally:
            self.close()

    async def ask(self, message: M, bound: float) -> M:
        """The answer to *message*, within *bound* seconds: `TimeoutError` otherwise. Raises `ChannelClosed`."""
        self._number += 1
        number, future = self._number, asyncio.get_running_loop().create_future()
        self._asked[number] = future
        try:
            self._write(number, message)
            async with asyncio.timeout(bound):
                answer: M = await future
                return answer
        finally:
            self._asked.pop(number, None)

    def tell(self, message: M) -> None:
        """Say something that wants no answer. To a peer that is gone it is not said."""
        with contextlib.suppress(ChannelClosed):
            self._write(NOTE, message)

    def close(self) -> None:
        """Let go of it. Whoever waits for an answer is told. Doing it twice is fine."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(ChannelClosed("the other process is gone"))

    @property
    def closed(self) -> bool:
        """Whether the other side is gone."""
        return self._closed

    async def _answer(self, number: int, message: M) -> None:
        answer = await self._hear(message)
        if answer is not None:
            with contextlib.suppress(ChannelClosed):
                self._write(-number, answer)

    def _write(self, number: int, message: M) -> None:
        if self._closed:
            raise ChannelClosed("the other process is gone")
        self._writer.write(msgspec.json.encode((number, message)) + b"\n")
        if self._writer.transport.get_write_buffer_size() > UNREAD:
            self.close()
            raise ChannelClosed("the other process does not read")
