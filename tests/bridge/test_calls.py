"""The calls of a process: exactly one terminal record each, whatever happens, and an orderly end of all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridged import SOON, BridgedCall
from front_door import CALL
from telephony.audio import wav
from telephony.bridge.calls import Caller, Calls, Plan
from telephony.carriers.base import CallStatus, StatusUpdate
from telephony.carriers.twilio import TwilioStream
from telephony.commands import HangUp, Note
from telephony.events import Event
from telephony.links.wire import WireClosed
from telephony.records import CallRecord, Termination
from telephony.settings import Limits
from telephony.store.keeper import RecordKeeper
from telephony.store.memory import MemoryStore
from telephony.tools import CallContext, tool

BRIEF = 0.1
HUNG_UP = Termination("completed", "caller", "caller hung up")


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
        self.calls = Calls(RecordKeeper(self.store, folder / "unsaved"), folder, self._hang_up, self._watch)
        self.calls.on_record = self.finished.append
        self._group = group

    async def _hang_up(self, command: HangUp) -> None:
        """The test is the carrier."""

    def _watch(self, call_id: str, at: float, note: Note) -> None:
        self.noted.append((call_id, note.event))

    def take(self, call: BridgedCall, *, call_id: str = CALL, record: bool = False) -> asyncio.Task[CallRecord]:
        """Carry *call* as a task, whose result is its record."""
        plan = Plan(call.settings, call.toolbox, call.connect_model, record)
        caller = Caller(call_id, "frontdesk", "+15550142", "+15550100", {"language": "en"})
        work = self.calls.carry(caller, plan, call.started, call.codec, call.link)
        return self._group.create_task(work, name=f"carry {call_id}")

    async def stored(self) -> list[CallRecord]:
        """Every record in the store."""
        records = [await self.store.get(summary.id) for summary in await self.store.list()]
        return [record for record in records if record is not None]


@pytest.fixture
async def house(nothing_left_behind: None, tmp_path: Path) -> AsyncIterator[House]:
    async with asyncio.timeout(4 * SOON), asyncio.TaskGroup() as group:
        opened = House(tmp_path, group)
        yield opened
    opened.calls.close()


# -- one record each -----------------------------------------------------------------------------------------------


async def test_a_call_leaves_one_record_with_everything_in_it(house: House) -> None:
    call = BridgedCall(greeting="Hello.", speaks_first=True)
    task = house.take(call, record=True)
    await call.begin()
    assert [record.termination for record in await house.stored()] == [None]
    await call.model.speak("r1", "i1")
    await call.phone.heard(await call.phone.until("mark"))
    await call.phone.stop()
    record = await task
    assert [stored.termination for stored in await house.stored()] == [HUNG_UP]
    assert house.finished == [record]
    assert (record.carrier, record.carrier_call_id, record.agent) == ("twilio", CALL, "frontdesk")
    assert (record.from_number, record.to_number, record.model) == ("+15550142", "+15550100", "xai/test")
    assert record.recording == str(house.folder / f"{record.id}.wav")
    assert 0 < record.duration < SOON
    assert house.calls.live == {}
    assert (CALL, "ready") in house.noted


class Buggy(TwilioStream):
    """A codec with a bug in it."""

    def decode(self, message: str | bytes) -> list[Event]:
        raise ZeroDivisionError


ENDS = ["stop", "carrier lost", "model lost", "status", "bug", "cancelled", "cut off", "limit"]


@pytest.mark.parametrize("end", ENDS)
async def test_however_a_call_ends_it_has_one_terminal_record(house: House, end: str) -> None:
    codec = Buggy() if end == "bug" else None
    call = BridgedCall(codec=codec, limits=Limits(max_duration=BRIEF if end == "limit" else 60), speaks_first=False)
    task = house.take(call)
    await call.model.ready()
    match end:
        case "stop":
            await call.phone.stop()
        case "carrier lost":
            call.phone.wire.abort()
        case "model lost":
            await call.model.wire.shut(1011, "out of order")
        case "status":
            house.calls.update(StatusUpdate(CALL, "completed"))
        case "bug":
            await call.phone.speak()
        case "cancelled":
            task.cancel()
        case "cut off":
            await house.calls.cut_off()
        case "limit":
            await goodbye(call)
            await call.phone.stop()
    if end == "model lost":
        await call.phone.until("media")
        await call.phone.stop()
    await asyncio.wait([task])
    (record,) = await house.stored()
    assert record.termination is not None
    assert house.finished == [record] or record.termination == house.finished[0].termination
    expected = {
        "stop": ("completed", "caller"),
        "carrier lost": ("failed", "carrier"),
        "model lost": ("failed", "model"),
        "status": ("completed", "caller"),
        "bug": ("failed", "server"),
        "cancelled": ("failed", "server"),
        "cut off": ("failed", "server"),
        "limit": ("completed", "limit"),
    }
    assert (record.termination.result, record.termination.by) == expected[end]
    assert (await call.phone.closed())[0] in (1000, None)


RESTING = asyncio.Event()
"""Set whenever somebody rests."""


@tool(timeout=SOON)
async def rest() -> str:
    """Take a while."""
    RESTING.set()
    await asyncio.sleep(SOON)
    return "rested"


async def _live(call: BridgedCall) -> None:
    with contextlib.suppress(WireClosed, AssertionError):
        await call.begin()
        await call.model.speak("r1", "i1")
        await call.phone.heard(await call.phone.until("mark"))
        await call.model.send(type="response.created", response={"id": "r2"})
        await call.model.call("r2", "c1", "rest")
        await call.model.done("r2")


@pytest.mark.parametrize("turns", [1, 2, 3, 5, 8, 13, 21, 34, 55])
async def test_a_call_cancelled_at_any_turn_of_the_loop_has_one_sane_record(house: House, turns: int) -> None:
    call = BridgedCall([rest])
    task = house.take(call, record=True)
    async with asyncio.TaskGroup() as group:
        life = group.create_task(_live(call), name="life")
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        life.cancel()
    (record,) = await house.stored()
    assert record.termination == Termination("failed", "server", "the call was cancelled")
    assert record.duration < SOON
    assert [use.outcome for use in record.tools] in ([], ["cancelled"])
    assert (await call.phone.closed())[0] == 1000
    assert house.calls.live == {}


async def test_a_tool_that_ran_when_the_call_was_cut_off_does_not_run_in_the_record_for_ever(house: House) -> None:
    RESTING.clear()
    call = BridgedCall([rest])
    task = house.take(call)
    await _live(call)
    async with asyncio.timeout(SOON):
        await RESTING.wait()
    await house.calls.cut_off()
    record = await task
    assert [(use.outcome, use.finished_at) for use in record.tools] == [("cancelled", record.duration)]


async def test_the_recording_lasts_as_long_as_the_call(house: House) -> None:
    call = BridgedCall()
    task = house.take(call, record=True)
    await call.begin()
    await call.phone.stop()
    record = await task
    recording = wav.read(await asyncio.to_thread(Path(record.recording).read_bytes))
    seconds = len(wav.split(recording)[0]) / 2 / 8000
    assert abs(seconds - record.duration) <= 0.02


async def test_a_recording_that_fails_is_noted_and_the_call_goes_on(house: House) -> None:
    house.calls._recordings = house.folder / "missing"
    call = BridgedCall()
    task = house.take(call, record=True)
    await call.begin()
    await call.phone.stop()
    record = await task
    assert record.termination == HUNG_UP
    assert record.recording == ""
    assert any("recording stopped" in note for note in record.notes)


# -- the store is nobody's business --------------------------------------------------------------------------------


async def test_nobody_who_has_just_picked_up_waits_for_the_store(house: House) -> None:
    house.store.begins.clear()
    call = BridgedCall()
    task = house.take(call)
    await call.begin()
    assert await house.stored() == []
    await call.phone.stop()
    house.store.begins.set()
    await task
    assert [record.termination for record in await house.stored()] == [HUNG_UP]


async def test_the_house_is_idle_only_when_every_record_is_kept(house: House) -> None:
    """The second call ends and is kept while the record of the first is still being written."""
    first, second = BridgedCall(), BridgedCall()
    one, two = house.take(first, call_id="CA1"), house.take(second, call_id="CA2")
    await first.begin()
    await second.begin()
    house.store.finishes.clear()
    await first.phone.stop()
    assert (await first.phone.closed())[0] == 1000
    async with asyncio.timeout(SOON):
        await house.store.finishing.wait()
    waiting = asyncio.Event()

    async def idle() -> None:
        await house.calls.idle()
        waiting.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(idle(), name="idle")
        house.calls._keeper = RecordKeeper(MemoryStore(), house.folder / "other")
        await second.phone.stop()
        await two
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.is_set()
        house.store.finishes.set()
        await one
    assert waiting.is_set()


# -- what the carrier says -----------------------------------------------------------------------------------------


async def test_status_callbacks_come_twice_late_and_out_of_order(house: House) -> None:
    call = BridgedCall()
    task = house.take(call)
    await call.begin()
    states: list[CallStatus] = ["queued", "ringing", "in-progress", "unknown"]
    for state in states:
        house.calls.update(StatusUpdate(CALL, state))
    house.calls.update(StatusUpdate("CA" + "9" * 32, "completed"))
    assert list(house.calls.live) == [CALL]
    house.calls.update(StatusUpdate(CALL, "completed"))
    house.calls.update(StatusUpdate(CALL, "failed"))
    record = await task
    house.calls.update(StatusUpdate(CALL, "in-progress"))
    house.calls.update(StatusUpdate(CALL, "completed"))
    assert record.termination == HUNG_UP
    assert len(await house.stored()) == 1


async def test_a_call_that_the_carrier_gave_up_says_so(house: House) -> None:
    call = BridgedCall()
    task = house.take(call)
    await call.begin()
    house.calls.update(StatusUpdate(CALL, "failed"))
    assert (await task).termination == Termination("completed", "caller", "carrier says failed")


# -- draining ------------------------------------------------------------------------------------------------------


async def test_an_idle_house_is_drained_at_once(house: House) -> None:
    await house.calls.drain(60, 60)
    assert house.calls.draining


async def test_draining_lets_calls_end_by_themselves(house: House) -> None:
    call = BridgedCall()
    task = house.take(call)
    await call.begin()
    async with asyncio.TaskGroup() as group:
        group.create_task(house.calls.drain(60, 60), name="drain")
        await asyncio.sleep(0)
        await call.phone.stop()
    assert task.result().termination == HUNG_UP


async def goodbye(call: BridgedCall) -> None:
    """The model is asked for a goodbye, says it, and is heard."""
    await call.model.until("response.create")
    await call.model.speak("bye", "bye")
    await call.phone.heard(await call.phone.until("mark"))


async def test_when_patience_ends_the_agents_say_goodbye(house: House) -> None:
    calls = [BridgedCall(), BridgedCall()]
    tasks = [house.take(call, call_id=f"CA{number}") for number, call in enumerate(calls)]
    for call in calls:
        await call.begin()
    async with asyncio.TaskGroup() as group:
        group.create_task(house.calls.drain(0, 60), name="drain")
        for call in calls:
            await goodbye(call)
            await call.phone.stop()
    records = [task.result() for task in tasks]
    assert [r.termination for r in records] == [Termination("completed", "server", "server stopping")] * 2


async def test_a_call_that_begins_while_goodbyes_are_said_says_goodbye_too(house: House) -> None:
    first, late = BridgedCall(), BridgedCall()
    house.take(first)
    await first.begin()
    async with asyncio.TaskGroup() as group:
        group.create_task(house.calls.drain(0, 60), name="drain")
        await first.model.until("response.create")
        house.take(late, call_id="CA1")
        await late.phone.until("media")  # the recorded goodbye: there is no model yet
        await late.phone.stop()
        await first.phone.stop()
    assert ("CA1", "leaving") in house.noted


async def test_who_does_not_end_in_time_is_cut_off_and_recorded(house: House) -> None:
    call = BridgedCall()
    task = house.take(call)
    await call.begin()
    await house.calls.drain(0, BRIEF)
    assert (await task).termination == Termination("failed", "server", "server stopping")
    assert len(await house.stored()) == 1
    await house.calls.cut_off()


# -- bystanders ----------------------------------------------------------------------------------------------------


async def test_a_bug_in_one_call_is_no_matter_to_another(house: House) -> None:
    broken, healthy = BridgedCall(codec=Buggy()), BridgedCall()
    tasks = [house.take(broken, call_id="CA1"), house.take(healthy, call_id="CA2")]
    await healthy.begin()
    await broken.phone.speak()
    assert (await tasks[0]).termination == Termination("failed", "server", "internal error")
    await healthy.model.speak("r1", "i1")
    await healthy.phone.heard(await healthy.phone.until("mark"))
    await healthy.phone.stop()
    assert (await tasks[1]).termination == HUNG_UP


async def test_what_came_with_the_call_reaches_its_tools(house: House) -> None:
    seen: list[CallContext] = []

    @tool(timeout=SOON)
    async def look_around(context: CallContext) -> str:
        """Look around."""
        seen.append(context)
        return "seen"

    call = BridgedCall([look_around])
    task = house.take(call)
    await call.begin()
    await call.model.send(type="response.created", response={"id": "r1"})
    await call.model.call("r1", "c1", "look_around")
    await call.model.done("r1")
    await call.model.until("response.create")
    await call.phone.stop()
    await task
    assert [(context.call_id, context.metadata) for context in seen] == [(CALL, {"language": "en"})]
