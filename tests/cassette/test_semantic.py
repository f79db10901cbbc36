"""What matters of a call: every kind of difference is told in a sentence, and what does not matter is not."""

from __future__ import annotations

import msgspec
import pytest

import tapes
from telephony.cassette.player import Failure
from telephony.cassette.replay import Replayed
from telephony.cassette.semantic import semantic_differences
from telephony.records import CallRecord, Termination, ToolUse, Turn


def record() -> CallRecord:
    return CallRecord(
        "",
        "",
        "",
        "",
        termination=Termination("completed", "agent", "agent hung up"),
        turns=[
            Turn("agent", "Hello.", started_at=0.5),
            Turn("caller", "Where is it?", started_at=2.0),
            Turn("agent", "On its way.", "Really.", True, started_at=4.0, speech_stopped_at=3.0),
        ],
        tools=[ToolUse("c1", "look_up", '{"a": 1, "b": 2}', "{}", "ok", 3.2, 3.3)],
    )


def compared(now: CallRecord, then: CallRecord | None = None) -> list[str]:
    return semantic_differences(Replayed("call", now, then or record(), 5.0, 9, 0, None, ""))


def test_the_same_call_has_no_differences() -> None:
    assert compared(record()) == []
    assert semantic_differences(tapes.replayed(tapes.call())) == []


def test_spelling_blanks_and_how_messages_were_cut_do_not_matter() -> None:
    now = record()
    now.tools[0].arguments = '{"b":2,"a":1}'
    now.turns[1].heard = " Where  is\nit? "
    now.turns[2].started_at += 0.2
    now.turns[2].unheard = "Absolutely."
    assert compared(now) == []
    assert semantic_differences(tapes.replayed(tapes.another_sound())) == []


def test_other_tools_other_arguments_and_other_outcomes_are_told() -> None:
    now = record()
    now.tools[0].arguments = '{"a": 3}'
    assert compared(now) == ['look_up({"a": 3}) is called, and then it was look_up({"a": 1, "b": 2})']
    now.tools[0] = msgspec.structs.replace(record().tools[0], outcome="error")
    assert compared(now) == ['look_up({"a": 1, "b": 2}) comes to error, and then it was ok']
    now.tools.clear()
    assert compared(now) == ['look_up({"a": 1, "b": 2}) was called then, and is not now']
    assert compared(record(), now) == ['look_up({"a": 1, "b": 2}) is called, and was not then']


def test_other_words_more_words_and_interruptions_are_told() -> None:
    now = record()
    now.turns[1].heard = "Who is it?"
    assert compared(now) == ["at 2.0 s: the caller says “Who is it?”, and then the caller said “Where is it?”"]
    now = record()
    now.turns[2].interrupted = False
    assert compared(now) == ["at 4.0 s: the agent is not interrupted, unlike then: “On its way.”"]
    now = record()
    del now.turns[0]
    assert compared(now) == ["at 0.5 s: the agent said then, and not now: “Hello.”"]
    assert compared(record(), now) == ["at 0.5 s: the agent says now, and did not then: “Hello.”"]


def test_an_answer_may_come_a_little_later_and_no_more() -> None:
    now = record()
    now.turns[2].started_at += 0.31
    assert compared(now) == ["at 4.3 s: the caller waits 1.31 s for the answer, and then it was 1.00 s"]
    now.turns[2].started_at -= 1.0
    assert compared(now) == []


@pytest.mark.parametrize("ended", [None, Termination("failed", "model", "model lost")])
def test_another_end_is_told(ended: Termination | None) -> None:
    now = record()
    now.termination = ended
    (told,) = compared(now)
    assert "and then it was “completed: agent hung up” by the agent" in told


def test_a_recording_that_breaks_off_is_compared_by_its_messages() -> None:
    half = tapes.replayed(tapes.call()[:900])
    assert semantic_differences(half) == []
    differs = tapes.replayed(tapes.truncated_later()[:1100])
    assert semantic_differences(differs) == [
        "the recording breaks off before the call ends, and up to there its messages differ"
    ]


def test_a_replay_that_failed_is_never_the_same() -> None:
    failed = Replayed(
        "call", record(), None, 5.0, 9, 1, None, "", Failure("TypeError: no", "telephony.x, line 1, in y")
    )
    assert semantic_differences(failed) == ["the replay failed: TypeError: no (telephony.x, line 1, in y)"]
