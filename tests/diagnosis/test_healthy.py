"""Healthy calls of many kinds: the diagnosis has nothing to say of any of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rehearsals import HANG_UP, LOOKUP, rehearse
from telephony.audio.format import MULAW_8K
from telephony.rehearsal import Rehearsal
from telephony.settings import Limits, SessionConfig
from telephony.sim.caller_faults import CallerFaults

GREETING = {"on": "greeting"}
ASKS = {"say": "Where is my order?"}
AGENT = {"wait": "agent"}
BYE = {"hang_up": True}
LONG = "It was sent on Monday with a van from the north, and it arrives on Thursday or on Friday in the morning."
QUICK = msgspec.structs.replace(LOOKUP, side_effects=False)
SAYS = msgspec.structs.replace(QUICK, say="One moment please, I am looking that up for you in our books.")
WEATHER = msgspec.structs.replace(QUICK, name="weather")


def answer(say: str = "It arrives on Thursday.", **values: Any) -> dict[str, Any]:
    return {"on": "speech", "hears": "Where is my order?", "say": say, **values}


def call(
    *replies: dict[str, Any], steps: list[Any], greets: dict[str, Any] = GREETING, **values: Any
) -> dict[str, Any]:
    return {"replies": [greets, *replies], "steps": steps, **values}


def session(*tools: Any, **values: Any) -> SessionConfig:
    return SessionConfig(tools=(*tools, HANG_UP), **values)


LOOKS = {"call": {"name": "lookup_order"}}
BOTH = {"calls": [{"name": "lookup_order"}, {"name": "weather"}]}
SHIPPED = {"on": "tool", "say": "It arrives on Thursday."}
HANGS_UP = {"call": {"name": "hang_up"}}

HEALTHY: dict[str, dict[str, Any]] = {
    "one question": call(answer(), steps=[AGENT, ASKS, AGENT, BYE]),
    "several questions": call(
        answer("On Thursday."), answer("On Friday, then."), answer("By van."),
        steps=[AGENT, ASKS, AGENT, ASKS, AGENT, ASKS, AGENT, BYE],
    ),
    "a long answer": call(answer(LONG), steps=[AGENT, ASKS, AGENT, BYE]),
    "a short answer": call(answer("Yes."), steps=[AGENT, ASKS, AGENT, BYE]),
    "a caller who thinks for five seconds": call(answer(), steps=[AGENT, {"pause": 5}, ASKS, AGENT, BYE]),
    "a caller who listens on before hanging up": call(answer(), steps=[AGENT, ASKS, AGENT, {"pause": 8}, BYE]),
    "a caller who hangs up in mid-sentence": call(answer(LONG), steps=[AGENT, ASKS, {"wait": {"agent_ms": 900}}, BYE]),
    "a caller who hangs up during the greeting": call(steps=[{"wait": {"agent_ms": 400}}, BYE]),
    "a caller who speaks first": call(answer(), steps=[{"pause": 3}, ASKS, AGENT, BYE], speaks_first=False),
    "a greeting in the model's own words": call(
        answer(), steps=[AGENT, ASKS, AGENT, BYE], greeting=None, greets={"on": "greeting", "say": "Good morning."}
    ),
    "a barge-in": call(
        answer(LONG), answer("On Thursday."),
        steps=[AGENT, ASKS, {"wait": {"agent_ms": 800}}, {"say": "Just tell me the day."}, AGENT, BYE],
    ),
    "two barge-ins": call(
        answer(LONG), answer(LONG), answer("On Thursday."),
        steps=[
            AGENT, ASKS, {"wait": {"agent_ms": 800}}, {"say": "Just the day."}, {"wait": {"agent_ms": 1200}},
            {"say": "No, only the day."}, AGENT, BYE,
        ],
    ),
    "a barge-in into the greeting": call(answer(), steps=[{"wait": {"agent_ms": 500}}, ASKS, AGENT, BYE]),
    "a greeting that is protected and heard": call(
        answer(), steps=[AGENT, ASKS, AGENT, BYE], greeting_interruptible=False
    ),
    "keys": call({"on": "text", "say": "Thank you."}, steps=[AGENT, {"press": "12#"}, AGENT, BYE]),
    "keys without a hash": call({"on": "text", "say": "Thank you."}, steps=[AGENT, {"press": "1042"}, AGENT, BYE]),
    "keys during what the agent says": call(
        answer(LONG), {"on": "text", "say": "Thank you."},
        steps=[AGENT, ASKS, {"wait": {"agent_ms": 500}}, {"press": "10428829#"}, {"wait": {"quiet": 4}}, BYE],
    ),
    "a quick tool": call(
        answer("One moment.", **LOOKS), SHIPPED, steps=[AGENT, ASKS, {"wait": {"quiet": 4}}, BYE], seconds=0.3
    ),
    "a tool after a word about it": call(
        answer("Let me look that up for you.", **LOOKS), SHIPPED,
        steps=[AGENT, ASKS, {"wait": {"quiet": 4}}, BYE], seconds=1.0,
    ),
    "a slow tool that its say covers": call(
        answer("Let me see.", **LOOKS), SHIPPED,
        steps=[AGENT, ASKS, {"wait": {"quiet": 6}}, BYE], seconds=4.5, session=session(SAYS),
    ),
    "parallel tools": call(
        answer("Let me look both up.", **BOTH), SHIPPED,
        steps=[AGENT, ASKS, {"wait": {"quiet": 4}}, BYE], seconds=0.8, session=session(QUICK, WEATHER),
    ),
    "an agent that hangs up": call(
        answer("You are welcome. Goodbye!", **HANGS_UP), steps=[AGENT, ASKS, {"wait": "end"}]
    ),
    "an agent that stays because the caller speaks on": call(
        answer("Then goodbye, and thank you for calling us today.", **HANGS_UP), answer("On Thursday."),
        steps=[AGENT, ASKS, {"wait": {"agent_ms": 600}}, {"say": "Wait, which day?"}, AGENT, BYE],
    ),
    "a call that reaches its limit": call(
        {"on": "prompt", "say": "This call must end now. Goodbye."},
        steps=[AGENT, {"wait": "end"}], limits=Limits(max_duration=6),
    ),
    "a session that grows old": call(
        answer(), steps=[AGENT, ASKS, AGENT, {"pause": 6}, ASKS, AGENT, BYE],
        others=[{"replies": [answer("On Friday, then.")]}], limits=Limits(session=9),
    ),
    "the telephone's own audio": call(
        answer(), steps=[AGENT, ASKS, AGENT, BYE], session=session(audio=MULAW_8K)
    ),
    "a line with latency": call(answer(), steps=[AGENT, ASKS, AGENT, BYE], latency=0.1, connect=0.3),
    "marks that are lost and late": call(
        answer(LONG), steps=[AGENT, ASKS, AGENT, BYE], faults=CallerFaults(marks_lost=0.5, marks_late_ms=900)
    ),
    "marks that never come": call(
        answer("You are welcome. Goodbye!", **HANGS_UP), steps=[AGENT, ASKS, {"wait": "end"}],
        faults=CallerFaults(marks_lost=1.0),
    ),
    "frames that jitter and are lost": call(
        answer(), steps=[AGENT, ASKS, AGENT, BYE], faults=CallerFaults(frames_lost=0.03, jitter_ms=60, burst_ms=80)
    ),
    "a carrier that sends no silence": call(
        answer(), steps=[AGENT, {"pause": 4}, ASKS, AGENT, {"pause": 3}, BYE],
        faults=CallerFaults(silence_suppressed=True),
    ),
    "a murmur in the background": call(
        answer(), steps=[AGENT, {"noise": {"level_dbfs": -50, "seconds": 4}}, ASKS, AGENT, BYE]
    ),
}  # fmt: skip


def rehearsed(profile: str, *, replies: list[Any], steps: list[Any], seconds: float = 0.5, **values: Any) -> Rehearsal:
    tools = {name: lambda _: (seconds, "shipped") for name in ("lookup_order", "weather")}
    return rehearse(steps, replies, profile=profile, tools=tools, **values)


@pytest.mark.parametrize("profile", ["xai", "openai"])
@pytest.mark.parametrize("name", HEALTHY)
def test_there_is_nothing_to_say(name: str, profile: str) -> None:
    finished = rehearsed(profile, **HEALTHY[name])
    agents = [turn for turn in finished.exchange.conversation.turns(finished.clock.now) if turn.speaker == "agent"]
    assert finished.exchange.findings(finished.clock.now) == []
    assert agents, "a call in which nobody spoke would be no proof"
    assert finished.ending
