"""Everything at once, by chance: long calls over sessions that are lost, deaf, refused or old, with tools, keys and
barge-ins. Whatever happens, no function runs twice, nobody waits for ever, and the call ends once."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import msgspec
import pytest

from rehearsals import HANG_UP, LOOKUP, longest_wait, rehearse
from telephony.settings import Limits, SessionConfig, ToolSpec
from telephony.sim.caller_faults import CallerFaults

FORGIVEN = (
    "cancel_not_active", "cancel_without_response", "audio_before_ready",
    "active_response",  # asked again, because nothing had been heard of the answer
    "calls_unanswered",  # something is said while one of two functions still runs
)  # fmt: skip
SILENCE = 10 + 2 + 5 + 1
"""Seconds: a function that is given up at last, then a model that does not answer, then what is done about it."""
LONGEST = 120.0
TOOLS = (
    msgspec.structs.replace(LOOKUP, say="One moment, please."),
    ToolSpec("book", "Books something.", {"type": "object", "properties": {}}),
    HANG_UP,
)
ENDS: list[dict[str, Any]] = [
    {"close": 1011}, {"close": 1001}, {"vanish": True}, {"freeze": True}, {"mute": True}, {"malformed": 60},
    {"error": "session_expired", "close": 1001}, {"error": "insufficient_quota"},
]  # fmt: skip
FLAWS: list[dict[str, Any]] = [{"drop": True}, {"omit_done": True}, {"stall_ms": 3000}, {"late_deltas": 3}]


class Scenario:
    """A caller, a model and those that take over, drawn by *seed*."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.runs: Counter[int] = Counter()
        """How often each function call was made, by the number in its arguments."""
        self.calls = 0
        replies = [{"on": "greeting", "say": "Thanks for calling, this is Acme."}]
        for number in range(8):
            replies += self.turn(number)
        if rng.random() < 0.5:
            goodbye = {"on": "speech", "say": "Goodbye and thanks."} if rng.random() < 0.5 else {"on": "speech"}
            replies.append({**goodbye, "call": {"name": "hang_up"}, **self.trouble()})
        self.model: dict[str, Any] = {"sessions": "continue", "replies": replies}
        self.steps: list[Any] = [step for number in range(8) for step in self.speech(number)]
        self.steps.append(rng.choice(["hang_up", {"wait": "end"}]))

    def trouble(self) -> dict[str, Any]:
        """What goes wrong with a reply, mostly nothing."""
        return self.rng.choice([{}] * 12 + [*ENDS, *FLAWS[:2]])

    def turn(self, number: int) -> list[dict[str, Any]]:
        """One or two replies to one turn of the caller's."""
        rng, cue = self.rng, {"on": "speech", "hears": f"Sentence {number}"}
        if rng.random() < 0.6:
            return [{**cue, "say": "word " * rng.randrange(2, 25), **(self.trouble() or rng.choice([{}, *FLAWS[2:]]))}]
        made = [self.call() for _ in range(rng.choice([1, 2]))]
        return [
            {**cue, "calls": made, **self.trouble()},
            {"on": "tool", "say": "It has shipped.", **self.trouble()},
        ]

    def call(self) -> dict[str, Any]:
        self.calls += 1
        return {"name": self.rng.choice(["lookup_order", "book"]), "arguments": {"number": self.calls}}

    def speech(self, number: int) -> list[Any]:
        """What the caller does in one turn: wait, or talk over the agent; press keys, or keep silent; say something."""
        rng = self.rng
        waits = rng.choice(["agent", "agent", {"agent_ms": rng.randrange(40, 3000)}, {"quiet": 1.5}])
        between = rng.choice([[]] * 4 + [[{"press": "12#"}], [{"pause": rng.choice([1, 12, 25])}]])
        return [{"wait": waits}, *between, {"say": f"Sentence {number} " + "and more " * rng.choice([0, 0, 3, 30])}]

    def tool(self, arguments: dict[str, Any]) -> tuple[float, Any]:
        self.runs[arguments["number"]] += 1
        return self.rng.choice([0.05, 0.5, 1.5, 4.0, 30.0]), {"status": "shipped"}

    def successor(self) -> dict[str, Any] | str:
        doomed = {"faults": [{"at_s": round(self.rng.uniform(0, 15), 2), **self.rng.choice(ENDS)}]}
        sort = self.rng.choice([{}] * 5 + [doomed] * 3 + [{"never_ready": True}, {"open_error": "timeout"}, None])
        return "nobody is there" if sort is None else {**self.model, **sort}


@pytest.mark.parametrize("seed", range(20))
def test_no_schedule_of_losses_holds_a_call_leaves_its_caller_in_silence_or_runs_a_function_twice(seed: int) -> None:
    scene = Scenario(seed)
    rng = scene.rng
    call = rehearse(
        scene.steps,
        [],
        model={**scene.model, "session_limit_s": rng.choice([0, 0, 10, 20])},
        others=[scene.successor() for _ in range(12)],
        profile=rng.choice(["xai", "openai"]),
        tools={"lookup_order": scene.tool, "book": scene.tool},
        faults=CallerFaults(seed=seed, marks_lost=rng.choice([0, 0.5, 1.0]), jitter_ms=rng.choice([0, 100])),
        session=SessionConfig(tools=TOOLS),
        limits=Limits(
            max_duration=LONGEST, caller_silence=6, caller_silence_prompts=1,
            session=rng.choice([0, 8, 15]), replacements=rng.choice([2, 5]),
        ),
        greeting_interruptible=rng.random() < 0.7,
        speaks_first=rng.random() < 0.8,
        latency=rng.choice([0, 0.05, 0.2]),
        connect=rng.choice([0.05, 0.5, 2.0]),
        patience=90,
        seed=seed,
    )  # fmt: skip
    assert call.ending, "the call is still held"
    assert call.clock.now < LONGEST + 75
    assert longest_wait(call) <= SILENCE
    assert max(scene.runs.values(), default=0) <= 1
    assert [fault for model in call.models for fault in model.faults if fault.code not in FORGIVEN] == []
    assert not call.caller.warnings
