"""What is needed to place calls, put together: whom agents may call, from which number, how fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import aiohttp

from telephony.agents.agent import Agent
from telephony.agents.calling_hours import CallingHours
from telephony.bridge.dialler import Bucket, Dialler, MayCall, Terms
from telephony.carriers.base import Account
from telephony.links.http import perform
from telephony.server.api import CallsApi
from telephony.server.outbound import Outbound
from telephony.settings import Settings

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
    draining: Callable[[], bool],
    *rules: MayCall,
) -> Outbound | None:
    """Whatever places calls, or None if nobody may ask for any. *rules* can refuse a number besides the hours."""
    own = settings.outbound
    key = own.api_key.get_secret_value()
    if not key:
        return None
    from telephony.store.sql_intents import SqlIntents

    hours = CallingHours(own.hours)
    dialler = Dialler(
        partial(perform, session),
        account,
        SqlIntents(store),
        settings.public_url,
        lambda name: terms(agents[name]) if name in agents else None,
        first_refusal(hours.refusal, *rules),
        Bucket(own.calls_per_second),
    )
    api = CallsApi(dialler, key, agents.__contains__, own.from_number, draining)
    return Outbound(dialler, api, lambda name: agents[name].settings.outbound.message)


def terms(agent: Agent) -> Terms:
    """How *agent* calls people."""
    policy, limit = agent.settings.outbound, agent.settings.limits.max_duration
    time_limit = min(LONGEST, round(limit) + BACKSTOP) if limit else LONGEST
    return Terms(ring=policy.ring, time_limit=time_limit, machine=policy.machine)


def first_refusal(*rules: MayCall) -> MayCall:
    """A call may be placed if none of *rules* refuses it; the first to do so says why."""

    def may_call(number: str, now: datetime) -> str | None:
        return next((refusal for rule in rules if (refusal := rule(number, now))), None)

    return may_call
