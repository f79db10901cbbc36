"""Functions that the model calls, and everything that can become of them."""

from __future__ import annotations

from typing import Any

import msgspec

from library.kit import ASK, ASKS, CLIPS, ENDS, LISTENS, LOOK, LOOKS, SPARSE, TELL, TELLS, call, spoken_with, tool
from rehearsals import HANG_UP, LOOKUP

BOTH = {"on": "speech", "hears": ASK, "calls": [LOOK, {"name": "lookup_order", "arguments": {"order_id": "B"}}]}
EARLY = msgspec.structs.replace(LOOKUP, side_effects=False)
HASTY = msgspec.structs.replace(LOOKUP, timeout=0.2)
SLOW = msgspec.structs.replace(LOOKUP, say="Wait")


def took(seconds: dict[str, float]) -> dict[str, Any]:
    """A function that takes as long as it is for what."""
    return {"lookup_order": lambda arguments: (seconds[arguments["order_id"]], {"status": arguments["order_id"]})}


FUNCTIONS = [
    *[
        call(
            f"function-answered-{profile}",
            "A function runs once its response is complete, its output is told, and one response asked for.",
            [*ASKS, *LISTENS],
            [LOOKS, TELLS | {"expect": {"lookup_order": "shipped"}}],
            lambda tape: (
                tape.outcomes == ["ok"]
                and tape.agents == [TELL]
                and len(tape.to_model("response.create")) == 1
                and tape.times("tool", "out", "RunTool") == tape.times("model", "in", "response.done")[:1]
            ),
            profile=profile,
            tools=tool(0.2),
        )
        for profile in ("xai", "openai")
    ],
    call(
        "function-without-side-effects-runs-at-once",
        "A function that may run twice is not kept waiting for the end of its response.",
        [*ASKS, *LISTENS],
        [LOOKS | {"say": "One moment."}, TELLS],
        lambda tape: (
            tape.outcomes == ["ok"]
            and tape.times("tool", "out", "RunTool")[0] < tape.times("model", "in", "response.done")[0]
        ),
        session=spoken_with(EARLY, HANG_UP),
        tools=tool(0.2),
        unmet=True,
        **SPARSE,
    ),
    call(
        "function-fails",
        "A function that fails is told to the model, which goes on.",
        [*ASKS, *LISTENS],
        [LOOKS, {"on": "tool", "say": "Sorry."}],
        lambda tape: tape.outcomes == ["error"] and tape.agents == ["Sorry."],
        tools={"another": lambda _: (0.0, {})},
        **SPARSE,
    ),
    call(
        "function-with-invalid-arguments",
        "Arguments that are no JSON reach the function's judge as they came, and the model is told.",
        [*ASKS, *LISTENS],
        [LOOKS | {"bad_arguments": '{"order_id": '}, {"on": "tool", "say": "Sorry."}],
        lambda tape: tape.outcomes == ["invalid"] and tape.told("RunTool")[0]["arguments"] == '{"order_id": ',
    ),
    call(
        "function-that-does-not-exist",
        "A function that was never offered waits for its response like one with side effects, and is answered.",
        [*ASKS, *LISTENS],
        [
            {"on": "speech", "hears": ASK, "say": "Sure.", "call": {"name": "order_pizza"}},
            {"on": "tool", "say": "Sorry."},
        ],
        lambda tape: (
            tape.outcomes == ["error"]
            and tape.times("tool", "out", "RunTool") == tape.times("model", "in", "response.done")[:1]
            and tape.agents[-1] == "Sorry."
        ),
        unmet=True,
        **SPARSE,
    ),
    call(
        "function-too-slow",
        "A function that never ends is given up beyond its timeout, and the model told so.",
        [*ASKS, *LISTENS],
        [LOOKS, {"on": "tool", "expect": {"lookup_order": "too long"}, "say": "Sorry."}],
        lambda tape: (
            tape.outcomes == ["timeout"] and len(tape.told("CancelTool")) == 1 and "never came to an end" in tape.notes
        ),
        session=spoken_with(HASTY, HANG_UP),
        tools=tool(100.0),
        **SPARSE,
    ),
    call(
        "function-announced-before-a-barge-in",
        "A call that was complete while its response was not is answered as cancelled after a barge-in, and not run.",
        [*ASKS, {"pause": 0.8}, {"say": "When?"}, *LISTENS],
        [LOOKS | {"omit_done": True}, {"on": "speech", "hears": "When?", "say": "Now."}],
        lambda tape: (
            tape.from_model("response.function_call_arguments.done")
            and not tape.told("RunTool")
            and tape.outcomes == ["cancelled"]
            and tape.agents == ["Now."]
        ),
        **SPARSE,
    ),
    call(
        "functions-in-parallel",
        "Two functions run side by side; the model is asked to go on once, after both were told.",
        [*ASKS, *LISTENS],
        [BOTH, TELLS],
        lambda tape: (
            tape.outcomes == ["ok", "ok"]
            and len(tape.to_model("response.create")) == 1
            and tape.times("model", "out", "response.create")[0] >= max(tape.times("tool", "in", "ToolFinished"))
        ),
        tools=took({"A": 0.4, "B": 0.1}),
        **SPARSE,
    ),
    call(
        "functions-too-many",
        "Beyond the limit a function is refused to the model instead of run.",
        [*ASKS, *LISTENS],
        [BOTH, TELLS],
        lambda tape: tape.outcomes == ["ok", "error"] and len(tape.told("RunTool")) == 1,
        tools=tool(0.1),
        limit={"tool_calls": 1},
        **SPARSE,
    ),
    call(
        "function-announced-twice",
        "A call that a server reports again and again runs once.",
        [*ASKS, *LISTENS],
        [LOOKS | {"duplicate_call": True}, TELLS],
        lambda tape: (
            len(tape.told("RunTool")) == 1 and len(tape.from_model("response.function_call_arguments.done")) == 2
        ),
        tools=tool(0.1),
    ),
    call(
        "function-takes-long-and-something-is-said",
        "After a second of waiting for a function its own sentence is spoken, once, and the answer follows.",
        [*ASKS, *LISTENS[:-1], {"pause": 0.3}, *LISTENS],
        [LOOKS, TELLS],
        lambda tape: tape.agents == ["Wait", TELL] and tape.outcomes == ["ok"],
        session=spoken_with(SLOW, HANG_UP),
        tools=tool(1.6),
        forgiven=("calls_unanswered",),
        **SPARSE,
    ),
    call(
        "function-running-at-the-end",
        "A function that still runs when the call ends is cancelled, and stands so in the record.",
        [*ASKS, {"pause": 1.0}, "hang_up"],
        [LOOKS],
        lambda tape: (
            tape.outcomes == ["cancelled"]
            and len(tape.told("CancelTool")) == 1
            and tape.ending == ("completed", "caller", "caller hung up")
        ),
        tools=tool(60.0),
        **SPARSE,
    ),
    call(
        "hang-up-with-a-goodbye",
        "The agent hangs up once its goodbye was heard, and no other one is asked for.",
        [{"say": "Bye."}, *ENDS],
        [{"on": "speech", "hears": "Bye.", "say": "Goodbye.", "call": {"name": "hang_up"}}],
        lambda tape: (
            tape.ending == ("completed", "agent", "agent hung up")
            and tape.agents == ["Goodbye."]
            and not tape.to_model("response.create")
        ),
    ),
    call(
        "hang-up-without-a-word",
        "An agent that hangs up and says nothing is asked for a goodbye first.",
        [{"say": "Bye."}, *ENDS],
        [{"on": "speech", "hears": "Bye.", "call": {"name": "hang_up"}}, {"on": "tool", "say": "Goodbye."}],
        lambda tape: (
            tape.ending[1] == "agent" and tape.agents == ["Goodbye."] and len(tape.to_model("response.create")) == 1
        ),
    ),
    call(
        "hang-up-and-the-model-stays-silent",
        "If the goodbye that was asked for does not come, the recorded one is played.",
        [{"say": "Bye."}, *ENDS],
        [{"on": "speech", "hears": "Bye.", "call": {"name": "hang_up"}}, {"on": "tool", "drop": True}],
        lambda tape: tape.ending[1] == "agent" and tape.agents == ["[recorded goodbye]"],
        limit={"dead_air": 1},
        **CLIPS,
        **SPARSE,
    ),
]
