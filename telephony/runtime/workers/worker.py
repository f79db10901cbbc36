"""One worker: an office whose calls may be asked for at any other, under a parent that decides when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.agents.agent import Agent
from telephony.agents.places import Cap, Full
from telephony.errors import CallStays, ConfigurationError
from telephony.links.channel import LONGEST_LINE, Channel, ChannelClosed
from telephony.links.handing import Receiver
from telephony.runtime.beside import beside
from telephony.runtime.environment import WORKER
from telephony.runtime.office import Office, open_office
from telephony.runtime.settling import settle
from telephony.runtime.workers.folder import NAME, connections_at, requests_at, watched_at
from telephony.runtime.workers.messages import (
    Accept,
    AnyMessage,
    Done,
    Drain,
    End,
    Hold,
    Idle,
    LetGo,
    Message,
    MoveOn,
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
from telephony.server.app import Server
from telephony.server.forwarding import Forwarder, Unanswered, is_from_ourselves
from telephony.server.neighbours import Neighbours
from telephony.server.sharing import AFTERWORD, Seat
from telephony.settings import Settings
from telephony.tools.provided import Opener

ASKING = 2.0
"""Seconds that the parent has for an answer; it takes less than a millisecond."""
TRIES = 3
"""How often a call's owner is asked for an answer. In between the parent notices who is dead."""
PAUSE = 0.2
"""Seconds between tries."""
EVERY = 1.0
"""Seconds between reports."""
WELCOME = 10.0
"""Seconds that the parent has for its first word."""
LONGEST_END = 120.0
"""Seconds beyond the drain that an idle worker waits to be told that the others are idle, too."""
LAST_WORDS = 3.0
"""Seconds between the order to end at once and the end, whatever is still open."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.workers")


class Link:
    """The worker's side of the channel to its parent. It is the `Sharing` of its office."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: float) -> None:
        """*patience*: seconds that it waits at its end for whoever still has calls."""
        self.name = ""
        self.folder = Path()
        self.secret = b""
        self.stop = asyncio.Event()
        """Set when calls are to end."""
        self.parting = False
        self._server: Server | None = None
        self._channel: Channel[Message] = Channel(reader, writer, AnyMessage, self._hear)
        self._welcome = asyncio.Event()
        self._end = asyncio.Event()
        self._move_on = asyncio.Event()
        self._accept_changed = asyncio.Event()
        self._patience = patience
        self._main = asyncio.current_task()
        self._forwarder = Forwarder(self._requests_at, self._connections_at)
        self.neighbours = Neighbours(self._forwarder)

    # -- the parent --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Hear the parent for as long as it lives, and end after it. Until cancelled."""
        await self._channel.run()
        _log.error("the parent is gone: no new calls, and an end with the last of those that are going on")
        self.parting = True
        for event in (self._accept_changed, self.stop, self._welcome):
            event.set()
        await asyncio.sleep(AFTERWORD)
        self._end.set()

    async def _hear(self, message: Message) -> Message | None:
        match message:
            case Welcome(name, folder, secret):
                self.name, self.folder, self.secret = name, Path(folder), bytes.fromhex(secret)
                self._welcome.set()
            case Accept(on):
                self.parting = not on
                self._accept_changed.set()
            case Others(names):
                self.neighbours.are(names)
            case Drain():
                self.stop.set()
            case MoveOn():
                self._move_on.set()
            case End(at_once):
                self._end.set()
                self.stop.set()
                if at_once and self._main:
                    asyncio.get_running_loop().call_later(LAST_WORDS, os._exit, 1)
                    self._main.cancel()
        return None

    async def welcomed(self) -> bool:
        """Wait for the parent's first word; whether it came."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WELCOME):
                await self._welcome.wait()
        return bool(self.name)

    async def follow(self, office: Office, listener: socket.socket) -> None:
        """Accept connections or do not, as the parent says; without one, leave the port to others. Until cancelled."""
        self._server = office.server
        while True:
            await self._accept_changed.wait()
            self._accept_changed.clear()
            await (office.server.pause() if self.parting else office.server.listen())
            if self._channel.closed:
                listener.close()

    async def report(self, office: Office) -> None:
        """Say how things are. Until cancelled."""
        self._channel.tell(Ready())
        while True:
            await asyncio.sleep(EVERY)
            self._channel.tell(Report(office.lag.high, len(office.calls.live)))

    async def close(self) -> None:
        self._channel.close()
        await self._forwarder.close()

    # -- sharing -----------------------------------------------------------------------------------------------------

    async def take(self, call_id: str, caps: Iterable[Cap]) -> Full | None:
        """See `Sharing`. Without an answer nothing is full: a caller is worth more than a limit."""
        try:
            answer = await self._channel.ask(Take(call_id, list(caps)), ASKING)
        except (ChannelClosed, TimeoutError):
            _log.error("the parent does not say whether there is room", call_id=call_id)
            return None
        return answer.full if isinstance(answer, Taken) else None

    def hold(self, call_id: str, caps: Iterable[Cap]) -> None:
        """See `Sharing`."""
        self._channel.tell(Hold(call_id, list(caps)))

    def release(self, call_id: str) -> None:
        """See `Sharing`."""
        self._channel.tell(Release(call_id))

    async def elsewhere(self, request: web.Request, call_id: str) -> web.Response | None:
        """See `Sharing`. An owner that does not answer loses the call to this process."""
        if not call_id or is_from_ourselves(request):
            return None
        for _ in range(TRIES):
            owner = await self._owner(call_id)
            if owner in ("", self.name):
                return None
            try:
                return await self._forwarder.ask(owner, request)
            except TimeoutError:
                break
            except Unanswered as error:
                _log.info("a worker does not answer for its call", call_id=call_id, worker=owner, error=str(error))
            await asyncio.sleep(PAUSE)
        _log.warning("nobody answers for a call; it is served here", call_id=call_id)
        await self._owner(call_id, adopt=True)
        return None

    async def handed_on(self, request: web.Request, worker: str) -> bool:
        """See `Sharing`."""
        if worker == self.name or not NAME.fullmatch(worker):
            return False
        return await self._forwarder.hand_on(worker, request)

    async def handed_to_owner(self, request: web.Request, what: str) -> bool:
        """See `Sharing`."""
        return await self.handed_on(request, await self._owner(what, here=True))

    async def moving(self) -> None:
        """See `Sharing`."""
        await self._move_on.wait()

    async def let_go(self, call_id: str) -> None:
        """See `Sharing`."""
        try:
            answer = await self._channel.ask(LetGo(call_id), ASKING)
        except (ChannelClosed, TimeoutError):
            raise CallStays("the parent does not answer") from None
        if not (isinstance(answer, Done) and answer.ok):
            raise CallStays("there is no other version any more")

    async def drained(self) -> None:
        """See `Sharing`: what is asked about the calls of a worker that is gone is asked in vain, and so is what comes
        on a connection that a proxy has kept to it while others accept new ones."""
        if self.parting and self._server and not self._channel.closed:
            await self._server.unused()
        self._channel.tell(Idle())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await self._end.wait()

    async def _owner(self, call_id: str, *, adopt: bool = False, here: bool = False) -> str:
        try:
            answer = await self._channel.ask(Where(call_id, adopt, here), ASKING)
        except (ChannelClosed, TimeoutError):
            _log.error("the parent does not say whose call it is; it is served here", call_id=call_id)
            return ""
        return answer.name if isinstance(answer, Owner) else ""

    def _requests_at(self, worker: str) -> Path:
        return requests_at(self.folder, worker)

    def _connections_at(self, worker: str) -> Path:
        return connections_at(self.folder, worker)


def inherited(environ: Mapping[str, str]) -> tuple[socket.socket, socket.socket] | None:
    """The channel and the listening socket, if this process was started as a worker. Its own children get neither."""
    given = environ.get(WORKER)
    if not given:
        return None
    try:
        channel, listener = (socket.socket(fileno=int(number)) for number in given.split())
        channel.set_inheritable(False)
        listener.set_inheritable(False)
    except (OSError, ValueError):
        problem = "it names no sockets"
        raise ConfigurationError(WORKER, problem, "Unset it: only a parent sets it, for its workers.") from None
    return channel, listener


async def work(
    settings: Settings,
    environ: Mapping[str, str],
    sockets: tuple[socket.socket, socket.socket],
    agents: Iterable[Agent] = (),
    provide: Iterable[str | Opener] = (),
) -> None:
    """Answer calls until the parent says otherwise. Raises `ConfigurationError` before any are answered."""
    channel, listener = sockets
    reader, writer = await asyncio.open_unix_connection(sock=channel, limit=LONGEST_LINE)
    link = Link(reader, writer, settings.drain + LONGEST_END)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listener.close)
        stack.push_async_callback(link.close)
        await stack.enter_async_context(beside(link.run(), "parent"))
        if not await link.welcomed():
            return
        seat = Seat(link, link.secret, listener)
        with contextlib.suppress(asyncio.CancelledError):  # only the parent's order cancels this
            async with open_office(settings, environ, agents=agents, provide=provide, seat=seat) as office:
                settle()
                await _at_other_doors(office, link, stack)
                await stack.enter_async_context(office.watching.answering_at(watched_at(link.folder, link.name)))
                _log.info("worker", name=link.name, pid=os.getpid())
                await stack.enter_async_context(beside(link.follow(office, listener), "accepting"))
                await stack.enter_async_context(beside(link.report(office), "reports"))
                await link.stop.wait()
                _log.info("worker stopping", name=link.name, calls=len(office.calls.live), seconds=settings.drain)


async def _at_other_doors(office: Office, link: Link, stack: contextlib.AsyncExitStack) -> None:
    """Take what came to other workers, too."""
    await office.server.listen_at(requests_at(link.folder, link.name))
    running = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def taken(connection: socket.socket, head: bytes) -> None:
        task = running.create_task(office.server.take_over(connection, head), name="connection of another worker")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    receiver = Receiver(connections_at(link.folder, link.name), taken)
    stack.callback(receiver.close)
