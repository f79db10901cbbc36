"""What functions want of the call itself: keys sounded and collected, messages, words, the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from library.endings import refuses_to_hang_up
from library.kit import ASK, ASKS, BRIEF, HEARS, LISTENS, LOOKS, PROMPT, SPARSE, TELL, TELLS, at, call, tool
from library.tape import Tape
from telephony.commands import Sending
from telephony.conversation import phrases
from telephony.events import (
    HandOverWanted,
    HangUpWanted,
    KeysWanted,
    MessageWanted,
    SpeechWanted,
    TonesWanted,
    TransferWanted,
)
from telephony.rehearsal import Rehearsal
from telephony.settings import AUDIO_FORMATS, CallSettings, Prologue, SessionConfig

NUMBER = "Number?"
SILENCE = "/" * 20
"""Of mu-law's 0xFF, in base64."""


BILLING = TransferWanted("+15550177", Sending("billing"))
STILL = SpeechWanted(phrases.STILL_RINGING, verbatim=False)
BILLS = SessionConfig("Do the bills.", audio=AUDIO_FORMATS["pcmu"], turn_detection=BRIEF)


def both(*mishaps: Callable[[Rehearsal], None]) -> Callable[[Rehearsal], None]:
    """One after the other."""

    def prepare(rehearsal: Rehearsal) -> None:
        for mishap in mishaps:
            mishap(rehearsal)

    return prepare


def ended(tape: Tape) -> list[tuple[str, str]]:
    """How each errand ended, and with which keys."""
    return [(done["outcome"], done["keys"]) for done in tape.told("ErrandDone")]


def keypad(tape: Tape) -> list[str]:
    return [turn["heard"] for turn in tape.record["turns"] if turn["speaker"] == "keypad"]


def collecting(name: str, about: str, steps: list[Any], shows: Any, wanted: KeysWanted, **how: Any) -> Any:
    """A call in which a function that takes three seconds wants keys soon after it began."""
    how = {"tools": tool(3.0), "unmet": True, **SPARSE, **how}
    return call(name, about, [*ASKS, *steps], [LOOKS, TELLS], shows, prepare=at(1.2, wanted), **how)


ERRANDS = [
    call(
        "keys-sounded",
        "A function's keys are sounded on the line, told once they were heard, and not cut by who speaks meanwhile.",
        [*ASKS, {"pause": 0.9}, {"say": "Hm?"}, {"pause": 0.9}, "hang_up"],
        [LOOKS, TELLS],
        lambda tape: ended(tape) == [("ok", "")] and "[keys 12#]" in tape.agents and not tape.to_carrier("clear"),
        prepare=at(1.2, TonesWanted("e1", "12#")),
        tools=tool(2.0),
        unmet=True,
    ),
    collecting(
        "keys-collected",
        "The agent asks, falls silent at the first key, and the function gets the keys; no message tells the model.",
        [{"wait": {"agent_ms": 60}}, {"press": "47"}, *LISTENS],
        lambda tape: (
            ended(tape) == [("ok", "47")]
            and keypad(tape) == ["47"]
            and len(tape.to_carrier("clear")) == 1
            and not [item for item in tape.to_model("conversation.item.create") if "keypad" in str(item)]
        ),
        KeysWanted("e1", 2, 2, prompt=NUMBER),
    ),
    collecting(
        "keys-asked-for-again",
        "Keys that do not come in time are asked for once more, and then given up.",
        [{"pause": 3}, *HEARS, "hang_up"],
        lambda tape: ended(tape) == [("timeout", "")] and tape.agents.count(NUMBER) == 2,
        KeysWanted("e1", patience=0.5, prompt=NUMBER),
    ),
    collecting(
        "keys-spoken-instead",
        "A caller who answers aloud instead of typing ends the collection, and the function hears of it.",
        [{"pause": 0.9}, {"say": "No."}, {"pause": 0.5}, "hang_up"],
        lambda tape: ended(tape) == [("spoke", "")],
        KeysWanted("e1", patience=9),
        faults=None,
    ),
    collecting(
        "keys-in-secret",
        "Secret keys stand on the cassette as others, and their sound as silence, for the model as well.",
        [{"pause": 1.0}, {"press": {"keys": "4711", "tones": True}}, *LISTENS],
        lambda tape: (
            ended(tape) == [("ok", "0000")]
            and keypad(tape) == ["••••"]
            and [key["dtmf"]["digit"] for key in tape.from_carrier("dtmf")] == ["0"] * 4
            and all(
                frame["media"]["payload"].startswith(SILENCE)
                for frame in tape.from_carrier("media")
                if 1300 < int(frame["media"]["timestamp"]) < 2000
            )
        ),
        KeysWanted("e1", 4, 4, secret=True),
        faults=None,
    ),
    call(
        "message-taken",
        "A message begins behind the tone and ends with silence; the model hears nothing of it.",
        [*ASKS, {"pause": 1.3}, {"say": "Call me."}, {"wait": {"quiet": 1.5}}, "hang_up"],
        [LOOKS, TELLS],
        lambda tape: (
            ended(tape) == [("ok", "")]
            and 1.0 < tape.told("ErrandDone")[0]["seconds"] < 2.5
            and tape.told("MessageAudio")
            and tape.callers == [ASK]
        ),
        prepare=at(1.2, MessageWanted("e1", silence=0.6)),
        tools=tool(3.0),
        unmet=True,
    ),
    call(
        "message-cut-short",
        "A caller who hangs up in the middle of a message has left it all the same.",
        [*ASKS, {"pause": 1.3}, {"say": "Call me."}, "hang_up"],
        [LOOKS],
        lambda tape: (
            ended(tape) == [("over", "")] and sum(piece["bytes"] for piece in tape.told("MessageAudio")) > 3000
        ),
        prepare=at(1.2, MessageWanted("e1")),
        tools=tool(5.0),
        unmet=True,
    ),
    call(
        "function-speaks",
        "What a function wants said is said word for word while it runs.",
        [*ASKS, *HEARS, *LISTENS],
        [LOOKS, TELLS],
        lambda tape: tape.agents[0] == "Wait.",
        prepare=at(1.2, SpeechWanted("Wait.")),
        tools=tool(1.5),
        unmet=True,
        **SPARSE,
    ),
    call(
        "function-ends-the-call",
        "A function ends the call, and the model's words to its result are heard first.",
        [*ASKS, {"wait": "end"}],
        [LOOKS, {"on": "tool", "say": "Bye."}],
        lambda tape: tape.ending == ("completed", "agent", "done") and tape.agents == ["Bye."] and tape.told("HangUp"),
        prepare=at(1.2, HangUpWanted("done", "")),
        tools=tool(0.8),
        **SPARSE,
    ),
    call(
        "transfer-once-the-last-words-were-heard",
        "A caller is put through when they have heard the model's last words, and the call is the agent's to end.",
        [*ASKS, {"wait": "end"}],
        [LOOKS, {"on": "tool", "say": "Hold on."}],
        lambda tape: (
            tape.ending == ("completed", "agent", "transferred to billing")
            and tape.told("HangUp")[0]["transfer_to"] == BILLING.to
            and tape.agents == ["Hold on."]
        ),
        prepare=at(1.0, BILLING),
        tools=tool(0.5),
        **SPARSE,
    ),
    call(
        "transfer-called-off-by-the-caller",
        "A caller who speaks up before they are put through stays, and the model is told so.",
        [*ASKS, {"wait": {"agent_ms": 60}}, {"say": "No."}, {"pause": 1.5}, "hang_up"],
        [LOOKS, {"on": "tool", "say": "Hold the line please."}, {"on": "speech", "hears": "No.", "say": "Fine."}],
        lambda tape: (
            not tape.told("HangUp")
            and tape.agents[-1] == "Fine."
            and "still with you" in str(tape.to_model("conversation.item.create"))
        ),
        prepare=at(1.0, BILLING),
        tools=tool(0.5),
    ),
    call(
        "transfer-to-somebody-who-waits",
        "Somebody was asked first and waits: the model says so when it knows, and the caller is put through even if "
        "they speak up meanwhile.",
        [*ASKS, {"wait": {"agent_ms": 1200}}, {"say": "Oh."}, {"wait": "end"}],
        [
            {**LOOKS, "say": "I will ask them."},
            {"on": "tool", "say": "They are on the line now."},
        ],
        lambda tape: (
            tape.ending == ("completed", "agent", "transferred to mary")
            and tape.told("HangUp")[0]["sending"]["room"] == "room-1"
            and tape.agents[:2] == ["I will ask them.", "They are on the line now."]
            and "still with you" not in str(tape.to_model("conversation.item.create"))
        ),
        prepare=at(2.4, TransferWanted("+15550177", Sending("mary", room="room-1"))),
        tools=tool(2.0),
        **SPARSE,
    ),
    call(
        "somebody-is-asked-first",
        "While somebody else is called the model asks the caller for patience in its own words, more than once.",
        [*ASKS, {"wait": {"quiet": 4}}, "hang_up"],
        [
            LOOKS,
            {"on": "prompt", "say": "It is ringing."},
            {"on": "prompt", "say": "Still ringing."},
            {"on": "tool", "say": "Nobody is there."},
        ],
        lambda tape: tape.agents == ["It is ringing.", "Still ringing.", "Nobody is there."],
        prepare=both(at(1.6, STILL), at(3.0, STILL)),
        tools=tool(3.0),
        **SPARSE,
    ),
    call(
        "transfer-refused-by-the-carrier",
        "A caller whom the carrier does not put through is with the agent again, who is told so and speaks.",
        [*ASKS, *HEARS, *HEARS, "hang_up"],
        [LOOKS, {"on": "tool", "say": "Hold on."}, {"on": "prompt", "say": "Sorry."}],
        lambda tape: tape.agents[-1] == "Sorry." and "could not be sent on" in tape.notes,
        prepare=both(at(1.0, BILLING), refuses_to_hang_up),
        tools=tool(0.5),
        unmet=True,
        **SPARSE,
    ),
    call(
        "caller-comes-back",
        "A caller whom nobody took is not greeted again: the agent knows what was said, and speaks first.",
        [*LISTENS],
        [{"on": "greeting", "say": "Nobody is there."}],
        lambda tape: (
            tape.agents == ["Nobody is there."]
            and [item["item"]["content"][0]["text"] for item in tape.to_model("conversation.item.create")][1]
            == "[Nobody answered.]"
        ),
        prologue=Prologue("caller: Billing?", "[Nobody answered.]"),
        speaks_first=True,
        greeting=None,
    ),
    call(
        "caller-comes-from-another-process",
        "A call that goes on here after another process had it waits for the caller, whom the agent knows already.",
        [*ASKS, *LISTENS],
        [{"on": "speech", "hears": ASK, "say": TELL, "knows": ["caller: Hello, this is Ann."]}],
        lambda tape: tape.agents == [TELL],
        prologue=Prologue("caller: Hello, this is Ann.", "[It goes on.]", speaks=False),
        speaks_first=False,
        greeting=None,
        **SPARSE,
    ),
    call(
        "handed-over-to-another-agent",
        "Another agent goes on in a session of its own, once what was said was heard, with its own functions.",
        [*ASKS, *HEARS, {"pause": 0.3}, *LISTENS],
        [LOOKS | {"say": "One moment."}],
        lambda tape: (
            tape.agents == ["One moment.", "Bills."]
            and "billing took over from test" in tape.notes
            and tape.to_model("session.update", 1)[0]["session"]["instructions"] == "Do the bills."
        ),
        prepare=at(0.9, HandOverWanted(CallSettings("billing", BILLS))),
        others=[{"replies": [{"on": "resume", "say": "Bills."}], **PROMPT}],
        tools=tool(0.2),
        unmet=True,
    ),
    call(
        "hand-over-to-nobody",
        "An agent who cannot be had leaves the caller with the one before, who is told so.",
        [*ASKS, *HEARS, *LISTENS],
        [LOOKS, {"on": "tool", "say": "Sorry."}],
        lambda tape: tape.agents == ["Sorry."] and "billing could not take over" in tape.notes,
        prepare=at(0.8, HandOverWanted(CallSettings("billing", BILLS))),
        others=["nobody there"],
        tools=tool(0.4),
        unmet=True,
        **SPARSE,
    ),
]
