"""Carriers whose marks do not come back as they should: what was heard is known by the clock."""

from __future__ import annotations

from library.barge_ins import AGAIN, LONG, into
from library.kit import ANSWER, BYE, ENDS, SPARSE, call
from telephony.sim.caller_faults import CallerFaults

MARKS = [
    call(
        "marks-lost",
        "Without a single mark what was heard is told by the clock, as exactly.",
        into(250),
        [ANSWER | {"say": LONG}, AGAIN],
        lambda tape: (
            tape.to_carrier("mark")
            and not tape.from_carrier("mark")
            and 200 < tape.to_model("conversation.item.truncate")[0]["audio_end_ms"] < 600
        ),
        faults=CallerFaults(marks_lost=1.0, silence_suppressed=True),
    ),
    call(
        "goodbye-though-marks-are-lost",
        "Where no mark says that the last words were heard the line is released some seconds later all the same.",
        [{"say": "Bye."}, *ENDS],
        [BYE | {"say": "Bye."}],
        lambda tape: (
            not tape.from_carrier("mark")
            and tape.ending[1] == "agent"
            and tape.times("rest", "out", "HangUp")[0] > tape.record["turns"][-1]["ended_at"] + 0.9
        ),
        faults=CallerFaults(marks_lost=1.0, silence_suppressed=True),
        limit={"goodbye": 1},
    ),
    call(
        "marks-late",
        "Marks that come late and overtake one another change nothing in what counts as heard.",
        into(250),
        [ANSWER | {"say": LONG}, AGAIN],
        lambda tape: 200 < tape.to_model("conversation.item.truncate")[0]["audio_end_ms"] < 600,
        faults=CallerFaults(seed=3, marks_late_ms=500, silence_suppressed=True),
    ),
    call(
        "marks-doubled-and-unknown",
        "A mark that comes twice, or that nobody sent, says nothing.",
        into(250),
        [ANSWER | {"say": LONG}, AGAIN],
        lambda tape: (
            len(tape.from_carrier("mark")) > len(tape.to_carrier("mark"))
            and [m for m in tape.from_carrier("mark") if m["mark"]["name"].startswith("unknown")]
        ),
        faults=CallerFaults(seed=3, marks_doubled=0.5, marks_unknown=0.5, silence_suppressed=True),
    ),
    call(
        "carrier-that-plays-late",
        "Where a whole row of marks comes later than any round trip explains, the rest is taken off what was heard.",
        [{"say": "Where?"}, {"wait": {"agent_ms": 1300}}, {"say": "Hm?"}, "hang_up"],
        [ANSWER | {"say": "It was sent on Tuesday, so on Friday."}],
        lambda tape: (
            len(tape.from_carrier("mark")) > 10
            and 1000 < tape.to_model("conversation.item.truncate")[0]["audio_end_ms"] < 2100
        ),
        to_caller=0.45,
        connect=0.5,
        unmet=True,
        **SPARSE,
    ),
]
