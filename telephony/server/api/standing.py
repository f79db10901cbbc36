"""What the process has to answer calls with: its agents, and the models behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec
from aiohttp import web

from telephony.server.api.keys import Holder
from telephony.server.api.requests import Answers
from telephony.server.api.route import JSON, Route
from telephony.upstream.balancer import Standing


class AgentShown(msgspec.Struct):
    """An agent, without its instructions."""

    name: str
    model: str
    """A `model_name` of the deployments; empty if there is but one."""
    voice: str | None
    language: str | None
    numbers: list[str]
    """Whose calls it answers: `*` are those of all others."""
    tools: list[str]
    """The functions that it has now."""
    hand_over: list[str]
    """Agents that it may hand the caller over to."""
    recorded: bool
    """Whether its calls are."""


class AgentList(msgspec.Struct):
    """All agents."""

    agents: list[AgentShown]


class DeploymentList(msgspec.Struct):
    """All deployments, as this process knows them from its own sessions."""

    deployments: list[Standing]


class Pool(Protocol):
    """Who knows the deployments; `upstream.pool` does."""

    def standings(self) -> Sequence[Standing]: ...


class StandingApi:
    """The routes. *agents* shows those of the process."""

    def __init__(self, agents: Callable[[], list[AgentShown]], pool: Pool, answers: Answers) -> None:
        self._agents = agents
        self._pool = pool
        self._answers = answers

    def routes(self) -> Iterator[Route]:
        yield Route("GET", "/agents", "agents:read", self._list_agents, "The agents.", {200: {JSON: AgentList}})
        yield Route(
            "GET",
            "/deployments",
            "deployments:read",
            self._list_deployments,
            "Where models can be reached, and how these places are doing.",
            {200: {JSON: DeploymentList}},
        )

    async def _list_agents(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        return await self._answers.json(AgentList(self._agents()))

    async def _list_deployments(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        return await self._answers.json(DeploymentList(list(self._pool.standings())))
