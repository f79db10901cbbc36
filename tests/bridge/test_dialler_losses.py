"""Calls are placed once, whatever is lost on the way: a request, its answer, the database, or patience."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asked import ACCOUNT, THEM, US
from placing import CALL, Breaks, office, order
from telephony.bridge import dialler as module
from telephony.carriers.base import StatusUpdate
from telephony.errors import StoreError
from telephony.simulate.live import LiveCall, new_sid
from telephony.simulate.refusals import RefusedError

pytestmark = pytest.mark.timeout(30)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLED", 0.05)
    monkeypatch.setattr(module, "LOOK", 0.02)
    monkeypatch.setattr("telephony.links.http.FIRST_WAIT", 0.001)


@pytest.mark.parametrize("error", [ConnectionResetError(), RefusedError(500, 20500, "Oops")], ids=["lost", "500"])
async def test_a_call_that_was_placed_without_an_answer_is_found(tmp_path: Path, error: Exception) -> None:
    async with office(tmp_path) as made:
        made.rest.before_answer = Breaks(error)
        assert (await made.dialler.place(order())).state == "placing"
        settled = await made.settled()
        assert list(made.rest.board.calls) == [settled.carrier_call_id]


@pytest.mark.parametrize("error", [ConnectionResetError(), RefusedError(500, 20500, "Oops")], ids=["lost", "500"])
async def test_a_call_that_was_not_placed_is_asked_for_again(tmp_path: Path, error: Exception) -> None:
    async with office(tmp_path) as made:
        made.rest.before_doing = Breaks(error)
        assert (await made.dialler.place(order())).state == "placing"
        settled = await made.settled()
        assert list(made.rest.board.calls) == [settled.carrier_call_id]


async def test_a_call_of_another_kind_to_the_same_number_is_not_taken_for_ours(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        for sender, direction, age in (
            (US, "outbound-dial", 0),
            ("+15550101", "outbound-api", 0),
            (US, "outbound-api", 9),
        ):
            live = LiveCall(new_sid("CA"), ACCOUNT, sender, THEM, 60, direction)  # type: ignore[arg-type]
            live.created = datetime.now(UTC) - timedelta(minutes=age)
            made.rest.board.add(live)
        made.rest.before_doing = Breaks(ConnectionResetError())
        await made.dialler.place(order())
        settled = await made.settled()
        assert len(made.rest.board.calls) == 4
        assert settled.carrier_call_id == list(made.rest.board.calls)[-1]


async def test_two_calls_to_one_number_are_two_calls(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        lost = 0

        async def lose(method: str, path: str) -> None:
            nonlocal lost
            if method == "POST" and lost < 2:
                lost += 1
                raise ConnectionResetError

        made.rest.before_answer = lose
        await made.dialler.place(order("order-1"))
        await made.dialler.place(order("order-2"))
        one, two = await made.settled("order-1"), await made.settled("order-2")
        assert {one.carrier_call_id, two.carrier_call_id} == set(made.rest.board.calls)
        assert len(made.rest.board.calls) == 2


async def test_a_call_whose_answer_is_still_to_come_is_not_taken_for_one_that_was_lost(tmp_path: Path) -> None:
    async with office(tmp_path) as made, asyncio.TaskGroup() as group:
        made.rest.before_doing = Breaks(ConnectionResetError())
        await made.dialler.place(order("lost"))
        placed, answered = asyncio.Event(), asyncio.Event()

        async def hold_back(method: str, path: str) -> None:
            if method == "POST" and not placed.is_set():
                placed.set()
                await answered.wait()

        made.rest.before_answer = hold_back
        slow = group.create_task(made.dialler.place(order("slow")), name="slow")
        await placed.wait()
        running = group.create_task(made.dialler.run(), name="dialler")
        await made.looked()
        answered.set()
        await slow
        running.cancel()
        lost, slow_one = await made.settled("lost"), await made.settled("slow")
        assert {lost.carrier_call_id, slow_one.carrier_call_id} == set(made.rest.board.calls)
        assert len(made.rest.board.calls) == 2


async def test_a_webhook_makes_a_call_known_before_it_is_looked_for(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        made.rest.before_answer = Breaks(ConnectionResetError())
        await made.dialler.place(order())
        (sid,) = made.rest.board.calls
        told = await made.dialler.told("order-1", StatusUpdate(sid, "ringing"))
        assert told is not None
        assert (told.state, told.carrier_call_id) == ("ringing", sid)


async def test_a_webhook_that_comes_while_a_call_waits_for_its_turn_keeps_it_from_being_placed_twice(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, per_second=2) as made, asyncio.TaskGroup() as group:
        made.rest.before_doing = Breaks(ConnectionResetError())
        await made.dialler.place(order())
        running = group.create_task(made.dialler.run(), name="dialler")
        await made.looked()  # it was not found, and waits for its turn
        await made.dialler.told("order-1", StatusUpdate(CALL, "ringing"))
        await made.dialler.place(order("order-2"))  # whose turn comes after
        running.cancel()
    intents = [form["Url"].rpartition("=")[2] for form in made.forms()]
    assert intents == ["order-1", "order-2"]


async def test_a_call_that_was_placed_while_the_database_was_locked_is_found(tmp_path: Path) -> None:
    async with office(tmp_path, busy=0.05) as made:
        lock = contextlib.ExitStack()

        async def lock_up(method: str, path: str) -> None:
            if method == "POST":
                lock.enter_context(made.locked())

        made.rest.before_answer = lock_up
        with lock:
            placed = await made.dialler.place(order())
        assert (placed.state, placed.carrier_call_id) == ("placing", "")
        settled = await made.settled()
        assert list(made.rest.board.calls) == [settled.carrier_call_id]


async def test_a_status_that_could_not_be_noted_leaves_the_call_to_be_looked_for(tmp_path: Path) -> None:
    async with office(tmp_path, busy=0.05) as made:
        made.rest.before_answer = Breaks(ConnectionResetError())
        await made.dialler.place(order())
        (sid,) = made.rest.board.calls
        with made.locked(), pytest.raises(StoreError):
            await made.dialler.told("order-1", StatusUpdate(sid, "ringing"))
        assert (await made.settled()).carrier_call_id == sid


async def test_what_was_written_down_too_late_to_be_told_is_placed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLED", 1.0)  # longer than SQLite sleeps between two tries
    async with office(tmp_path, patience=1.0) as made:
        first = await made.dialler.place(order())
        with made.locked(), pytest.raises(StoreError):
            await made.dialler.place(order("order-2"))
        second = await made.settled("order-2")
        assert list(made.rest.board.calls) == [first.carrier_call_id, second.carrier_call_id]


async def test_what_was_never_written_down_is_not_placed(tmp_path: Path) -> None:
    async with office(tmp_path, busy=0.05) as made:
        with made.locked(), pytest.raises(StoreError):
            await made.dialler.place(order())
        made.rest.before_doing = Breaks(ConnectionResetError())
        await made.dialler.place(order("order-2"))
        await made.settled("order-2")
        assert await made.intents.get("order-1") is None
        assert [form["Url"].rpartition("=")[2] for form in made.forms()] == ["order-2", "order-2"]


async def test_what_was_asked_for_too_long_ago_is_given_up(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        made.rest.before_doing = Breaks(ConnectionResetError())
        await made.dialler.place(order(created_at=datetime.now(UTC) - timedelta(minutes=10)))
        settled = await made.settled(state="failed")
        assert (settled.reason, made.rest.board.calls) == ("it was asked for too long ago", {})


async def test_the_hours_may_be_over_when_it_is_asked_for_again(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        made.rest.before_doing = Breaks(ConnectionResetError())
        await made.dialler.place(order())
        made.refusal = "It is late there."
        assert (await made.settled(state="failed")).reason == "It is late there."
