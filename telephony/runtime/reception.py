"""The front door put together: who answers, and what else decides about a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from telephony.agents.agent import Agent
from telephony.agents.directory import Directory
from telephony.agents.places import Cap
from telephony.bridge.calls import Calls
from telephony.bridge.lag import LoopLag
from telephony.bridge.plan import Plan
from telephony.carriers.twilio import TwilioStream
from telephony.carriers.twilio_account import TwilioAccount
from telephony.server.reception import Reception
from telephony.server.sharing import Seat
from telephony.server.tokens import Tokens
from telephony.settings import Settings
from telephony.upstream.pool import Upstream

LAGGING = "the machine has no time for another call"


def make_reception(
    settings: Settings,
    account: TwilioAccount,
    calls: Calls,
    directory: Directory,
    plan_for: Callable[[str], Plan],
    upstream: Upstream,
    lag: LoopLag,
    seat: Seat,
) -> Reception:
    """The reception of a process, which sits on *seat*."""
    models = {agent.name: agent.settings.model for agent in directory.agents.values()}
    return Reception(
        account,
        settings.callback_url,
        calls,
        directory.line_for,
        plan_for,
        TwilioStream,
        tokens=Tokens(seat.secret),
        agents=directory.agents,
        failing=lambda: [name for name, model in models.items() if upstream.failing(model)],
        zones={hours.timezone: ZoneInfo(hours.timezone) for hours in settings.hours.values()},
        caps_for=_caps(settings, directory.agents, upstream, seat.sharing.name),
        lagging=lambda: LAGGING if lag.high * 1000 > settings.shed_lag_ms else "",
        sharing=seat.sharing,
    )


def _caps(
    settings: Settings, agents: Mapping[str, Agent], upstream: Upstream, worker: str
) -> Callable[[str], list[Cap]]:
    """What a call to an agent counts for. Deployments are chosen only when a model is reached, so what counts here is
    whether any of those that may serve it has a session left."""
    everywhere = [Cap("all", "", settings.max_calls), Cap("worker", worker, settings.max_calls_per_worker)]

    def of(agent: Agent) -> list[Cap]:
        deployments = upstream.for_model(agent.settings.model)
        limits = [deployment.max_sessions for deployment in deployments if deployment.max_sessions is not None]
        most = sum(limits) if len(limits) == len(deployments) else None
        model = agent.settings.model or deployments[0].model_name
        return [Cap("agent", agent.name, agent.settings.max_calls), Cap("model", model, most), *everywhere]

    made = {name: of(agent) for name, agent in agents.items()}
    return lambda name: made.get(name, everywhere)
