"""A call that a simulated Twilio places: queued, dialled, ringing, answered or not, and then as any other.

Whoever answers is a `SimulatedCaller` on the media stream, as somebody who calls in is: a telephone does not know who
began.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import msgspec

from telephony.sim.caller import Observation, SimulatedCaller
from telephony.simulate.board import Switchboard
from telephony.simulate.callee import RATE, Callee, beep
from telephony.simulate.conference import ConferenceNoun
from telephony.simulate.live import CallState, LiveCall, Source, new_sid
from telephony.simulate.outcome import CallOutcome
from telephony.simulate.requests import Fields
from telephony.simulate.switch import Switch
from telephony.simulate.telling import Callbacks, Teller, progress
from telephony.simulate.twiml import DialVerb, Verb

NOBODY = Callee(does="unreachable")
KEY_SECONDS = 0.1
GREETING_AND_BEEP = 2
"""Sounds that a machine makes before it records."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A call as the REST API was asked for it."""

    to: str
    from_number: str
    time_limit: float
    ring: float = 60.0
    """Seconds it may ring."""
    source: Source = Source()
    conference: ConferenceNoun | None = None
    """Instead of instructions: join this on answering."""
    callbacks: Callbacks = Callbacks()
    send_digits: str = ""
    detection: str = ""
    detection_timeout: float = 30.0
    detection_callbacks: Callbacks | None = None
    """Told what machine detection found out; None: nothing else happens until it is known."""


class Outbound:
    """Carries out one order. `run` it once."""

    def __init__(self, board: Switchboard, order: Order) -> None:
        self.live = LiveCall(
            new_sid("CA"), board.account_sid, order.from_number, order.to, order.time_limit, "outbound-api"
        )
        self.queue_time = board.queue_time()
        """Seconds."""
        self._board = board
        self._order = order
        self._callee = board.callees.get(order.to, NOBODY)
        self._courier = board.courier(self.live, order.source.url, order.callbacks.url)
        self._teller = Teller(self._courier, order.callbacks, board.callback_faults)
        script = self._callee.script(order.from_number, order.to)
        self._caller = SimulatedCaller(script, board.voice, sounds={"beep": beep()}, observe=self._noticed)
        self._sounds_made = 0
        self._beeped = asyncio.Event()
        self._switch: Switch | None = None
        self._clock = asyncio.get_running_loop().time
        board.add(self.live)
        if order.conference:
            board.conferences.open(order.conference.name).expect(self.live, order.conference)

    async def run(self) -> None:
        """From the queue to the last status callback."""
        began = self._clock()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._teller.run(), name=f"{self.live.sid} callbacks")
            await self._proceed(group)
            if not self.live.over:
                self.live.finish("completed")
            # Twilio tells nobody of a call that was cancelled in its queue.
            if self._answerable:
                self._tell("completed", [("SipResponseCode", self._callee.sip_code)])
            self._teller.close()
        if self._order.conference:
            self._leave(self._order.conference)
        self._board.done(self._outcome(began))

    _answerable = False

    async def _proceed(self, group: asyncio.TaskGroup) -> None:
        if await self.live.pause(self.queue_time):
            self.live.finish("canceled")
            return
        self._answerable = True
        self._tell("initiated")
        seconds, comes_of_it = self._callee.ringing(self._order.ring, self._board.ring)
        if seconds:
            self.live.status = "ringing"
            self._tell("ringing")
        if await self.live.pause(seconds):
            comes_of_it = "canceled"
        if comes_of_it != "in-progress":
            self._ended(comes_of_it)
            return
        self.live.status = "ringing"
        self.live.answer()
        self._tell("answered")
        await self._answered(group)

    async def _answered(self, group: asyncio.TaskGroup) -> None:
        detecting: asyncio.Task[None] | None = None
        if self._order.send_digits:
            await self._press()
        elif self._order.detection and self._order.detection_callbacks is not None:
            detecting = group.create_task(self._detect(), name=f"{self.live.sid} detection")
        elif self._order.detection:
            await self._detect()
        board, stays = self._board, self._callee.stays
        leaving = group.create_task(self._hang_up_in_time(), name=f"{self.live.sid} patience")
        switch = self._switch = Switch(board.session, self._courier, self._caller, self.live, "failed", board, stays)
        await switch.run(self._first())
        leaving.cancel()
        if detecting:
            detecting.cancel()

    async def _hang_up_in_time(self) -> None:
        if self._callee.hangs_up_after is not None:
            await asyncio.sleep(self._callee.hangs_up_after)
            self.live.tell("hang up")

    def _first(self) -> Source | Sequence[Verb]:
        if self._order.conference is None:
            return self._order.source
        return [DialVerb(self._order.conference.name, "", "POST", conference=self._order.conference)]

    async def _press(self) -> None:
        """Press keys once somebody has answered; `w` waits half a second and `W` a whole one."""
        for key in self._order.send_digits:
            if await self.live.pause({"w": 0.5, "W": 1.0}.get(key, KEY_SECONDS)):
                return
        self._caller.note(self._clock(), "carrier presses", self._order.send_digits.replace("w", "").replace("W", ""))

    async def _detect(self) -> None:
        greeting = len(self._board.voice(self._callee.greeting)) / RATE if self._callee.does == "machine" else 0.0
        order = self._order
        seconds, who = self._callee.detection(order.detection, order.detection_timeout, greeting)
        if order.detection_callbacks is None:
            await self.live.pause(seconds)
        else:
            await asyncio.sleep(seconds)
            await self._until_the_beep(who, order.detection_timeout - seconds)
        self.live.answered_by = who
        if order.detection_callbacks and order.detection_callbacks.url:
            fields: Fields = [
                ("CallSid", self.live.sid),
                ("AccountSid", self.live.account_sid),
                ("AnsweredBy", who),
                ("MachineDetectionDuration", str(round(seconds * 1000))),
            ]
            where = order.detection_callbacks
            await self._courier.tell("answered-by", where.url, where.method, fields)

    async def _until_the_beep(self, who: str, timeout: float) -> None:
        """A machine speaks once the media stream is open, which may have taken a moment."""
        if who == "machine_end_beep" and self._switch and self._switch.streams:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._beeped.wait(), timeout)

    def _noticed(self, observation: Observation) -> None:
        if observation.kind == "caller quiet":
            self._sounds_made += 1
            if self._sounds_made == GREETING_AND_BEEP:
                self._beeped.set()

    def _ended(self, status: CallState) -> None:
        self.live.finish(status)
        self._caller.hang_up(self._clock(), "agent" if status == "canceled" else "carrier")

    def _tell(self, event: str, extra: Fields | None = None) -> None:
        self._teller.tell(event, progress(self.live, extra or []))

    def _leave(self, noun: ConferenceNoun) -> None:
        """Whoever did not answer is not expected any more."""
        conference = self._board.conferences.find(noun.name)
        if conference and (participant := conference.participants.get(self.live.sid)):
            conference.leave(participant)

    def _outcome(self, began: float) -> CallOutcome:
        caller, switch = self._caller, self._switch
        return CallOutcome(
            call_sid=self.live.sid,
            stream_sids=tuple(switch.streams) if switch else (),
            status=self.live.status,
            ended_by=caller.ended_by or "carrier",
            warnings=tuple(caller.warnings),
            unmet=tuple(caller.unmet),
            observations=tuple(caller.observations),
            exchanges=tuple(self._courier.made),
            dialled=tuple(switch.dialled) if switch else (),
            said=caller.said,
            heard=caller.heard(self._clock()),
            duration=self._clock() - began,
        )
