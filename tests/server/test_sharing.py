"""A process that is alone: it counts its own calls, and everything is its own."""

from __future__ import annotations

import asyncio

from telephony.agents.places import Cap, Full
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
