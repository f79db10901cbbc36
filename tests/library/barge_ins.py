"""Callers who talk over the agent, at every phase of an answer and of the call."""

from __future__ import annotations

from typing import Any

from library.kit import ANSWER, ASK, ASKS, BYE, ENDS, HELLO, LISTENS, LOOKS, SPARSE, call, tool

LONG = "On Tuesday, ok?"
AGAIN = {"on": "speech", "hears": "When?", "say": "Soon."}
OVER: list[Any] = [{"say": "When?"}, {"wait": {"agent_ms": 40}}, "hang_up"]
SLOWLY = {"speed": [1.0, 1.0], "delta_ms": [100, 100]}
"""A model that speaks as it generates, so that its response is still open when it is interrupted."""


def into(milliseconds: int) -> list[Any]:
    """Ask, and talk over the answer so far into it."""
    return [*ASKS, {"wait": {"agent_ms": milliseconds}}, *OVER]


BARGE_INS = [
    call(
        "barge-in-greeting",
        "A caller may talk over the greeting: it is cleared and truncated at what was heard.",
        [{"wait": {"agent_ms": 200}}, *ASKS, *LISTENS],
        [HELLO, ANSWER | {"say": "Soon."}],
        lambda tape: tape.to_carrier("clear") and tape.cut and len(tape.agents) == 2,
        greeting="Hello, this is Acme.",
        speaks_first=True,
        **SPARSE,
    ),
    call(
        "barge-in-first-frames",
        "In the first frames of an answer hardly anything was heard, and no more than that is kept.",
        into(40),
        [ANSWER | {"say": LONG}, AGAIN],
        lambda tape: (
            tape.to_carrier("clear")
            and tape.to_model("conversation.item.truncate")[0]["audio_end_ms"] < 400
            and len(tape.agents) == 2
        ),
    ),
    call(
        "barge-in-middle",
        "In the middle of an answer that was generated long ago playback is cleared, the item truncated at what "
        "was heard, and the transcript divided there.",
        into(250),
        [ANSWER | {"say": LONG}, AGAIN],
        lambda tape: (
            tape.to_carrier("clear")
            and 200 < tape.to_model("conversation.item.truncate")[0]["audio_end_ms"] < 600
            and tape.cut[0]["heard"]
            and tape.cut[0]["unheard"]
        ),
    ),
    *[
        call(
            f"barge-in-while-generating-{profile}",
            "A response that is still open is cancelled by its id, once, and cleared and truncated as well.",
            into(300),
            [ANSWER | {"say": LONG}, AGAIN],
            lambda tape: (
                tape.to_carrier("clear")
                and len(tape.to_model("response.cancel")) == 1
                and tape.to_model("response.cancel")[0]["response_id"]
                and len(tape.agents) == 2
            ),
            profile=profile,
            model=SLOWLY,
        )
        for profile in ("xai", "openai")
    ],
    call(
        "barge-in-at-the-very-end",
        "What is talked over in its last moments loses only what was not heard of it.",
        into(660),
        [ANSWER | {"say": LONG}, AGAIN],
        lambda tape: tape.to_carrier("clear") and tape.to_model("conversation.item.truncate")[0]["audio_end_ms"] > 700,
    ),
    call(
        "barge-in-and-a-quick-answer",
        "An answer that comes at once after a barge-in is heard at once: what was thrown away is not waited for.",
        [*ASKS, {"wait": {"agent_ms": 250}}, {"say": "Hm"}, {"wait": {"agent_ms": 300}}, {"say": "No"}, "hang_up"],
        [ANSWER | {"say": LONG}, {"on": "speech", "hears": "Hm?", "say": "So it is."}],
        lambda tape: (
            len(tape.to_carrier("clear")) == 2
            and tape.cut[1]["sent_at"] - tape.times("carrier", "out", "clear")[0] < 0.4
        ),
        model={"created_ms": 10, "commit_ms": 5, "latency_ms": 20},
        unmet=True,
    ),
    call(
        "barge-in-before-the-first-frame",
        "A caller who speaks on before the answer is heard gets one answer, to all of it.",
        [*ASKS, {"pause": 0.4}, {"say": "When?"}, *LISTENS],
        [ANSWER | {"say": LONG}, AGAIN],
        lambda tape: len(tape.callers) == 2 and tape.agents == ["Soon."] and tape.to_model("response.cancel"),
        model={"latency_ms": 600},
        profile="openai",
        unmet=True,
    ),
    call(
        "barge-in-with-an-answer-queued-behind",
        "Of two items that wait to be played the one being heard is truncated, and the one of which nothing was heard "
        "deleted.",
        into(300),
        [LOOKS | {"say": "Let me see."}, {"on": "tool", "say": LONG}, AGAIN],
        lambda tape: (
            len(tape.to_model("conversation.item.truncate")) == 1
            and len(tape.to_model("conversation.item.delete")) == 1
            and [bool(turn["heard"]) for turn in tape.cut][:2] == [True, False]
        ),
        tools=tool(0.02),
        model={"latency_ms": 100},
        profile="openai",
    ),
    call(
        "late-deltas-after-a-clear",
        "Audio of a cancelled response that still arrives is never heard.",
        into(250),
        [ANSWER | {"say": LONG, "late_deltas": 5}, AGAIN],
        lambda tape: (
            tape.to_carrier("clear")
            and [t for t in tape.times("model", "in", "response.output_audio.delta") if t > tape.cut[0]["ended_at"]]
            and len(tape.agents) == 2
        ),
        model=SLOWLY,
    ),
    call(
        "barge-in-while-a-function-runs",
        "A caller who speaks up while a function runs is answered; the function goes on, and its result is told.",
        [*ASKS, {"pause": 1.0}, {"say": "When?"}, *LISTENS],
        [LOOKS, AGAIN, {"on": "tool", "say": "Now."}],
        lambda tape: tape.outcomes == ["ok"] and len(tape.callers) == 2 and not tape.told("CancelTool"),
        tools=tool(1.5),
        unmet=True,
        **SPARSE,
    ),
    call(
        "caller-speaks-on-during-the-goodbye",
        "A caller who speaks up during a goodbye of the agent's own choice keeps the line.",
        [{"say": "Bye."}, {"wait": {"agent_ms": 200}}, {"say": ASK}, *LISTENS],
        [BYE | {"say": "Goodbye and thanks."}, {"on": "speech", "hears": ASK, "say": "Soon."}],
        lambda tape: tape.ending[1] == "caller" and tape.agents[-1] == "Soon." and not tape.told("HangUp"),
        unmet=True,
        **SPARSE,
    ),
    call(
        "caller-talks-over-the-goodbye-of-a-limit",
        "The last words of a call that ends whatever the caller says are not interruptible.",
        [{"wait": {"agent_ms": 300}}, {"say": "No!"}, *ENDS],
        [{"on": "greeting", "say": "Now goodbye."}, {"on": "speech", "hears": "No!", "say": "Ok."}],
        lambda tape: (
            tape.ending == ("completed", "limit", "maximum duration")
            and not tape.to_carrier("clear")
            and tape.from_model("input_audio_buffer.speech_started")
            and "goodbye" in tape.agents[0]
        ),
        limit={"max_duration": 0.3},
        unmet=True,
    ),
]
