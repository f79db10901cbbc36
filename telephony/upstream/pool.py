"""The models an agent can ask for by name, each with one deployment or several, and a connection to the first that
answers."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable

from telephony.errors import ConfigurationError, UpstreamError, UpstreamLost, UpstreamRefused
from telephony.links.dialed import dial
from telephony.links.link import Link
from telephony.upstream.deployment import Deployment


class Upstream:
    """All deployments of a process."""

    def __init__(self, deployments: Iterable[Deployment]) -> None:
        self._by_name: dict[str, tuple[Deployment, ...]] = {}
        for deployment in deployments:
            self._by_name[deployment.model_name] = (*self._by_name.get(deployment.model_name, ()), deployment)

    def for_model(self, model_name: str) -> tuple[Deployment, ...]:
        """The deployments of that name, in the order in which to try them. An agent that names no model gets the only
        one there is. Raises `ConfigurationError` if there is none, or no telling which."""
        if not model_name and len(self._by_name) == 1:
            return next(iter(self._by_name.values()))
        if found := self._by_name.get(model_name):
            return found
        if not self._by_name:
            raise ConfigurationError("model_list", "it has no realtime model", "Add xai/grok-voice-latest, say.")
        near = difflib.get_close_matches(model_name, self._by_name, n=1)
        known = ", ".join(sorted(self._by_name))
        remedy = f"Did you mean {near[0]}?" if near else f"Name one of: {known}."
        problem = f"model_list has no {model_name!r}" if model_name else "it is not set, and model_list has several"
        raise ConfigurationError("agents.*.model", problem, remedy)

    async def connect(self, model_name: str, *, budget: float) -> tuple[Deployment, Link]:
        """Open a connection to the first deployment that accepts one, within *budget* seconds over all.

        Whoever is tried gets an equal share of what is left, so that one that never answers cannot use up the time of
        the next. Raises `UpstreamError`, of the last one's kind, with everybody's reason in it.
        """
        candidates = self.for_model(model_name)
        clock = asyncio.get_running_loop().time
        deadline = clock() + budget
        refusals: list[tuple[Deployment, UpstreamError]] = []
        for tried, deployment in enumerate(candidates):
            share = (deadline - clock()) / (len(candidates) - tried)
            try:
                link = await dial(deployment.url, deployment.headers, open_timeout=max(share, 0.0), name="model")
            except UpstreamError as error:
                refusals.append((deployment, error))
            else:
                return deployment, link
        raise _everybody_said_no(refusals) from refusals[-1][1]


def _everybody_said_no(refusals: list[tuple[Deployment, UpstreamError]]) -> UpstreamError:
    reasons = "; ".join(f"{deployment.provider}/{deployment.model}: {error}" for deployment, error in refusals)
    _, last = refusals[-1]
    if isinstance(last, UpstreamRefused):
        return UpstreamRefused(reasons, last.status)
    return UpstreamLost(reasons)
