"""What a store of call records is: a few verbs, held to by one contract suite (`tests/contracts/test_store.py`).

A call has a row from its first moment and exactly one end. Whoever reads the table during a call sees it running; after
a crash nobody has to guess, since `recover` closes what dead processes left open and touches nobody else's calls.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, TypeVar, cast

import msgspec

from telephony.errors import ConfigurationError
from telephony.records import AuditRow, CallRecord, Result, Termination
from telephony.store.owner import Owner

PROCESS_DIED = Termination("aborted", "server", "process died")
"""The end that `recover` presumes. It is the only one that a later `finish` may replace: the process that ran the call
knows better (it was suspended, or its record came back from a spool)."""

PROCESS_DIED_NOTE = "The process died during this call; the duration counts up to its last sign of life."


class Position(msgspec.Struct, frozen=True):
    """A place in the list of calls: that of this call, whether or not it is still there."""

    started_at: datetime | None
    id: str


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls a list is to have: those that are all of this."""

    agent: str | None = None
    number: str | None = None
    """At either end, as the carrier spelled it."""
    direction: Literal["inbound", "outbound"] | None = None
    state: Literal["running"] | Result | None = None
    since: datetime | None = None
    """Started then or later."""
    until: datetime | None = None
    """Started before."""
    problems: bool = False
    """Did not run their course, or there are findings."""


ALL = CallFilter()
COUNTED = ("turns", "tools", "findings")
"""What a line of a list has the number of."""


class CallSummary(msgspec.Struct, frozen=True):
    """One line of a list of calls: a record without its contents."""

    id: str
    carrier: str
    carrier_call_id: str
    agent: str
    from_number: str
    to_number: str
    direction: Literal["inbound", "outbound"]
    started_at: datetime | None
    duration: float
    model: str
    termination: Termination | None
    recording: str
    turns: int
    tools: int
    findings: int

    @property
    def position(self) -> Position:
        return Position(self.started_at, self.id)

    @classmethod
    def of(cls, record: CallRecord) -> CallSummary:
        own = {name: getattr(record, name) for name in cls.__struct_fields__ if name not in COUNTED}
        return cls(**own, turns=len(record.turns), tools=len(record.tools), findings=len(record.findings))


Summaries = list[CallSummary]  # by a name of its own: inside a store, `list` is the verb
AuditRows = list[AuditRow]
Kept = TypeVar("Kept", CallRecord, AuditRow)


class CallStore(Protocol):
    """Where call records are kept.

    Every method is bounded in time and raises `StoreError` when the store cannot do its part; only `open` also raises
    `ConfigurationError`. All of them may be called concurrently. Cancelling one leaves the store whole: what it was
    about to write is written entirely or not at all.
    """

    owner: Owner
    """This process, to which the calls belong that it begins."""

    async def open(self) -> None:
        """Connect, and create what is missing. Doing it twice is fine."""

    async def begin(self, record: CallRecord) -> None:
        """The call has begun: from now on it is listed, without a termination, as ours."""

    async def save(self, record: CallRecord) -> bool:
        """Replace what is stored of a running call, at a turn boundary, say: a crash then keeps the words so far.
        Its termination is not looked at. False, and nothing done, if the call has already ended."""

    async def finish(self, record: CallRecord) -> bool:
        """Write everything in one transaction. *record* must have its termination (ValueError otherwise).

        The first end wins: False, and nothing done, if the call has ended already; so it is safe to repeat after an
        error. It needs no `begin` before it. See `PROCESS_DIED` for the one end that gives way.
        """

    async def get(self, wanted: str) -> CallRecord | None:
        """The record whose id is *wanted*, or begins or ends with it, or whose carrier's call id it is; None if there
        is none. `ConfigurationError` if several ids begin or end with it."""

    async def list(self, limit: int = 50, *, before: Position | None = None, where: CallFilter = ALL) -> Summaries:
        """At most *limit* calls, newest first. *before*: the position of the last call of the previous page."""

    async def renew(self, now: datetime) -> None:
        """Say that this process lives. To be repeated well within `owner.LEASE`. *now* is UTC."""

    async def recover(self, now: datetime) -> Summaries:
        """End the calls that dead processes left open as `PROCESS_DIED`; return them. Calls of this process and of
        other live ones stay as they are. *now* is UTC. To be repeated: a lease may not have run out at start-up."""

    async def audit(self, row: AuditRow) -> None:
        """Keep *row*, in place of what was kept under its id before."""

    async def admit(self, row: AuditRow, most: int, since: datetime) -> int:
        """How many other requests have been allowed since *since* of the uses that are counted with the row's
        (`COUNTED_WITH`). *row*, which is allowed, is kept if those are fewer than *most*, in the same transaction: all
        processes that share the store hold one limit together. A row whose id is there already stays as it is."""

    async def audits(self, limit: int = 50, *, calls: Collection[str] | None = None) -> AuditRows:
        """At most *limit* rows, newest first; of the calls of these ids only, if they are given."""

    async def ended(
        self, limit: int, *, before: datetime | None = None, number: str = "", files: bool = False
    ) -> Summaries:
        """At most *limit* calls that are over, oldest first: those that began before a time, those from or to a number
        (as it stands in the record), those that have *files*, a recording or a cassette."""

    async def drop_files(self, calls: Collection[str]) -> None:
        """The calls of these ids have neither recording nor cassette any more."""

    async def erase(self, calls: Collection[str]) -> int:
        """Delete the calls of these ids that are over, and what was asked for in them. How many there were."""

    async def erase_requests(self, *, before: datetime | None = None, number: str = "") -> int:
        """Delete requests to call or text somebody, from before a time or to a number, whatever their call. How many
        there were. One of the two must be given."""

    async def close(self) -> None:
        """Let go of everything. Doing it twice is fine."""


def last_sign_of_life(started_at: datetime | None, duration: float, seen_at: datetime | None) -> float:
    """How long an abandoned call is known to have lasted, in seconds: as saved, or until its process was last seen."""
    if started_at is None or seen_at is None:
        return duration
    return max(duration, (seen_at - started_at).total_seconds(), 0.0)


def storable(record: Kept) -> Kept:
    """A copy that any store can take. What a model or a caller writes may hold lone surrogates, which are no UTF-8, and
    NUL, which Postgres refuses in text; a call's record is not lost for a character."""
    return cast("Kept", _plain(record))


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return type(value)(**{name: _plain(getattr(value, name)) for name in value.__struct_fields__})
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return value


def is_wanted(record: CallRecord, where: CallFilter) -> bool:
    """Whether a call is one of those."""
    state = record.termination.result if record.termination else "running"
    started_at = record.started_at or datetime.min.replace(tzinfo=UTC)
    return (
        where.agent in (None, record.agent)
        and where.number in (None, record.from_number, record.to_number)
        and where.direction in (None, record.direction)
        and where.state in (None, state)
        and (where.since is None or started_at >= where.since)
        and (where.until is None or started_at < where.until)
        and (not where.problems or bool(record.findings) or state not in ("running", "completed"))
    )


def ambiguous(wanted: str, one: str, other: str) -> ConfigurationError:
    """Several calls are called what the user typed."""
    return ConfigurationError("call", f"{wanted} could be {one} or {other}", "Type more of the id.")
