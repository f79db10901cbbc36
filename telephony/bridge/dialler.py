"""Calls that we place: each of them once, whatever happens to us or to the carrier meanwhile.

Before the carrier is asked, the call is written down (`store.intents`). The carrier itself cannot tell a repeated
request from a new one, so a request whose answer was lost, by a broken connection or by our death, is never repeated
blindly: a little later the carrier is asked which calls it placed to that number since, and only if ours is not among
them it is asked again. Its webhooks bring the intent's id, so that a call can also make itself known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol
from urllib.parse import quote
from weakref import WeakValueDictionary

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.bridge.matching import EARLIER, asked_at, matched, may_be
from telephony.carriers.base import Account, OutboundCall, PlacedCall, StatusUpdate
from telephony.commands import HttpRequest
from telephony.errors import CarrierError, CarrierRefused, OutcomeUnknown, StoreError, TelephonyError
from telephony.links.http import HttpAnswer
from telephony.store.intents import Intent, IntentState

ANSWERED = "/twilio/outbound"
STATUS = "/twilio/outbound-status"
MACHINE = "/twilio/amd"
SETTLED = 5.0
"""Seconds after which a request that was on its way is taken to have arrived, and its call to be found."""
LOOK = 2.0
"""Seconds between looks at what is unsettled."""
STALE = timedelta(minutes=5)
"""An intent that old is given up: nobody expects that call any more."""
LONGEST_QUEUE = 10.0
"""Seconds that a call waits for its turn; beyond it, whoever asked is told to come back."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.dialler")

Perform = Callable[[HttpRequest], Awaitable[HttpAnswer]]
Machine = Literal["human", "machine", "after the tone", "unknown"]
MayCall = Callable[[str, datetime], str | None]
"""Why a number (E.164) may not be called now; None if it may."""

Permit = Callable[[Intent, datetime], Awaitable[str | None]]
"""Why an agent may not call a number; None if it may, which then counts."""


class Intents(Protocol):
    """Where intents are kept; see `store.intents.SqlIntents`."""

    async def add(self, intent: Intent) -> Intent | None: ...

    async def get(self, intent_id: str) -> Intent | None: ...

    async def claimed(self, carrier_call_id: str) -> bool: ...

    async def advance(
        self,
        intent_id: str,
        state: IntentState,
        *,
        carrier_call_id: str = "",
        answered_by: str = "",
        reason: str = "",
    ) -> Intent | None: ...

    async def abandoned(self, now: datetime) -> list[Intent]: ...


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent calls people."""

    ring: int
    time_limit: int
    """Seconds; the carrier hangs up then."""
    machine: Literal["talk", "message", "hang_up"] = "talk"


class CallRefused(TelephonyError):
    """A call may not be placed now, or not so. *kind* is for machines, the text for people."""

    def __init__(self, kind: Literal["not allowed", "conflict", "busy"], message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after
        """Seconds after which it may be asked again; 0 if that would not help."""


class Bucket:
    """Lets so many calls leave in a second. Times are seconds of one monotonic clock."""

    def __init__(self, per_second: float) -> None:
        self._apart = 1 / per_second
        self._next = 0.0

    def turn(self, now: float) -> float:
        """Seconds until the next call's turn, which is taken; if that is too long, `CallRefused`, and it is not."""
        wait = max(0.0, self._next - now)
        if wait > LONGEST_QUEUE:
            raise CallRefused("busy", f"{wait / self._apart:.0f} calls wait to be placed.", wait - LONGEST_QUEUE)
        self._next = max(now, self._next) + self._apart
        return wait


class Dialler:
    """Places the calls of one account."""

    def __init__(
        self,
        perform: Perform,
        account: Account,
        intents: Intents,
        public_url: str,
        terms_of: Callable[[str], Terms | None],
        may_call: MayCall,
        bucket: Bucket,
        permit: Permit | None = None,
    ) -> None:
        """*perform* makes requests; *terms_of* says how an agent calls people, None if there is no such agent.
        *may_call* looks at the clock, also when a call is asked for again; *permit* judges, counts and writes down who
        may be called, once for each call."""
        self._perform = perform
        self._account = account
        self._intents = intents
        self._public_url = public_url
        self._terms_of = terms_of
        self._may_call = may_call
        self._bucket = bucket
        self._permit = permit
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By intent: whoever asks for the same meanwhile waits for what comes of it."""
        self._on_the_way: dict[str, str] = {}
        """By intent, the number of each call that the carrier is being asked for."""
        self._unsettled: dict[str, tuple[float, Intent]] = {}
        """Intents of which it is not known whether there is a call, and when to look for one."""

    async def place(self, order: Intent) -> Intent:
        """Place a call, or say what became of it if it was asked for before.

        Raises `CallRefused` if it may not be placed, `StoreError` if it is not known to be written down: the carrier
        was not asked for it then, and is only if it turns out that it was.
        """
        async with self._asking.setdefault(order.id, asyncio.Lock()):
            known = await self._intents.get(order.id)
            if known is None:
                await self._judge(order)
                wait = self._bucket.turn(self._now())
                known = await self._write_down(order)
                if known is None:
                    await asyncio.sleep(wait)
                    return await self._call(order)
        if _asked(known) != _asked(order):
            raise CallRefused("conflict", f"{order.id} stands for another call already, to {known.to_number}.")
        return known

    async def _write_down(self, order: Intent) -> Intent | None:
        """Keep *order*; if it is there already, that one is returned."""
        try:
            return await self._intents.add(order)
        except StoreError:
            self._doubt(order)  # a transaction that was not waited for may yet come to its end, long before `SETTLED`
            raise

    async def refuse(self, order: Intent) -> None:
        """Nobody can be called there; what was asked for leaves its row like any other."""
        if self._permit is not None:
            await self._permit(order, datetime.now(UTC))

    async def _judge(self, order: Intent) -> None:
        """Raise `CallRefused` if a call may not be placed."""
        now = datetime.now(UTC)
        refusal = self._may_call(order.to_number, now)
        if refusal is None and self._permit is not None:
            refusal = await self._permit(order, now)
        if refusal is not None:
            raise CallRefused("not allowed", refusal)

    async def get(self, intent_id: str) -> Intent | None:
        """What is known of a call that was asked for."""
        return await self._intents.get(intent_id)

    async def run(self) -> None:
        """Settle what is unsettled, that of dead processes too. Until cancelled."""
        while True:
            try:
                for intent in await self._intents.abandoned(datetime.now(UTC)):
                    _log.warning("a dead process was placing a call", intent=intent.id, to=intent.to_number)
                    self._doubt(intent)
                await self._settle_what_is_due()
            except StoreError as error:
                _log.warning("the calls that were asked for cannot be looked at", error=str(error))
            await asyncio.sleep(LOOK)

    # -- what the carrier tells --------------------------------------------------------------------------------------

    async def told(self, intent_id: str, update: StatusUpdate) -> Intent | None:
        """A status callback: late, repeated and out of order as they come."""
        states: dict[str, IntentState] = {
            "queued": "placed",
            "initiated": "placed",
            "ringing": "ringing",
            "in-progress": "in-progress",
            "completed": "completed",
            "busy": "busy",
            "no-answer": "no-answer",
            "canceled": "canceled",
            "failed": "failed",
        }
        state = states.get(update.status, "placed")
        reason = update.reason if state == "failed" else ""
        return await self._note(intent_id, state, update.call_id, reason=reason)

    async def answered(self, intent_id: str, call_id: str) -> Intent | None:
        """Somebody or something has answered."""
        return await self._note(intent_id, "in-progress", call_id)

    async def found_out(self, intent_id: str, call_id: str, who: Machine) -> Literal["talk", "message", "hang_up"]:
        """Machine detection says who answered; returns what is to be done now."""
        intent = await self._note(intent_id, "in-progress", call_id, answered_by=who)
        terms = self._terms_of(intent.agent) if intent else None
        if terms is None or who in ("human", "unknown"):
            return "talk"
        if terms.machine == "message" and who != "after the tone":
            return "hang_up"  # a fax, or a machine without a tone
        return terms.machine

    async def hang_up(self, call_id: str) -> None:
        """End a call that no stream carries. What fails is logged: the carrier's own time limit ends it, too."""
        try:
            await self._perform(self._account.hang_up(call_id))
        except CarrierError as error:
            _log.warning("a call could not be hung up", call_id=call_id, error=str(error))

    async def _note(
        self, intent_id: str, state: IntentState, call_id: str, *, answered_by: str = "", reason: str = ""
    ) -> Intent | None:
        intent = await self._intents.advance(
            intent_id, state, carrier_call_id=call_id, answered_by=answered_by, reason=reason
        )
        self._unsettled.pop(intent_id, None)
        return intent

    # -- asking the carrier ------------------------------------------------------------------------------------------

    async def _call(self, intent: Intent) -> Intent:
        """Ask the carrier for the call, once, and note what came of it."""
        self._on_the_way[intent.id] = intent.to_number
        try:
            return await self._ask(intent)
        except StoreError as error:
            _log.warning("what became of a call could not be noted", intent=intent.id, error=str(error))
            return self._doubt(intent)
        finally:
            del self._on_the_way[intent.id]

    async def _ask(self, intent: Intent) -> Intent:
        log = _log.bind(intent=intent.id, to=intent.to_number, agent=intent.agent)
        try:
            request = self._request(intent)
            answer = await self._perform(request)
            placed = self._account.placed(answer.body)
        except OutcomeUnknown as error:
            log.warning("it is not known whether a call was placed", error=str(error))
            return self._doubt(intent)
        except CarrierRefused as error:
            if error.status >= 500:
                log.warning("it is not known whether a call was placed", error=str(error))
                return self._doubt(intent)
            return await self._failed(intent, str(error))
        except TelephonyError as error:
            return await self._failed(intent, str(error))
        log.info("call placed", call_id=placed.call_id)
        return await self._note(intent.id, "placed", placed.call_id) or intent

    def _request(self, intent: Intent) -> HttpRequest:
        terms = self._terms_of(intent.agent)
        if terms is None:
            raise TelephonyError(f"there is no agent {intent.agent} any more")
        looks = terms.machine != "talk"
        call = OutboundCall(
            to_number=intent.to_number,
            from_number=intent.from_number,
            answer_url=self._url(ANSWERED, intent.id),
            status_url=self._url(STATUS, intent.id),
            machine_url=self._url(MACHINE, intent.id) if looks else "",
            after_the_tone=terms.machine == "message",
            ring=terms.ring,
            time_limit=terms.time_limit,
        )
        return self._account.place(call)

    def _url(self, path: str, intent_id: str) -> str:
        return f"{self._public_url}{path}?intent={quote(intent_id, safe='')}"

    async def _failed(self, intent: Intent, reason: str) -> Intent:
        _log.warning("a call was not placed", intent=intent.id, to=intent.to_number, error=reason)
        return await self._note(intent.id, "failed", "", reason=reason) or intent

    # -- finding out -------------------------------------------------------------------------------------------------

    def _doubt(self, intent: Intent) -> Intent:
        """Look for the call in a little while."""
        self._unsettled[intent.id] = (self._now() + SETTLED, intent)
        return intent

    async def _settle_what_is_due(self) -> None:
        due = [intent for at, intent in self._unsettled.values() if at <= self._now()]
        for intent in sorted(due, key=asked_at):
            await self._settle(intent)

    async def _settle(self, intent: Intent) -> None:
        now = datetime.now(UTC)
        since = asked_at(intent) - EARLIER
        try:
            answer = await self._perform(self._account.calls_to(intent.to_number, since))
            found = [call for call in self._account.calls_found(answer.body) if may_be(call, intent)]
        except CarrierError as error:
            _log.warning("the carrier does not say whether it placed a call", intent=intent.id, error=str(error))
            self._doubt(intent)
            return
        if await self._is_settled(intent):
            return
        if intent.to_number in self._on_the_way.values():  # what was found may be that one
            self._doubt(intent)
            return
        if call_id := await self._whose(found, intent):
            _log.info("the call was placed all the same", intent=intent.id, call_id=call_id)
            await self._note(intent.id, "placed", call_id)
            return
        if now - asked_at(intent) > STALE:
            await self._failed(intent, "it was asked for too long ago")
            return
        if refusal := self._may_call(intent.to_number, now):
            await self._failed(intent, refusal)
            return
        try:
            wait = self._bucket.turn(self._now())
        except CallRefused:
            self._doubt(intent)
            return
        await asyncio.sleep(wait)
        if await self._is_settled(intent):
            return
        self._unsettled.pop(intent.id, None)
        _log.info("the call was not placed; the carrier is asked again", intent=intent.id)
        await self._call(intent)

    async def _whose(self, calls: list[PlacedCall], intent: Intent) -> str:
        """Which of *calls*, to its number, is the one of *intent*; empty if none is."""
        free = [call for call in calls if not await self._intents.claimed(call.call_id)]
        rivals = [other for _, other in self._unsettled.values() if other.to_number == intent.to_number]
        return matched(free, {other.id: other for other in [*rivals, intent]}.values()).get(intent.id, "")

    async def _is_settled(self, intent: Intent) -> bool:
        """Whether a webhook was faster, or it was never written down."""
        latest = await self._intents.get(intent.id)
        settled = latest is None or bool(latest.carrier_call_id) or latest.over
        if settled:
            self._unsettled.pop(intent.id, None)
        return settled

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _asked(intent: Intent) -> tuple[object, ...]:
    return intent.to_number, intent.from_number, intent.agent, intent.metadata
