"""Whole calls in which something goes wrong: the caller never sits in silence, and every call ends once."""

from __future__ import annotations

import random
from typing import Any

import pytest

from rehearsals import HANG_UP, LOOKUP, longest_silence, rehearse
from telephony.commands import EndCall
from telephony.events import ServerStopping
from telephony.rehearsal import Rehearsal
from telephony.settings import Limits, SessionConfig
from telephony.sim.caller_faults import CallerFaults
from telephony.sim.hearing import audible

CROSSED = ("cancel_without_response", "cancel_not_active", "no_active_response")
"""Complaints of a model that had ended, or dropped without a word, what we cancel."""
GREETING = {"on": "greeting", "say": "Thanks for calling."}
LOOKS = {"on": "speech", "hears": "Where is it?", "call": {"name": "lookup_order", "arguments": {}}}
TELLS = {"on": "tool", "say": "It arrives on Thursday."}
ANSWER = {"on": "speech", "hears": "…", "say": "It arrives on Thursday."}
BYE = {"on": "speech", "hears": "Bye.", "say": "Goodbye.", "call": {"name": "hang_up"}}
STEPS: list[Any] = [
    {"wait": "agent"}, {"say": "Where is my order?"}, {"wait": "agent"}, {"say": "Thank you, bye."}, {"wait": "end"}
]  # fmt: skip


def check(call: Rehearsal, silence: float) -> EndCall:
    assert call.ending, "the call is still held"
    assert longest_silence(call) <= silence
    assert not [fault for fault in call.model.faults if fault.code not in CROSSED]
    assert not call.caller.warnings
    return call.ending


def test_a_call_without_faults_never_makes_the_caller_wait_for_two_seconds() -> None:
    ending = check(rehearse(STEPS, [GREETING, LOOKS, TELLS, BYE]), silence=2.5)
    assert (ending.result, ending.by) == ("completed", "agent")


@pytest.mark.parametrize(
    ("fault", "silence"),
    [
        ({"omit_done": True}, 2.5),
        ({"stall_ms": 3000}, 4),
        ({"stall_ms": 12_000}, 7),
        ({"drop": True}, 7.5),
        ({"fail": "server_error"}, 4),
        ({"malformed": 20}, 2.5),
        ({"late_deltas": 5}, 2.5),
        ({"delta_ms": [900, 900]}, 2.5),
        ({"delta_ms": [1, 5]}, 2.5),
    ],
    ids=str,
)
@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_a_reply_that_goes_wrong_costs_a_pause_and_not_the_call(
    profile: str, fault: dict[str, Any], silence: float
) -> None:
    call = rehearse(STEPS, [GREETING, ANSWER | fault, BYE], profile=profile)
    ending = check(call, silence)
    assert (ending.result, ending.by) == ("completed", "agent")


@pytest.mark.parametrize(
    "model",
    [
        {"when_active": "replace"},
        {"late_speech_started": True},
        {"first_events": "none"},
        {"created_ms": 50, "commit_ms": 400},
        {"latency_ms": 1800},
        {"echo_wrong_format": True},
    ],
    ids=str,
)
def test_the_ways_of_servers_are_put_up_with(model: dict[str, Any]) -> None:
    call = rehearse(STEPS, [GREETING, LOOKS, TELLS, BYE], model=model)
    ending = check(call, silence=5)
    assert (ending.result, ending.by) == ("completed", "agent")


@pytest.mark.parametrize(
    ("model", "by"),
    [
        ({"never_ready": True}, "agent"),
        ({"session_limit_s": 4.0}, "model"),
        ({"open_error": "invalid_api_key"}, "model"),
    ],
    ids=str,
)
def test_a_session_that_does_not_come_about_or_does_not_last_is_told_to_the_caller(
    model: dict[str, Any], by: str
) -> None:
    call = rehearse(STEPS, [GREETING, LOOKS, TELLS, BYE], model=model)
    assert call.ending
    assert call.ending.by == by
    assert longest_silence(call) <= 5.5
    assert not call.caller.warnings


@pytest.mark.parametrize("at", [0.0, 0.01, 0.04, 0.06, 0.1, 0.5, 1.5, 2.5, 3.5, 4.2, 5.0, 7.0])
def test_a_server_that_stops_at_any_moment_says_goodbye_and_ends_every_call_once(at: float) -> None:
    def stop(call: Rehearsal) -> None:
        def happen(now: float) -> list[str]:
            call.desk.feed(ServerStopping(), now)
            return []

        call.clock.at(at, happen)

    call = rehearse(STEPS, [GREETING, LOOKS, TELLS, BYE], prepare=stop)
    ending = check(call, silence=6)
    assert ending.by in (("server", "agent") if at else ("agent",)), "at 0.0 there is no call yet"
    assert audible(call.caller.heard(call.clock.now)[-40_000:]) or at < 0.05


@pytest.mark.parametrize("profile", ["xai", "openai"])
def test_a_carrier_that_suppresses_silence_loses_neither_the_call_nor_the_turns(profile: str) -> None:
    call = rehearse(STEPS, [GREETING, LOOKS, TELLS, BYE], profile=profile, faults=CallerFaults(silence_suppressed=True))
    ending = check(call, silence=4)
    assert (ending.result, ending.by) == ("completed", "agent")


def test_a_tool_that_never_ends_is_apologised_for() -> None:
    replies = [GREETING, LOOKS, {"on": "tool", "say": "It takes too long."}, BYE]
    call = rehearse(STEPS, replies, tools={"lookup_order": lambda _: (10_000.0, {})})
    ending = check(call, silence=15)
    assert ending.by == "agent"
    assert [use.outcome for use in call.exchange.conversation.tool_uses] == ["timeout", "ok"]


def test_a_caller_who_says_nothing_is_asked_and_let_go() -> None:
    replies = [GREETING, *[{"on": "prompt", "say": text} for text in ("Are you there?", "Hello?", "Goodbye.")]]
    call = rehearse([{"wait": "end"}], replies, patience=120, limits=Limits(caller_silence=6))
    ending = check(call, silence=8)
    assert ending == EndCall("completed", "limit", "the caller was silent")


def test_an_uninterruptible_greeting_is_heard_whoever_talks_over_it() -> None:
    steps: list[Any] = [{"wait": {"agent_ms": 300}}, {"say": "Hello? Hello?"}, {"wait": "agent"}, *STEPS[1:]]
    call = rehearse(
        steps, [LOOKS, TELLS, BYE], greeting="This call may be recorded for training.", greeting_interruptible=False
    )
    ending = check(call, silence=4)
    assert ending.by == "agent"
    first = call.exchange.conversation.turns(call.clock.now)[0]
    assert (first.heard, first.interrupted) == ("This call may be recorded for training.", False)


@pytest.mark.parametrize("seed", range(12))
def test_no_schedule_of_faults_leaves_a_caller_in_silence_or_holds_the_line(seed: int) -> None:
    """Everything at once, by chance: replies that stall, fail, are dropped or never closed, tools slow or endless."""
    rng = random.Random(seed)
    faults: list[dict[str, Any]] = [
        {}, {}, {"omit_done": True}, {"stall_ms": 4000}, {"stall_ms": 20_000}, {"drop": True}, {"fail": "server_error"},
        {"malformed": 5}, {"late_deltas": 3},
    ]  # fmt: skip
    replies: list[dict[str, Any]] = [{"on": "greeting", "say": "Thanks for calling."} | rng.choice(faults)]
    for _ in range(10):
        if rng.random() < 0.3:
            replies += [LOOKS | rng.choice([{}, {"duplicate_call": True}]), TELLS | rng.choice(faults)]
        replies.append(
            {"on": rng.choice(["speech", "prompt"]), "say": "word " * rng.randrange(3, 20)} | rng.choice(faults)
        )
    steps: list[Any] = []
    for _ in range(6):
        wait = rng.choice(["agent", {"agent_ms": rng.randrange(40, 3000)}, {"quiet": 2}])
        steps += [{"wait": wait}, rng.choice([{"say": "Where is my order?"}, {"press": "12#"}, {"pause": 1.0}])]
    call = rehearse(
        [*steps, {"wait": "end"}],
        replies,
        profile=rng.choice(["xai", "openai"]),
        faults=CallerFaults(seed=seed, marks_lost=rng.choice([0, 0.5]), jitter_ms=rng.choice([0, 100])),
        tools={"lookup_order": lambda _: (rng.choice([0.1, 3.0, 1000.0]), {"status": "shipped"})},
        session=SessionConfig(tools=(LOOKUP, HANG_UP)),
        limits=Limits(max_duration=90, caller_silence=6, caller_silence_prompts=1),
        until=400,
        patience=120,
    )
    check(call, silence=20)
    assert call.clock.now < 90 + 75
