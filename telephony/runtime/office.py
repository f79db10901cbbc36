"""One process put together: which classes stand behind the protocols, who owns them, and in which order they go.

Everything is opened before the port is, and everything that can be wrong with the configuration is found then, not by
the first caller: tools are imported, deployments resolved, and every agent's session is worded once for every model
that may answer for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.agents.agent import Agent
from telephony.agents.directory import Directory
from telephony.bridge import encrypted
from telephony.bridge.bridge import Bridge
from telephony.bridge.calls import Calls, Watcher
from telephony.bridge.consultations import Consultations
from telephony.bridge.lag import LoopLag
from telephony.bridge.permits import Permits
from telephony.bridge.plan import Plan
from telephony.bridge.visits import Fetch
from telephony.carriers.twilio_account import TwilioAccount
from telephony.encryption.keys import KeyRing
from telephony.links.download import download
from telephony.links.http import perform
from telephony.runtime.api import make_api
from telephony.runtime.beside import beside
from telephony.runtime.checks import check, serving_problems
from telephony.runtime.configuration import ConfigurationErrors
from telephony.runtime.departures import Departures
from telephony.runtime.desk import CallDesk
from telephony.runtime.dialling import make_permits
from telephony.runtime.encryption import key_ring
from telephony.runtime.files import allowed_files
from telephony.runtime.gateway import has_keys, make_gateway
from telephony.runtime.number_checks import directory_of
from telephony.runtime.outbound import make_outbound
from telephony.runtime.plans import Plans
from telephony.runtime.reception import make_reception
from telephony.runtime.records import make_journal, make_keeper, make_shelf, open_records, open_shelf
from telephony.runtime.redaction import secrets_of
from telephony.runtime.retention import Retention, make_retention
from telephony.runtime.settling import settle
from telephony.runtime.staffing import all_plans, models_for
from telephony.runtime.supervisor import Supervisor
from telephony.runtime.tariffs import read_tariffs
from telephony.runtime.watching import Watching
from telephony.server.app import Server, application
from telephony.server.consulting import ConsultingWebhooks
from telephony.server.crowd import crowd_of
from telephony.server.gateway import Gateway
from telephony.server.outbound import Outbound
from telephony.server.sharing import AFTERWORD, Alone, Seat, Sharing
from telephony.server.webhooks import DIAL_ENDED
from telephony.settings import Fallback, Settings
from telephony.store.keeper import RecordKeeper
from telephony.tools.provided import Opener
from telephony.upstream.pool import Upstream

GOODBYE = 20.0
"""Seconds the last calls have to say goodbye once the drain is over."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.office")


class Office:
    """A running process: its server, its calls, its records."""

    def __init__(
        self,
        settings: Settings,
        server: Server,
        calls: Calls,
        keeper: RecordKeeper,
        permits: Permits,
        lag: LoopLag,
        watching: Watching,
    ) -> None:
        self.settings = settings
        self.server = server
        self.watching = watching
        self.calls = calls
        self.keeper = keeper
        self.permits = permits
        """Asked before anybody is called."""
        self.lag = lag

    @property
    def internal(self) -> Server | None:
        """Where the process can be watched, if that is wanted."""
        return self.watching.server

    @property
    def draining(self) -> bool:
        """Whether no new call is taken any more."""
        return self.calls.draining

    @property
    def address(self) -> str:
        """Where the server listens, for a person on this machine."""
        host = "127.0.0.1" if self.server.host in ("0.0.0.0", "::") else self.server.host  # noqa: S104  compared, not bound
        return f"http://{host}:{self.server.port}"


@contextlib.asynccontextmanager
async def open_office(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    agents: Iterable[Agent] = (),
    provide: Iterable[str | Opener] = (),
    watcher: Watcher | None = None,
    seat: Seat | None = None,
    stop: asyncio.Event | None = None,
) -> AsyncIterator[Office]:
    """Open everything, listen, and on leaving drain and close it.

    *agents* made in Python, and what *provide* opens, come beside those of the configuration. *environ* is where keys
    are looked up. *watcher* is told of every note of every call. *seat* is the process's place among others. *stop* is
    set when somebody asks it to drain. Raises `ConfigurationError` before the public port is listened on.
    """
    seat = seat or Seat()
    _check(settings, agents := list(agents))
    staff = _agents(settings, agents)
    directory, secrets = directory_of(settings, staff), secrets_of(settings, environ, staff)
    watching = Watching(settings, environ, secrets, (stop or asyncio.Event()).set, alone=not seat.is_shared)
    upstream = Upstream(models_for(settings, staff, environ), settings.router_settings, watch=watching.running)
    (store, keeper), keys = make_keeper(settings), key_ring(settings)
    recordings, lag = Path(settings.recordings), LoopLag(watching.running.late)
    permits = make_permits(settings, staff, keeper.audits)
    account = TwilioAccount(settings.public_url, settings.twilio, settings.instance_url)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(watching.open())
        plans = await all_plans(staff, settings, upstream, permits.policy, provide, stack)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await open_records(keeper, recordings, keys)
        await open_shelf(settings, (plan.now() for plan in plans.values()))
        stack.push_async_callback(keeper.close)
        consultations = Consultations(partial(perform, session), account, settings.callback_url)
        stack.push_async_callback(consultations.close)
        departures = _departures(settings, session, account, directory, consultations, lambda sid: calls.live.get(sid))
        counting, shelf = watching.counting(keeper, plans), partial(make_shelf, settings, secrets, keys.newest)
        plan_for, fetch, prices = _latest(plans), _fetching(session, account, keys), read_tariffs(settings.tariffs)
        desk, journal = CallDesk(permits, account, session, consultations), make_journal(store, seat.sharing)
        own = (desk, plan_for, fetch, prices, journal, keys.newest)
        calls = Calls(counting, recordings, departures.hang_up, watcher, shelf, *own)
        stack.callback(calls.close)
        reception = make_reception(settings, account, calls, directory, plan_for, upstream, lag, seat)
        reception.redirect = lambda call_id, twiml: perform(session, account.redirect(call_id, twiml))
        gateway = make_gateway(settings, upstream, seat.sharing) if has_keys(settings) else None
        outbound = make_outbound(settings, store, session, account, directory.agents, permits)
        api = make_api(settings, secrets, store, keys, reception, directory, plan_for, upstream, outbound)
        app = application(reception, gateway, outbound, ConsultingWebhooks(reception, consultations), api)
        server = _server(settings, app, seat)
        watching.look_at(reception, upstream, keeper, app)
        await _begin_chores(stack, lag, keeper, outbound, make_retention(settings, store))
        try:
            await server.start()
            watching.readiness.begun = True
            yield Office(settings, server, calls, keeper, permits, lag, watching)
            await _drain(settings.drain, calls, gateway, seat.sharing)
            await seat.sharing.drained()
        finally:
            await calls.cut_off()
            await server.stop()


def _server(settings: Settings, app: web.Application, seat: Seat) -> Server:
    crowd = crowd_of(settings.connections, allowed_files())
    return Server(app, settings.host, settings.port, listener=seat.listener, crowd=crowd)


async def _begin_chores(
    stack: contextlib.AsyncExitStack,
    lag: LoopLag,
    keeper: RecordKeeper,
    outbound: Outbound | None,
    retention: Retention | None,
) -> None:
    """What goes on beside the calls until *stack* is left."""
    works = {"loop lag": lag.run(), "record keeper": keeper.run()}
    if outbound:
        works["dialler"] = outbound.dialler.run()
    if retention:
        works["retention"] = retention.run()
    for name, work in works.items():
        await stack.enter_async_context(beside(work, name))


async def _move_on(sharing: Sharing, calls: Calls) -> None:
    await sharing.moving()
    calls.moves.move_on()


async def _drain(patience: float, calls: Calls, gateway: Gateway | None, sharing: Sharing) -> None:
    async with beside(_move_on(sharing, calls), "moving on"), asyncio.TaskGroup() as ending:
        ending.create_task(calls.drain(patience, GOODBYE), name="drain calls")
        if gateway:
            ending.create_task(gateway.drain(patience), name="drain gateway")


async def answer_calls(
    settings: Settings,
    environ: Mapping[str, str],
    stop: asyncio.Event,
    agents: Iterable[Agent] = (),
    provide: Iterable[str | Opener] = (),
) -> None:
    """Answer calls until *stop* is set, then let them end."""
    supervisor, seat = Supervisor(environ), Seat(Alone(AFTERWORD))
    async with (
        supervisor.watched(),
        open_office(settings, environ, agents=agents, provide=provide, seat=seat, stop=stop) as office,
    ):
        settle()
        _log.info("listening", address=office.address, webhook=f"{settings.public_url}/twilio/voice")
        if office.internal:
            _log.info("watched", address=f"http://{office.internal.host}:{office.internal.port}/readyz")
        supervisor.ready(f"answering calls at {office.address}")
        await stop.wait()
        _log.info("stopping", calls=len(office.calls.live), seconds=settings.drain)
        supervisor.stopping(f"letting {len(office.calls.live)} calls end, within {settings.drain:g} s")


# -- agents and models ---------------------------------------------------------------------------------------------


def _check(settings: Settings, agents: list[Agent]) -> None:
    """Settings may have been made in Python too, where nobody has looked for mistakes between them yet."""
    there = {"agents", "numbers"} if settings.agents or agents else set()
    problems = [problem for problem in serving_problems(settings) if problem.key not in there]
    problems += check(settings, lambda path: "", agents)
    if problems:
        raise problems[0] if len(problems) == 1 else ConfigurationErrors(problems)


def _latest(plans: Mapping[str, Plans]) -> Callable[[str], Plan]:
    """How a call to an agent is carried now."""
    return lambda name: plans[name].now()


def _departures(
    settings: Settings,
    session: aiohttp.ClientSession,
    account: TwilioAccount,
    directory: Directory,
    consultations: Consultations,
    live: Callable[[str], Bridge | None],
) -> Departures:
    """How callers leave; *live* finds a call that goes on."""

    def fallback_of(call_id: str) -> Fallback:
        bridge = live(call_id)
        agent = directory.agents.get(bridge.agent) if bridge else None
        return agent.settings.fallback if agent else Fallback()

    return Departures(session, account, settings.callback_url + DIAL_ENDED, fallback_of, consultations)


def _fetching(session: aiohttp.ClientSession, account: TwilioAccount, keys: KeyRing) -> Fetch:
    """How messages are fetched from the carrier."""
    key = keys.newest
    seal = partial(encrypted.encrypted, key=key) if key else bytes

    async def fetch(recording_id: str, path: Path) -> Path:
        path = encrypted.name_of(path, key)
        await download(session, account.message_audio(recording_id), path, seal=seal)
        return path

    return fetch


def _agents(settings: Settings, extra: Iterable[Agent]) -> list[Agent]:
    agents = [Agent.from_settings(name, own) for name, own in settings.agents.items()]
    return [*agents, *extra]
