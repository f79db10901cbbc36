"""Everything by which a process can be watched, put together: the internal port, the metrics, the tasks."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from telephony.bridge.calls import Keeper
from telephony.records import CallRecord, Moment
from telephony.runtime.live_metrics import Now, Running
from telephony.runtime.masking import Mask
from telephony.runtime.metrics import CountingKeeper, Metrics
from telephony.runtime.plans import Plans
from telephony.runtime.tasks import Tasks
from telephony.runtime.tracing import Tracer, TracingKeeper, make_tracer
from telephony.server.app import Server
from telephony.server.internal import DRAINING, Readiness, internal_application
from telephony.server.reception import Reception
from telephony.settings import Settings
from telephony.store.keeper import RecordKeeper
from telephony.upstream.pool import Upstream

REMEDY = "Set internal_port to a free one; every process on a machine needs its own. Unset, there is none."


class Watching:
    """What is seen of one process from inside. *drain* is what `POST /drain` does; *secrets* are shown nowhere.
    *environ* says where traces go, if they do. One that is not *alone* leaves the internal port to its parent."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        secrets: Iterable[str],
        drain: Callable[[], None],
        *,
        alone: bool = True,
    ) -> None:
        self._settings = settings
        self._mask = Mask(secrets)
        self._tasks = Tasks()
        self._environ = environ
        self._tracer: Tracer | None = None
        self._metrics = Metrics({})
        self.running = Running(self._metrics.registry)
        self.readiness = Readiness()
        self.drain = drain
        self.app = internal_application(self)
        """Everything that the internal port answers."""
        self.server = internal_server(settings, self.app) if alone else None
        """Where that is answered, if the settings name a port."""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen, and watch tasks. Nobody may call before `readiness.begun` is set."""
        with self._tasks.watched():
            if self.server:
                await self.server.start()
            try:
                self._tracer = make_tracer(self._environ, self._mask.text)
                yield
            finally:
                if self._tracer:
                    await self._tracer.close()
                if self.server:
                    await self.server.stop()

    @contextlib.asynccontextmanager
    async def answering_at(self, path: Path) -> AsyncIterator[None]:
        """Answer at a Unix socket what the internal port does: for a parent, who asks all of its workers."""
        runner = web.AppRunner(self.app, handle_signals=False, access_log=None)
        await runner.setup()
        try:
            await web.UnixSite(runner, path).start()
            yield
        finally:
            await runner.cleanup()

    def counting(self, keeper: Keeper, plans: Mapping[str, Plans]) -> Keeper:
        """*keeper*, and what it is given is counted and traced."""
        for name, each in plans.items():
            self._metrics.know(name, (tool.name for tool in each.now().settings.session.tools))
        counting = CountingKeeper(keeper, self._metrics)
        return TracingKeeper(counting, self._tracer) if self._tracer else counting

    def look_at(self, reception: Reception, upstream: Upstream, keeper: RecordKeeper, app: web.Application) -> None:
        """These are what the process is made of; *app* is what the public port answers."""
        calls = reception.calls
        calls.on_moments = self._moments
        reception.on_refused = self.running.refused
        self.readiness.checks += [
            lambda: DRAINING if calls.draining else "",
            lambda: self._mask.text(f"the store takes no records: {keeper.trouble}") if keeper.trouble else "",
        ]
        ready, limit = (lambda: not self.readiness.reasons), self._settings.max_calls
        self._metrics.registry.register(Now(calls, upstream, keeper, ready, limit))
        self.running.count_requests_of(app)

    def _moments(self, record: CallRecord, moments: list[Moment]) -> None:
        self.running.moments(moments)
        if self._tracer:
            self._tracer.moments(record, moments)

    async def reasons(self) -> list[str]:
        """See `Watched`."""
        return self.readiness.reasons

    async def page(self) -> tuple[bytes, str]:
        """See `Watched`."""
        return self._metrics.page()

    async def tasks(self) -> list[dict[str, Any]]:
        """See `Watched`."""
        return self._tasks.shown(self._mask.text)


def internal_server(settings: Settings, app: web.Application) -> Server | None:
    """Where *app* is answered, if the settings name a port."""
    if (port := settings.internal_port) is None:
        return None
    return Server(app, settings.internal_host, port, setting="internal_port", remedy=REMEDY)
