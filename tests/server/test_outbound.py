"""What the carrier posts of the calls that we place. Whole calls are in tests/e2e/test_outbound.py; here is what goes
wrong: strangers, databases that do not answer, agents that are gone."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from front_door import CALL, FORM, PUBLIC, FrontDoor, front_door
from telephony.bridge.dialler import ANSWERED, MACHINE, STATUS, Bucket, Dialler, Terms
from telephony.commands import HttpRequest
from telephony.errors import StoreError
from telephony.links.http import HttpAnswer
from telephony.server.outbound import Outbound
from telephony.store.intents import Intent
from telephony.store.sql import SqlStore
from telephony.store.sql_intents import SqlIntents

INTENT = Intent("order-1", "+15550142", "+15550100", "frontdesk", created_at=datetime.now(UTC))


class Desk:
    """A front door that places calls, its database, and what it asked the carrier for."""

    def __init__(self, door: FrontDoor, store: SqlStore, asked: list[HttpRequest]) -> None:
        self.door = door
        self.store = store
        self.intents = SqlIntents(store)
        self.asked = asked

    async def post(self, path: str, *more: tuple[str, str], intent: str = "order-1") -> tuple[int, str]:
        return await self.door.post(f"{path}?intent={intent}", [*FORM[:4], *more])

    async def intent(self) -> Intent:
        found = await self.intents.get("order-1")
        assert found is not None
        return found


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = SqlStore(f"sqlite:///{tmp_path / 'calls.db'}")
    await store.open()
    asked: list[HttpRequest] = []

    async def perform(request: HttpRequest) -> HttpAnswer:
        asked.append(request)
        return HttpAnswer(200, {})

    def made(account: Any) -> Outbound:
        terms = {"frontdesk": Terms(ring=30, time_limit=600, machine="hang_up")}
        dialler = Dialler(perform, account, SqlIntents(store), PUBLIC, terms.get, lambda number, now: None, Bucket(1))
        return Outbound(dialler, lambda agent: "Please call back.")

    async with contextlib.AsyncExitStack() as stack:
        door = await stack.enter_async_context(front_door(tmp_path, outbound=made))
        stack.push_async_callback(store.close)
        yield Desk(door, store, asked)


def verbs(document: str) -> list[str]:
    return [verb.tag for verb in ET.fromstring(document)]  # noqa: S314  our own answer


async def test_whoever_answers_is_connected_to_the_agent_who_wants_them(desk: Desk) -> None:
    await desk.intents.add(INTENT)
    status, text = await desk.post(ANSWERED)
    assert (status, verbs(text)) == (200, ["Connect"])
    parameters = {one.get("name"): one.get("value") for one in ET.fromstring(text)[0][0]}  # noqa: S314  our own answer
    reception = desk.door.reception
    ticket = reception.tokens.redeem(str(parameters["token"]), CALL, reception.now)
    assert (ticket.agent, ticket.direction) == ("frontdesk", "outbound")
    assert ((await desk.intent()).state, (await desk.intent()).carrier_call_id) == ("in-progress", CALL)


async def test_a_call_that_nobody_asked_for_is_hung_up(desk: Desk) -> None:
    assert verbs((await desk.post(ANSWERED, intent="order-9"))[1]) == ["Hangup"]


async def test_a_call_that_is_over_is_not_answered_again(desk: Desk) -> None:
    await desk.intents.add(INTENT)
    await desk.post(STATUS, ("CallStatus", "completed"))
    assert verbs((await desk.post(ANSWERED))[1]) == ["Hangup"]


async def test_an_agent_who_is_gone_speaks_with_nobody(desk: Desk) -> None:
    await desk.intents.add(Intent("order-1", "+15550142", "+15550100", "nobody", created_at=INTENT.created_at))
    assert verbs((await desk.post(ANSWERED))[1]) == ["Hangup"]


@pytest.mark.parametrize("path", [ANSWERED, STATUS, MACHINE])
async def test_what_is_not_signed_is_refused(desk: Desk, path: str) -> None:
    await desk.intents.add(INTENT)
    assert (await desk.door.post(f"{path}?intent=order-1", signature="forged"))[0] == 403
    assert (await desk.door.post(f"{path}?intent=order-1", url=f"{PUBLIC}{path}?intent=order-2"))[0] == 403
    assert (await desk.intent()).state == "placing"


async def test_the_model_is_reached_while_it_rings(desk: Desk) -> None:
    await desk.intents.add(INTENT)
    assert (await desk.post(STATUS, ("CallStatus", "ringing")))[0] == 204
    await desk.door.upstream.reached.wait()
    assert (await desk.intent()).state == "ringing"


async def test_why_a_call_failed_is_kept(desk: Desk) -> None:
    await desk.intents.add(INTENT)
    await desk.post(STATUS, ("CallStatus", "failed"), ("SipResponseCode", "404"))
    assert ((await desk.intent()).state, (await desk.intent()).reason) == ("failed", "SIP 404")


async def test_a_machine_that_no_stream_has_reached_is_hung_up_on_at_the_carrier(desk: Desk) -> None:
    await desk.intents.add(INTENT)
    assert (await desk.post(MACHINE, ("AnsweredBy", "machine_start")))[0] == 204
    assert [request.purpose for request in desk.asked] == ["hang up"]
    assert (await desk.intent()).answered_by == "machine"


async def test_a_person_is_left_alone(desk: Desk) -> None:
    await desk.intents.add(INTENT)
    assert (await desk.post(MACHINE, ("AnsweredBy", "human")))[0] == 204
    assert desk.asked == []


async def test_without_a_database_the_carrier_is_told_to_come_back(desk: Desk) -> None:
    await desk.intents.add(INTENT)
    await desk.store.close()
    assert (await desk.post(STATUS, ("CallStatus", "ringing")))[0] == 503
    assert (await desk.post(MACHINE, ("AnsweredBy", "human")))[0] == 503
    assert verbs((await desk.post(ANSWERED))[1]) == ["Hangup"]
    with pytest.raises(StoreError):
        await desk.intents.get("order-1")
