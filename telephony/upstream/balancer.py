"""Which deployment gets the next session: pure and clocked, so that every choice can be repeated.

Asked for a name, it goes through that name's deployments in their `order`, then through the names to fall back on;
among equals it chooses by the strategy. What is at its limit of sessions is never chosen. What is cooling down is
chosen when nothing else is left, the one that comes back first before the others: a caller who is told no at once is no
better off than one for whom a door was tried that may have opened meanwhile. LiteLLM does so for a name with one
deployment.

A `Lease` stands for a session from the moment it is asked for, so that a thousand callers who come at once are spread,
too. Whoever takes one must release it; twice does nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from telephony.errors import ConfigurationError
from telephony.settings import RouterSettings
from telephony.upstream.deployment import Deployment
from telephony.upstream.failures import Failure
from telephony.upstream.health import Health

STANDBY = 1e-9
"""The weight of a deployment whose weight is 0: it is asked when the others are not to be had."""


class Lease:
    """The right to one session at one deployment."""

    __slots__ = ("_place", "began", "deployment", "probe", "released")

    def __init__(self, place: _Place, began: float, probe: bool) -> None:
        self.deployment = place.deployment
        self.began = began
        """When it was taken."""
        self.probe = probe
        """Whether it tries out a deployment whose cool-down is over."""
        self.released = False
        self._place = place


class Standing(msgspec.Struct, frozen=True):
    """How a deployment is doing."""

    model_name: str
    provider: str
    model: str
    state: Literal["well", "resting", "on trial"]
    """`resting`: it failed, and is passed over while there is another. `on trial`: the next session decides."""
    why: str
    """What it failed with last; empty where it is well."""
    retry_in: float
    """Seconds for which it still rests."""
    sessions: int
    """That it holds."""
    max_sessions: int | None
    """That it may hold; null is any number."""
    weight: float
    order: int


class Balancer:
    """The deployments of a process, their sessions and their health. Times are seconds of one monotonic clock."""

    def __init__(
        self,
        deployments: Iterable[Deployment],
        settings: RouterSettings | None = None,
        on_failure: Callable[[Deployment, Failure], None] | None = None,
    ) -> None:
        """*on_failure* is told of every failure."""
        self.settings = settings or RouterSettings()
        self._on_failure = on_failure
        self._by_name: dict[str, list[_Place]] = {}
        for deployment in deployments:
            health = Health(self.settings.cooldown_time, self.settings.allowed_fails)
            self._by_name.setdefault(deployment.model_name, []).append(_Place(deployment, health))

    # -- who there is ------------------------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Every `model_name`."""
        return tuple(self._by_name)

    def resolve(self, model_name: str) -> str:
        """*model_name*, or the only one there is for whoever names none. Raises `ConfigurationError`."""
        if model_name in self._by_name:
            return model_name
        if not self._by_name:
            raise ConfigurationError("model_list", "it has no realtime model", "Add xai/grok-voice-latest, say.")
        if not model_name and len(self._by_name) == 1:
            return next(iter(self._by_name))
        near = difflib.get_close_matches(model_name, self._by_name, n=1)
        known = ", ".join(sorted(self._by_name))
        remedy = f"Did you mean {near[0]}?" if near else f"Name one of: {known}."
        problem = f"model_list has no {model_name!r}" if model_name else "it is not set, and model_list has several"
        raise ConfigurationError("agents.*.model", problem, remedy)

    def candidates(self, model_name: str) -> tuple[Deployment, ...]:
        """Every deployment that may serve a name: its own, then those of the names it falls back on."""
        return tuple(place.deployment for group in self._groups(self.resolve(model_name)) for place in group)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """All of them."""
        return tuple(place.deployment for group in self._by_name.values() for place in group)

    def sessions(self, deployment: Deployment) -> int:
        """How many sessions it holds."""
        return sum(p.sessions for group in self._by_name.values() for p in group if p.deployment == deployment)

    def failing(self, model_name: str, now: float) -> bool:
        """Whether whoever may serve a name is cooling down just now, every one of them."""
        groups = self._groups(self.resolve(model_name))
        return not any(place.health.is_willing(now) for group in groups for place in group)

    def resting(self, now: float) -> dict[str, str]:
        """Deployments that are cooling down, and why; for logs and health checks."""
        places = (place for group in self._by_name.values() for place in group)
        return {str(p.deployment): p.health.cooling.why for p in places if now < p.health.cooling.until}

    def standings(self, now: float) -> list[Standing]:
        """How each of them is doing."""
        return [place.standing(now) for group in self._by_name.values() for place in group]

    # -- sessions ----------------------------------------------------------------------------------------------------

    def take(
        self,
        model_name: str,
        now: float,
        exclude: Collection[Deployment] = (),
        wanted: Deployment | None = None,
    ) -> Lease | None:
        """A lease for a session of that name; None if all that is left are at their limit or in *exclude*. *wanted* is
        taken before all others, cooling down or not.

        Raises `ConfigurationError` for a name that is none.
        """
        groups = [
            [place for place in group if place.deployment not in exclude and not place.full]
            for group in self._groups(self.resolve(model_name))
        ]
        for place in (place for group in groups for place in group):
            if place.deployment == wanted:
                return place.lease(now)
        for group in groups:
            if willing := [place for place in group if place.health.is_willing(now)]:
                return self._choose(willing).lease(now)
        resting = [place for group in groups for place in group]
        return min(resting, key=lambda place: place.health.cooling.until).lease(now) if resting else None

    def succeeded(self, lease: Lease, now: float) -> None:
        """The session is established."""
        lease._place.health.succeeded(lease.began, now)
        self._end_probe(lease)

    def failed(self, lease: Lease, failure: Failure, now: float) -> None:
        """The session failed, at its beginning or later. It still has to be released."""
        lease._place.health.failed(lease.began, failure, now)
        if self._on_failure:
            self._on_failure(lease.deployment, failure)
        self._end_probe(lease)

    def release(self, lease: Lease) -> None:
        """The session is over."""
        if lease.released:
            return
        lease.released = True
        lease._place.sessions -= 1
        self._end_probe(lease)

    def _end_probe(self, lease: Lease) -> None:
        if lease.probe:
            lease.probe = False
            lease._place.health.end()

    # -- the choice --------------------------------------------------------------------------------------------------

    def _groups(self, model_name: str) -> Iterator[list[_Place]]:
        """The deployments in the order in which to ask them: by name, and within a name by `order`."""
        for name in chain(model_name, self.settings):
            places = self._by_name.get(name, [])
            for order in sorted({place.deployment.order for place in places}):
                yield [place for place in places if place.deployment.order == order]

    def _choose(self, places: Sequence[_Place]) -> _Place:
        """One of those that may be asked, by the strategy; who is equally good takes turns by weight."""
        if self.settings.routing_strategy == "least-busy":
            least = min(place.load for place in places)
            places = [place for place in places if place.load == least]
        return _in_turn(places)


def chain(model_name: str, settings: RouterSettings) -> list[str]:
    """A name and those it falls back on, with theirs behind them, each once."""
    names = [model_name]
    for name in names:
        written = [entry[key] for key in (name, "*") for entry in settings.fallbacks if key in entry]
        others = dict.fromkeys(other for group in [*written, settings.default_fallbacks] for other in group)
        names += [other for other in others if other not in names]
    return names


class _Place:
    """A deployment as the balancer sees it."""

    def __init__(self, deployment: Deployment, health: Health) -> None:
        self.deployment = deployment
        self.health = health
        self.sessions = 0
        self.turn = 0.0
        self.weight = deployment.weight or STANDBY

    @property
    def full(self) -> bool:
        return self.deployment.max_sessions is not None and self.sessions >= self.deployment.max_sessions

    @property
    def load(self) -> float:
        """Sessions for its weight, counting the one to come: an idle deployment of half the weight is half as idle."""
        return (self.sessions + 1) / self.weight

    def standing(self, now: float) -> Standing:
        it, cooling = self.deployment, self.health.cooling
        left = max(0.0, cooling.until - now)
        state: Literal["well", "resting", "on trial"] = "resting" if left else "on trial" if cooling.why else "well"
        return Standing(
            it.model_name,
            it.provider,
            it.model,
            state,
            cooling.why,
            round(left, 1),
            self.sessions,
            it.max_sessions,
            it.weight,
            it.order,
        )

    def lease(self, now: float) -> Lease:
        self.sessions += 1
        return Lease(self, now, self.health.begin(now))


def _in_turn(places: Sequence[_Place]) -> _Place:
    """Smooth weighted round robin, as nginx has it: whoever is chosen steps back by what all have stepped forward, so
    that weights 5, 1, 1 give a a b a c a a and never five in a row."""
    for place in places:
        place.turn += place.weight
    chosen = max(places, key=lambda place: place.turn)
    chosen.turn -= sum(place.weight for place in places)
    return chosen
