"""Sessions with a model grow old: another one takes over between two turns, and the caller notices nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from rehearsals import WINDOW, longest_wait, rehearse
from telephony.audio.format import MULAW_8K
from telephony.commands import EndCall
from telephony.rehearsal import Rehearsal
from telephony.settings import Limits
from telephony.sim.hearing import audible

TURNS = 18
GREETING = {"on": "greeting", "say": "Thanks for calling."}
QUESTIONS = [f"Question number {number}, please?" for number in range(TURNS)]
ANSWERS = [f"This is the answer to question number {number}, as you wished." for number in range(TURNS)]


def known(number: int) -> list[str]:
    """What stands in the conversation once when a question is asked."""
    return [GREETING["say"], *QUESTIONS[: number + 1], *ANSWERS[:number]]


REPLIES = [GREETING] + [
    {"on": "speech", "hears": question, "say": answer, "knows_once": known(number)}
    for number, (question, answer) in enumerate(zip(QUESTIONS, ANSWERS, strict=True))
]
STEPS: list[Any] = [{"wait": "agent"}]
for _question in QUESTIONS:
    STEPS += [{"pause": 2.5}, {"say": _question}, {"wait": "agent"}]
STEPS.append("hang_up")
LIMITED = {"sessions": "continue", "session_limit_s": 30}


def three_minutes(profile: str, *, rotated: bool, **changes: Any) -> Rehearsal:
    """The conversation of eighteen turns, with a provider that ends a session after 30 s or with one that does not."""
    if not rotated:
        return rehearse(STEPS, REPLIES, profile=profile, latency=0.03)
    others = [LIMITED | {"replies": REPLIES}] * 20
    values = {"limits": Limits(session=25), "others": others, **changes}
    return rehearse(STEPS, REPLIES, profile=profile, latency=0.03, model=LIMITED, **values)


def waits(call: Rehearsal) -> list[float]:
    """Seconds from the end of each of the caller's turns to the first sound of the answer, by the caller's ear."""
    found, asked = [], None
    for seen in call.caller.observations:
        if seen.kind == "caller quiet":
            asked = seen.at
        elif seen.kind == "agent speaks" and asked is not None:
            found.append(seen.at - asked)
            asked = None
    return found


def longest_gap(call: Rehearsal) -> float:
    """Seconds: the longest silence within what the agent says."""
    heard = call.caller.heard(call.clock.now)
    longest = 0.0
    begun: int | None = None
    for seen in call.caller.observations:
        if seen.kind == "agent speaks":
            begun = round(seen.at * MULAW_8K.rate)
        elif seen.kind == "agent quiet" and begun is not None:
            gap = 0
            for at in range(begun, round((seen.at - 0.6) * MULAW_8K.rate), WINDOW):
                gap = 0 if audible(heard[at : at + WINDOW]) else gap + WINDOW
                longest = max(longest, gap / MULAW_8K.rate)
    return longest


def said(call: Rehearsal) -> list[str]:
    return [turn.heard for turn in call.exchange.conversation.turns(call.clock.now)]


WHOLE = [GREETING["say"], *(text for turn in zip(QUESTIONS, ANSWERS, strict=True) for text in turn)]


def complaints(call: Rehearsal) -> list[str]:
    """Of the models, about what the client did, and about what they did not know."""
    return [fault.code for model in call.models for fault in model.faults] + [u for m in call.models for u in m.unmet]


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_three_minutes_over_sessions_of_thirty_seconds_sound_like_one(profile: str) -> None:
    plain, rotated = three_minutes(profile, rotated=False), three_minutes(profile, rotated=True)
    assert rotated.ending == EndCall("completed", "caller", "caller hung up")
    assert rotated.clock.now > 150
    assert len(rotated.models) >= 6
    assert said(plain) == said(rotated) == WHOLE
    assert complaints(rotated) == []
    assert len(waits(rotated)) == TURNS
    assert all(after - before <= 0.3 for before, after in zip(waits(plain), waits(rotated), strict=True))
    assert longest_gap(rotated) <= 0.3
    assert not rotated.exchange.conversation.state.tally.notes, "it is nothing to remember"


def test_an_agent_that_looks_things_up_is_not_replaced_in_the_middle_of_it() -> None:
    """A tool of six seconds runs when the session has grown old; its answer is heard before the next one takes over."""
    call_it = {"name": "lookup_order", "arguments": {"order_id": "A"}}
    replies = [GREETING, {"on": "speech", "hears": "Where is it?", "call": call_it}, {"on": "tool", "say": "Shipped."}]
    steps = [{"wait": "agent"}, {"say": "Where is it?"}, {"wait": "agent"}, {"pause": 3}, "hang_up"]
    call = rehearse(
        steps, replies, model={"sessions": "continue"}, others=[{"sessions": "continue", "replies": replies}],
        tools={"lookup_order": lambda _: (6.0, {"status": "shipped"})}, limits=Limits(session=5),
    )  # fmt: skip
    took_over = next(at for at, note in call.notes if note.event == "another session took over")
    answered = next(seen.at for seen in reversed(call.caller.observations) if seen.kind == "agent speaks")
    assert took_over > answered > 9
    assert complaints(call) == []
    assert said(call) == ["Thanks for calling.", "Where is it?", "Shipped."]


# -- no turn boundary in time ----------------------------------------------------------------------------------------

STORY = "It began when I moved to another town, " * 4
"""More than nine seconds of it."""


@pytest.mark.parametrize("profile", ["xai", "openai"])
@pytest.mark.parametrize("told", [STORY, STORY * 3], ids=["shorter than what is kept", "longer than what is kept"])
def test_a_caller_who_talks_beyond_the_providers_limit_is_answered_once_by_the_next(profile: str, told: str) -> None:
    model = {"sessions": "continue", "session_limit_s": 10}
    answer = {"on": "speech", "hears": "I moved.", "say": "I am sorry to hear it."}
    others: list[Any] = [{**model, "replies": [GREETING, answer]}] * 9
    steps = [{"wait": "agent"}, {"say": told}, {"wait": "agent"}, {"pause": 2}, "hang_up"]
    call = rehearse(steps, [GREETING, answer], profile=profile, model=model, others=others, limits=Limits(session=6))
    assert call.ending == EndCall("completed", "caller", "caller hung up")
    assert [fault.code for it in call.models for fault in it.faults] == []
    agents = [turn.heard for turn in call.exchange.conversation.turns(call.clock.now) if turn.speaker == "agent"]
    assert agents == ["Thanks for calling.", "I am sorry to hear it."]
    assert longest_wait(call) <= 3


# -- nobody to take over ---------------------------------------------------------------------------------------------


def test_where_no_other_session_is_to_be_had_the_old_one_goes_on_and_it_is_tried_again() -> None:
    call = rehearse(
        STEPS, REPLIES, model={"sessions": "continue"}, limits=Limits(session=25),
        others=["all sessions are taken", "all sessions are taken", {"sessions": "continue", "replies": REPLIES}],
    )  # fmt: skip
    assert said(call) == WHOLE
    assert complaints(call) == []
    assert len(call.models) == 2
    tried = [at for at, note in call.notes if note.event == "looking for another session"]
    assert [round(later - earlier) for earlier, later in pairwise(tried[:3])] == [30, 30]
    (note, *_) = call.exchange.conversation.state.tally.notes
    assert note.startswith("No other session could be opened: all sessions are taken")


def test_a_session_that_never_becomes_ready_does_not_take_over() -> None:
    deaf = {"profile": "openai", "never_ready": True}
    call = rehearse(STEPS, REPLIES, others=[deaf] * 9, limits=Limits(session=25))
    assert said(call) == WHOLE
    assert complaints(call) == []
    assert "it did not acknowledge the session in time" in call.exchange.conversation.state.tally.notes[0]
