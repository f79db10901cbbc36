"""Calls that no agent speaks in: turned away, sent on, asked for a message, or gone before anybody answered.

Each has one record, as a call with an agent has. It is open for as long as something of the caller may still come, and
every wait has a bound after which the record ends with what is known. What a caller said after the tone is fetched from
the carrier beside all this, as often as it takes and no longer than `Fetch` allows.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.carriers.base import MessageTaken
from telephony.errors import CarrierError, ConfigurationError
from telephony.records import CallRecord, EndedBy, Result, Termination
from telephony.settings import Tariffs

LAST_WORD = 30.0
"""Seconds after the end of a call in which the carrier may still bring the message that was left in it."""
CLOSING = 5.0
"""Seconds that messages have to be fetched when the process ends."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.visits")

Fetch = Callable[[str, Path], Awaitable[Path]]
"""Fetches the carrier's recording of that id into a file of that name, or of a longer one if it is encrypted, and says
which. Bounded; raises `CarrierError` or `OSError`."""
Keep = Callable[[CallRecord], Awaitable[object]]
Over = Callable[[str], None]
"""Told at once of every call that is over, before its record is kept."""
Stage = Literal["waiting", "elsewhere", "message", "fetching"]
"""`waiting`: for the media stream. `elsewhere`: the caller was sent on. `message`: the caller may leave one."""


class Visit(msgspec.Struct):
    """One such call."""

    record: CallRecord
    why: str
    """Why no agent takes it, in words."""
    result: Result
    by: EndedBy
    stage: Stage
    timer: asyncio.TimerHandle | None = None
    opened_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    """When this process came to know of the call; another one may have answered it. From then on it is measured by a
    clock that nobody sets."""
    opened: float = msgspec.field(default_factory=time.monotonic)
    """The same on that clock, in seconds."""
    gone: float | None = None
    """When the caller hung up or had left a message, on that clock; unset as long as nobody said so."""

    def seconds(self) -> float:
        """How long the caller has been there."""
        before = (self.opened_at - (self.record.started_at or self.opened_at)).total_seconds()
        until = time.monotonic() if self.gone is None else self.gone
        return max(0.0, before) + until - self.opened


class Visits:
    """Those of one process, by the carrier's id of the call. *begin* and *finish* keep records and are bounded."""

    def __init__(
        self,
        begin: Keep,
        finish: Keep,
        over: Over,
        recordings: Path,
        fetch: Fetch | None = None,
        tariffs: Tariffs | None = None,
    ) -> None:
        """*tariffs*: what the carrier takes for the time that such a call lasts."""
        self._begin = begin
        self._finish = finish
        self._over = over
        self._recordings = recordings
        self._fetch = fetch
        self._tariffs = tariffs or Tariffs()
        self.on_gone: Over = lambda call_id: None
        """Told of every call whose media stream is not waited for any more."""
        self._visits: dict[str, Visit] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, call_id: str) -> Visit | None:
        return self._visits.get(call_id)

    @property
    def waiting(self) -> list[str]:
        """Calls that an agent is to answer and whose media stream has not come yet."""
        return [call_id for call_id, visit in self._visits.items() if visit.stage == "waiting"]

    def expect(self, record: CallRecord, seconds: float) -> None:
        """A call's media stream is to come within so many *seconds*; a record is left if none does."""
        if record.carrier_call_id not in self._visits:
            visit = Visit(record, "no media stream came", "failed", "carrier", "waiting")
            self._visits[record.carrier_call_id] = visit
        self._wait(record.carrier_call_id, seconds)

    def connected(self, call_id: str) -> None:
        """The media stream is there: from here on the call's own record tells of it."""
        visit = self._visits.get(call_id)
        if visit and visit.stage == "waiting":
            self._forget(call_id)

    def open(self, visit: Visit, seconds: float) -> Visit:
        """A call goes on without an agent, for so many *seconds* at most. If it does already, that is what is given."""
        call_id = visit.record.carrier_call_id
        known = self._visits.get(call_id)
        if known and known.stage != "waiting":
            visit = known
        else:
            self._forget(call_id)
            self._visits[call_id] = visit
            self._start(_quietly(self._begin(visit.record)), f"{call_id} record of a visit")
        self._wait(call_id, seconds)
        return visit

    def turn_away(self, visit: Visit) -> None:
        """A call is over as soon as it has been answered."""
        call_id = visit.record.carrier_call_id
        self._forget(call_id)
        self._visits[call_id] = visit
        self.end(call_id)

    def end(self, call_id: str, what: str = "", by: EndedBy | None = None, result: Result | None = None) -> None:
        """The call is over, and *what* became of it beside the reason why no agent took it."""
        visit = self._forget(call_id)
        if visit is None:
            return
        self._over(call_id)
        self._start(self._ended(visit, what, by, result), f"{call_id} end of a visit")

    def hung_up(self, call_id: str) -> None:
        """The carrier says that the call is over. What was said after the tone may still be on its way."""
        visit = self._visits.get(call_id)
        if visit is None or visit.stage == "fetching":
            return
        visit.gone = visit.gone or time.monotonic()
        if visit.stage == "message":
            self._wait(call_id, LAST_WORD)
        elif visit.stage == "waiting":
            visit.why = "the caller hung up before the agent answered"
            self.end(call_id, by="caller", result="completed")
        else:
            self.end(call_id, "the caller hung up", by="caller")

    def message(self, taken: MessageTaken) -> None:
        """The caller has left a message, or none. Being told twice does nothing."""
        visit = self._visits.get(taken.call_id)
        if visit is None or visit.stage == "fetching":
            return
        if not taken.recording_id:
            self.end(taken.call_id, "the caller left no message", by="caller")
            return
        self._stop_timer(visit)
        visit.gone = visit.gone or time.monotonic()
        visit.stage = "fetching"
        self._start(self._collect(visit, taken), f"{taken.call_id} message")

    async def close(self) -> None:
        """Nothing more is waited for. Bounded; what could not be fetched stays with the carrier.

        The records of callers who are speaking elsewhere stay open: the carrier tells the next process how that ended,
        and until it does they are what a process leaves behind that died.
        """
        for call_id, visit in list(self._visits.items()):
            if visit.stage == "waiting":
                self.end(call_id, "the server stopped")
            elif visit.stage != "fetching":
                self._forget(call_id)
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=CLOSING)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=CLOSING)

    # -- inside ------------------------------------------------------------------------------------------------------

    async def _collect(self, visit: Visit, taken: MessageTaken) -> None:
        record = visit.record
        path = self._recordings / f"{record.id}-message.wav"
        record.notes = [f"The carrier keeps the message as {taken.recording_id}"]
        try:
            if self._fetch is None:
                raise CarrierError("nobody fetches messages")
            record.recording = str(await self._fetch(taken.recording_id, path))
        except asyncio.CancelledError:
            record.notes.append("It was not fetched: the server stopped")
        except (CarrierError, ConfigurationError, OSError) as error:
            record.notes.append(f"It was not fetched: {error}")
            _log.error("a message was not fetched", call_id=taken.call_id, error=str(error))
        self._forget(taken.call_id)
        self._over(taken.call_id)
        await self._ended(visit, f"the caller left a message of {taken.seconds:.0f} s", "caller", "completed")

    async def _ended(self, visit: Visit, what: str, by: EndedBy | None, result: Result | None) -> None:
        record = visit.record
        if visit.stage != "waiting":
            record.duration = round(visit.seconds(), 3)
            record.cost = round(self._tariffs.carrier_minute * record.duration / 60, 6)
            record.currency = self._tariffs.currency
        reason = ", ".join(part for part in (visit.why, what) if part)
        record.termination = Termination(result or visit.result, by or visit.by, reason)
        _log.info("a call ended without an agent", call_id=record.carrier_call_id, reason=reason)
        await self._finish(record)

    def _wait(self, call_id: str, seconds: float) -> None:
        visit = self._visits[call_id]
        self._stop_timer(visit)
        visit.timer = asyncio.get_running_loop().call_later(seconds, self._give_up, call_id)

    def _give_up(self, call_id: str) -> None:
        visit = self._visits[call_id]
        what = "" if visit.stage == "waiting" else "the carrier said nothing more"
        self.end(call_id, "the caller left no message" if visit.stage == "message" else what)

    def _forget(self, call_id: str) -> Visit | None:
        visit = self._visits.pop(call_id, None)
        if visit:
            self._stop_timer(visit)
            if visit.stage == "waiting":
                self.on_gone(call_id)
        return visit

    def _stop_timer(self, visit: Visit) -> None:
        if visit.timer:
            visit.timer.cancel()
            visit.timer = None

    def _start(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()):
            _log.error("the record of a call was not kept", task=task.get_name(), exc_info=failure)


async def _quietly(keeping: Awaitable[object]) -> None:
    await keeping


def new_record(
    carrier: str, call_id: str, agent: str, from_number: str, to_number: str, record_id: str = ""
) -> CallRecord:
    """A record that begins now. *record_id*: that of a call which another process began to tell of."""
    now = datetime.now(UTC)
    return CallRecord(
        id=record_id or f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        carrier=carrier,
        carrier_call_id=call_id,
        agent=agent,
        from_number=from_number,
        to_number=to_number,
        started_at=began_at(record_id) or now,
    )


def began_at(record_id: str) -> datetime | None:
    """The moment that stands in an id; None if it is none of ours."""
    try:
        return datetime.strptime(record_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
