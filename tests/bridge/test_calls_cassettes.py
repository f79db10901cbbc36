"""The cassettes of a process's calls: one each, named after the record, the same when it is played again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridged import SOON, BridgedCall, House
from front_door import CALL
from telephony.bridge.shelf import is_sampled
from telephony.carriers.base import StatusUpdate
from telephony.carriers.twilio import TwilioStream
from telephony.cassette.replay import Replayed, replay
from telephony.events import Event
from telephony.records import CallRecord, Termination
from telephony.runtime.cassettes import new_carrier, open_cassette
from telephony.tools import tool

HUNG_UP = Termination("completed", "caller", "caller hung up")


def on_disk(house: House) -> list[str]:
    return sorted(path.name for path in house.cassettes.iterdir())


def replayed(house: House, record: CallRecord) -> Replayed:
    """The cassette of a call, which is the same again."""
    result = replay(open_cassette(house.cassettes / f"{record.id}.jsonl"), new_carrier)
    assert result.divergence is None
    assert result.record.turns == record.turns
    assert result.record.usage == record.usage
    return result


@tool(timeout=SOON)
async def look_up() -> dict[str, str]:
    """Look something up."""
    return {"status": "shipped"}


async def test_a_call_leaves_one_cassette_named_after_its_record_that_replays_the_same(house: House) -> None:
    call = BridgedCall([look_up], greeting="Hello.", speaks_first=True)
    task = house.take(call, record=True, cassette=1.0)
    await call.begin()
    await call.model.speak("r1", "i1")
    await call.phone.heard(await call.phone.until("mark"))
    await call.model.send(type="response.created", response={"id": "r2"})
    await call.model.call("r2", "c1", "look_up")
    await call.model.done("r2")
    await call.model.until("response.create")
    await call.phone.press("5")
    await call.phone.stop()
    record = await task
    assert on_disk(house) == [f"{record.id}.jsonl"]
    result = replayed(house, record)
    assert result.recorded
    assert result.record.termination == result.recorded.termination == record.termination == HUNG_UP
    assert [(use.name, use.outcome, use.output) for use in result.record.tools] == [
        (use.name, use.outcome, use.output) for use in record.tools
    ]
    assert "shipped" in result.record.tools[0].output
    assert record.notes == []
    header = open_cassette(house.cassettes / f"{record.id}.jsonl").header
    assert (header.call_id, header.carrier, header.dialect, header.agent["name"]) == (
        CALL,
        "twilio",
        "xai",
        "frontdesk",
    )
    assert header.recorded_at[:10] == f"{record.started_at:%Y-%m-%d}"


async def test_a_session_that_is_lost_and_replaced_is_on_the_cassette(house: House) -> None:
    call = BridgedCall(others=1)
    task = house.take(call, cassette=1.0)
    await call.begin()
    await call.model.wire.shut(1011, "out of order")
    await call.models[1].ready()
    await call.phone.stop()
    record = await task
    result = replayed(house, record)
    assert result.record.model == record.model == "xai/other"


async def test_a_share_of_none_leaves_none(house: House) -> None:
    call = BridgedCall()
    task = house.take(call, cassette=0.0)
    await call.begin()
    await call.phone.stop()
    assert (await task).termination == HUNG_UP
    assert on_disk(house) == []


@pytest.mark.parametrize("sampled", [True, False])
async def test_a_share_of_the_calls_is_chosen_by_the_carriers_id(house: House, sampled: bool) -> None:
    number = next(f"CA{n}" for n in range(1000) if is_sampled(f"CA{n}", 0.1) is sampled)
    call = BridgedCall()
    task = house.take(call, call_id=number, cassette=0.1)
    await call.begin()
    await call.phone.stop()
    record = await task
    assert on_disk(house) == ([f"{record.id}.jsonl"] if sampled else [])


async def test_a_process_without_a_shelf_writes_none(house: House) -> None:
    house.calls._archive._shelf = None
    call = BridgedCall()
    task = house.take(call, cassette=1.0)
    await call.begin()
    await call.phone.stop()
    assert (await task).notes == []
    assert on_disk(house) == []


async def test_a_cassette_that_fails_is_noted_and_the_call_goes_on(house: House) -> None:
    house.cassettes.rmdir()
    call = BridgedCall()
    task = house.take(call, record=True, cassette=1.0)
    await call.begin()
    await call.phone.speak(20)
    await call.model.until("input_audio_buffer.append")
    await call.phone.stop()
    record = await task
    assert record.termination == HUNG_UP
    assert record.notes == ["The cassette stopped: No such file or directory"]
    assert await asyncio.to_thread(Path(record.recording).exists), "the recording is another file"


async def test_a_cassette_that_is_full_is_noted_and_replays_as_far_as_it_goes(house: House) -> None:
    assert house.calls._archive._shelf
    house.calls._archive._shelf._largest = 4000
    call = BridgedCall()
    task = house.take(call, cassette=1.0)
    await call.begin()
    for _ in range(20):
        await call.phone.speak(20)
        await call.model.until("input_audio_buffer.append")
    await call.phone.stop()
    record = await task
    assert record.termination == HUNG_UP
    assert len(record.notes) == 1
    assert record.notes[0].startswith("The cassette is full: it ends at ")
    path = Path(record.cassette)
    assert await asyncio.to_thread(lambda: path.stat().st_size) <= 4000
    assert replay(open_cassette(path), new_carrier).divergence is None


ENDS = ["carrier lost", "status", "cancelled", "cut off"]


@pytest.mark.parametrize("end", ENDS)
async def test_however_a_call_ends_its_cassette_replays(house: House, end: str) -> None:
    call = BridgedCall()
    task = house.take(call, cassette=1.0)
    await call.begin()
    match end:
        case "carrier lost":
            call.phone.wire.abort()
        case "status":
            house.calls.update(StatusUpdate(CALL, "completed"))
        case "cancelled":
            task.cancel()
        case "cut off":
            await house.calls.cut_off()
    await asyncio.wait([task])
    (record,) = await house.stored()
    result = replay(open_cassette(house.cassettes / f"{record.id}.jsonl"), new_carrier)
    assert result.divergence is None
    assert result.steps >= 4
    if end in ("carrier lost", "status"):
        assert result.record.termination == record.termination


class Buggy(TwilioStream):
    """A codec with a bug in it, that shows after a moment."""

    def decode(self, message: str | bytes) -> list[Event]:
        if "dtmf" in str(message):
            raise ZeroDivisionError
        return super().decode(message)


async def test_a_bug_ends_the_call_and_is_found_again_by_playing_its_cassette(house: House) -> None:
    call = BridgedCall(codec=Buggy())
    task = house.take(call, cassette=1.0)
    await call.begin()
    await call.phone.press("5")
    record = await task
    assert record.termination == Termination("failed", "server", "internal error")
    again = replay(open_cassette(house.cassettes / f"{record.id}.jsonl"), lambda _: Buggy())
    assert again.failure
    assert again.failure.what == "ZeroDivisionError"
    assert again.divergence
    assert again.divergence.cause
    assert again.divergence.cause.message["event"] == "dtmf"


async def test_two_calls_at_once_have_a_cassette_each(house: House) -> None:
    first, second = BridgedCall(), BridgedCall()
    tasks = [house.take(first, call_id="CA1", cassette=1.0), house.take(second, call_id="CA2", cassette=1.0)]
    for call in (first, second):
        await call.begin()
    for call in (second, first):
        await call.phone.stop()
    records = [await task for task in tasks]
    assert on_disk(house) == sorted(f"{record.id}.jsonl" for record in records)
    for record in records:
        replayed(house, record)
