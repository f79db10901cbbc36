"""Functions that reach somebody besides the caller, as the built-in ones are offered and answered, and what can come in
between: a target that is refused, a message that is not taken, marks that are lost, a caller who has gone."""

from __future__ import annotations

from typing import Any

from library.endings import hung_up
from library.errands import BILLING
from library.kit import ASK, ASKS, ENDS, HEARS, LISTENS, SPARSE, TELLS, at, call, spoken_with
from library.policies import outputs
from library.tape import Tape
from rehearsals import HANG_UP
from telephony.dialling.words import sentence
from telephony.events import MessageWanted
from telephony.rehearsal import Said
from telephony.sim.caller_faults import CallerFaults
from telephony.tools.telephone import send_sms, transfer, voicemail

NAMES = {"billing": "bills"}
PREMIUM = sentence("premium", "transfer", NAMES, to_caller=False)
NOT_TAKEN = "The telephone network did not take the message. Tell the caller."
PUT_THROUGH = {"status": "ok", "note": "The caller is put through to billing once they have heard your words."}


def asks(name: str, say: str = "", **arguments: Any) -> dict[str, Any]:
    """The model's answer to the caller: one function."""
    return {"on": "speech", "hears": ASK, "say": say, "call": {"name": name, "arguments": arguments}}


def offered(name: str, seconds: float, result: Any) -> dict[str, Any]:
    """A session with the built-in function of that name, which has this result."""
    built_in = next(tool for tool in (send_sms, transfer, voicemail) if tool.spec.name == name)
    return {"session": spoken_with(built_in.spec, HANG_UP), "tools": {name: lambda _: (seconds, result)}}


def refused(words: str) -> Said:
    return Said(f'{{"error": "{words}"}}', "error")


def put_through(tape: Tape) -> bool:
    return tape.ending == ("completed", "agent", "transferred to billing") and bool(tape.told("HangUp"))


REACHING = [
    call(
        "text-message-sent",
        "A message is sent while the caller waits, and the model says so.",
        [*ASKS, *LISTENS],
        [asks("send_sms", body="We open at 8."), TELLS | {"expect": {"send_sms": "sent"}}],
        lambda tape: (
            tape.outcomes == ["ok"]
            and tape.told("RunTool")[0]["name"] == "send_sms"
            and tape.agents == ["Here."]
            and len(tape.to_model("response.create")) == 1
        ),
        **offered("send_sms", 0.3, {"status": "sent"}),
        **SPARSE,
    ),
    call(
        "text-message-not-taken",
        "A message that the carrier does not take is an answer to the model, and the call goes on.",
        [*ASKS, *LISTENS],
        [asks("send_sms", body="We open at 8."), {"on": "tool", "expect": {"send_sms": "not take"}, "say": "Sorry."}],
        lambda tape: tape.outcomes == ["error"] and tape.agents == ["Sorry."] and NOT_TAKEN in outputs(tape)[0],
        **offered("send_sms", 0.3, refused(NOT_TAKEN)),
        **SPARSE,
    ),
    call(
        "transfer-to-a-target-that-is-refused",
        "Whoever may not be called is not: the model is told why and whom it may call, and keeps the caller.",
        [*ASKS, *LISTENS],
        [
            asks("transfer", target="+19005550123"),
            {"on": "tool", "expect": {"transfer": "You can reach: billing"}, "say": "Sorry."},
        ],
        lambda tape: (
            tape.outcomes == ["error"]
            and tape.agents == ["Sorry."]
            and PREMIUM in outputs(tape)[0]
            and not tape.told("HangUp")
        ),
        **offered("transfer", 0.1, refused(PREMIUM)),
        **SPARSE,
    ),
    call(
        "transfer-though-marks-are-lost",
        "Where no mark says that the last words were heard the caller is put through some seconds later all the same.",
        [*ASKS, *ENDS],
        [asks("transfer", "Hold on.", target="billing")],
        lambda tape: (
            put_through(tape)
            and not tape.from_carrier("mark")
            and tape.agents == ["Hold on."]
            and tape.times("rest", "out", "HangUp")[0] > tape.record["turns"][-1]["ended_at"] + 0.9
        ),
        prepare=at(1.3, BILLING),
        faults=CallerFaults(marks_lost=1.0, silence_suppressed=True),
        limit={"goodbye": 1},
        unmet=True,
        **offered("transfer", 0.5, PUT_THROUGH),
    ),
    call(
        "hung-up-before-being-put-through",
        "A caller who hangs up during the words before a transfer has ended the call, and nobody is called.",
        [*ASKS, {"wait": {"agent_ms": 300}}, "hang_up"],
        [asks("transfer", "Hold the line.", target="billing")],
        lambda tape: hung_up(tape) and tape.cut and tape.told("ToolFinished"),
        prepare=at(1.0, BILLING),
        unmet=True,
        **offered("transfer", 0.1, PUT_THROUGH),
        **SPARSE,
    ),
    call(
        "message-not-left",
        "A caller who says nothing after the tone has left no message, and the model is told so.",
        [*ASKS, *HEARS, {"pause": 1.2}, *LISTENS],
        [asks("voicemail"), {"on": "tool", "say": "Again?"}],
        lambda tape: (
            [done["outcome"] for done in tape.told("ErrandDone")] == ["timeout"] and tape.agents == ["[tone]", "Again?"]
        ),
        prepare=at(1.2, MessageWanted("e1", silence=0.6)),
        unmet=True,
        **offered("voicemail", 2.5, {"status": "empty"}),
        **SPARSE,
    ),
]
