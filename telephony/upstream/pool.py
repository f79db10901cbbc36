"""Sessions by a model's name: pick a deployment, open a session there, and go on with the next until one is open."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec

from telephony.errors import UpstreamError, UpstreamLost, UpstreamRefused
from telephony.links.dialed import dial
from telephony.settings import RouterSettings
from telephony.upstream.balancer import Balancer, Lease, Standing
from telephony.upstream.deployment import AS_IT_IS, Deployment
from telephony.upstream.failures import Failure, of_refusal
from telephony.upstream.session import FIRST_EVENT, Session

FIRST_PAUSE = 0.25
"""Seconds before those that have failed are asked once more; doubled every time."""
CLOSE_PATIENCE = 0.2
"""Seconds for the goodbye to a server that has refused us: the caller is waiting for the next one."""

Query = Mapping[str, str]


class Watch(Protocol):
    """Told how it goes with the deployments, for whoever counts."""

    def asked(self, deployment: Deployment, seconds: float, error: UpstreamError | None) -> None:
        """A session was asked for, and was there after so many seconds, or was not."""

    def failed(self, deployment: Deployment, failure: Failure) -> None:
        """A deployment failed, at the beginning of a session or in it."""

    def failed_over(self, deployment: Deployment) -> None:
        """A session was opened here after others, asked before, had failed."""


class Resumption(msgspec.Struct, frozen=True):
    """A conversation that a provider may still know."""

    deployment: Deployment
    conversation_id: str


class Upstream:
    """All deployments of a process, and their sessions.

    *clock* is what cool-downs are measured with, the event loop's if None; *watch* is told how it goes.
    """

    def __init__(
        self,
        deployments: Iterable[Deployment],
        settings: RouterSettings | None = None,
        *,
        clock: Callable[[], float] | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.balancer = Balancer(deployments, settings, on_failure=watch.failed if watch else None)
        self._watch = watch
        self._clock = clock or (lambda: asyncio.get_running_loop().time())

    def for_model(self, model_name: str) -> tuple[Deployment, ...]:
        """The deployments that may serve a name, those it falls back on included. A name that is left out means the
        only one there is. Raises `ConfigurationError` if there is none, or no telling which."""
        return self.balancer.candidates(model_name)

    def failing(self, model_name: str) -> bool:
        """Whether every deployment that may serve a name has failed and rests. When the first of them may be tried
        again, this is over."""
        return self.balancer.failing(model_name, self._clock())

    def standings(self) -> list[Standing]:
        """How each deployment is doing."""
        return self.balancer.standings(self._clock())

    async def connect(
        self,
        model_name: str,
        *,
        budget: float,
        resume: Resumption | None = None,
        relayed: Query | None = None,
    ) -> Session:
        """A session with a deployment of that name, open and not refused, within *budget* seconds (above 0) over all.

        Whoever is tried gets an equal share of what is left and no more than `router_settings.timeout`, so that one
        that never answers cannot use up the time of the next. Raises `UpstreamError`, of the last one's kind, with
        everybody's reason in it. Whoever gets a session closes it.

        With *resume* the deployment that knows the conversation is asked first, though it may just have failed, unless
        it is full; whoever else is asked begins a new one. *relayed*: the query with which a client came
        to whom the session's messages go on as they are; None if a dialect of ours speaks.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + budget
        attempts = _Attempts(self.for_model(model_name), resume, relayed)
        rounds, pause = self.balancer.settings.num_retries, FIRST_PAUSE
        wanted = resume.deployment if resume else None
        while True:
            left = deadline - loop.time()
            lease = self.balancer.take(model_name, self._clock(), attempts.tried, wanted) if left > 0 else None
            if lease:
                bound = lease.deployment.timeout or self.balancer.settings.timeout
                try:
                    session = await self._open(lease, min(bound, left / attempts.left), attempts)
                except UpstreamError:
                    wanted = None
                    continue
                if self._watch and attempts.tried:
                    self._watch.failed_over(lease.deployment)
                return session
            wait = attempts.wait(pause)
            if rounds == 0 or left <= wait:
                raise attempts.verdict(self._everybody_is_busy)
            await asyncio.sleep(wait)
            attempts.again()
            rounds, pause = rounds - 1, pause * 2

    async def _open(self, lease: Lease, patience: float, attempts: _Attempts) -> Session:
        """One attempt. Whatever comes of it, cancellation included, a lease that is not handed on is released."""
        deadline = asyncio.get_running_loop().time() + patience
        try:
            if lease.deployment.is_proxy and attempts.relayed is None:
                return await self._through_proxy(lease, deadline, attempts)
            return await self._dial(lease, deadline, attempts)
        except BaseException:
            self.balancer.release(lease)
            raise

    async def _through_proxy(self, lease: Lease, deadline: float, attempts: _Attempts) -> Session:
        """A session that a LiteLLM proxy hands our updates on to as the provider behind it wants them; see `AS_IT_IS`.

        Which provider that is, only the session itself shows, unless the configuration says so; and of several behind
        one name the next session may be another's.
        """
        if lease.deployment.dialect == "xai":
            return await self._dial(lease, deadline, attempts, AS_IT_IS)
        session = await self._dial(lease, deadline, attempts)
        if not session.flat:
            return session
        await _part(session)
        with contextlib.suppress(UpstreamError):  # it was another provider's turn, who does not take the header
            return await self._dial(lease, deadline, attempts, AS_IT_IS, on_trial=True)
        return await self._dial(lease, deadline, attempts)

    async def _dial(
        self,
        lease: Lease,
        deadline: float,
        attempts: _Attempts,
        extra: Mapping[str, str] | None = None,
        *,
        on_trial: bool = False,
    ) -> Session:
        """One connection, with the *extra* headers; closed if it comes to nothing. The lease is left as it is."""
        loop = asyncio.get_running_loop()
        deployment, session, began = lease.deployment, None, loop.time()
        try:
            headers = {**deployment.headers, **(extra or {})}
            patience = max(0.0, deadline - loop.time())
            link = await dial(attempts.address(deployment), headers, open_timeout=patience, name="model")
            session = Session(link, lease, self.balancer, self._clock, on_trial=on_trial)
            await session.settle(min(FIRST_EVENT, max(0.0, deadline - loop.time())))
        except UpstreamError as error:
            failure = session.failure if session else None
            if failure is None:
                failure = of_refusal(error)
                if not on_trial:
                    self.balancer.failed(lease, failure, self._clock())
            attempts.note(deployment, error, failure)
            if self._watch:
                self._watch.asked(deployment, loop.time() - began, error)
            await _part(session)
            raise
        except BaseException:
            await _part(session)
            raise
        if self._watch:
            self._watch.asked(deployment, loop.time() - began, None)
        return session

    def _everybody_is_busy(self, candidates: Iterable[Deployment]) -> str:
        counts = (f"{_name(it)}: {self.balancer.sessions(it)} of {it.max_sessions} sessions" for it in candidates)
        return "no deployment has a place left (" + "; ".join(counts) + "); raise model_info.max_sessions if it may"


async def _part(session: Session | None) -> None:
    """The goodbye to a session that is not handed on; its place is for the next."""
    if session:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_PATIENCE):
                await session.part()


class _Attempt(msgspec.Struct, frozen=True):
    error: UpstreamError
    failure: Failure


class _Attempts:
    """Who has been asked for one session, and what they said."""

    def __init__(self, candidates: tuple[Deployment, ...], resume: Resumption | None, relayed: Query | None) -> None:
        self.tried: set[Deployment] = set()
        """In this round, or never to be asked again."""
        self.relayed = relayed
        self._candidates = candidates
        self._resume = resume
        self._last: dict[Deployment, _Attempt] = {}

    def address(self, deployment: Deployment) -> str:
        """Where to dial: with the conversation that is to go on, if this is who knows it, and a client's wishes."""
        if self._resume and self._resume.deployment == deployment:
            return deployment.resuming(self._resume.conversation_id)
        return deployment.for_client(self.relayed or {})

    def note(self, deployment: Deployment, error: UpstreamError, failure: Failure) -> None:
        self.tried.add(deployment)
        self._last[deployment] = _Attempt(error, failure)

    @property
    def left(self) -> int:
        """How many have not been asked in this round, at least 1."""
        return max(1, len(set(self._candidates) - self.tried))

    def wait(self, pause: float) -> float:
        """Seconds after which another round makes sense, *pause* at least: whoever names a time is not asked before,
        and a place may come free. Infinity if nobody would do better."""
        if not self._last:
            return pause
        hopeful = (attempt.failure for attempt in self._last.values() if attempt.failure.kind != "fatal")
        return max(pause, min((failure.retry_after for failure in hopeful), default=math.inf))

    def again(self) -> None:
        """Begin another round with those that might do better."""
        self.tried -= {it for it, attempt in self._last.items() if attempt.failure.kind != "fatal"}

    def verdict(self, busy: Callable[[Iterable[Deployment]], str]) -> UpstreamError:
        """What to raise when nobody is left."""
        if not self._last:
            return UpstreamRefused(busy(self._candidates), 429)
        reasons = "; ".join(f"{_name(it)}: {attempt.error}" for it, attempt in self._last.items())
        last = list(self._last.values())[-1]
        if isinstance(last.error, UpstreamRefused):
            return UpstreamRefused(reasons, last.error.status, last.error.retry_after)
        return UpstreamLost(reasons)


def _name(deployment: Deployment) -> str:
    return f"{deployment.provider}/{deployment.model}"
