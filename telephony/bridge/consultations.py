"""Colleagues who are called before a caller is put through to them.

The caller stays with the agent meanwhile. The colleague hears what it is about, and then waits in a room of their own,
a conference at the carrier; only then is the caller sent there. So a caller whom nobody takes never leaves the agent,
and whoever hangs up during the briefing has lost nobody.

    called ──► there ──► met          the two speak; the carrier ends the room when one of them leaves
      │          └─ left before the caller came: the caller, if on the way, is brought back
      └─ busy, no answer, too late, or not wanted any more: hung up on
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.carriers.base import Account, Announcement, CallStatus, ColleagueCall, StatusUpdate
from telephony.commands import HttpRequest
from telephony.errors import CarrierError, ConfigurationError
from telephony.links.http import HttpAnswer

COLLEAGUE = "/twilio/colleague"
ROOM = "/twilio/room"
SLACK = 15.0
"""Seconds beyond ringing and briefing in which it must be known that they are there."""
WORD = 0.6
"""Seconds that the carrier's voice takes for a word, at most."""
MOST = 1000
"""Consultations, and those that are over, that are remembered; beyond it the oldest is forgotten."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.consultations")

_T = TypeVar("_T")
Perform = Callable[[HttpRequest], Awaitable[HttpAnswer]]


class Consulted(msgspec.Struct, frozen=True):
    """What came of it."""

    room: str
    """Where they wait; empty if they do not."""
    outcome: CallStatus
    """`in-progress` if they do; `completed` if they hung up before the end of the briefing."""


class _Consultation:
    def __init__(self, call_id: str, outcome: asyncio.Future[CallStatus]) -> None:
        self.call_id = call_id
        self.outcome = outcome
        self.placing: asyncio.Task[str] | None = None
        """Gives the carrier's id of the call to them."""
        self.met = False


class Consultations:
    """Those of one process. *perform* makes requests and is bounded."""

    def __init__(self, perform: Perform, account: Account, public_url: str) -> None:
        self._perform = perform
        self._account = account
        self._public_url = public_url
        self._open: OrderedDict[str, _Consultation] = OrderedDict()
        """By room."""
        self._unwanted: OrderedDict[str, None] = OrderedDict()
        """Rooms to which nobody comes any more. Who is heard of there is hung up on."""
        self._tasks: set[asyncio.Task[Any]] = set()

    async def consult(
        self, call_id: str, to: str, from_number: str, briefing: Announcement, *, ring: int, time_limit: int
    ) -> Consulted:
        """Call *to* for the caller of *call_id*, and wait until they are there, or are not to be had. Who is cancelled
        while they wait has them hung up on."""
        room = f"{call_id}-{secrets.token_hex(4)}"
        colleague = ColleagueCall(
            to, from_number, room, briefing, self._url(COLLEAGUE, room), self._url(ROOM, room), ring, time_limit
        )
        consultation = _Consultation(call_id, asyncio.get_running_loop().create_future())
        self._open[room] = consultation
        while len(self._open) > MOST:
            self._dismiss(next(iter(self._open)))
        outcome: CallStatus = "failed"
        try:
            async with asyncio.timeout(ring + SLACK + WORD * len(briefing.say.split())):
                consultation.placing = self._begin(self._place(colleague), f"{call_id} call to a colleague")
                await asyncio.shield(consultation.placing)
                outcome = await consultation.outcome
        except TimeoutError:
            outcome = "no-answer"
        except (CarrierError, ConfigurationError) as error:
            _log.warning("a colleague could not be called", call_id=call_id, error=str(error))
        finally:
            if outcome != "in-progress":
                self._dismiss(room)
        _log.info("a colleague was called", call_id=call_id, outcome=outcome)
        return Consulted(room if outcome == "in-progress" else "", outcome)

    def told(self, room: str, update: StatusUpdate) -> str:
        """How the call to a colleague goes. Returns the id of a caller who must be brought back, if they are on the way
        into a room where nobody waits any more."""
        consultation = self._open.get(room)
        if consultation is None:
            if room in self._unwanted and not update.terminal:
                self._begin(self._hang_up(update.call_id), f"{room} hang-up")
            return ""
        if not update.terminal:
            return ""
        del self._open[room]
        if not consultation.outcome.done():
            consultation.outcome.set_result(update.status)
            return ""
        return "" if consultation.met else consultation.call_id

    def joined(self, room: str, call_id: str) -> None:
        """A call has come into a room."""
        consultation = self._open.get(room)
        if consultation is None or not call_id:
            return
        if call_id == consultation.call_id:
            consultation.met = True
        elif not consultation.outcome.done():
            consultation.outcome.set_result("in-progress")

    def waits(self, room: str) -> bool:
        """Whether somebody is there still."""
        return room in self._open

    def release(self, call_id: str, but: str = "") -> None:
        """The caller of *call_id* goes to none of their rooms, *but* for one: who waits there in vain is let go."""
        for room, consultation in list(self._open.items()):
            if consultation.call_id == call_id and room != but and not consultation.met:
                self._dismiss(room)

    async def bring_back(self, call_id: str, document: str) -> None:
        """Give a caller in an empty room other instructions."""
        try:
            await self._perform(self._account.redirect(call_id, document))
        except CarrierError as error:
            _log.error("a caller could not be brought back", call_id=call_id, error=str(error))

    async def close(self) -> None:
        """Nobody is called any more. Bounded by the requests."""
        for room, consultation in list(self._open.items()):
            if not consultation.met:
                self._dismiss(room)
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _url(self, path: str, room: str) -> str:
        return f"{self._public_url}{path}?room={room}"

    def _dismiss(self, room: str) -> None:
        consultation = self._open.pop(room, None)
        self._unwanted[room] = None
        while len(self._unwanted) > MOST:
            self._unwanted.popitem(last=False)
        if consultation and consultation.placing:
            self._begin(self._hang_up_placed(consultation.placing), f"{room} hang-up")

    async def _place(self, colleague: ColleagueCall) -> str:
        answer = await self._perform(self._account.consult(colleague))
        return self._account.placed(answer.body).call_id

    async def _hang_up_placed(self, placing: asyncio.Task[str]) -> None:
        """A request that may have been heard without an answer tells of its call by callbacks, if there is one."""
        await asyncio.wait([placing])
        if not placing.cancelled() and not placing.exception():
            await self._hang_up(placing.result())

    async def _hang_up(self, leg: str) -> None:
        try:
            await self._perform(self._account.hang_up(leg))
        except CarrierError as error:
            _log.warning("a colleague was not hung up on", call_id=leg, error=str(error))

    def _begin(self, work: Coroutine[object, object, _T], name: str) -> asyncio.Task[_T]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits for it has it; if they were cancelled, nobody needs it
