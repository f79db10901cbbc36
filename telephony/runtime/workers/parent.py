"""The parent: it has the port, starts workers and starts them again, and is told when to stop."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.runtime.beside import beside
from telephony.runtime.fleet import Fleet, answer
from telephony.runtime.office import GOODBYE
from telephony.runtime.supervisor import Supervisor
from telephony.runtime.workers.backoff import Backoff
from telephony.runtime.workers.folder import run_folder, watched_at
from telephony.runtime.workers.messages import Accept, Drain, End, MoveOn
from telephony.runtime.workers.peers import Peers
from telephony.runtime.workers.registrar import Registrar
from telephony.runtime.workers.started import Started
from telephony.server.app import BACKLOG, unavailable
from telephony.server.internal import DRAINING
from telephony.server.sharing import AFTERWORD
from telephony.settings import Settings

START = 60.0
"""Seconds that the first worker has to answer calls."""
HUNG = 30.0
"""Seconds without a word after which a worker is killed. It says something every second."""
LOOK = 1.0
"""Seconds between looks at who has said something."""
SLACK = 40.0
"""Seconds beyond the drain and the goodbyes that workers have to put their calls away, and for connections that proxies
have kept to them to be given up."""
ENDING = 5.0
"""Seconds that a worker has to end when it has no calls."""
AT_ONCE = 2.5
"""Seconds that it has when everything must end at once."""
REFUSED = 2
"""The exit code of a worker whose configuration is wrong."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.workers")


class Parent:
    """`run` it once."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.workers: dict[str, Started] = {}
        """Those that run, by name."""
        self.draining = False
        self.registrar = Registrar(settings.shed_lag_ms / 1000)
        self._supervisor = Supervisor(environ)
        self._folder = run_folder(settings.run_folder, environ)
        self._name = secrets.token_hex(4)
        self._secret = secrets.token_hex(32)
        self._numbers = count(1)
        self._failed = False
        self._refused = False
        self._last_release: float | None = None
        self._changed = asyncio.Event()
        """Set when a worker is ready, idle or gone."""
        self._peers = Peers(
            self._folder,
            settings.host,
            settings.port,
            self._name,
            self.registrar.known,
            self.owner_of,
            self._introduce,
        )

    async def run(self, stop: asyncio.Event) -> int:
        """Answer calls until *stop* is set, then let them end; returns the exit code. Cancelling it ends them at once.
        Raises `ConfigurationError` if the port cannot be had."""
        try:
            fleet = Fleet(self._sockets, stop.set, lambda: DRAINING if self.draining else "")
            async with self._supervisor.watched(), beside(answer(fleet, self.settings), "internal port"):
                listener = await self._peers.open() or self._bind()
                self._peers.listener = listener
                with listener:
                    return await self._run(listener, stop)
        finally:
            await self._peers.close()

    async def _run(self, listener: socket.socket, stop: asyncio.Event) -> int:
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(self._keep(listener), name="keep worker 1")]
            looking = group.create_task(self._look_for_hung(), name="look for hung workers")
            try:
                await self._until(lambda: self._ready > 0 or self._refused, START, stop)
                self._failed = not self._ready and not stop.is_set()
                if self._ready:
                    # One alone at first: what it finds wrong is told once, and the database is made once.
                    others = range(2, self.settings.workers + 1)
                    keepers += [group.create_task(self._keep(listener), name=f"keep worker {n}") for n in others]
                    await self._until(lambda: self._ready >= self.settings.workers or self._refused, START, stop)
                if self._ready and not self._refused:
                    await self._answer(listener, stop)
                await self._drain()
            except asyncio.CancelledError:
                await self._end(AT_ONCE, at_once=True)
                raise
            finally:
                self.draining = True
                looking.cancel()
                for keeper in keepers:
                    keeper.cancel()
        if self._refused:
            return REFUSED
        return 1 if self._failed else 0

    async def _answer(self, listener: socket.socket, stop: asyncio.Event) -> None:
        if stop.is_set():
            return
        self._peers.say(ready=True, draining=False)
        host, port = listener.getsockname()[:2]
        address = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104  compared
        webhook = f"{self.settings.public_url}/twilio/voice"
        _log.info("listening", address=address, webhook=webhook, workers=self._ready)
        self._supervisor.ready(f"answering calls at {address} with {self._ready} workers")
        await stop.wait()

    def _sockets(self) -> dict[str, Path]:
        """Where those workers answer that have begun to."""
        return {name: watched_at(self._folder, name) for name, worker in self.workers.items() if worker.ready}

    # -- whose call --------------------------------------------------------------------------------------------------

    async def owner_of(self, call_id: str, asker: str = "") -> str:
        """The owner of a call; one that nobody knows gets one. Bounded."""
        if owner := self.registrar.known(call_id):
            return owner
        if owner := await self._peers.whose(call_id) or await self._peers.assigned(call_id):
            return owner
        return self.registrar.assign(call_id, asyncio.get_running_loop().time(), asker)

    def released(self, call_id: str) -> None:
        """A call's place is free."""
        if self.registrar.places.release(call_id):
            self._last_release = asyncio.get_running_loop().time()

    def let_go(self, call_id: str) -> bool:
        """A call goes on in another version; whether there is one."""
        if self._peers.newest is None:
            return False
        self.registrar.disown(call_id)
        return True

    def _introduce(self) -> None:
        """Tell every worker who else there is, and who accepts connections."""
        ready = self._peers.state.workers
        for worker in self.workers.values():
            self._set_accepting(worker)
            worker.introduce([name for name in (*ready, *self._peers.workers) if name != worker.name])
        self._move_on()

    def _count(self) -> None:
        """Tell everybody which workers there are now."""
        self._peers.have([name for name, worker in self.workers.items() if worker.ready])

    def _move_on(self) -> None:
        """Let calls that may go on in another version do so, if there is one."""
        if self.draining and self._peers.newest:
            for worker in self.workers.values():
                worker.tell(MoveOn())

    def _set_accepting(self, worker: Started) -> None:
        on = self._peers.newest is None
        if worker.accepts is not on:
            worker.accepts = on
            worker.tell(Accept(on))

    # -- workers -----------------------------------------------------------------------------------------------------

    @property
    def _ready(self) -> int:
        return sum(worker.ready for worker in self.workers.values())

    async def _keep(self, listener: socket.socket) -> None:
        """One worker after the other, until we stop."""
        backoff, now = Backoff(), asyncio.get_running_loop().time
        while not self.draining:
            began = now()
            worker = Started(f"{self._name}-{next(self._numbers)}", self, self._folder, self._secret)
            self.workers[worker.name] = worker
            try:
                how = await worker.run(listener)
            finally:
                del self.workers[worker.name]
                lost = self.registrar.leave(worker.name)
                self._count()
                self._changed.set()
            if how == REFUSED and not self._peers.state.ready:
                self._refused = True
                return
            if self.draining:
                self._failed |= how != 0
                if lost:
                    _log.error("a worker died with its calls", worker=worker.name, how=_told(how), calls=lost)
                return
            pause = backoff.after(now() - began)
            _log.error(
                "a worker died; it is started again", worker=worker.name, how=_told(how), calls=lost, seconds=pause
            )
            await asyncio.sleep(pause)

    def became_ready(self, worker: Started) -> None:
        """A worker answers calls."""
        self.registrar.join(worker.name, asyncio.get_running_loop().time())
        self._count()
        if self.draining:
            worker.tell(Drain())
        self._changed.set()

    def became_idle(self, worker: Started) -> None:
        """A worker has had its last call."""
        self._changed.set()

    async def _look_for_hung(self) -> None:
        """Until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(LOOK)
            for name, worker in self.registrar.workers.items():
                if now() - worker.heard_at > HUNG:
                    _log.error("a worker says nothing any more; it is killed", worker=name)
                    self.workers[name].kill()

    # -- the end -----------------------------------------------------------------------------------------------------

    async def _drain(self) -> None:
        self.draining = True
        calls = len(self.registrar.places)
        _log.info("stopping", calls=calls, seconds=self.settings.drain, workers=len(self.workers))
        self._supervisor.stopping(f"letting {calls} calls end, within {self.settings.drain:g} s")
        self._peers.say(ready=self._peers.state.ready, draining=True)
        for worker in self.workers.values():
            worker.tell(Drain())
        self._move_on()
        bound = self.settings.drain + GOODBYE + SLACK
        if not await self._until(lambda: all(worker.idle for worker in self.workers.values()), bound):
            _log.error("workers did not put their calls away in time")
        if self._last_release is not None:
            await asyncio.sleep(self._last_release + AFTERWORD - asyncio.get_running_loop().time())
        await self._end(ENDING, at_once=False)

    async def _end(self, bound: float, *, at_once: bool) -> None:
        """End the workers; kill those that do not."""
        self.draining = True
        for worker in self.workers.values():
            worker.tell(End(at_once))
        if not await self._until(lambda: not self.workers, bound):
            self._failed = True
            for worker in self.workers.values():
                _log.error("a worker does not end; it is killed", worker=worker.name)
                worker.kill()
            await self._until(lambda: not self.workers, bound)

    async def _until(self, holds: Callable[[], bool], bound: float, stop: asyncio.Event | None = None) -> bool:
        """Wait until something *holds*, or *stop* is set; whether it does."""
        end = asyncio.get_running_loop().time() + bound
        while not holds() and asyncio.get_running_loop().time() < end and not (stop and stop.is_set()):
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._changed.wait()
        return holds()

    def _bind(self) -> socket.socket:
        host, port = self.settings.host, self.settings.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            raise unavailable(host, port, error) from error
        listener.setblocking(False)
        return listener


def _told(how: int) -> str:
    """An exit code, in words."""
    if how >= 0:
        return f"exit code {how}"
    try:
        return signal.Signals(-how).name
    except ValueError:
        return f"signal {-how}"
