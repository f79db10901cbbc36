"""A call as the switchboard keeps it."""

from __future__ import annotations

import asyncio
import re

from telephony.simulate.live import LiveCall, Source, new_sid


def live() -> LiveCall:
    return LiveCall(new_sid("CA"), new_sid("AC"), "+15550142", "+15550100", 60)


def test_ids_have_twilios_form_and_are_new() -> None:
    assert re.fullmatch(r"MZ[0-9a-f]{32}", new_sid("MZ"))
    assert new_sid("CA") != new_sid("CA")


async def test_an_instruction_is_taken_once_and_a_hang_up_stands() -> None:
    call = live()
    assert call.take_told() is None
    call.tell(Source(url="https://one.example"))
    call.tell(Source(url="https://two.example"))
    assert call.take_told() == Source(url="https://two.example")
    assert call.take_told() is None
    call.tell("hang up")
    call.tell(Source(url="https://three.example"))
    assert call.take_told() == call.take_told() == "hang up"


async def test_a_pause_ends_early_when_something_comes_from_outside() -> None:
    call = live()
    assert await call.pause(0.01) is False
    asyncio.get_running_loop().call_soon(call.tell, "hang up")
    assert await call.pause(60) is True


async def test_being_woken_for_nothing_does_not_end_a_pause() -> None:
    call = live()
    call.attention.set()
    assert await call.pause(0.01) is False


async def test_a_call_is_answered_once_and_ends_once() -> None:
    call = live()
    assert (call.status, call.over) == ("ringing", False)
    call.answer()
    call.finish("completed")
    call.finish("failed")
    call.answer()
    assert (call.status, call.over, call.duration) == ("completed", True, 0)
