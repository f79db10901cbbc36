"""A worker as its parent sees it: a process, and the channel to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from telephony.links.channel import LONGEST_LINE, Channel
from telephony.runtime.beside import beside
from telephony.runtime.environment import WORKER
from telephony.runtime.workers.folder import connections_at, requests_at, watched_at
from telephony.runtime.workers.messages import (
    AnyMessage,
    Done,
    Hold,
    Idle,
    LetGo,
    Message,
    Others,
    Owner,
    Ready,
    Release,
    Report,
    Take,
    Taken,
    Welcome,
    Where,
)
from telephony.runtime.workers.registrar import Registrar


class Boss(Protocol):
    """What a worker asks of its parent."""

    registrar: Registrar

    async def owner_of(self, call_id: str, asker: str = "") -> str: ...
    def released(self, call_id: str) -> None: ...
    def let_go(self, call_id: str) -> bool: ...
    def became_ready(self, worker: Started) -> None: ...
    def became_idle(self, worker: Started) -> None: ...


class Started:
    """One worker. `run` it once."""

    def __init__(self, name: str, boss: Boss, folder: Path, secret: str) -> None:
        self.name = name
        self.ready = False
        self.idle = False
        self.accepts = True
        """Whether it accepts connections; it begins by doing so."""
        self.others: list[str] = []
        """Whom it was told of beside itself."""
        self.lag = 0.0
        self.calls = 0
        self._boss = boss
        self._folder = folder
        self._secret = secret
        self._channel: Channel[Message] | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def run(self, listener: socket.socket) -> int:
        """From its start to its end; returns the exit code, negative for a signal."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            process = self._process = await _spawn(theirs, listener)
            theirs.close()
            reader, writer = await asyncio.open_unix_connection(sock=ours, limit=LONGEST_LINE)
            self._channel = Channel(reader, writer, AnyMessage, self._hear)
            self._channel.tell(Welcome(self.name, str(self._folder), self._secret))
            try:
                async with beside(self._channel.run(), f"worker {self.name}"):
                    return await process.wait()
            finally:
                self._channel.close()
                self.kill()
                for where in (requests_at, connections_at, watched_at):
                    path = where(self._folder, self.name)
                    with contextlib.suppress(FileNotFoundError):
                        path.unlink()

    def tell(self, message: Message) -> None:
        """Say something to it, if it is there."""
        if self._channel:
            self._channel.tell(message)

    def introduce(self, others: list[str]) -> None:
        """Tell it who else carries calls, unless it knows."""
        if self.ready and self.others != others:
            self.others = others
            self.tell(Others(others))

    def kill(self) -> None:
        """End it, whatever it does. One that has ended is left alone."""
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _hear(self, message: Message) -> Message | None:
        boss, registrar = self._boss, self._boss.registrar
        match message:
            case Where(call_id, adopt, here):
                if adopt:
                    registrar.adopt(call_id, self.name)
                if here:
                    return Owner(registrar.assign(call_id, asyncio.get_running_loop().time(), self.name))
                return Owner(await boss.owner_of(call_id, self.name))
            case Take(call_id, caps):
                return Taken(registrar.take(call_id, caps))
            case Hold(call_id, caps):
                registrar.hold(call_id, caps, self.name)
            case Release(call_id):
                boss.released(call_id)
            case LetGo(call_id):
                return Done(boss.let_go(call_id))
            case Report(lag, calls):
                self.lag, self.calls = lag, calls
                registrar.report(self.name, lag, asyncio.get_running_loop().time())
            case Ready():
                self.ready = True
                boss.became_ready(self)
            case Idle():
                self.idle = True
                boss.became_idle(self)
        return None


async def _spawn(channel: socket.socket, listener: socket.socket) -> asyncio.subprocess.Process:
    """The same program once more, in a process that knows by its environment what it is. A session of its own keeps a
    Ctrl-C, which a terminal sends to everybody, for the parent."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *sys.orig_argv[1:],
        env=os.environ | {WORKER: f"{channel.fileno()} {listener.fileno()}"},
        pass_fds=(channel.fileno(), listener.fileno()),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
