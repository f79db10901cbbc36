"""What a simulated Twilio keeps of an account: its calls, whom it can reach, conferences, messages, recordings."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime

import aiohttp

from telephony.simulate.callee import Callee
from telephony.simulate.conference import Conferences
from telephony.simulate.live import LiveCall, new_sid
from telephony.simulate.outcome import CallOutcome
from telephony.simulate.requests import Courier
from telephony.simulate.route import Route
from telephony.simulate.telling import CallbackFaults, Callbacks, Teller
from telephony.simulate.voice import Voice

log = logging.getLogger(__name__)

MOST_CALLS = 1000
"""Calls that are remembered; beyond it the oldest that is over is forgotten. As many messages and outcomes are kept."""
RING = 6.0
"""Seconds from one ring to the next."""


class Message:
    """A text message that was sent."""

    def __init__(self, to: str, from_number: str, body: str, service: str = "") -> None:
        self.sid = new_sid("SM")
        self.to_number = to
        self.from_number = from_number
        self.service = service
        self.body = body
        self.created = datetime.now(UTC)


class CallRecording:
    """Twilio's own recording of a call: what was asked of it, and when it ran."""

    def __init__(self, call_sid: str, channels: int) -> None:
        self.sid = new_sid("RE")
        self.call_sid = call_sid
        self.channels = channels
        self.status = "in-progress"
        self.created = datetime.now(UTC)
        self.history = ["in-progress"]
        """Its states in their order; `paused (skip)` and `paused (silence)` tell how it paused."""
        self.source = "StartCallRecordingAPI"
        self.audio: bytes | None = None
        """A WAV file, once there is one."""


class PhoneNumber:
    """A number of the account's, as Twilio sells it: its calls go to the demo that every new number has."""

    def __init__(self, phone_number: str) -> None:
        self.sid = new_sid("PN")
        self.phone_number = phone_number
        self.friendly_name = phone_number
        self.voice_url = "https://demo.twilio.com/welcome/voice/"
        self.voice_method = "POST"
        self.voice_fallback_url = ""
        self.voice_fallback_method = "POST"
        self.status_callback = ""
        self.status_callback_method = "POST"
        self.voice_application_sid = ""
        self.trunk_sid = ""
        self.takes_calls = True
        self.created = self.updated = datetime.now(UTC)


class Switchboard:
    """One account. `open` it before calls are placed; `close` ends what still goes on."""

    def __init__(self, account_sid: str, auth_token: str) -> None:
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.created = datetime.now(UTC)
        self.account_status, self.account_type = "active", "Full"
        self.calls: dict[str, LiveCall] = {}
        self.callees: dict[str, Callee] = {}
        """Whom one can reach, by number or SIP address. Nobody else answers."""
        self.numbers: set[str] | None = None
        """Those of the account, from which it may call; None: any."""
        self.phone_numbers: dict[str, PhoneNumber] = {}
        """Those of the account with their webhooks, by SID."""
        self.barred: set[str] = set()
        """Prefixes that the account may not call (Twilio's geographic permissions)."""
        self.unsubscribed: set[str] = set()
        """Numbers that want no messages."""
        self.outcomes: dict[str, CallOutcome] = {}
        """What became of the calls that were placed."""
        self.messages: dict[str, Message] = {}
        self.recordings: dict[str, CallRecording] = {}
        self.conferences = Conferences(account_sid, self._conference_teller)
        self.route: Route | None = None
        """Where the program's public addresses really are; None: as they say."""
        self.ring = RING
        self.calls_per_second: float | None = None
        """How many calls leave the queue; None: it has none."""
        self.callback_faults = CallbackFaults()
        self.voice: Callable[[str], bytes] = Voice("caller")
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_start = 0.0
        self._changed = asyncio.Event()

    def open(self) -> None:
        self._session = aiohttp.ClientSession(skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"))

    async def close(self) -> None:
        """Everything that goes on is cut off."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._session is not None:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the switchboard is not open")
        return self._session

    def courier(self, live: LiveCall, *addresses: str) -> Courier:
        """Who makes a call's requests, to the first of *addresses* that is one."""
        somewhere = next(filter(None, addresses), "http://127.0.0.1")
        return Courier(self.session, self.route or Route(somewhere), live, self.auth_token)

    def _conference_teller(self, live: LiveCall, callbacks: Callbacks) -> Teller:
        teller = Teller(self.courier(live, callbacks.url), callbacks)
        self.start(teller.run(), "conference callbacks")
        return teller

    def messenger(self, address: str) -> Courier:
        """Who makes requests that belong to no call."""
        return self.courier(LiveCall("", self.account_sid, "", "", 0.0), address)

    def start(self, work: Coroutine[object, object, None], name: str) -> None:
        """Let *work* go on until it is done or the switchboard closes."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()):
            log.error("%s failed", task.get_name(), exc_info=failure)

    def queue_time(self) -> float:
        """Seconds that the next call waits for its turn; it is taken."""
        if not self.calls_per_second:
            return 0.0
        now = asyncio.get_running_loop().time()
        begins = max(now, self._next_start)
        self._next_start = begins + 1 / self.calls_per_second
        return begins - now

    def add(self, live: LiveCall) -> None:
        """Make a call known. Its outcome stays readable when it is over."""
        if len(self.calls) >= MOST_CALLS:
            over = next((sid for sid, call in self.calls.items() if call.over), None)
            self.calls.pop(over or next(iter(self.calls)))
        self.calls[live.sid] = live
        self._changed.set()

    def done(self, outcome: CallOutcome) -> None:
        """A call that was placed is over."""
        while len(self.outcomes) >= MOST_CALLS:
            del self.outcomes[next(iter(self.outcomes))]
        self.outcomes[outcome.call_sid] = outcome
        self._changed.set()

    async def over(self, call_sid: str) -> CallOutcome:
        """What became of a call that was placed, once it is over."""
        await self.until(lambda: call_sid in self.outcomes)
        return self.outcomes[call_sid]

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait until calls are as *happened* wants them."""
        while not happened():
            self._changed.clear()
            try:
                async with asyncio.timeout(0.02):
                    await self._changed.wait()
            except TimeoutError:
                continue
