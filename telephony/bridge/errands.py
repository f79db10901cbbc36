"""What the tools of a call want of the call itself: each waits here until the conversation says how it went.

The bound of every wait is the conversation's, and beyond it that of the tool; whoever is cancelled takes their errand
back. A message of the caller's is a file of its own beside the recording.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Protocol

import msgspec

from telephony.audio.format import PCM16_8K, AudioFormat
from telephony.audio.transcode import Transcoder
from telephony.bridge import encrypted
from telephony.bridge.callfile import CallFile, Clock
from telephony.bridge.tape import WavWriter
from telephony.commands import ErrandDone, MessageAudio
from telephony.encryption.keys import Key
from telephony.events import ErrandDropped, Event


class MessageFile(CallFile):
    """What a caller left after the tone: a mono WAV at 8000 Hz. *line* is the format of the payloads; *key* encrypts
    the file."""

    def __init__(self, path: Path, line: AudioFormat, threads: Executor | None = None, key: Key | None = None) -> None:
        super().__init__(encrypted.name_of(path, key), threads)
        self._writer = WavWriter(self.path, channels=1, key=key)
        self._to_pcm = Transcoder(line, PCM16_8K)

    def take(self, payload: bytes) -> None:
        """More of it."""
        if not self.over:
            self._writer.add(self._to_pcm.feed(payload))

    def gather(self, now: float) -> None:
        """See `CallFile`; all of it is final."""

    def gather_rest(self, at: float) -> None:
        """See `CallFile`; there is no more than was taken."""

    def append(self) -> None:
        """See `CallFile`."""
        self._writer.write()

    def finish(self) -> None:
        """See `CallFile`; the file gets its name."""
        self._writer.finish()


class ErrandResult(msgspec.Struct, frozen=True):
    """How an errand went."""

    done: ErrandDone
    path: str = ""
    """Of the message, if one was left."""


Spawn = Callable[[Callable[[], object], str], None]
MakeMessage = Callable[[str], MessageFile]
"""Makes the file of the message that an errand of that name takes."""


class Feed(Protocol):
    """Gives the conversation an event."""

    def __call__(self, event: Event) -> None: ...


class Errands:
    """Those of one call."""

    def __init__(self, feed: Feed, clock: Clock, make_message: MakeMessage | None) -> None:
        self.messages: list[str] = []
        """What to tell of the messages that were left, one sentence each."""
        self._feed = feed
        self._clock = clock
        self._make_message = make_message
        self._waiting: dict[str, asyncio.Future[ErrandDone]] = {}
        self._files: dict[str, MessageFile] = {}
        self._count = 0

    async def run(self, wanted: Callable[[str], Event]) -> ErrandResult:
        """Want something, and wait until it is done. *wanted* makes the event of the errand's name."""
        self._count += 1
        name = f"errand-{self._count}"
        future = self._waiting[name] = asyncio.get_running_loop().create_future()
        try:
            self._feed(wanted(name))
            done = await future
        except asyncio.CancelledError:
            self._feed(ErrandDropped(name))
            raise
        finally:
            del self._waiting[name]
        return ErrandResult(done, await self._kept(name, done))

    def done(self, command: ErrandDone) -> None:
        """The conversation says how one went."""
        future = self._waiting.get(command.errand)
        if future and not future.done():
            future.set_result(command)

    def message(self, command: MessageAudio) -> None:
        """A piece of a message."""
        if self._make_message is None:
            return
        if command.errand not in self._files:
            self._files[command.errand] = self._make_message(command.errand)
        self._files[command.errand].take(command.payload)

    async def write(self) -> None:
        """Put what was said so far on the disk."""
        for file in list(self._files.values()):
            if not file.over:
                await file.write(self._clock.now)

    async def close(self) -> None:
        """The call is over: finish what is there."""
        for name in list(self._files):
            await self._finish(name)

    async def _kept(self, name: str, done: ErrandDone) -> str:
        return await self._finish(name) if name in self._files else ""

    async def _finish(self, name: str) -> str:
        """The path of the message, once it is whole; empty if the disk would not have it."""
        file = self._files[name]
        if not file.over:
            await file.close(self._clock.now)
            told = f"could not be kept: {file.failed}" if file.failed else f"is in {file.path}"
            self.messages.append(f"The caller left a message; it {told}")
        return "" if file.failed else str(file.path)
