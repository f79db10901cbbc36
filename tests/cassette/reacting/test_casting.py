"""The recorded caller as a simulated one: its sounds, and what releases each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recorded_calls import ANSWERS, ASKS, ORDER, QUIET, scene
from rehearsals import hum
from telephony.audio.g711 import mulaw_to_pcm
from telephony.cassette.reacting.casting import cast, unbroken
from telephony.sim.caller_script import HangUp, Pause, Play, Press, Step, WaitForEnd, WaitForTurn
from telephony.sim.hearing import audible

PROFILES = pytest.mark.parametrize("profile", ["xai", "openai"])


def steps_of(steps: list[Any], replies: list[dict[str, Any]], **options: Any) -> list[Step]:
    return list(cast(scene(steps, replies, **options))[0].steps)


@PROFILES
def test_every_turn_is_one_sound_without_the_silence_around_it(profile: str) -> None:
    script, sounds = cast(scene(ORDER, ANSWERS, profile=profile))
    assert [step.name for step in script.steps if isinstance(step, Play)] == ["turn 1", "turn 2", "turn 3"]
    for step, said in zip(ORDER[1:6:2], sounds.values(), strict=True):
        assert len(said) == pytest.approx(len(hum(step["say"])), abs=200)
        assert audible(said[:160])
        assert audible(said[-160:])


@PROFILES
def test_turns_are_anchored_to_what_the_agent_did(profile: str) -> None:
    after, first, over, second, then, third, end = steps_of(ORDER, ANSWERS, profile=profile)
    assert (after, then) == (WaitForTurn(600, None, 3600), WaitForTurn(600, None, 3600))
    assert isinstance(over, WaitForTurn)
    assert over.into_ms
    filler = len(hum("Let me look.")) // 8
    assert 0 < over.into_ms - filler < 3000
    assert (first, second, third, end) == (Play("turn 1"), Play("turn 2"), Play("turn 3"), WaitForEnd())


def test_a_pause_for_thought_before_an_answer_is_kept() -> None:
    steps = [ORDER[0], {"pause": 2.0}, *ORDER[1:]]
    assert steps_of(steps, ANSWERS)[0] == WaitForTurn(2600, None, 5600)


@PROFILES
def test_silence_that_made_the_agent_ask_stays_as_long(profile: str) -> None:
    steps = steps_of(QUIET, ASKS, profile=profile)
    assert steps[1:4] == [Press("1"), Press("2"), Press("#")]
    waits = [step for step in steps[6:] if isinstance(step, WaitForTurn)]
    assert [step.into_ms for step in waits] == [None] * 3 + [500]
    silences = [step.silence_ms / 1000 for step in waits[:3]]
    assert silences == pytest.approx([3.6, 13.4, 11.4], abs=0.1)
    assert steps[-1] == HangUp()


@pytest.mark.parametrize("latency_ms", [400, 405, 411, 419])
def test_a_short_question_is_heard_wherever_in_a_frame_it_begins(latency_ms: int) -> None:
    steps = [{"say": "Hello there."}, *[{"wait": "agent"}] * 3, {"pause": 3}, "hang_up"]
    asks = [ASKS[1], {"on": "prompt", "say": "Are you?"}, {"on": "prompt", "say": "Anybody?"}]
    waits = steps_of(steps, asks, model={"latency_ms": latency_ms})[1:-1]
    silences = [step.silence_ms / 1000 for step in waits if isinstance(step, WaitForTurn)]
    assert silences == pytest.approx([3.6, 13.4, 14.5], abs=0.1)


def test_a_caller_who_goes_on_before_anybody_answers_goes_on_after_the_same_pause() -> None:
    steps = [*ORDER[:2], {"pause": 1.2}, {"say": "And when?"}, {"wait": "agent"}]
    answers = [ANSWERS[0], {"on": "speech"}, {"on": "speech", "say": "Soon."}]
    found = steps_of(steps, answers, model={"latency_ms": 2500})
    assert [type(step) for step in found] == [WaitForTurn, Play, Pause, Play, WaitForTurn, HangUp]
    assert found[2] == Pause(1.2)


def test_a_caller_who_says_hello_into_a_long_silence_does_so_unless_it_is_answered() -> None:
    steps = [*ORDER[:2], {"pause": 3.0}, {"say": "Hello?"}, {"wait": "agent"}]
    answers = [ANSWERS[0], {"on": "speech"}, {"on": "speech", "say": "Soon."}]
    assert steps_of(steps, answers, model={"latency_ms": 4500})[2] == WaitForTurn(silence_ms=3000)


def test_where_the_agent_never_hung_up_the_caller_does() -> None:
    assert steps_of([{"wait": "agent"}, {"pause": 1}], ANSWERS)[-1] == HangUp()
    assert steps_of([{"wait": "agent"}, {"wait": "end"}], ANSWERS, patience=90)[-1] == WaitForEnd()
    lost = steps_of(ORDER[:2], [ANSWERS[0], {"on": "speech", "say": "Let me", "close": 1011}], others=["gone"] * 9)
    assert lost[-1] == HangUp()


def test_a_pause_inside_of_a_turn_is_filled_with_what_only_a_keen_ear_hears() -> None:
    loud = hum("abcde")
    sound = unbroken(loud + b"\xff" * 8000 + loud)
    assert sound[: len(loud)] == loud
    assert sound[-len(loud) :] == loud
    pause = sound[len(loud) : -len(loud)]
    assert not any(audible(pause[at : at + 160]) for at in range(0, 8000, 160))
    levels = np.frombuffer(mulaw_to_pcm(pause), "<i2").astype(float).reshape(-1, 80)
    assert ((levels**2).mean(axis=1) >= 40**2).all()


def test_the_shortest_turn_is_no_click() -> None:
    assert len(unbroken(b"\x80" * 10)) == 800
