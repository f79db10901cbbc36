"""What is needed to place calls, put together: whom agents may call, from which number, how fast."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import aiohttp

from telephony.agents.agent import Agent
from telephony.agents.calling_hours import CallingHours
from telephony.agents.numbers import is_e164
from telephony.bridge.dialler import Bucket, Dialler, Terms
from telephony.bridge.permits import Permits
from telephony.carriers.base import Account
from telephony.dialling import Refused
from telephony.links.http import perform
from telephony.runtime.api import api_keys
from telephony.server.outbound import Outbound
from telephony.settings import Settings
from telephony.store.intents import Intent

if TYPE_CHECKING:
    from telephony.store.sql import SqlStore

BACKSTOP = 60
"""Seconds beyond an agent's own limit after which the carrier hangs up: the agent says goodbye before."""
LONGEST = 14_400
"""Seconds; of calls to which their agent sets no limit."""


def make_outbound(
    settings: Settings,
    store: SqlStore,
    session: aiohttp.ClientSession,
    account: Account,
    agents: Mapping[str, Agent],
    permits: Permits,
) -> Outbound | None:
    """Whatever places calls, or None if nobody has a key to ask for any. *permits* judges whom agents may call."""
    own = settings.outbound
    if not api_keys(settings):
        return None
    from telephony.store.sql_intents import SqlIntents

    async def permit(order: Intent, now: datetime) -> str | None:
        if not is_e164(order.to_number):
            return (await permits.refuse("dial", order.to_number, order.id, order.agent, now)).sentence
        called = order.from_number  # whoever is called from it would call themselves
        verdict = await permits.permit("dial", order.to_number, order.id, order.agent, now, called=called)
        return verdict.sentence if isinstance(verdict, Refused) else None

    dialler = Dialler(
        partial(perform, session),
        account,
        SqlIntents(store),
        settings.callback_url,
        lambda name: terms(agents[name]) if name in agents else None,
        CallingHours(own.hours).refusal,
        Bucket(own.calls_per_second / settings.workers),  # each worker has its share: together they never exceed it
        permit,
    )
    return Outbound(dialler, lambda name: agents[name].settings.outbound.message)


def terms(agent: Agent) -> Terms:
    """How *agent* calls people."""
    policy, limit = agent.settings.outbound, agent.settings.limits.max_duration
    time_limit = min(LONGEST, round(limit) + BACKSTOP) if limit else LONGEST
    return Terms(ring=policy.ring, time_limit=time_limit, machine=policy.machine)
