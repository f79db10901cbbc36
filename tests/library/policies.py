"""Functions and the caller: who speaks while one runs, who is asked before it does, and what is told meanwhile."""

from __future__ import annotations

from typing import Any

import msgspec

from library.kit import ASK, ASKS, HEARS, LISTENS, LOOK, LOOKS, SPARSE, TELL, TELLS, call, spoken_with
from rehearsals import HANG_UP, LOOKUP
from telephony.rehearsal import Said
from telephony.settings import SessionConfig

SPEAKS: list[Any] = [*ASKS, {"pause": 0.8}, {"say": "Wait!"}]
CARD = "4111111111111111"


def with_lookup(**changes: Any) -> SessionConfig:
    """A session whose function is run otherwise."""
    return spoken_with(msgspec.structs.replace(LOOKUP, **changes), HANG_UP)


def takes(seconds: float, **more: Any) -> dict[str, Any]:
    """The function, with what it says and tells of itself."""
    return {"lookup_order": lambda _: (seconds, Said('{"status": "shipped"}', **more))}


def messages(tape: Any) -> list[str]:
    """Texts that were told to the model beside what was said."""
    items = [message["item"] for message in tape.to_model("conversation.item.create")]
    return [item["content"][0]["text"] for item in items if item["type"] == "message"]


def outputs(tape: Any) -> list[str]:
    items = [message["item"] for message in tape.to_model("conversation.item.create")]
    return [item["output"] for item in items if item["type"] == "function_call_output"]


POLICIES = [
    call(
        "function-kept-when-the-caller-speaks",
        "A caller who speaks while a function runs is answered, and the function's answer follows.",
        [*SPEAKS, *HEARS, {"pause": 2.5}, *LISTENS],
        [LOOKS, {"on": "speech", "hears": "Wait!", "say": "Yes?"}, TELLS | {"expect": {"lookup_order": "shipped"}}],
        lambda tape: (
            tape.outcomes == ["ok"] and not tape.told("CancelTool") and outputs(tape) == ['{"status": "shipped"}']
        ),
        tools=takes(4.0),
        **SPARSE,
    ),
    call(
        "function-cancelled-when-the-caller-speaks",
        "A function that says so is stopped when the caller speaks; the model knows, and answers them.",
        [*SPEAKS, *LISTENS],
        [LOOKS, {"on": "speech", "hears": "Wait!", "say": "Yes?"}],
        lambda tape: (
            tape.outcomes == ["cancelled"]
            and len(tape.told("CancelTool")) == 1
            and "may have taken effect" in outputs(tape)[0]
            and tape.agents == ["Yes?"]
            and not tape.to_model("response.create")
        ),
        session=with_lookup(on_barge_in="cancel"),
        tools=takes(4.0),
        **SPARSE,
    ),
    call(
        "function-goes-on-in-the-background",
        "A function that says so runs on when the caller speaks; its result is told later, and answered.",
        [*SPEAKS, *HEARS, {"pause": 2.5}, *LISTENS],
        [LOOKS, {"on": "speech", "hears": "Wait!", "say": "Yes?"}, {"on": "prompt", "say": TELL}],
        lambda tape: (
            tape.outcomes == ["ok"]
            and not tape.told("CancelTool")
            and "in the background" in outputs(tape)[0]
            and "shipped" in messages(tape)[0]
            and tape.agents == ["Yes?", TELL]
        ),
        session=with_lookup(on_barge_in="detach"),
        tools=takes(4.0),
        **SPARSE,
    ),
    call(
        "function-in-the-background-at-the-end",
        "A caller who hangs up does not stop a function that goes on in the background.",
        [*SPEAKS, *LISTENS],
        [LOOKS, {"on": "speech", "hears": "Wait!", "say": "Yes?"}],
        lambda tape: tape.outcomes == ["detached"] and not tape.told("CancelTool"),
        session=with_lookup(on_barge_in="detach"),
        tools=takes(60.0),
        **SPARSE,
    ),
    call(
        "function-runs-once",
        "The same function with the same arguments runs once; the second call is given the first result.",
        [*ASKS, *HEARS, {"say": "Again?"}, *LISTENS],
        [
            LOOKS,
            TELLS,
            {"on": "speech", "hears": "Again?", "call": LOOK},
            {"on": "tool", "expect": {"lookup_order": "shipped"}, "say": "Same."},
        ],
        lambda tape: len(tape.told("RunTool")) == 1 and outputs(tape)[0] == outputs(tape)[1],
        session=with_lookup(once=True),
        tools=takes(0.1),
        **SPARSE,
    ),
    call(
        "function-confirmed",
        "A function that must be confirmed runs when the caller was asked and has not refused.",
        [*ASKS, *HEARS, {"say": "Yes."}, *LISTENS],
        [
            LOOKS,
            {"on": "tool", "expect": {"lookup_order": "Shall I?"}, "say": "Sure?"},
            {"on": "speech", "hears": "Yes.", "call": LOOK},
            TELLS | {"expect": {"lookup_order": "shipped"}},
        ],
        lambda tape: (
            tape.outcomes == ["cancelled", "ok"] and len(tape.told("RunTool")) == 1 and tape.agents == ["Sure?", TELL]
        ),
        session=with_lookup(confirm="Shall I?"),
        tools=takes(0.1),
        **SPARSE,
    ),
    call(
        "function-refused-by-the-caller",
        "A model that goes on although the caller has plainly refused is not followed.",
        [*ASKS, *HEARS, {"say": "No!"}, *LISTENS],
        [
            LOOKS,
            {"on": "tool", "say": "Sure?"},
            {"on": "speech", "hears": "No!", "call": LOOK},
            {"on": "tool", "expect": {"lookup_order": "said no"}, "say": "Fine."},
        ],
        lambda tape: tape.outcomes == ["cancelled", "cancelled"] and not tape.told("RunTool"),
        session=with_lookup(confirm=True),
        **SPARSE,
    ),
    call(
        "function-by-a-model-that-does-not-ask",
        "A model that calls twice without a word to the caller in between is told to ask, and nothing runs.",
        [*ASKS, *LISTENS],
        [
            LOOKS,
            {"on": "tool", "call": LOOK},
            {"on": "tool", "expect": {"lookup_order": "not been asked"}, "say": "Sure?"},
        ],
        lambda tape: tape.outcomes == ["cancelled", "cancelled"] and not tape.told("RunTool"),
        session=with_lookup(confirm=True),
        **SPARSE,
    ),
    call(
        "function-words-its-own-sentence",
        "What a function wants said while it runs may be worded for this call, and comes when the function says.",
        [*ASKS, *HEARS, {"pause": 1.0}, *LISTENS],
        [LOOKS, TELLS],
        lambda tape: tape.agents == ["Wait, A", TELL] and len(tape.told("ToolSays")) == 1,
        session=with_lookup(say_after=0.5),
        tools=takes(1.6, says="Wait, A"),
        forgiven=("calls_unanswered",),
        **SPARSE,
    ),
    call(
        "function-tells-how-far-it-is",
        "What a function tells while it runs reaches the model, the latest of it now and then.",
        [*ASKS, *LISTENS],
        [LOOKS, TELLS],
        lambda tape: (
            tape.outcomes == ["ok"]
            and len(tape.told("ToolProgress")) == 3
            and [text[-6:] for text in messages(tape)] == [": one]", "three]"]
        ),
        tools=takes(5.0, progress=((0.2, "one"), (0.4, "two"), (0.6, "three"))),
        **SPARSE,
    ),
    call(
        "function-with-a-sensitive-argument",
        "What a function declares sensitive stands on no cassette, and two values are still two.",
        [*ASKS, *HEARS, {"say": "Again?"}, *LISTENS],
        [
            {"on": "speech", "hears": ASK, "call": {"name": "lookup_order", "arguments": {"card": CARD, "n": 1}}},
            TELLS,
            {
                "on": "speech",
                "hears": "Again?",
                "call": {"name": "lookup_order", "arguments": {"card": CARD[::-1], "n": 1}},
            },
            {"on": "tool", "say": "Done."},
        ],
        lambda tape: (
            len(tape.told("RunTool")) == 2
            and not any(CARD in str(line.message) or CARD[::-1] in str(line.message) for line in tape.lines)
            and tape.told("RunTool")[0]["arguments"] != tape.told("RunTool")[1]["arguments"]
        ),
        session=with_lookup(once=True, sensitive=("card",)),
        tools={"lookup_order": lambda arguments: (0.1, {"paid with": arguments["card"]})},
        **SPARSE,
    ),
]
