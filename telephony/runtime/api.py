"""The API of a process put together: who may use it, and where its answers come from."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from telephony.agents.directory import Directory
from telephony.bridge.plan import Plan
from telephony.encryption.keys import KeyRing
from telephony.runtime.redaction import mask_json
from telephony.server.api.calls import CallsApi
from telephony.server.api.keys import ApiKeys
from telephony.server.api.live import LiveApi
from telephony.server.api.orders import OrdersApi
from telephony.server.api.requests import Answers
from telephony.server.api.service import Api
from telephony.server.api.standing import AgentShown, StandingApi
from telephony.server.outbound import Outbound
from telephony.server.reception import Reception
from telephony.settings import Scope, Settings
from telephony.store.base import CallStore
from telephony.upstream.pool import Upstream


def api_keys(settings: Settings) -> ApiKeys:
    """Who may use the API. The key that `telephony call` uses is for nothing else than what it does."""
    own = settings.outbound.api_key.get_secret_value()
    scopes: tuple[Scope, ...] = ("calls:write",)
    return ApiKeys(settings.api.keys, {"outbound.api_key": (own, scopes)} if own else None)


def make_api(
    settings: Settings,
    secrets: Collection[str],
    store: CallStore,
    keys: KeyRing,
    reception: Reception,
    directory: Directory,
    plan_for: Callable[[str], Plan],
    upstream: Upstream,
    outbound: Outbound | None,
) -> Api | None:
    """The API, or None if nobody has a key. Its answers are without *secrets*; *keys* decrypt what is recorded."""
    if outbound is None:
        return None
    answers, own = Answers(partial(mask_json, secrets=tuple(secrets))), settings.outbound
    calls, agents = reception.calls, directory.agents.__contains__
    orders = OrdersApi(outbound.dialler, answers, agents, own.from_number, lambda: calls.draining, reception.full)
    routes = [
        *CallsApi(store, answers, keys).routes(),
        *orders.routes(),
        *LiveApi(calls.switchboard, answers, reception.sharing.neighbours).routes(),
        *StandingApi(partial(agents_shown, directory, plan_for), upstream, answers).routes(),
    ]
    return Api(routes, api_keys(settings), answers, calls.switchboard.close)


def agents_shown(directory: Directory, plan_for: Callable[[str], Plan]) -> list[AgentShown]:
    """The agents as the API shows them."""
    shown = []
    for name, agent in directory.agents.items():
        own = agent.settings
        tools = [tool.name for tool in plan_for(name).settings.session.tools]
        numbers = [line.key for line in directory.lines if line.settings.agent == name]
        shown.append(
            AgentShown(name, own.model, own.voice, own.language, numbers, tools, list(own.hand_over), own.record)
        )
    return shown
