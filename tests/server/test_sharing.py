"""A process that is alone: it counts its own calls, and everything is its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from front_door import CALL, FORM, PUBLIC, front_door
from telephony.agents.places import Cap, Full
from telephony.bridge.consultations import COLLEAGUE, ROOM, Consultations
from telephony.commands import HttpRequest
from telephony.links.http import HttpAnswer
from telephony.server.consulting import ConsultingWebhooks
from telephony.server.reception import Reception
from telephony.server.sharing import Alone, Seat, uncapped

DESK = Cap("agent", "desk", 1)


async def test_a_call_that_goes_on_counts_whatever_is_full() -> None:
    alone = Alone()
    assert await alone.take("a", [DESK]) is None
    alone.hold("b", [DESK])
    assert alone.places.count("agent", "desk") == 2
    assert await alone.take("c", [DESK]) == Full("agent", "desk", 2)


async def test_a_call_that_holds_its_place_holds_it_once() -> None:
    alone = Alone()
    await alone.take("a", [DESK])
    alone.hold("a", [DESK])
    alone.release("a")
    alone.release("a")
    assert alone.places.count("agent", "desk") == 0


async def test_a_process_that_had_no_call_does_not_linger() -> None:
    await Alone(afterword=3600).drained()


async def test_a_process_stays_until_the_carrier_has_asked_about_its_last_call() -> None:
    alone = Alone(afterword=0.1)
    await alone.take("a", [DESK])
    alone.release("a")
    began = asyncio.get_running_loop().time()
    alone.release("a")
    await alone.drained()
    assert asyncio.get_running_loop().time() >= began + 0.09


def test_a_seat_of_ones_own_is_not_shared() -> None:
    assert not Seat().is_shared
    assert Seat().sharing.name == ""


def test_counts_without_limits_are_the_same_counts() -> None:
    assert uncapped([DESK]) == (Cap("agent", "desk"),)


class Elsewhere(Alone):
    """A process whose calls are all another's, which answers with their ids."""

    async def elsewhere(self, request: web.Request, call_id: str) -> web.Response | None:
        return web.Response(status=202, text=call_id)


@pytest.mark.parametrize("path", ["/twilio/voice", "/twilio/status", "/twilio/stream-ended", "/twilio/dial-ended"])
async def test_the_owner_of_a_call_is_asked_for_every_answer(tmp_path: Path, path: str) -> None:
    async with front_door(tmp_path) as door:
        door.reception.sharing = Elsewhere()
        assert await door.post(path) == (202, CALL)
        assert (await door.post(path, signature="forged"))[0] == 403, "strangers are turned away before that"


async def test_what_is_told_of_a_call_to_a_colleague_goes_to_the_owner_of_the_callers(tmp_path: Path) -> None:
    async def perform(request: HttpRequest) -> HttpAnswer:
        raise AssertionError(request)

    def consulting(reception: Reception) -> ConsultingWebhooks:
        return ConsultingWebhooks(reception, Consultations(perform, reception.account, PUBLIC))

    async with front_door(tmp_path, consulting=consulting) as door:
        door.reception.sharing = Elsewhere()
        form = [("CallSid", "CA" + "9" * 32), *FORM[1:]]
        for path in (ROOM, COLLEAGUE):
            assert await door.post(f"{path}?room={CALL}-0123abcd", form) == (202, CALL)
