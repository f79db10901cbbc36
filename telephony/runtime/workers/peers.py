"""The other parents on the same port: those of the version before, and of the next.

Every parent knows every other one. They are told apart by when they were started; who owns what is new follows from
that alone, so that no two think it is them once they have heard of each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.links.channel import LONGEST_LINE, Channel, ChannelClosed
from telephony.links.handing import Receiver, give
from telephony.runtime.workers.folder import parent_at, parents_in
from telephony.runtime.workers.messages import AnyMessage, Assign, Done, Known, Listener, Message, Owner, State

CONNECTING = 2.0
"""Seconds for another parent to answer at all."""
ASKING = 1.0
"""Seconds for another parent's answer to a question."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.workers")


class Peer:
    """Another parent."""

    def __init__(self) -> None:
        self.state: State | None = None
        """What it said of itself last; None before it has said anything."""
        self.spoke = asyncio.Event()
        self.channel: Channel[Message]


class Peers:
    """*known* and *assign* answer what is asked of us; *changed* is told when somebody comes, goes or changes."""

    def __init__(
        self,
        folder: Path,
        host: str,
        port: int,
        name: str,
        known: Callable[[str], str],
        assign: Callable[[str], Awaitable[str]],
        changed: Callable[[], None],
    ) -> None:
        self.state = State(time.monotonic_ns(), ready=False, draining=False)
        self.listener: socket.socket | None = None
        """The listening socket, for those who ask for it."""
        self._folder, self._host, self._port = folder, host, port
        self._path = parent_at(folder, host, port, name)
        self._known, self._assign, self._changed = known, assign, changed
        self._peers: set[Peer] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    # -- who there is ------------------------------------------------------------------------------------------------

    @property
    def newest(self) -> Peer | None:
        """Who owns what is new in our place: the newest of all that are ready and not draining; None if that is us, or
        there is no such."""
        fit = [peer for peer in self._peers if peer.state and peer.state.ready and not peer.state.draining]
        newest = max(fit, key=_since, default=None)
        if newest and (not self.state.ready or self.state.draining or _since(newest) > self.state.since):
            return newest
        return None

    def say(self, *, ready: bool, draining: bool) -> None:
        """Tell everybody how we are."""
        self._say(State(self.state.since, ready, draining, self.state.workers))

    def have(self, workers: list[str]) -> None:
        """Tell everybody which workers we have."""
        self._say(State(self.state.since, self.state.ready, self.state.draining, workers))

    @property
    def workers(self) -> list[str]:
        """Those of all others."""
        return [name for peer in self._peers if peer.state for name in peer.state.workers]

    async def whose(self, call_id: str) -> str:
        """The owner of a call that we do not know, if another knows it; empty otherwise. Bounded."""
        asked = [self._ask(peer, Known(call_id)) for peer in self._peers if peer.state]
        return next((name for name in await asyncio.gather(*asked) if name), "")

    async def assigned(self, call_id: str) -> str:
        """The owner that the newest gives to a call that nobody knows; empty if that is to be us. Bounded."""
        newest = self.newest
        return await self._ask(newest, Assign(call_id)) if newest else ""

    # -- coming and going --------------------------------------------------------------------------------------------

    async def open(self) -> socket.socket | None:
        """Make ourselves known to all others; returns the listening socket of one of them, if there is one."""
        for path in parents_in(self._folder, self._host, self._port) if self._port else ():
            await self._meet(path)
        self._server = await asyncio.start_unix_server(self._met, self._path, limit=LONGEST_LINE)
        for peer in sorted(self._peers, key=_since, reverse=True):
            if listener := await self._listener_of(peer):
                return listener
        return None

    async def close(self) -> None:
        """Part from everybody."""
        if self._server:
            self._server.close()
        _remove(self._path)
        for peer in list(self._peers):
            peer.channel.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _meet(self, path: Path) -> None:
        """Connect to another one; a socket that nobody listens at is of one that was killed."""
        try:
            async with asyncio.timeout(CONNECTING):
                reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
                await self._add(reader, writer).spoke.wait()
        except ConnectionRefusedError:
            _remove(path)
        except (OSError, TimeoutError) as error:
            _log.warning("another version on this port does not answer", socket=str(path), error=str(error))

    def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._add(reader, writer)

    def _add(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Peer:
        peer = Peer()

        async def hear(message: Message) -> Message | None:
            return await self._hear(peer, message)

        peer.channel = Channel(reader, writer, AnyMessage, hear)
        self._peers.add(peer)
        task = asyncio.get_running_loop().create_task(self._listen(peer), name="another parent")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        peer.channel.tell(self.state)
        return peer

    async def _listen(self, peer: Peer) -> None:
        try:
            await peer.channel.run()
        finally:
            self._peers.discard(peer)
            peer.spoke.set()
            self._changed()

    # -- what is said ------------------------------------------------------------------------------------------------

    def _say(self, state: State) -> None:
        self.state = state
        for peer in self._peers:
            peer.channel.tell(state)
        self._changed()

    async def _hear(self, peer: Peer, message: Message) -> Message | None:
        match message:
            case State():
                peer.state = message
                peer.spoke.set()
                self._changed()
            case Known(call_id):
                return Owner(self._known(call_id))
            case Assign(call_id):
                return Owner(await self._assign(call_id))
            case Listener(path):
                given = self.listener and await give(Path(path), self.listener.fileno(), b"")
                return Done(bool(given))
        return None

    async def _ask(self, peer: Peer, question: Message) -> str:
        try:
            answer = await peer.channel.ask(question, ASKING)
        except (ChannelClosed, TimeoutError):
            return ""
        return answer.name if isinstance(answer, Owner) else ""

    async def _listener_of(self, peer: Peer) -> socket.socket | None:
        given: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
        path = self._path.with_suffix(".fds")
        receiver = Receiver(path, lambda listener, _: given.set_result(listener))
        try:
            async with asyncio.timeout(CONNECTING):
                answer = await peer.channel.ask(Listener(str(path)), CONNECTING)
                return await given if isinstance(answer, Done) and answer.ok else None
        except (ChannelClosed, TimeoutError):
            return None
        finally:
            receiver.close()


def _since(peer: Peer) -> int:
    return peer.state.since if peer.state else 0


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
