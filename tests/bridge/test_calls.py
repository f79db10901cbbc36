"""The calls of a process: exactly one terminal record each, whatever happens, and an orderly end of all of them."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from bridged import SOON, BridgedCall, House, goodbye
from front_door import CALL
from telephony.audio import wav
from telephony.bridge import calls
from telephony.carriers.base import CallStatus, StatusUpdate
from telephony.carriers.twilio import TwilioStream
from telephony.events import Event
from telephony.links.wire import WireClosed
from telephony.records import CallRecord, Termination
from telephony.settings import Limits
from telephony.store.keeper import RecordKeeper
from telephony.store.memory import MemoryStore
from telephony.tools import CallContext, tool

BRIEF = 0.1
HUNG_UP = Termination("completed", "caller", "caller hung up")


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
    assert (await call.phone.closed())[0] == {
        "carrier lost": None,
        "bug": 1011,
        "cancelled": 1001,
        "cut off": 1001,
    }.get(end, 1000)


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
    assert (await call.phone.closed())[0] == 1001
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
    house.calls._archive._recordings = house.folder / "missing"
    call = BridgedCall()
    task = house.take(call, record=True)
    await call.begin()
    await call.phone.stop()
    record = await task
    assert record.termination == HUNG_UP
    assert record.recording == ""
    assert any("recording stopped" in note for note in record.notes)


async def test_the_words_of_a_running_call_are_kept_before_it_ends(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "JOURNAL", 0.02)
    call = BridgedCall(greeting="Hello.", speaks_first=True)
    task = house.take(call)
    await call.begin()
    saved, save = asyncio.Event(), house.calls._keeper.save

    async def saving(record: CallRecord) -> object:
        kept = await save(record)
        saved.set()
        return kept

    monkeypatch.setattr(house.calls._keeper, "save", saving)
    await call.model.send(type="input_audio_buffer.speech_started", item_id="u1")
    async with asyncio.timeout(SOON):
        await saved.wait()
    (record,) = await house.stored()
    assert record.termination is None
    assert [turn.item_id for turn in record.turns] == ["u1"]
    await call.phone.stop()
    await task


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
