"""Whole calls on a virtual clock: what the caller's own playout buffer says against what we told the model."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from rehearsals import HANG_UP, LOOKUP, STEPS, rehearse, story
from telephony.rehearsal import Rehearsal, Said
from telephony.settings import AUDIO_FORMATS, SessionConfig
from telephony.sim.caller_faults import CallerFaults
from telephony.sim.caller_script import CallerScript
from telephony.sim.clockwork import Port

STORY = story(order_id="A")


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_greeting_tool_barge_in_and_goodbye_leave_nothing_to_complain_about(profile: str) -> None:
    call = rehearse(STEPS, STORY, profile=profile)
    assert call.ending
    assert (call.ending.result, call.ending.by) == ("completed", "agent")
    assert call.caller.ended_by == "agent"
    assert call.caller.warnings == []
    assert call.model.faults == []
    assert call.caller.unmet + call.model.unmet == []
    turns = call.exchange.conversation.turns(call.clock.now)
    speakers = [turn.speaker for turn in turns]
    assert speakers == ["agent", "caller", "agent", "agent", "caller", "agent", "caller", "agent"]
    assert turns[3].interrupted
    assert turns[3].heard
    assert turns[3].unheard
    assert not call.exchange.conversation.state.tally.notes


@pytest.mark.parametrize("audio", ["pcmu", "pcm16-8k", "pcm16-16k"])
def test_every_audio_format_of_xai_works_through_a_whole_call(audio: str) -> None:
    session = SessionConfig(audio=AUDIO_FORMATS[audio], tools=(LOOKUP, HANG_UP))
    call = rehearse(STEPS, STORY, session=session)
    assert call.caller.warnings == []
    assert call.model.faults == []
    assert call.caller.unmet + call.model.unmet == []


def test_the_same_rehearsal_is_the_same_to_the_last_message() -> None:
    def messages() -> list[str]:
        seen: list[str] = []
        script = CallerScript.parse({"steps": STEPS})
        del script
        call = rehearse(STEPS, STORY, faults=CallerFaults(seed=3, marks_late_ms=200, jitter_ms=50))
        seen += [f"{at:.6f} {note}" for at, note in call.notes]
        seen.append(call.caller.heard(call.clock.now).hex())
        return seen

    assert messages() == messages()


# -- truncation against the caller's own buffer --------------------------------------------------------------------


class Truth:
    """What the caller's buffer had played of each item when the clear arrived, beside what the model was told."""

    def __init__(self) -> None:
        self.told: dict[str, int] = {}
        self.played: dict[str, float] = {}
        self.lost: dict[str, float] = {}
        """Milliseconds: all that was received of an item that was cleared before it was sent."""

    def watch(self, call: Rehearsal) -> None:
        call.clock.listen(lambda now, origin, to, message: self._see(call, now, to, message))

    def _see(self, call: Rehearsal, now: float, to: Port, message: Any) -> None:
        if not isinstance(message, str):
            return
        data = json.loads(message)
        if to.station == "model 0" and data["type"] == "conversation.item.truncate":
            self.told[data["item_id"]] = data["audio_end_ms"]
        if to.station == "model 0" and data["type"] == "conversation.item.delete":
            self.told[data["item_id"]] = 0
        if to.station == "caller" and data["event"] == "clear":
            first = 0.0
            for item in call.exchange.conversation.state.playback.items.values():
                last = first + item.sent / 3
                played = call.caller.playout.played_of(round(first), round(last), now) / 8
                if item.item_id not in self.played:
                    self.played[item.item_id] = played
                    self.lost[item.item_id] = item.received / 24 - played
                first = last


def scenario(seed: int) -> tuple[list[Any], list[dict[str, Any]], CallerFaults, list[int], str]:
    rng = random.Random(seed)
    first = rng.choice([{"agent_ms": rng.randrange(40, 6000)}, {"agent_ms": rng.randrange(20, 200)}, "agent"])
    second = rng.choice([{"agent_ms": rng.randrange(40, 3000)}, "agent"])
    steps: list[Any] = [{"wait": "agent"}, {"say": "Where is my order?"}]
    if rng.random() < 0.3:  # talk on while the answer is only being made: before its first frame
        steps += [{"pause": rng.uniform(0.3, 1.2)}, {"say": "Hello?"}]
    steps += [{"wait": first}, {"say": "Just the day."}, {"wait": second}, {"say": "Thank you."}, {"pause": 3}]
    steps += ["hang_up"]
    replies = [
        {"on": "greeting", "say": "Thanks for calling."},
        *[{"on": "speech", "hears": "…", "say": "word " * rng.randrange(2, 30)} for _ in range(5)],
    ]
    low = rng.randrange(20, 400)
    faults = CallerFaults(
        seed=seed,
        marks_lost=rng.choice([0, 0.2, 1.0]),
        marks_late_ms=rng.choice([0, 80, 500]),
        marks_doubled=rng.choice([0, 0.3]),
        marks_unknown=rng.choice([0, 0.2]),
    )
    return steps, replies, faults, [low, rng.randrange(low, 901)], rng.choice(["xai", "openai"])


@pytest.mark.parametrize("decade", range(10))
def test_truncation_equals_what_the_callers_buffer_had_played(decade: int) -> None:
    barge_ins = 0
    for seed in range(decade * 10, decade * 10 + 10):
        steps, replies, faults, delta_ms, profile = scenario(seed)
        truth = Truth()
        call = rehearse(
            steps, replies, profile=profile, faults=faults, model={"delta_ms": delta_ms}, seed=seed,
            latency=0.02 * (seed % 3), prepare=truth.watch,
        )  # fmt: skip
        assert call.ending, seed
        for item_id, told in truth.told.items():
            barge_ins += 1
            assert abs(told - truth.played.get(item_id, 0)) <= 40, f"seed {seed}, item {item_id}"
        for item_id, lost in truth.lost.items():
            if lost > 40:
                assert item_id in truth.told, f"seed {seed}: {lost:.0f} ms of {item_id} were lost and nobody was told"
        crossed = ("cancel_without_response", "no_active_response")  # it ended while our message was on its way
        faults_of_ours = [f for f in call.model.faults if f.code not in crossed]
        assert not faults_of_ours, f"seed {seed}"
        assert not call.caller.warnings, f"seed {seed}"
    assert barge_ins >= 5


def test_a_tool_may_say_to_the_letter_what_it_answers_and_how_it_ended() -> None:
    steps: list[Any] = [{"wait": "agent"}, {"say": "Where is my order?"}, {"wait": "agent"}]
    call = rehearse(
        steps,
        [{"on": "greeting"}, {"on": "speech", "call": {"name": "lookup_order"}}, {"on": "tool", "say": "I am sorry."}],
        tools={"lookup_order": lambda _: (0.5, Said('{"error":"closed"}', "error"))},
    )
    (use,) = call.exchange.conversation.tool_uses
    assert (use.output, use.outcome) == ('{"error":"closed"}', "error")
