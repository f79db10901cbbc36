"""What the carrier posts of colleagues who are asked first. Whole calls are in tests/e2e/test_warm_transfer.py; here a
colleague goes when the caller is on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from front_door import CALL, FORM, PUBLIC, FrontDoor, front_door
from ringers import cycles
from telephony.bridge.away import Absent
from telephony.bridge.consultations import COLLEAGUE, ROOM, Consultations, Consulted
from telephony.carriers.base import Announcement
from telephony.commands import HttpRequest, Sending
from telephony.links.http import HttpAnswer
from telephony.records import CallRecord, Termination
from telephony.server.consulting import ConsultingWebhooks
from telephony.server.reception import NOBODY_THERE, Reception

LEG = "CA" + "4" * 32


class Desk:
    def __init__(self, door: FrontDoor, consultations: Consultations, asked: list[HttpRequest]) -> None:
        self.door = door
        self.consultations = consultations
        self.asked = asked

    async def ask(self) -> str:
        """Somebody is called and comes into the room; its name."""
        work = self.consultations.consult(
            CALL, "+14155552671", "+15550100", Announcement("Ann."), ring=20, time_limit=60
        )
        task = asyncio.get_running_loop().create_task(work, name="consulting")
        await cycles()
        twiml = dict(self.asked[0].form)["Twiml"]
        room = twiml.partition("</Conference>")[0].rpartition(">")[2]
        join = [("CallSid", LEG), ("StatusCallbackEvent", "participant-join")]
        assert await self.door.post(f"{ROOM}?room={room}", join) == (204, "")
        assert await task == Consulted(room, "in-progress")
        return room

    def send_on(self) -> None:
        """The caller is on the way to the room."""
        record = CallRecord("1", "twilio", CALL, "frontdesk", termination=Termination("completed", "agent", "sent"))
        absent = Absent(record, "frontdesk", Sending("mary", room="r"), "+15550142", "+15550100")
        self.door.reception.calls.away.hold(CALL, absent)

    async def leg_over(self, room: str) -> list[str]:
        """The colleague hangs up. What their caller is told to do then."""
        form = [("CallSid", LEG), ("CallStatus", "completed"), *FORM[1:4]]
        assert await self.door.post(f"{COLLEAGUE}?room={room}", form) == (204, "")
        return [dict(request.form)["Twiml"] for request in self.asked[1:] if CALL in request.url]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    asked: list[HttpRequest] = []
    made: list[Consultations] = []

    async def perform(request: HttpRequest) -> HttpAnswer:
        asked.append(request)
        return HttpAnswer(201, {"sid": LEG, "status": "queued"})

    def consulting(reception: Reception) -> ConsultingWebhooks:
        made.append(Consultations(perform, reception.account, PUBLIC))
        return ConsultingWebhooks(reception, made[0])

    async with front_door(tmp_path, consulting=consulting) as door:
        yield Desk(door, made[0], asked)
        await made[0].close()
        await door.reception.calls.away.close()


async def test_a_caller_on_the_way_goes_back_to_the_agent(desk: Desk) -> None:
    room = await desk.ask()
    desk.send_on()
    (document,) = await desk.leg_over(room)
    assert "<Connect" in document
    assert "/twilio/media" in document


async def test_a_caller_who_was_not_sent_yet_is_left_where_they_are(desk: Desk) -> None:
    assert await desk.leg_over(await desk.ask()) == []


async def test_a_process_that_stops_takes_nobody_back(desk: Desk) -> None:
    room = await desk.ask()
    desk.send_on()
    desk.door.reception.calls.draining = True
    (document,) = await desk.leg_over(room)
    assert NOBODY_THERE in document
    assert CALL not in desk.door.reception.calls.away


async def test_a_room_that_is_told_of_by_a_stranger_is_not_opened(desk: Desk) -> None:
    status, _ = await desk.door.post(f"{ROOM}?room=x", [("CallSid", LEG)], signature="")
    assert status == 403
