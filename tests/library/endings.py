"""How calls end: whoever ends them, and in whichever phase."""

from __future__ import annotations

from library.barge_ins import LONG
from library.kit import ANSWER, ASKS, BYE, CLIPS, ENDS, HEARS, HELLO, LISTENS, SPARSE, TELL, at, call
from library.tape import Tape
from telephony.events import CallEnded, HangUpAnswered, HangUpWanted, ServerMoving, ServerStopping
from telephony.rehearsal import Rehearsal
from telephony.settings import Tariffs


def refuses_to_hang_up(rehearsal: Rehearsal) -> None:
    """The carrier answers that it will not, and the call goes on."""
    desk = rehearsal.desk
    desk._hang_up = lambda now: desk.feed(HangUpAnswered("busy"), now)


BY_CALLER = ("completed", "caller", "caller hung up")


def hung_up(tape: Tape) -> bool:
    return bool(tape.ending == BY_CALLER and not tape.told("HangUp"))


ENDINGS = [
    call(
        "hung-up-while-connecting",
        "A caller who hangs up before the model is there ends the call, and nobody is spoken to any more.",
        [{"pause": 0.3}, "hang_up"],
        [],
        lambda tape: hung_up(tape) and not tape.to_model("session.update"),
        connect=1.0,
        until=2.0,
    ),
    call(
        "hung-up-while-greeting",
        "Of a greeting that was cut short by the end of the call the record keeps what was heard.",
        [{"wait": {"agent_ms": 300}}, "hang_up"],
        [HELLO],
        lambda tape: hung_up(tape) and tape.cut[0]["unheard"],
        greeting="Hello, this is Acme.",
        speaks_first=True,
    ),
    call(
        "hung-up-while-the-caller-speaks",
        "A caller who hangs up in mid-sentence leaves a turn without its end.",
        [{"say": "Where is"}, "hang_up"],
        [],
        lambda tape: hung_up(tape) and [turn["speaker"] for turn in tape.record["turns"]] == ["caller"],
    ),
    call(
        "hung-up-while-the-agent-speaks",
        "Of an answer that was cut short by the end of the call the record keeps what was heard.",
        [*ASKS, {"wait": {"agent_ms": 300}}, "hang_up"],
        [ANSWER | {"say": LONG}],
        lambda tape: hung_up(tape) and tape.cut[0]["heard"] and tape.cut[0]["unheard"],
    ),
    call(
        "hung-up-during-the-goodbye",
        "A caller who hangs up during the goodbye ends the call first: the agent did not.",
        [{"say": "Bye."}, {"wait": {"agent_ms": 100}}, "hang_up"],
        [BYE],
        hung_up,
    ),
    call(
        "hang-up-refused-by-the-carrier",
        "A carrier that refuses to end the call is noted; the call is over some seconds later all the same.",
        [{"say": "Bye."}, *ENDS],
        [BYE | {"say": "Bye."}],
        lambda tape: tape.told("HangUpAnswered") and "did not end the call" in tape.notes and tape.ending[1] == "agent",
        prepare=refuses_to_hang_up,
        **SPARSE,
        until=9.0,
        unmet=True,
    ),
    call(
        "ended-by-an-operator",
        "A call that is ended through the API is over at once.",
        [*ASKS, {"pause": 3}],
        [ANSWER | {"say": LONG}],
        lambda tape: tape.ending == ("completed", "operator", "ended from outside"),
        prepare=at(0.9, CallEnded("operator", "ended from outside")),
        until=2.0,
        unmet=True,
    ),
    call(
        "server-stopping",
        "A server that stops says so, apologises and hangs up.",
        [*ENDS],
        [{"on": "greeting", "say": "Call again."}],
        lambda tape: tape.ending[1] == "server" and tape.agents[-1] == "Call again." and tape.told("HangUp"),
        prepare=at(0.2, ServerStopping()),
    ),
    call(
        "server-stopping-while-connecting",
        "A server that stops before the model is there plays the recorded goodbye.",
        [*ENDS],
        [],
        lambda tape: tape.ending[1] == "server" and tape.agents == ["[recorded goodbye]"],
        prepare=at(0.1, ServerStopping()),
        connect=1.0,
        **CLIPS,
    ),
    call(
        "moved-to-another-process",
        "A call that is to go on in another process ends here in the silence after a turn, and not before.",
        [*ASKS, *HEARS, {"pause": 3}],
        [ANSWER],
        lambda tape: (
            tape.ending == ("completed", "server", "went on in another process")
            and tape.agents == [TELL]
            and tape.told("Moved")
        ),
        prepare=at(0.9, ServerMoving()),
        until=6.0,
        unmet=True,
        **SPARSE,
    ),
    call(
        "hung-up-by-an-operator",
        "An operator who ends the call lets the agent finish, and a caller who talks into it does not keep the line.",
        [*ASKS, {"wait": {"agent_ms": 100}}, {"say": "No, wait."}, *ENDS],
        [ANSWER | {"say": LONG}],
        lambda tape: tape.ending == ("completed", "operator", "misuse") and tape.told("HangUp"),
        prepare=at(1.0, HangUpWanted("misuse", operator=True)),
        unmet=True,
        **SPARSE,
    ),
    call(
        "hung-up-by-an-operator-during-the-agents-goodbye",
        "A goodbye that the caller could still call off is final once an operator wants the end as well.",
        [{"say": "Bye."}, {"wait": {"agent_ms": 100}}, {"pause": 0.3}, {"say": "No, wait."}, *ENDS],
        [BYE | {"say": LONG}],
        lambda tape: tape.ending == ("completed", "operator", "misuse") and tape.told("HangUp"),
        prepare=at(1.15, HangUpWanted("misuse", operator=True)),
        unmet=True,
        **SPARSE,
    ),
    call(
        "call-too-long",
        "A call that reaches its limit is ended with a goodbye that names the reason.",
        [*ENDS],
        [{"on": "greeting", "say": "Time is up."}],
        lambda tape: (
            tape.ending == ("completed", "limit", "maximum duration")
            and tape.agents[-1] == "Time is up."
            and "maximum length" in tape.to_model("response.create")[-1]["response"]["instructions"]
        ),
        limit={"max_duration": 0.4},
    ),
    call(
        "call-soon-too-long",
        "Some time before its limit the caller of a call is told of it: not while they speak, but after the answer.",
        [{"pause": 0.5}, {"say": "Where is the parcel I sent home?"}, *ENDS],
        [
            ANSWER | {"hears": "Where is the parcel I sent home?"},
            {"on": "prompt", "say": "Soon."},
            {"on": "prompt", "say": "Bye."},
        ],
        lambda tape: (
            tape.agents == ["Here.", "Soon.", "Bye."]
            and tape.ending == ("completed", "limit", "maximum duration")
            and "a few seconds" in tape.to_model("response.create")[0]["response"]["instructions"]
        ),
        limit={"max_duration": 4.0, "max_duration_warning": 2.0},
    ),
    call(
        "call-too-expensive",
        "A call that has cost what it may is ended with a goodbye, and the cassette holds the prices.",
        [*ENDS],
        [{"on": "greeting", "say": "That is all."}],
        lambda tape: (
            tape.ending == ("completed", "limit", "maximum cost")
            and tape.agents == ["That is all."]
            and "limit of 0.5 EUR" in tape.notes
        ),
        limit={"max_cost": 0.5},
        tariffs=Tariffs(currency="EUR", carrier_minute=60),
    ),
    call(
        "call-too-long-and-the-model-silent",
        "Where the model does not say the goodbye of a limit the recorded one is played.",
        [*ENDS],
        [{"on": "greeting", "drop": True}],
        lambda tape: tape.ending[1] == "limit" and tape.agents == ["[recorded goodbye]"],
        limit={"max_duration": 0.3, "dead_air": 0.5},
        **CLIPS,
    ),
    call(
        "recording-that-breaks-off",
        "A recording of which the end is missing replays as far as it goes.",
        [*ASKS, *LISTENS],
        [ANSWER],
        lambda tape: not tape.record and len(tape.lines) > 100,
        keep=0.8,
    ),
]
