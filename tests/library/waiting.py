"""Calls in which somebody waits: keys that are typed one by one, callers who are silent, models that are."""

from __future__ import annotations

from library.kit import ANSWER, ASK, ASKS, CLIPS, ENDS, HEARS, LISTENS, SPARSE, TELL, call
from library.tape import Tape

KEYED = {"on": "text", "say": "Thanks."}
ALONE = {"caller_silence": 1, "caller_silence_prompts": 2}
PRESSED = "[The caller pressed these keys on the telephone keypad: {}]"


def keys(tape: Tape, digits: str) -> bool:
    """Whether the model was told these keys in one message."""
    items = [message["item"] for message in tape.to_model("conversation.item.create")]
    texts = [item["content"][0]["text"] for item in items if item["type"] == "message"]
    return texts == [PRESSED.format(digits)]


WAITING = [
    call(
        "keys-ended-by-a-hash",
        "A number typed in is one message to the model, sent with its #, and answered.",
        [{"press": "42#"}, *LISTENS],
        [KEYED],
        lambda tape: keys(tape, "42#") and tape.agents == ["Thanks."] and len(tape.to_model("response.create")) == 1,
    ),
    call(
        "keys-ended-by-a-pause",
        "A number without # is complete after a pause.",
        [{"press": "42"}, *LISTENS],
        [KEYED],
        lambda tape: (
            keys(tape, "42")
            and tape.times("model", "out", "conversation.item.create")[0] - tape.times("carrier", "in", "dtmf")[-1]
            == 2.0
        ),
        **SPARSE,
    ),
    call(
        "keys-while-the-agent-speaks",
        "Keys do not interrupt the agent; their answer is asked for when the response is over.",
        [{"wait": {"agent_ms": 40}}, {"press": "4#"}, {"pause": 1.0}, *LISTENS],
        [KEYED],
        lambda tape: (
            keys(tape, "4#")
            and not tape.to_carrier("clear")
            and tape.agents == ["Hello, it is me.", "Thanks."]
            and tape.times("model", "in", "response.done")[0] in tape.times("model", "out", "response.create")
        ),
        greeting="Hello, it is me.",
        speaks_first=True,
        model={"speed": [1.0, 1.0]},
        unmet=True,
        **SPARSE,
    ),
    call(
        "keys-while-the-caller-speaks",
        "Keys pressed while the caller speaks are told before the model answers, and one answer is given to both.",
        [{"press": "4"}, {"say": "It is four, yes?"}, *LISTENS],
        [ANSWER | {"hears": "It is four, yes?"}],
        lambda tape: keys(tape, "4") and tape.agents == [TELL] and not tape.to_model("response.create"),
    ),
    call(
        "keys-pressed-at-the-end",
        "Keys that were typed and not told to anybody stand in the record.",
        [{"press": "42"}, {"pause": 0.3}, "hang_up"],
        [],
        lambda tape: (
            [turn["heard"] for turn in tape.record["turns"]] == ["42"] and not tape.to_model("conversation.item.create")
        ),
    ),
    call(
        "caller-silent-until-the-goodbye",
        "A caller who says nothing is asked as often as the limits say, and let go with a goodbye.",
        [*ENDS],
        [{"on": "greeting", "say": "Yes?"}, {"on": "prompt", "say": "Hm?"}, {"on": "prompt", "say": "Bye."}],
        lambda tape: (
            tape.agents == ["Yes?", "Hm?", "Bye."] and tape.ending == ("completed", "limit", "the caller was silent")
        ),
        limit=ALONE | {"caller_silence": 0.5},
        **SPARSE,
    ),
    call(
        "caller-silent-and-then-not",
        "A caller who answers when asked is talked to again, and the counting begins anew.",
        [*HEARS, *ASKS, *LISTENS],
        [{"on": "greeting", "say": "Yes?"}, ANSWER],
        lambda tape: tape.agents == ["Yes?", TELL] and tape.ending[1] == "caller",
        limit=ALONE | {"caller_silence": 0.5},
        **SPARSE,
    ),
    call(
        "dead-air-and-asked-again",
        "A model that owes an answer and gives none is asked again, and answers.",
        [*ASKS, *LISTENS],
        [{"on": "speech", "hears": ASK, "drop": True}, {"on": "prompt", "say": TELL}],
        lambda tape: (
            tape.agents == [TELL]
            and "it was asked again" in tape.notes
            and len(tape.to_model("response.create")) == 1
            and not tape.told("OpenSession")
        ),
        limit={"dead_air": 1},
        unmet=True,
        **SPARSE,
    ),
    call(
        "dead-air-to-the-end",
        "A model that stays silent though asked again, and no other to be had: the apology ends the call.",
        [*ASKS, *ENDS],
        [{"on": "speech", "hears": ASK, "drop": True}, {"on": "prompt", "drop": True}],
        lambda tape: (
            tape.agents[-1] == "[recorded apology]"
            and tape.ending == ("failed", "model", "it owed an answer and gave none")
        ),
        limit={"dead_air": 1.2},
        others=["nobody is there"] * 3,
        unmet=True,
        **CLIPS,
        **SPARSE,
    ),
]
