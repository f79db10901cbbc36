"""What goes with a call from one session to the next: function calls above all, and conversations that are resumed."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import msgspec
import pytest

from rehearsals import HANG_UP, LOOKUP, longest_wait, rehearse
from telephony.commands import EndCall
from telephony.rehearsal import Rehearsal
from telephony.settings import Limits, SessionConfig
from telephony.sim.model_memory import Known

GREETING = {"on": "greeting", "say": "Thanks for calling."}
ASK = "Where is my order?"
LOOK = {"name": "lookup_order", "arguments": {"order_id": "A"}}
LOOKS = {"on": "speech", "hears": ASK, "call": LOOK}
BYE = {"on": "speech", "hears": "Thank you, bye.", "say": "Goodbye."}
STEPS: list[Any] = [
    {"wait": "agent"}, {"say": ASK}, {"wait": "agent"}, {"pause": 3}, {"say": "Thank you, bye."}, {"wait": "agent"},
    "hang_up",
]  # fmt: skip
HANG_UP_BY_CALLER = EndCall("completed", "caller", "caller hung up")
CROSSED = ("cancel_not_active", "cancel_without_response")


class Shop:
    """A function that takes its time; how often it ran, and for what."""

    def __init__(self, *seconds: float) -> None:
        self.runs: list[str] = []
        self._seconds = seconds

    def __call__(self, arguments: dict[str, Any]) -> tuple[float, Any]:
        self.runs.append(arguments["order_id"])
        return self._seconds[(len(self.runs) - 1) % len(self._seconds)], {"status": "shipped"}


def handed_over(first: list[dict[str, Any]], then: list[dict[str, Any]], shop: Shop, **how: Any) -> Rehearsal:
    """A call that begins with one provider and goes on with the other."""
    start = how.pop("profile", "xai")
    others = [{"profile": "openai" if start == "xai" else "xai", "replies": then}]
    return rehearse(STEPS, [GREETING, *first], profile=start, others=others, tools={"lookup_order": shop}, **how)


def went_well(call: Rehearsal) -> None:
    assert [fault.code for model in call.models for fault in model.faults if fault.code not in CROSSED] == []
    assert call.models[-1].unmet == []
    assert call.ending == HANG_UP_BY_CALLER


def calls(items: list[Known]) -> list[tuple[str, str, str]]:
    """Function calls and outputs of a conversation, with where they come from."""
    return [(item.type, item.call_id, item.source) for item in items if item.type != "message"]


# -- functions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_a_function_still_running_is_answered_in_the_next_session_under_an_id_that_fits_there(profile: str) -> None:
    shop = Shop(3.0)
    then = [
        {"on": "tool", "knows_once": [ASK, "shipped"], "expect": {"lookup_order": "shipped"}, "say": "Shipped."},
        BYE,
    ]
    call = handed_over([LOOKS | {"close": 1011, "trouble_at": "done"}], then, shop, profile=profile)
    went_well(call)
    assert shop.runs == ["A"]
    ((_, made, _),) = calls(call.models[0].items)
    asked, answered = calls(call.models[1].items)
    assert (asked[0], answered[0]) == ("function_call", "function_call_output")
    assert asked[1] == answered[1]
    assert len(asked[1]) <= 32
    assert asked[1] == made or len(made) > 32


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_a_function_that_ends_while_nobody_is_there_is_told_with_its_output(profile: str) -> None:
    shop = Shop(0.5)
    then = [{"on": "resume", "knows_once": [ASK, "shipped"], "say": "Shipped."}, BYE]
    call = handed_over([LOOKS | {"close": 1011, "trouble_at": "done"}], then, shop, profile=profile, connect=1.5)
    went_well(call)
    assert shop.runs == ["A"]


@pytest.mark.parametrize("mishap", [{"close": 1011}, {"vanish": True}, {"freeze": True}], ids=str)
def test_a_function_that_was_answered_is_not_asked_for_again(mishap: dict[str, Any]) -> None:
    shop = Shop(0.3)
    first = [LOOKS, {"on": "tool", "say": "It has shipped and comes tomorrow.", **mishap}]
    steps = [*STEPS[:3], {"pause": 5.5}, *STEPS[4:]]
    then = [{"on": "resume", "knows_once": [ASK, 'shipped"'], "say": "tomorrow."}, BYE]
    call = rehearse(
        steps, [GREETING, *first], others=[{"profile": "openai", "replies": then}], tools={"lookup_order": shop}
    )
    went_well(call)
    assert shop.runs == ["A"]


def test_a_function_called_in_a_response_that_never_completed_is_not_run_and_may_be_called_again() -> None:
    shop = Shop(0.3)
    then = [
        {"on": "resume", "knows": [ASK], "knows_not": ["shipped", "lookup_order"], "call": LOOK},
        {"on": "tool", "knows_once": ["shipped"], "say": "Shipped."},
        BYE,
    ]
    call = handed_over([LOOKS | {"close": 1011, "trouble_at": "call"}], then, shop)
    went_well(call)
    assert shop.runs == ["A"]
    assert [use.outcome for use in call.exchange.conversation.tool_uses] == ["cancelled", "ok"]


def test_of_two_functions_the_answered_one_is_told_and_the_other_follows() -> None:
    shop = Shop(0.2, 3.0)
    both = [LOOK, {"name": "lookup_order", "arguments": {"order_id": "B"}}]
    first = [{"on": "speech", "hears": ASK, "calls": both}]
    then = [{"on": "tool", "knows_once": [ASK], "expect": {"lookup_order": "shipped"}, "say": "Both shipped."}, BYE]
    for at in (4.6, 5.5, 6.5):
        shop.runs.clear()
        call = handed_over(first, then, shop, model={"faults": [{"at_s": at, "vanish": True}]})
        went_well(call)
        assert shop.runs == ["A", "B"], at
        assert [kind for kind, *_ in calls(call.models[1].items)].count("function_call_output") == 2
        assert longest_wait(call) < 5


def test_what_was_to_be_said_while_a_function_runs_is_said_by_whoever_is_there() -> None:
    """The filler of a function is due when its session is lost; the next one says it, once."""
    slow = msgspec.structs.replace(LOOKUP, say="One moment.")
    then = [{"on": "prompt", "knows": [ASK], "say": "One moment."}, {"on": "tool", "say": "Shipped."}, BYE]
    call = handed_over(
        [LOOKS | {"close": 1011, "trouble_at": "done"}], then, Shop(4.0), session=SessionConfig(tools=(slow, HANG_UP))
    )
    went_well(call)
    agents = [turn.heard for turn in call.exchange.conversation.turns(call.clock.now) if turn.speaker == "agent"]
    assert agents == ["Thanks for calling.", "One moment.", "Shipped.", "Goodbye."]


# -- at random -----------------------------------------------------------------------------------------------------

STORY: dict[str, Any] = {
    "sessions": "continue",
    "replies": [
        GREETING, LOOKS, {"on": "tool", "say": "It has shipped."},
        {"on": "speech", "calls": [{"name": "lookup_order", "arguments": {"order_id": name}} for name in "BC"]},
        {"on": "tool", "say": "Both have shipped."},
    ],
}  # fmt: skip
TWO_QUESTIONS: list[Any] = [
    {"wait": "agent"}, {"say": ASK}, {"wait": "agent"}, {"pause": 1}, {"say": "And the other one please?"},
    {"wait": "agent"}, {"pause": 1}, "hang_up",
]  # fmt: skip


MISHAPS: list[dict[str, Any]] = [{"close": 1011}, {"vanish": True}, {"freeze": True}, {"close": 1001}, {"mute": True}]


@pytest.mark.parametrize("decade", range(10))
def test_in_no_schedule_of_drops_does_a_function_run_twice_or_an_output_go_without_its_call(decade: int) -> None:
    """Two hundred calls that lose one to three sessions around their function calls. The simulated models complain of
    an output without its call, and of a second one."""
    for seed in range(decade * 20, decade * 20 + 20):
        rng = random.Random(seed)
        doomed = [{"at_s": round(rng.uniform(0.3, 9), 2), **rng.choice(MISHAPS)} for _ in range(rng.choice([1, 2, 3]))]
        first, *others = [{**STORY, "faults": [mishap]} for mishap in doomed]
        shop = Shop(*rng.choices([0.05, 0.4, 1.5, 3.0], k=3))
        call = rehearse(
            TWO_QUESTIONS, [], model=first, others=[*others, *[STORY] * 3], tools={"lookup_order": shop}, seed=seed,
            profile=rng.choice(["xai", "openai"]), latency=rng.choice([0, 0.05]), connect=rng.choice([0.05, 0.3, 1.5]),
            limits=Limits(replacements=3),
        )  # fmt: skip
        faults = [fault for model in call.models for fault in model.faults if fault.code not in CROSSED]
        assert not faults, seed
        assert max(Counter(shop.runs).values(), default=0) <= 1, seed
        assert call.ending == HANG_UP_BY_CALLER, seed


# -- resumed conversations -----------------------------------------------------------------------------------------

RESUMABLE = SessionConfig(tools=(LOOKUP, HANG_UP), extra={"resumption": {"enabled": True}})
TELL = "It has been shipped on Tuesday and will arrive tomorrow."
ANSWER = {"on": "speech", "hears": ASK, "say": TELL}
GOES_ON = {"on": "resume", "knows_once": ["Thanks for calling.", ASK], "say": "tomorrow."}


def resumed(replies: list[dict[str, Any]], shop: Shop | None = None, again: str = "recorded", **how: Any) -> Rehearsal:
    """A call whose first session is lost at xAI, where its conversation may still be known: as it was recorded, as it
    is documented, or not at all."""
    others = [{"sessions": "continue", "resumption": again, "replies": replies}]
    tools = {"lookup_order": shop} if shop else None
    model = {"sessions": "continue", **how}
    return rehearse(STEPS, replies, model=model, others=others, session=RESUMABLE, tools=tools)


@pytest.mark.parametrize("again", ["recorded", "documented"])
def test_a_resumed_conversation_is_not_told_again_and_its_replay_is_no_news(again: str) -> None:
    call = resumed([GREETING, ANSWER | {"close": 1011}, GOES_ON, BYE], again=again)
    went_well(call)
    assert call.models[1].conversation_id == call.models[0].conversation_id
    seeded = [item for item in call.models[1].items if item.source == "seeded"]
    assert [(item.role, "cut off" in item.text) for item in seeded] == [("system", True)]
    agents = [turn.heard for turn in call.exchange.conversation.turns(call.clock.now) if turn.speaker == "agent"]
    assert (agents[0], agents[2:]) == ("Thanks for calling.", ["tomorrow.", "Goodbye."])
    assert seeded[0].text.endswith(agents[1]), "it knows all of the sentence, and the caller a part"


def test_a_conversation_that_the_provider_has_forgotten_is_told_from_the_beginning() -> None:
    call = resumed([GREETING, ANSWER | {"close": 1011}, GOES_ON | {"knows_not": ["tomorrow"]}, BYE], again="none")
    went_well(call)
    assert call.models[1].conversation_id != call.models[0].conversation_id


@pytest.mark.parametrize("again", ["recorded", "documented"])
@pytest.mark.parametrize("seconds", [0.02, 3.0])
def test_a_call_that_is_open_in_a_resumed_conversation_is_answered_there_once(again: str, seconds: float) -> None:
    """Nobody knows whether xAI remembers a call that was open. It is told under its own id: at worst a second time."""
    shop = Shop(seconds)
    tells = {"on": "tool", "knows_once": [ASK], "expect": {"lookup_order": "shipped"}, "say": "Shipped."}
    call = resumed([GREETING, LOOKS | {"close": 1011, "trouble_at": "done"}, tells, BYE], shop, again)
    assert [fault.code for model in call.models for fault in model.faults] == ["duplicate_tool_call"]
    assert call.models[1].unmet == []
    assert shop.runs == ["A"]
    assert [kind for kind, *_ in calls(call.models[1].items)].count("function_call_output") == 1


def test_a_call_that_was_answered_before_is_left_to_the_provider_that_remembers_it() -> None:
    shop = Shop(0.3)
    tells = {"on": "tool", "say": TELL, "close": 1011}
    call = resumed(
        [GREETING, LOOKS, tells, {"on": "resume", "knows_once": ['shipped"'], "say": "tomorrow."}, BYE], shop
    )
    went_well(call)
    assert [source for *_, source in calls(call.models[1].items)] == ["resumed", "resumed"]
