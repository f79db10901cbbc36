"""Colleagues who are asked before a caller is put through: who is there, who is let go, and who is brought back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from ringers import Clock, cycles
from telephony.bridge.consultations import SLACK, Consultations, Consulted
from telephony.carriers.base import Announcement, StatusUpdate
from telephony.carriers.twilio_account import TwilioAccount
from telephony.commands import HttpRequest
from telephony.errors import CarrierRefused
from telephony.links.http import HttpAnswer
from telephony.settings import TwilioSettings

CALL, LEG = "CA" + "1" * 32, "CA" + "2" * 32
SETTINGS = TwilioSettings(account_sid="AC" + "0" * 32, auth_token=SecretStr("secret"))


class Desk:
    """Consultations, and what they ask of the carrier, which places one call."""

    def __init__(self) -> None:
        self.asked: list[HttpRequest] = []
        self.place: Any = HttpAnswer(201, {"sid": LEG, "status": "queued"})
        """The answer to the call, an error, or a future of one."""
        account = TwilioAccount("https://voice.example.com", SETTINGS)
        self.consultations = Consultations(self._perform, account, "https://voice.example.com")
        self.consulting: asyncio.Task[Consulted] | None = None

    async def _perform(self, request: HttpRequest) -> HttpAnswer:
        self.asked.append(request)
        if request.purpose != "create call":
            return HttpAnswer(200)
        answer = await self.place if isinstance(self.place, asyncio.Future) else self.place
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def ask(self, to: str = "+14155552671") -> str:
        """Call somebody; the room in which they will wait."""
        work = self.consultations.consult(CALL, to, "+14155550100", Announcement("Ann."), ring=20, time_limit=60)
        self.consulting = asyncio.get_running_loop().create_task(work, name="consulting")
        await cycles()
        twiml = dict(self.asked[0].form).get("Twiml", "") if self.asked else ""
        return twiml.partition("</Conference>")[0].rpartition(">")[2]

    def told(self, room: str, status: Any) -> str:
        return self.consultations.told(room, StatusUpdate(LEG, status))

    async def outcome(self) -> Consulted:
        assert self.consulting is not None
        return await self.consulting

    async def hung_up(self) -> list[str]:
        """Whom the carrier was asked to hang up on."""
        await self.consultations.close()
        return [request.url.rpartition("/")[2].removesuffix(".json") for request in self.asked[1:]]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_who_comes_into_the_room_is_there(desk: Desk) -> None:
    room = await desk.ask()
    desk.told(room, "ringing")
    desk.consultations.joined(room, LEG)
    assert await desk.outcome() == Consulted(room, "in-progress")
    assert desk.consultations.waits(room)
    desk.consultations.joined(room, CALL)
    desk.consultations.release(CALL)
    assert desk.told(room, "completed") == "", "they have spoken with each other"
    assert not desk.consultations.waits(room)
    assert await desk.hung_up() == []


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled", "completed"])
async def test_whose_call_ends_before_they_are_there_does_not_take_it(desk: Desk, status: Any) -> None:
    room = await desk.ask()
    assert desk.told(room, status) == ""
    assert await desk.outcome() == Consulted("", status)
    assert not desk.consultations.waits(room)


async def test_a_caller_on_the_way_is_brought_back_when_nobody_waits_any_more(desk: Desk) -> None:
    room = await desk.ask()
    desk.consultations.joined(room, LEG)
    assert desk.told(room, "completed") == CALL
    assert desk.told(room, "completed") == "", "the carrier says it twice"
    await desk.outcome()


async def test_who_does_not_come_in_time_is_hung_up_on() -> None:
    clock, desk = Clock(), Desk()
    room = await desk.ask()
    await clock.forward(20 + SLACK + 1)
    assert await desk.outcome() == Consulted("", "no-answer")
    assert not desk.consultations.waits(room)
    assert await desk.hung_up() == [LEG]


async def test_a_carrier_that_refuses_the_call_is_answer_enough(desk: Desk) -> None:
    desk.place = CarrierRefused("no such number", 400)
    await desk.ask()
    assert await desk.outcome() == Consulted("", "failed")
    assert await desk.hung_up() == []


async def test_a_caller_id_that_is_none_is_no_reason_to_fall_silent(desk: Desk) -> None:
    await desk.ask("911")
    assert (await desk.outcome()).outcome == "failed"
    assert desk.asked == []


async def test_who_is_not_wanted_any_more_is_hung_up_on_once_their_call_is_known(desk: Desk) -> None:
    desk.place = asyncio.get_running_loop().create_future()
    await desk.ask()
    assert desk.consulting is not None
    desk.consulting.cancel()
    await cycles()
    assert len(desk.asked) == 1
    desk.place.set_result(HttpAnswer(201, {"sid": LEG, "status": "queued"}))
    assert await desk.hung_up() == [LEG]


async def test_a_call_that_nobody_was_told_of_makes_itself_known_and_is_hung_up(desk: Desk) -> None:
    desk.place = asyncio.get_running_loop().create_future()
    room = await desk.ask()
    assert desk.consulting is not None
    desk.consulting.cancel()
    desk.place.set_exception(CarrierRefused("the answer was lost", 500))
    await cycles()
    assert desk.told(room, "ringing") == ""
    assert await desk.hung_up() == [LEG]


async def test_who_waits_in_vain_is_let_go_but_not_in_the_room_the_caller_goes_to(desk: Desk) -> None:
    room = await desk.ask()
    desk.consultations.joined(room, LEG)
    await desk.outcome()
    desk.consultations.release(CALL, but=room)
    assert desk.consultations.waits(room)
    desk.consultations.release("CA" + "9" * 32)
    assert desk.consultations.waits(room)
    desk.consultations.release(CALL)
    assert not desk.consultations.waits(room)
    assert await desk.hung_up() == [LEG]


async def test_rooms_that_nobody_opened_are_nobodys(desk: Desk) -> None:
    desk.consultations.joined("elsewhere", LEG)
    assert desk.told("elsewhere", "ringing") == ""
    assert desk.told("elsewhere", "completed") == ""
    assert desk.asked == []
