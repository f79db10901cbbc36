"""One call through the real bridge, exchange, codec, dialect and toolbox; a test is carrier and model, by hand.

Both ends are memory wires, so nothing but the bridge's own timers takes time, and every wait of a test is for something
to happen.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from front_door import CALL, STREAM, start
from telephony.bridge.bridge import Bridge, ModelSession
from telephony.bridge.calls import Caller, Calls
from telephony.bridge.plan import Plan
from telephony.bridge.shelf import Shelf
from telephony.carriers.twilio import TwilioStream
from telephony.commands import EndCall, HangUp, Note
from telephony.errors import UpstreamLost
from telephony.events import CallStarted
from telephony.exchange import Exchange
from telephony.links.memory import MemoryWire, memory_wires
from telephony.links.wire import WireClosed, WireLink
from telephony.realtime import dialect
from telephony.records import CallRecord
from telephony.settings import CallSettings, Clips, Limits, SessionConfig
from telephony.store.keeper import RecordKeeper
from telephony.store.memory import MemoryStore
from telephony.tools import HANG_UP, CallContext, Tool, Toolbox

SOON = 5.0
"""Seconds within which whatever a test waits for has happened."""
SPEECH = b"\x00\x10" * 2400
"""0.1 s at 24 kHz."""
CLIP = b"\x20" * 400
LARGEST = 10**8
"""Bytes that cassettes may take here."""

Message = dict[str, Any]


class End:
    """The far end of one leg, in a test's hands."""

    def __init__(self, wire: MemoryWire, kind: str) -> None:
        self.wire = wire
        self.received: list[Message] = []
        self._kind = kind

    async def send(self, **message: Any) -> None:
        await self.wire.send(json.dumps(message))

    async def next(self) -> Message | None:
        """The next message, None at the end."""
        try:
            async with asyncio.timeout(SOON):
                message: Message = json.loads(await self.wire.receive())
        except WireClosed:
            return None
        self.received.append(message)
        return message

    async def until(self, kind: str) -> Message:
        """The next message of *kind*; what comes before it is only noted."""
        while (message := await self.next()) is not None:
            if message[self._kind] == kind:
                return message
        raise AssertionError(f"closed before any {kind}; there were {self.kinds}")

    async def closed(self) -> tuple[int | None, str]:
        """Read to the end: how it was closed."""
        while True:
            try:
                async with asyncio.timeout(SOON):
                    self.received.append(json.loads(await self.wire.receive()))
            except WireClosed as end:
                return end.code, end.reason

    @property
    def kinds(self) -> list[str]:
        """What was received, without repetition in a row."""
        kinds = [message[self._kind] for message in self.received]
        return [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind != before]


class Phone(End):
    """Twilio's end."""

    async def speak(self, at_ms: int = 0, payload: bytes = b"\xff" * 160) -> None:
        sent = {"track": "inbound", "timestamp": str(at_ms), "payload": base64.b64encode(payload).decode()}
        await self.send(event="media", streamSid=STREAM, media=sent)

    async def press(self, digit: str) -> None:
        await self.send(event="dtmf", streamSid=STREAM, dtmf={"digit": digit})

    async def heard(self, mark: Message) -> None:
        await self.send(event="mark", streamSid=STREAM, mark=mark["mark"])

    async def stop(self) -> None:
        await self.send(event="stop", streamSid=STREAM)


class Model(End):
    """xAI's end."""

    async def ready(self) -> None:
        """Take the configuration and accept it."""
        await self.until("session.update")
        await self.send(type="session.updated", session={"turn_detection": {"type": "server_vad"}})

    async def speak(self, response: str, item: str, payload: bytes = SPEECH, *, done: bool = True) -> None:
        await self.send(type="response.created", response={"id": response})
        delta = base64.b64encode(payload).decode()
        await self.send(type="response.output_audio.delta", response_id=response, item_id=item, delta=delta)
        if done:
            await self.send(type="response.output_audio.done", response_id=response, item_id=item)
            await self.done(response)

    async def call(self, response: str, call_id: str, name: str, arguments: str = "{}") -> None:
        await self.send(
            type="response.function_call_arguments.done",
            response_id=response,
            item_id=f"item-{call_id}",
            call_id=call_id,
            name=name,
            arguments=arguments,
        )

    async def done(self, response: str) -> None:
        await self.send(type="response.done", response={"id": response, "status": "completed", "output": [{}]})

    async def hears_speech(self, *, stops: bool = True) -> None:
        await self.send(type="input_audio_buffer.speech_started", item_id="caller")
        if stops:
            await self.send(type="input_audio_buffer.speech_stopped", item_id="caller")


class BridgedCall:
    """Settings, parts and both far ends of one call; see `bridged`."""

    def __init__(
        self,
        tools: Sequence[Tool[..., Any]] = (),
        *,
        limits: Limits | None = None,
        codec: TwilioStream | None = None,
        connect: Callable[[], Awaitable[None]] | None = None,
        hang_up: Callable[[HangUp], Awaitable[None]] | None = None,
        clips: Clips | None = None,
        others: int = 0,
        extra: Message | None = None,
        **changes: Any,
    ) -> None:
        """*others*: how many further sessions with a model are to be had. *extra*: what else is asked of a session."""
        self.toolbox = Toolbox([*tools, HANG_UP])
        session = SessionConfig(tools=self.toolbox.specs, extra=extra or {})
        clips = Clips(CLIP, CLIP) if clips is None else clips
        values = {"speaks_first": False, "limits": limits or Limits(), "clips": clips, **changes}
        self.settings = CallSettings("frontdesk", session, **values)
        self.codec = codec or TwilioStream()
        (event,) = TwilioStream.decode(self.codec, start("token"))
        assert isinstance(event, CallStarted)
        self.started = event
        self.link, phone = _link("carrier")
        self.phone = Phone(phone, "event")
        links = [_link(f"model {number}") for number in range(1 + others)]
        self.models = [Model(far, "type") for _, far in links]
        """The far ends of the call's sessions with models, in the order in which they are opened."""
        self.model = self.models[0]
        self._unopened = [link for link, _ in links]
        self.asked: list[tuple[bool, str]] = []
        """For each session that was asked for: whether there was one before, and what was to be resumed."""
        self.blamed: list[tuple[int, str]] = []
        """Which session was of no use, and why."""
        self.context = CallContext(CALL, "+15550142", "+15550100", "frontdesk")
        self.hung_up: list[HangUp] = []
        self.notes: list[Note] = []
        self.exchange = Exchange(self.settings, self.started, self.codec)
        self._connect = connect
        self._hang_up = hang_up
        self.bridge = Bridge(
            self.exchange,
            self.link,
            self.connect_model,
            self.hang_up,
            self.toolbox,
            self.context,
            lambda at, note: self.notes.append(note),
        )

    async def connect_model(self, before: ModelSession | None = None, resume: str = "") -> ModelSession:
        self.asked.append((before is not None, resume))
        if self._connect:
            await self._connect()
        if not self._unopened:
            raise UpstreamLost("nobody else is there")
        number = len(self.models) - len(self._unopened)
        link = self._unopened.pop(0)
        spoken = dialect("xai", self.settings.session)
        return ModelSession(
            spoken, "xai/other" if number else "xai/test", link, lambda why: self.blamed.append((number, why))
        )

    async def hang_up(self, command: HangUp) -> None:
        self.hung_up.append(command)
        if self._hang_up:
            await self._hang_up(command)

    async def begin(self) -> None:
        """Both ends speak and are heard: the call is in its middle."""
        await self.model.ready()
        await self.phone.speak()
        await self.model.until("input_audio_buffer.append")

    @property
    def said(self) -> list[str]:
        """What was noted."""
        return [note.event for note in self.notes]

    @property
    def uses(self) -> list[tuple[str, str]]:
        return [(use.call_id, use.outcome) for use in self.exchange.conversation.tool_uses]


@contextlib.asynccontextmanager
async def bridged(call: BridgedCall) -> AsyncIterator[asyncio.Task[EndCall]]:
    """Run *call* as a task, whose result is its end. The call must end by itself soon after the block."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(call.bridge.run(), name="bridge")
        async with asyncio.timeout(4 * SOON):
            yield task
            await task
    await call.toolbox.close()


async def goodbye(call: BridgedCall) -> None:
    """The model is asked for a goodbye, says it, and is heard."""
    await call.model.until("response.create")
    await call.model.speak("bye", "bye")
    await call.phone.heard(await call.phone.until("mark"))


def _link(name: str) -> tuple[WireLink, MemoryWire]:
    ours, theirs = memory_wires()
    return WireLink(ours, name=name, audio_bound_ms=10_000, send_patience=1.0, close_patience=0.5), theirs


# -- several of them --------------------------------------------------------------------------------------------------


class SlowStore(MemoryStore):
    """A store whose doors a test opens and shuts."""

    def __init__(self) -> None:
        super().__init__()
        self.begins = asyncio.Event()
        self.finishes = asyncio.Event()
        self.begins.set()
        self.finishes.set()
        self.finishing = asyncio.Event()

    async def save(self, record: CallRecord) -> bool:
        await self.begins.wait()
        return await super().save(record)

    async def finish(self, record: CallRecord) -> bool:
        self.finishing.set()
        await self.finishes.wait()
        return await super().finish(record)


class House:
    """The calls of a process, their store, and how to take one."""

    def __init__(self, folder: Path, group: asyncio.TaskGroup) -> None:
        self.folder = folder
        self.store = SlowStore()
        self.noted: list[tuple[str, str]] = []
        self.finished: list[CallRecord] = []
        self.cassettes = folder / "cassettes"
        self.cassettes.mkdir()
        self.calls = Calls(
            RecordKeeper(self.store, folder / "unsaved"), folder, self._hang_up, self._watch, self._shelf
        )
        self.calls.on_record = self.finished.append
        self._group = group

    async def _hang_up(self, command: HangUp) -> None:
        """The test is the carrier."""

    def _watch(self, call_id: str, at: float, note: Note) -> None:
        self.noted.append((call_id, note.event))

    def _shelf(self, threads: Executor) -> Shelf:
        return Shelf(self.cassettes, LARGEST, LARGEST, str, threads)

    def take(
        self, call: BridgedCall, *, call_id: str = CALL, record: bool = False, cassette: float = 0.0
    ) -> asyncio.Task[CallRecord]:
        """Carry *call* as a task, whose result is its record."""
        plan = Plan(call.settings, call.toolbox, call.connect_model, record, cassette, "xai")
        caller = Caller(call_id, "frontdesk", "+15550142", "+15550100", {"language": "en"})
        work = self.calls.carry(caller, plan, call.started, call.codec, call.link, [start("")])
        return self._group.create_task(work, name=f"carry {call_id}")

    async def stored(self) -> list[CallRecord]:
        """Every record in the store."""
        records = [await self.store.get(summary.id) for summary in await self.store.list()]
        return [record for record in records if record is not None]
