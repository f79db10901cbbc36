"""A caller that is told what the agent owes waits for its turn to speak."""

from __future__ import annotations

from typing import Any

from telephony.sim.caller_script import CallerScript, Play, WaitForTurn
from telephony.sim.noise import white_noise

SPEECH = white_noise(-20, 16_000)
SECOND = SPEECH[:8000]


def turns(wait: WaitForTurn) -> CallerScript:
    """Of somebody who waits, then speaks for a second."""
    return CallerScript((wait, Play("words"), WaitForTurn()), patience=20.0)


def test_it_comes_once_the_agent_has_finished_and_owes_nothing(dial: Any) -> None:
    owed = [True]
    call = dial(turns(WaitForTurn(quiet_ms=800)), sounds={"words": SECOND}, owed=lambda: owed[-1])
    call.send(1.0, dial.media(SECOND))
    call.until(9.0)
    assert call.when("caller speaks") == []
    owed.append(False)
    call.until(10.0)
    assert call.when("caller speaks") == [9.02]


def test_it_does_not_come_in_the_pause_before_the_rest_of_the_answer(dial: Any) -> None:
    owed = [True]
    call = dial(turns(WaitForTurn()), sounds={"words": SECOND}, owed=lambda: owed[-1])
    call.send(1.0, dial.media(SECOND))
    call.send(5.0, dial.media(SECOND))
    owed.append(False)
    call.until(9)
    assert call.when("caller speaks") == [6.6]


def test_whoever_talks_over_the_agent_has_heard_so_much_of_it_over_all_its_pauses(dial: Any) -> None:
    call = dial(turns(WaitForTurn(into_ms=1500)), sounds={"words": SECOND}, owed=lambda: True)
    call.send(1.0, dial.media(SECOND))
    call.send(5.0, dial.media(SECOND))
    call.until(9)
    assert call.when("caller speaks") == [5.5]


def test_an_answer_too_short_to_be_talked_over_is_followed(dial: Any) -> None:
    call = dial(turns(WaitForTurn(into_ms=1500)), sounds={"words": SECOND}, owed=lambda: False)
    call.send(1.0, dial.media(SECOND))
    call.until(9)
    assert call.when("caller speaks") == [2.6]


def test_an_agent_that_owes_nothing_and_says_nothing_is_spoken_to(dial: Any) -> None:
    call = dial(turns(WaitForTurn(silence_ms=3000)), sounds={"words": SECOND}, owed=lambda: False)
    call.until(30)
    assert call.when("caller speaks") == [3.0]
    assert call.caller.unmet == []


def test_a_turn_that_never_comes_is_told(dial: Any) -> None:
    call = dial(turns(WaitForTurn(into_ms=100)), sounds={"words": SECOND}, owed=lambda: True)
    call.until(30)
    assert call.caller.unmet == [
        "wait for a turn to speak or 100 ms of the agent's speech (step 1 of 3): did not happen within 20 s"
    ]
