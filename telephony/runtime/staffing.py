"""The agents of a process made ready for their calls: the models they speak with, their tools, how they are carried.

Everything that could be wrong with an agent is found here, before the first caller is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from telephony.agents.agent import Agent, call_settings
from telephony.bridge.bridge import ConnectModel, ModelSession
from telephony.bridge.plan import Plan
from telephony.dialling import DialPolicy
from telephony.realtime import dialect
from telephony.runtime.beside import beside
from telephony.runtime.clips import clips_for
from telephony.runtime.desk import knowing
from telephony.runtime.gateway import has_keys, offered
from telephony.runtime.plans import Plans
from telephony.runtime.tariffs import read_tariffs
from telephony.settings import CallSettings, Settings, ToolSpec
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


def models_for(settings: Settings, agents: Iterable[Agent], environ: Mapping[str, str]) -> Iterable[Deployment]:
    """Of `model_list` what some agent may come to speak with, so that nobody needs keys for the rest of it. Clients of
    the gateway may ask for whatever there is."""
    wanted = {agent.settings.model for agent in agents}
    fallbacks = {other for name in wanted for other in chain(name, settings.router_settings)}
    needed = deployments(settings.model_list, environ, wanted=None if "" in wanted else wanted | fallbacks)
    return offered(settings, environ) if has_keys(settings) else needed


async def all_plans(
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
        await stack.enter_async_context(beside(sources.servers.run(), "mcp servers"))
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
    """How calls to *agent* are carried."""
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
        record, dialect_first = agent.settings.record, candidates[0].dialect
        can_move = agent.settings.can_move
        return Plan(settings, toolbox, connect, record, share, dialect_first, colleagues, can_move=can_move)

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
