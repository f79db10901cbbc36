"""What Twilio hears of a caller without a media stream, and what ends it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from offices import ShortVoice
from telephony.sim.caller import SimulatedCaller
from telephony.sim.caller_script import CallerScript
from telephony.simulate.listening import Bounds, Heard, listen
from telephony.simulate.live import LiveCall

pytestmark = pytest.mark.timeout(20)


async def heard(bounds: Bounds, *steps: Any, told: float | None = None) -> tuple[Heard, SimulatedCaller]:
    caller = SimulatedCaller(
        CallerScript.parse({"patience": 10, "steps": [*steps, {"wait": "end"}]}), ShortVoice("caller")
    )
    live = LiveCall("CA1", "AC1", "+15550142", "+15550100", 60)
    loop = asyncio.get_running_loop()
    if told is not None:
        loop.call_later(told, live.tell, "hang up")
    return await listen(caller, live, loop.time, bounds), caller


async def test_silence_ends_it_after_the_last_sound() -> None:
    what, caller = await heard(Bounds(0.3, 10), {"say": "Hello."})
    assert (what.end, what.spoken, what.keys) == ("silence", True, "")
    assert len(what.audio) >= 0.7 * 8000
    assert not caller.streaming, "the next stream can be opened"


async def test_silence_from_the_beginning_is_no_sound() -> None:
    what, _ = await heard(Bounds(0.2, 10))
    assert (what.end, what.spoken) == ("silence", False)


async def test_a_key_ends_it_and_is_not_among_the_keys() -> None:
    what, caller = await heard(Bounds(5, 10, "#"), {"press": "12#"})
    assert (what.end, what.keys) == ("key", "12")
    assert caller.unmet == []


async def test_enough_keys_end_it() -> None:
    what, _ = await heard(Bounds(5, 10, "#", 2, sounds=False), {"press": "12"})
    assert (what.end, what.keys) == ("enough", "12")


async def test_sounds_do_not_count_where_keys_are_waited_for() -> None:
    what, _ = await heard(Bounds(0.3, 10, sounds=False), {"say": "Hello."})
    assert (what.end, what.spoken) == ("silence", False)


async def test_the_longest_time_ends_it() -> None:
    what, _ = await heard(Bounds(5, 0.2), {"say": "Hello."})
    assert what.end == "full"


async def test_a_caller_who_hangs_up_ends_it() -> None:
    what, caller = await heard(Bounds(5, 10), {"say": "Hello."}, "hang_up")
    assert (what.end, what.spoken, caller.ended) == ("caller hung up", True, True)


async def test_the_rest_api_ends_it() -> None:
    what, caller = await heard(Bounds(5, 10), told=0.1)
    assert (what.end, caller.ended) == ("told otherwise", False)
