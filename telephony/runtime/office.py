"""One process put together: which classes stand behind the protocols, who owns them, and in which order they go.

Everything is opened before the port is, and everything that can be wrong with the configuration is found then, not by
the first caller: tools are imported, deployments resolved, and every agent's session is worded once for every model
that may answer for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.agents.agent import Agent, call_settings
from telephony.agents.directory import Directory
from telephony.bridge.bridge import Bridge, ConnectModel, ModelSession
from telephony.bridge.calls import Calls, Keeper, Plan, Watcher
from telephony.bridge.consultations import Consultations
from telephony.bridge.permits import Permits
from telephony.bridge.visits import Fetch
from telephony.carriers.twilio import TwilioStream
from telephony.carriers.twilio_account import TwilioAccount
from telephony.dialling import DialPolicy
from telephony.links.download import download
from telephony.links.http import perform
from telephony.realtime import dialect
from telephony.runtime.api import make_api
from telephony.runtime.checks import check, serving_problems
from telephony.runtime.clips import clips_for
from telephony.runtime.configuration import ConfigurationErrors
from telephony.runtime.departures import Departures
from telephony.runtime.desk import CallDesk, knowing
from telephony.runtime.dialling import make_permits
from telephony.runtime.gateway import has_keys, make_gateway, offered
from telephony.runtime.number_checks import directory_of
from telephony.runtime.outbound import make_outbound
from telephony.runtime.plans import Plans
from telephony.runtime.records import make_keeper, make_shelf, open_records, open_shelf
from telephony.runtime.redaction import secrets_of
from telephony.runtime.tariffs import read_tariffs
from telephony.server.app import Server, application, internal_application
from telephony.server.consulting import ConsultingWebhooks
from telephony.server.reception import Reception
from telephony.server.webhooks import DIAL_ENDED
from telephony.settings import CallSettings, Fallback, Settings, ToolSpec
from telephony.store.keeper import RecordKeeper
from telephony.tools.load import load_tools
from telephony.tools.mcp_servers import McpTools
from telephony.tools.provided import Opener, opened
from telephony.tools.sources import ToolSources
from telephony.tools.toolbox import Toolbox
from telephony.upstream.balancer import chain
from telephony.upstream.deployment import Deployment, deployments
from telephony.upstream.failures import Failure
from telephony.upstream.pool import Resumption, Upstream
from telephony.upstream.session import Session

MCP_START = 5.0
"""Seconds that the start of the process waits for MCP servers; calls that come before a server is there go without."""
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
        internal: Server | None = None,
    ) -> None:
        self.settings = settings
        self.server = server
        self.internal = internal
        """Where the process can be watched, if that is wanted."""
        self.calls = calls
        self.keeper = keeper
        self.permits = permits
        """Asked before anybody is called."""

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
) -> AsyncIterator[Office]:
    """Open everything, listen, and on leaving drain and close it.

    *agents* made in Python, and what *provide* opens, come beside those of the configuration. *environ* is where keys
    are looked up. *watcher* is told of every note of every call. Raises `ConfigurationError` before anything listens.
    """
    _check(settings, agents := list(agents))
    staff = _agents(settings, agents)
    directory = directory_of(settings, staff)
    upstream = Upstream(_models(settings, staff, environ), settings.router_settings)
    store, keeper = make_keeper(settings)
    permits = make_permits(settings, staff, keeper.audits)
    recordings, secrets = Path(settings.recordings), secrets_of(settings, environ, staff)
    account = TwilioAccount(settings.public_url, settings.twilio)
    async with contextlib.AsyncExitStack() as stack:
        plans = await _all_plans(staff, settings, upstream, permits.policy, provide, stack)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await open_records(keeper, recordings)
        await open_shelf(settings, (plan.now() for plan in plans.values()))
        stack.push_async_callback(keeper.close)

        consultations = Consultations(partial(perform, session), account, settings.public_url)
        stack.push_async_callback(consultations.close)
        departures = _departures(settings, session, account, directory, consultations, lambda sid: calls.live.get(sid))
        counting, internal = _watched(settings, plans, keeper)
        shelf = partial(make_shelf, settings, secrets)
        plan_for, fetch = _latest(plans), _fetching(session, account)
        desk = CallDesk(permits, account, session, consultations)
        calls = Calls(counting, recordings, departures.hang_up, watcher, shelf, crew=plan_for, fetch=fetch, desk=desk)
        stack.callback(calls.close)
        reception = _reception(settings, account, calls, directory, plan_for, upstream)
        gateway = make_gateway(settings, upstream) if has_keys(settings) else None
        outbound = make_outbound(settings, store, session, account, directory.agents, permits)
        api = make_api(settings, secrets, store, calls, directory, plan_for, upstream, outbound)
        consulting = ConsultingWebhooks(reception, consultations)
        server = Server(application(reception, gateway, outbound, consulting, api), settings.host, settings.port)
        await stack.enter_async_context(_beside(keeper.run(), "record keeper"))
        if outbound:
            await stack.enter_async_context(_beside(outbound.dialler.run(), "dialler"))
        try:
            await server.start()
            if internal:
                await internal.start()
            yield Office(settings, server, calls, keeper, permits, internal)
            async with asyncio.TaskGroup() as ending:
                ending.create_task(calls.drain(settings.drain, GOODBYE), name="drain calls")
                if gateway:
                    ending.create_task(gateway.drain(settings.drain), name="drain gateway")
        finally:
            await calls.cut_off()
            await server.stop()
            if internal:
                await internal.stop()


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[object, object, None], name: str) -> AsyncIterator[None]:
    """Run *work* for as long as the block lasts. Not in a TaskGroup, which would wrap whatever the block raises (the
    `ConfigurationError` of a port that is taken) and end all calls if the work failed."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    task.add_done_callback(_report)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (failure := task.exception()):
        _log.error("a task of the process failed", task=task.get_name(), exc_info=failure)


async def answer_calls(
    settings: Settings,
    environ: Mapping[str, str],
    stop: asyncio.Event,
    agents: Iterable[Agent] = (),
    provide: Iterable[str | Opener] = (),
) -> None:
    """Answer calls until *stop* is set, then let them end."""
    async with open_office(settings, environ, agents=agents, provide=provide) as office:
        _log.info("listening", address=office.address, webhook=f"{settings.public_url}/twilio/voice")
        if office.internal:
            _log.info("metrics", address=f"http://{office.internal.host}:{office.internal.port}/metrics")
        await stop.wait()
        _log.info("stopping", calls=len(office.calls.live), seconds=settings.drain)


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

    return Departures(session, account, settings.public_url + DIAL_ENDED, fallback_of, consultations)


def _reception(
    settings: Settings,
    account: TwilioAccount,
    calls: Calls,
    directory: Directory,
    plan_for: Callable[[str], Plan],
    upstream: Upstream,
) -> Reception:
    """The front door: who answers, and what else decides about a call."""
    models = {agent.name: agent.settings.model for agent in directory.agents.values()}
    return Reception(
        account,
        settings.public_url,
        calls,
        directory.line_for,
        plan_for,
        TwilioStream,
        agents=directory.agents,
        failing=lambda: [name for name, model in models.items() if upstream.failing(model)],
        zones={hours.timezone: ZoneInfo(hours.timezone) for hours in settings.hours.values()},
        max_calls=settings.max_calls,
    )


def _fetching(session: aiohttp.ClientSession, account: TwilioAccount) -> Fetch:
    """How messages are fetched from the carrier."""

    async def fetch(recording_id: str, path: Path) -> None:
        await download(session, account.message_audio(recording_id), path)

    return fetch


def _agents(settings: Settings, extra: Iterable[Agent]) -> list[Agent]:
    agents = [Agent.from_settings(name, own) for name, own in settings.agents.items()]
    return [*agents, *extra]


def _models(settings: Settings, agents: Iterable[Agent], environ: Mapping[str, str]) -> Iterable[Deployment]:
    """Of `model_list` what some agent may come to speak with, so that nobody needs keys for the rest of it. Clients of
    the gateway may ask for whatever there is."""
    wanted = {agent.settings.model for agent in agents}
    fallbacks = {other for name in wanted for other in chain(name, settings.router_settings)}
    needed = deployments(settings.model_list, environ, wanted=None if "" in wanted else wanted | fallbacks)
    return offered(settings, environ) if has_keys(settings) else needed


async def _all_plans(
    staff: Iterable[Agent],
    settings: Settings,
    upstream: Upstream,
    policy: DialPolicy,
    provide: Iterable[str | Opener],
    stack: contextlib.AsyncExitStack,
) -> dict[str, Plans]:
    """Those of every agent by name; the MCP servers that some agent names are held until *stack* is left."""
    provided = await stack.enter_async_context(opened([*settings.provide, *provide], "provide"))
    sources = ToolSources(settings.http_tools, settings.mcp)
    stack.push_async_callback(sources.close)
    plans = {agent.name: _plans(agent, settings, upstream, policy, provided, stack, sources) for agent in staff}
    if sources.servers.wanted:
        await stack.enter_async_context(_beside(sources.servers.run(), "mcp servers"))
        await sources.servers.tried(MCP_START)
    return plans


def _plans(
    agent: Agent,
    process: Settings,
    upstream: Upstream,
    policy: DialPolicy,
    provided: Mapping[type, Any],
    stack: contextlib.AsyncExitStack,
    sources: ToolSources,
) -> Plans:
    """How calls to *agent* are carried. Everything that could be wrong with it is found here."""
    place = f"agents.{agent.name}.tools"
    tools = load_tools(agent.tools, place, sources)
    mcp = McpTools(sources.servers, agent.tools, [tool.spec.name for tool in tools], place)
    toolbox = Toolbox(tools, provided, others=mcp.find)
    stack.push_async_callback(toolbox.close)
    clips, tariffs = clips_for(agent), read_tariffs(process.tariffs)
    candidates = upstream.for_model(agent.settings.model)
    share = {"off": 0.0, "sampled": process.cassettes.sample, "always": 1.0}[agent.settings.cassette]
    colleagues = frozenset(agent.settings.hand_over)

    def plan(more: tuple[ToolSpec, ...]) -> Plan:
        settings = call_settings(agent, knowing((*toolbox.specs, *more), agent, policy), clips, tariffs)
        for deployment in candidates:
            dialect(deployment.dialect, settings.session)
        connect = _connector(agent, settings, upstream)
        return Plan(settings, toolbox, connect, agent.settings.record, share, candidates[0].dialect, colleagues)

    return Plans(plan, lambda: tuple(tool.spec for tool in mcp.offered()))


def _connector(agent: Agent, settings: CallSettings, upstream: Upstream) -> ConnectModel:
    async def connect(before: ModelSession | None = None, resume: str = "") -> ModelSession:
        resumption = None
        if resume and before and isinstance(before.link, Session):
            resumption = Resumption(before.link.deployment, resume)
        session = await upstream.connect(agent.settings.model, budget=settings.limits.connect, resume=resumption)
        deployment = session.deployment
        speaker = dialect(deployment.dialect, settings.session)
        name = f"{deployment.provider}/{deployment.model}"
        return ModelSession(speaker, name, session, lambda why: session.failed(Failure("elsewhere", why)))

    return connect


# -- watching ------------------------------------------------------------------------------------------------------


def _watched(settings: Settings, plans: Mapping[str, Plans], keeper: RecordKeeper) -> tuple[Keeper, Server | None]:
    """Who keeps the records, and where one can see what they add up to, if anybody wants to."""
    if settings.internal_port is None:
        return keeper, None
    from telephony.runtime.metrics import CountingKeeper, Metrics

    now = {name: each.now().settings.session.tools for name, each in plans.items()}
    metrics = Metrics({name: frozenset(tool.name for tool in tools) for name, tools in now.items()})
    app = internal_application(metrics.page)
    remedy = "Set internal_port to a free one; every process on a machine needs its own. Unset, there is none."
    server = Server(app, settings.internal_host, settings.internal_port, setting="internal_port", remedy=remedy)
    return CountingKeeper(keeper, metrics), server
