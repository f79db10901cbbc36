"""Live calls from outside: who hears what, who is left behind, and what an operator can do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridged import SOON, BridgedCall, House
from front_door import CALL
from telephony.bridge import switchboard
from telephony.bridge.switchboard import (
    CallOver,
    CallSeen,
    Happening,
    Listener,
    LiveCall,
    Lost,
    Noted,
    NotLive,
    NotTalking,
    ToolsTold,
    TooManyListeners,
    TurnsTold,
)
from telephony.links.wire import WireClosed
from telephony.records import CallRecord, Termination, ToolUse, Turn
from telephony.tools import tool

OTHER = "CA" + "9" * 32
HUNG_UP = Termination("completed", "caller", "caller hung up")


@tool
async def look_up(order: str) -> str:
    """Look an order up.

    Args:
        order: Its number.
    """
    return f"{order} is here"


def call() -> BridgedCall:
    return BridgedCall([look_up], speaks_first=False)


async def hears(listener: Listener, *, until: type | None = None) -> list[Happening]:
    """What a listener is told, to the first happening of a kind or to the end."""
    heard: list[Happening] = []
    async with asyncio.timeout(SOON):
        while not (listener.closed and not listener._waiting):
            happening = await listener.next(0.05)
            if happening is not None:
                heard.append(happening)
            if until and isinstance(happening, until):
                break
    return heard


@contextlib.asynccontextmanager
async def live(house: House, one: BridgedCall, call_id: str = CALL) -> AsyncIterator[asyncio.Task[CallRecord]]:
    """A call in its middle; it is hung up on afterwards."""
    task = house.take(one, call_id=call_id)
    await one.begin()
    yield task
    with contextlib.suppress(WireClosed):
        await one.phone.stop()
    await task


# -- listening -----------------------------------------------------------------------------------------------------


async def test_a_listener_hears_a_call_from_its_beginning_to_its_end(house: House) -> None:
    one = call()
    async with house.calls.switchboard.listen() as listener:
        task = house.take(one)
        (began,) = await hears(listener, until=CallSeen)
        await one.begin()
        await one.model.speak("r1", "i1")
        await one.model.send(
            type="response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript="Hello."
        )
        *before, told = await hears(listener, until=TurnsTold)
        await one.phone.heard(await one.phone.until("mark"))
        await one.model.call("r2", "c1", "look_up", '{"order": "A-1"}')
        await one.model.done("r2")
        *_, used = await hears(listener, until=ToolsTold)
        await one.phone.stop()
        record = await task
        *_, over = await hears(listener, until=CallOver)
        assert not listener.closed
    assert isinstance(began, CallSeen)
    assert (began.call.id, began.call.carrier_call_id, began.call.agent) == (record.id, CALL, "frontdesk")
    assert isinstance(told, TurnsTold)
    assert (told.id, told.position) == (record.id, 0)
    assert told.turns[0].speaker == "agent"
    assert isinstance(used, ToolsTold)
    assert [use.name for use in used.tools] == ["look_up"]
    noted = [(happening.id, happening.text) for happening in before if isinstance(happening, Noted)]
    assert (record.id, "agent said") in noted
    assert over == CallOver(record.id, CALL, record.duration, HUNG_UP)


async def test_whoever_comes_later_is_told_how_the_calls_stand(house: House) -> None:
    one = call()
    async with live(house, one) as task:
        await one.model.speak("r1", "i1")
        await one.model.send(
            type="response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript="Hello."
        )
        await one.phone.heard(await one.phone.until("mark"))
        async with house.calls.switchboard.listen() as first:
            await hears(first, until=TurnsTold)
            async with house.calls.switchboard.listen(CALL) as second:
                (seen,) = await hears(second, until=CallSeen)
        assert isinstance(seen, CallSeen)
        assert [turn.speaker for turn in seen.call.turns] == ["agent"]
    assert task.done()


async def test_one_calls_listener_hears_nothing_of_others_and_ends_with_it(house: House) -> None:
    one, other = call(), call()
    async with live(house, other, OTHER):
        async with live(house, one), house.calls.switchboard.listen(CALL) as listener:
            record_id = (await house.calls.switchboard.get(CALL)).id
            await other.model.hears_speech()
            await one.model.hears_speech()
            await one.phone.stop()
            heard = await hears(listener)
        assert listener.closed
        assert {h.call.id if isinstance(h, CallSeen) else getattr(h, "id", "") for h in heard} == {record_id}
        assert isinstance(heard[-1], CallOver)


async def test_a_listener_who_does_not_keep_up_loses_the_oldest_and_is_told_how_many() -> None:
    listener = Listener("", 3)
    for number in range(5):
        listener.tell(Noted("1", CALL, number, "info", "note", {}))
    heard = [await listener.next(0) for _ in range(5)]
    assert heard[0] == Lost(2)
    assert [noted.at for noted in heard if isinstance(noted, Noted)] == [2, 3, 4]
    assert heard[4] is None


async def test_whoever_waits_for_room_has_nothing_dropped_and_waits_no_longer_than_the_listener_is_there() -> None:
    listener = Listener("", 2)
    for number in range(2):
        await listener.room()
        listener.tell(Noted("1", CALL, float(number), "info", "x", {}))
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(listener.room(), name="wait for room")
        await asyncio.sleep(0)
        assert not waiting.done()
        assert isinstance(await listener.next(SOON), Noted)
    listener.tell(Noted("1", CALL, 2.0, "info", "x", {}))
    async with asyncio.TaskGroup() as group:
        group.create_task(listener.room(), name="wait for room")
        await asyncio.sleep(0)
        listener.close()


async def test_a_listener_to_whom_nothing_happens_is_not_kept_waiting() -> None:
    assert await Listener("", 3).next(0.01) is None


async def test_there_is_room_for_so_many_listeners(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "LISTENERS", 1)
    async with house.calls.switchboard.listen():
        with pytest.raises(TooManyListeners):
            async with house.calls.switchboard.listen():
                pass
    async with house.calls.switchboard.listen() as listener:
        house.calls.switchboard.close()
        assert listener.closed


TURNS = st.lists(st.builds(Turn, st.just("agent"), st.sampled_from(["", "a", "b"])), max_size=5)


@given(TURNS, TURNS)
def test_what_is_told_makes_of_what_was_known_what_is_known_now(before: list[Turn], now: list[Turn]) -> None:
    position = switchboard._difference(before, now)
    assert (before if position is None else [*before[:position], *now[position:]]) == now


# -- stepping in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["carrier's id", "our id"])
async def test_an_operator_hangs_up(house: House, by: str) -> None:
    one = call()
    async with live(house, one) as task:
        wanted = CALL if by == "carrier's id" else (await house.calls.switchboard.get(CALL)).id
        await house.calls.switchboard.hang_up(wanted, "misuse")
        await one.phone.heard(await one.phone.until("mark"))
        async with asyncio.timeout(SOON):
            while (CALL, "hanging up") not in house.noted:  # noqa: ASYNC110  the carrier is asked by then
                await asyncio.sleep(0.01)
    assert (await task).termination == Termination("completed", "operator", "misuse")


async def test_an_operator_has_something_said(house: House) -> None:
    one = call()
    async with live(house, one):
        await house.calls.switchboard.say(CALL, "The line closes in a minute.")
        await one.model.until("conversation.item.create")
        assert "The line closes in a minute." in str(one.model.received[-1])


async def test_who_is_not_there_cannot_be_acted_upon(house: House) -> None:
    board = house.calls.switchboard
    with pytest.raises(NotLive):
        await board.hang_up(CALL, "misuse")
    with pytest.raises(NotLive):
        await board.get("")
    with pytest.raises(NotLive):
        async with board.listen(CALL):
            pass
    assert await board.calls() == []


async def test_nothing_is_said_to_a_caller_who_takes_leave_or_is_not_through_yet(house: House) -> None:
    one = call()
    task = house.take(one)
    await asyncio.sleep(0)
    with pytest.raises(NotTalking):
        await house.calls.switchboard.say(CALL, "Hello?")
    await one.begin()
    await house.calls.switchboard.hang_up(CALL, "misuse")
    with pytest.raises(NotTalking):
        await house.calls.switchboard.transfer(CALL, "billing")
    await one.phone.stop()
    await task


async def test_a_call_without_a_desk_puts_nobody_through(house: House) -> None:
    one = call()
    async with live(house, one):
        answer = await house.calls.switchboard.transfer(CALL, "billing")
    assert not answer.accepted


async def test_a_call_is_told_of_until_it_is_kept_and_its_record_stays_whole(house: House) -> None:
    one = call()
    house.store.finishes.clear()
    task = house.take(one)
    await one.begin()
    await one.phone.stop()
    await house.store.finishing.wait()
    (seen,) = await house.calls.switchboard.calls()
    house.store.finishes.set()
    record = await task
    assert isinstance(seen, LiveCall)
    assert record.termination == HUNG_UP
    assert [use for use in record.tools if use.outcome == "running"] == list[ToolUse]()
    assert await house.calls.switchboard.calls() == []
