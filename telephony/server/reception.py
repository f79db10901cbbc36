"""What the routes share: who is asked whether a request is genuine, who answers which number, where the calls are."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType

from telephony.agents.admission import Line
from telephony.agents.places import Cap
from telephony.bridge.calls import Calls
from telephony.bridge.plan import Plan
from telephony.carriers.base import Account, Carrier
from telephony.errors import ConfigurationError
from telephony.server.sharing import Alone, Sharing
from telephony.server.tokens import Tokens

MEDIA = "/twilio/media"

NOT_IN_SERVICE = "We are sorry, this number is not in service. Goodbye."
CLOSED = "We are sorry, we cannot take your call right now. Please call again in a few minutes. Goodbye."
BROKEN_OFF = "We are sorry, something went wrong on our side. Please call again. Goodbye."
NOBODY_THERE = "We are sorry, nobody can take your call right now. Please call again later. Goodbye."
"""Spoken by the carrier itself, when no agent can."""

MOST_RINGING = 1000
"""Calls that were told to open a stream and whose plan is remembered until it comes. Some never do."""


MOST_UNRECORDED = 10_000
"""Callers remembered who do not want to be recorded."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a stranger may take, in seconds. Twilio itself takes milliseconds."""

    body: float = 10.0
    """From a webhook's headers to the end of its body."""
    start: float = 5.0
    """From the opening of a media socket to its `start`."""


@dataclass(slots=True)
class Reception:
    """One carrier account's front door."""

    account: Account
    public_url: str
    """Where our calls' sockets and callbacks come: `https://…` without a trailing slash."""
    calls: Calls
    line_for: Callable[[str], Line | None]
    """What the calls of a number meet."""
    plan_for: Callable[[str], Plan]
    """How a call to an agent of this name is carried."""
    new_carrier: Callable[[], Carrier]
    """A codec for one media stream."""
    tokens: Tokens = field(default_factory=Tokens)
    patience: Patience = Patience()
    agents: Collection[str] = ()
    """The names of all agents."""
    failing: Callable[[], Collection[str]] = tuple
    """The agents whose model cannot be reached just now."""
    zones: Mapping[str, tzinfo] = field(default_factory=dict)
    """Time zones by name: those of the opening hours."""
    caps_for: Callable[[str], Iterable[Cap]] = lambda agent: ()
    """What a call to an agent counts for, beside its number."""
    lagging: Callable[[], str] = str
    """Why the process has no time for another call, in words; empty if it has."""
    sharing: Sharing = field(default_factory=Alone)
    redirect: Callable[[str, str], Awaitable[object]] | None = None
    """Gives a call whose stream is there other instructions. Bounded; raises `CarrierError`."""
    carrier: str = "twilio"
    """What records call the carrier."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    on_refused: Callable[[], None] = lambda: None
    """Told of every media stream that is refused."""
    unrecorded: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """Calls whose caller did not agree to be recorded, oldest first."""
    _ringing: OrderedDict[str, Plan] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.calls.on_gone = self.calls.visits.on_gone = self._gone

    def _gone(self, call_id: str) -> None:
        """A call's stream is over, or is not waited for any more: its place is free, unless it was waited for because
        it is there."""
        if call_id not in self.calls.live:
            self.sharing.release(call_id)

    def wall(self, zone: str) -> datetime:
        """The clock on the wall in a time *zone*."""
        return self.clock().astimezone(self.zones[zone]).replace(tzinfo=None)

    @property
    def now(self) -> float:
        """Seconds on the clock that tokens are dated with."""
        return asyncio.get_running_loop().time()

    def expect(self, call_id: str, agent: str, metadata: Mapping[str, str] = MappingProxyType({})) -> None:
        """The carrier was told to open the media stream of a call: whatever it needs is got ready meanwhile.
        *metadata*: what came with the call, for its tools."""
        with contextlib.suppress(ConfigurationError):  # the stream itself will find out, and say so
            plan = self._ringing.setdefault(call_id, self.plan_for(agent))
            plan.metadata = dict(metadata) or plan.metadata
            self.calls.expect(call_id, plan)
        while len(self._ringing) > MOST_RINGING:
            self._ringing.popitem(last=False)

    def plan(self, call_id: str, agent: str) -> Plan:
        """How a call whose stream has come is carried: as it was expected, whatever has changed since, for the session
        that was opened meanwhile was told of these tools and no others. Raises `ConfigurationError`."""
        return self._ringing.pop(call_id, None) or self.plan_for(agent)

    def record_nothing_of(self, call_id: str) -> None:
        """The caller does not agree to be recorded."""
        self.unrecorded[call_id] = None
        while len(self.unrecorded) > MOST_UNRECORDED:
            self.unrecorded.popitem(last=False)

    def caps(self, agent: str, line: Line | None) -> list[Cap]:
        """What a call counts for that *agent* takes on a number's *line*."""
        own = [Cap("number", line.key, line.settings.max_calls)] if line else []
        return [*own, *self.caps_for(agent)]

    async def full(self, agent: str) -> str:
        """Why *agent* could not carry one call more just now, in words; empty if it could. No place is taken: nobody is
        there yet."""
        asking = f"asking {secrets.token_hex(8)}"
        if lagging := self.lagging():
            return lagging
        # Several workers share out who carries a call: that this one is full says nothing of the others.
        caps = [cap for cap in self.caps(agent, None) if cap.kind != "worker" or not self.sharing.name]
        full = await self.sharing.take(asking, caps)
        self.sharing.release(asking)
        return str(full) if full else ""

    def url(self, path: str) -> str:
        """Where the carrier reaches *path*."""
        return self.public_url + path

    def doubt(self, url: str) -> str:
        """Why a signature may not hold, for the log of somebody whose first call is refused."""
        return (
            f"the signature was not made for {url} with our auth token: "
            "is PUBLIC_URL the address that the carrier calls, and TWILIO_AUTH_TOKEN this account's?"
        )

    @property
    def media_path(self) -> str:
        """Where the media streams of our calls are to come. Twilio drops the query of a stream's URL, not its path."""
        return f"{MEDIA}/{self.sharing.name}" if self.sharing.name else MEDIA

    def media_url(self, path: str) -> str:
        """Where the carrier opens a media stream at *path*."""
        return "ws" + self.public_url.removeprefix("http") + path
