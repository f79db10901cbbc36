"""Calls are placed as their agents want them. Twilio is a simulated one, the database a real one; what becomes of them
in a whole process is in tests/e2e/test_outbound.py."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from asked import PUBLIC
from placing import CALL, Breaks, office, order
from telephony.bridge.dialler import Bucket, CallRefused
from telephony.simulate.refusals import RefusedError

pytestmark = pytest.mark.timeout(30)


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
