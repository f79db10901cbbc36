"""Calls are placed once, whatever is lost on the way, and as their agents want them. Twilio is a simulated one, the
database a real one; what becomes of them in a whole process is in tests/e2e/test_outbound.py."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from asked import ACCOUNT, PUBLIC, THEM, TOKEN, US
from telephony.bridge import dialler as module
from telephony.bridge.dialler import Bucket, CallRefused, Dialler, Terms
from telephony.carriers.base import StatusUpdate
from telephony.carriers.twilio_account import TwilioAccount
from telephony.errors import StoreError
from telephony.links.http import perform
from telephony.settings import TwilioSettings
from telephony.simulate.callee import Callee
from telephony.simulate.live import LiveCall, new_sid
from telephony.simulate.refusals import RefusedError
from telephony.simulate.rest import TwilioRest
from telephony.store.intents import Intent
from telephony.store.sql import SqlStore
from telephony.store.sql_intents import SqlIntents

pytestmark = pytest.mark.timeout(30)

CALL = "CA" + "5" * 32


def order(key: str = "order-1", **changes: Any) -> Intent:
    plain = {"to_number": THEM, "from_number": US, "agent": "desk", "created_at": datetime.now(UTC)}
    return Intent(key, **{**plain, **changes})


class Office:
    """A dialler and what is around it."""

    def __init__(
        self,
        rest: TwilioRest,
        intents: SqlIntents,
        session: aiohttp.ClientSession,
        database: Path,
        per_second: float,
        **terms: Any,
    ) -> None:
        self.rest = rest
        self.intents = intents
        self._database = database
        self.refusal: str | None = None
        self.judged: list[str] = []
        settings = TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), api_base=rest.base_url)
        known = {"desk": Terms(**{"ring": 30, "time_limit": 600, **terms})}
        self.dialler = Dialler(
            partial(perform, session),
            TwilioAccount(PUBLIC, settings),
            intents,
            PUBLIC,
            known.get,
            lambda number, now: self.refusal,
            Bucket(per_second),
            self._permit,
        )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """While entered, another connection holds the database's write lock."""
        with contextlib.closing(sqlite3.connect(self._database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    async def _permit(self, order: Intent, now: datetime) -> str | None:
        self.judged.append(order.id)
        return "not listed" if order.to_number == "+15550666" else None

    async def settled(self, key: str = "order-1", state: str = "placed") -> Intent:
        """An intent, once the dialler that runs beside has brought it to a state."""
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self.dialler.run(), name="dialler")
            async with asyncio.timeout(10):
                while True:
                    intent = await self.intents.get(key)
                    if intent is not None and intent.state == state:
                        break
                    await asyncio.sleep(0.01)
            running.cancel()
        return intent

    async def looked(self) -> None:
        """Wait until the dialler that runs beside has asked the carrier which calls there are, and drawn from it what
        follows."""
        async with asyncio.timeout(10):
            while True:
                if "GET" in [method for method, _, _ in self.rest.received]:
                    break
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)

    def forms(self) -> list[dict[str, str]]:
        return [form for _, path, form in self.rest.requests if path.endswith("/Calls.json")]


@contextlib.asynccontextmanager
async def office(
    folder: Path, *, per_second: float = 1000, busy: float = 3.0, patience: float = 8.0, **terms: Any
) -> AsyncIterator[Office]:
    database = folder / "calls.db"
    store = SqlStore(f"sqlite:///{database}", busy=busy, patience=patience)
    await store.open()
    try:
        async with TwilioRest(ACCOUNT, TOKEN) as rest, aiohttp.ClientSession() as session:
            rest.callees[THEM] = Callee(does="no answer")
            rest.board.ring = 60.0
            yield Office(rest, SqlIntents(store), session, database, per_second, **terms)
    finally:
        await store.close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLED", 0.05)
    monkeypatch.setattr(module, "LOOK", 0.02)
    monkeypatch.setattr("telephony.links.http.FIRST_WAIT", 0.001)


# -- placing -------------------------------------------------------------------------------------------------------


async def test_a_call_is_asked_for_with_the_addresses_of_its_intent(tmp_path: Path) -> None:
    async with office(tmp_path, ring=25, time_limit=900) as made:
        placed = await made.dialler.place(order("a:b"))
        assert (placed.state, list(made.rest.board.calls)) == ("placed", [placed.carrier_call_id])
        (form,) = made.forms()
        assert (form["Url"], form["StatusCallback"]) == (
            f"{PUBLIC}/twilio/outbound?intent=a%3Ab",
            f"{PUBLIC}/twilio/outbound-status?intent=a%3Ab",
        )
        assert (form["Timeout"], form["TimeLimit"]) == ("25", "900")


@pytest.mark.parametrize(("machine", "mode"), [("talk", None), ("hang_up", "Enable"), ("message", "DetectMessageEnd")])
async def test_machines_are_looked_for_as_far_as_it_matters(tmp_path: Path, machine: Any, mode: str | None) -> None:
    async with office(tmp_path, machine=machine) as made:
        await made.dialler.place(order())
        (form,) = made.forms()
        assert form.get("MachineDetection") == mode
        assert form.get("AsyncAmd") == ("true" if mode else None)


async def test_whoever_may_not_be_called_is_not_and_nothing_is_kept(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        made.refusal = "They asked us not to."
        with pytest.raises(CallRefused, match="They asked us not to") as caught:
            await made.dialler.place(order())
        assert caught.value.kind == "not allowed"
        assert (await made.intents.get("order-1"), made.forms()) == (None, [])


async def test_whom_an_agent_may_call_is_judged_once_for_each_call(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        with pytest.raises(CallRefused, match="not listed"):
            await made.dialler.place(order(to_number="+15550666"))
        assert (await made.intents.get("order-1"), made.forms()) == (None, [])
        for _ in range(2):
            await made.dialler.place(order("order-2"))
        assert made.judged == ["order-1", "order-2"]


async def test_a_key_stands_for_one_call(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        first = await made.dialler.place(order())
        assert (await made.dialler.place(order())).carrier_call_id == first.carrier_call_id
        with pytest.raises(CallRefused) as caught:
            await made.dialler.place(order(to_number="+15550178"))
        assert caught.value.kind == "conflict"
        assert len(made.forms()) == 1


async def test_who_asks_several_times_at_once_is_judged_once(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        placed = await asyncio.gather(*(made.dialler.place(order()) for _ in range(5)))
        assert {intent.carrier_call_id for intent in placed} == set(made.rest.board.calls)
        assert (made.judged, len(made.forms())) == (["order-1"], 1)


async def test_what_the_carrier_refuses_has_failed_for_good(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        made.rest.board.numbers = {"+15550999"}
        for _ in range(2):
            failed = await made.dialler.place(order())
            assert (failed.state, "error 21210" in failed.reason) == ("failed", True)
        assert made.rest.board.calls == {}


async def test_an_agent_that_is_gone_calls_nobody(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        failed = await made.dialler.place(order(agent="nobody"))
        assert (failed.state, failed.reason) == ("failed", "there is no agent nobody any more")


# -- what is lost --------------------------------------------------------------------------------------------------


class Breaks:
    """A carrier whose answer to the first request for a call is *error*."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.times = 0

    async def __call__(self, method: str, path: str) -> None:
        if method == "POST":
            self.times += 1
            if self.times == 1:
                raise self.error


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


async def test_what_was_written_down_too_late_to_be_told_is_placed_all_the_same(tmp_path: Path) -> None:
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


# -- what the carrier tells ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "who", "wanted"),
    [
        ("talk", "machine", "talk"),
        ("hang_up", "machine", "hang_up"),
        ("hang_up", "after the tone", "hang_up"),
        ("hang_up", "human", "talk"),
        ("hang_up", "unknown", "talk"),
        ("message", "after the tone", "message"),
        ("message", "machine", "hang_up"),
        ("message", "human", "talk"),
    ],
)
async def test_a_machine_is_dealt_with_as_the_agent_wants(tmp_path: Path, machine: Any, who: Any, wanted: str) -> None:
    async with office(tmp_path, machine=machine) as made:
        await made.dialler.place(order())
        assert await made.dialler.found_out("order-1", CALL, who) == wanted
        intent = await made.intents.get("order-1")
        assert intent is not None
        assert intent.answered_by == who
        assert await made.dialler.found_out("order-9", CALL, who) == "talk"


async def test_a_hang_up_that_fails_is_no_disaster(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        await made.dialler.hang_up(CALL)
        made.rest.before_doing = Breaks(RefusedError(401, 20003, "Authenticate"))
        await made.dialler.hang_up(CALL)


def test_calls_leave_one_after_the_other_and_not_for_ever() -> None:
    bucket = Bucket(2)
    assert [bucket.turn(0.0) for _ in range(3)] == [0.0, 0.5, 1.0]
    assert bucket.turn(10.0) == 0.0
    slow = Bucket(0.1)
    assert (slow.turn(0.0), slow.turn(0.0)) == (0.0, 10.0)
    with pytest.raises(CallRefused) as caught:
        slow.turn(0.0)
    assert (caught.value.kind, caught.value.retry_after) == ("busy", 10.0)
    assert slow.turn(10.0) == 10.0
