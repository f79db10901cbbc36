"""The ledger of function calls alone: each runs at most once, is answered exactly once, and cannot run for ever."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from telephony.conversation.toolcalls import (
    DROPPED,
    GIVEN_UP,
    GRACE,
    REFUSED,
    UNKNOWN,
    ToolCalls,
)
from telephony.events import ToolRequested
from telephony.settings import ToolSpec

SCHEMA = {"type": "object", "properties": {}}
READ = ToolSpec("read", "", SCHEMA, timeout=4, side_effects=False, say="One moment.")
WRITE = ToolSpec("write", "", SCHEMA, timeout=6)


def ledger(limit: int = 50) -> ToolCalls:
    return ToolCalls((READ, WRITE), limit)


def request(calls: ToolCalls, call_id: str, name: str, response: str = "r1", now: float = 0.0) -> None:
    calls.request(ToolRequested(response, call_id, name, "{}"), now)


def ids(calls: object) -> list[str]:
    return [call.use.call_id for call in calls]  # type: ignore[attr-defined]


def test_only_what_changes_nothing_runs_before_its_response_has_completed() -> None:
    calls = ledger()
    for call_id, name in (("c1", "read"), ("c2", "write"), ("c3", "nobody knows")):
        request(calls, call_id, name)
    assert ids(calls.due(0.0)) == ["c1"]
    assert ids(calls.due(0.0, "another")) == []
    assert ids(calls.due(0.0, "r1")) == ["c2", "c3"]
    assert ids(calls.due(0.0, "r1")) == []


def test_a_call_told_of_again_is_the_same_call() -> None:
    calls = ledger()
    event = ToolRequested("r1", "c1", "read", "{}")
    assert calls.request(event, 0.0)
    assert calls.request(event, 0.0) is None
    assert len(calls.uses) == 1


def test_the_first_answer_counts_and_answers_to_nothing_do_not() -> None:
    calls = ledger()
    request(calls, "c1", "read", now=1.0)
    assert calls.answer("c1", "42", "ok", 3.0)
    assert calls.answer("c1", "43", "ok", 4.0) is None
    assert calls.answer("c9", "44", "ok", 4.0) is None
    (use,) = calls.uses
    assert (use.output, use.outcome, use.started_at, use.finished_at) == ("42", "ok", 1.0, 3.0)


def test_an_answer_is_owed_once_every_call_has_its_output() -> None:
    calls = ledger()
    request(calls, "c1", "read")
    request(calls, "c2", "read")
    calls.answer("c1", "1", "ok", 0.0)
    assert not calls.reply_due
    calls.answer("c2", "2", "ok", 0.0)
    assert calls.reply_due
    calls.taken_up()
    assert not calls.reply_due


def test_calls_of_a_response_that_came_to_nothing_wait_for_their_answer() -> None:
    calls = ledger()
    request(calls, "c1", "write", "r1")
    request(calls, "c2", "write", "r2")
    request(calls, "c3", "read", "r1")
    calls.due(0.0)
    assert ids(calls.waiting_for("r1")) == ["c1"]


def test_a_slow_tool_has_something_to_say_once() -> None:
    calls = ledger()
    request(calls, "c1", "read")
    calls.due(10.0)
    assert calls.deadline() == 10.0 + 1.0
    assert calls.to_say(10.0 + 1.0 - 0.01) is None
    assert calls.to_say(10.0 + 1.0) == "One moment."
    assert calls.to_say(10.0 + 1.0) is None


def test_every_running_call_has_a_bound_of_its_own() -> None:
    calls = ledger()
    request(calls, "c1", "read")
    request(calls, "c2", "write")
    request(calls, "c3", "nobody knows")
    calls.due(0.0, "r1")
    calls.to_say(1.0)
    assert calls.deadline() == READ.timeout + GRACE
    assert calls.overdue(READ.timeout + GRACE - 0.01) == []
    assert ids(calls.overdue(READ.timeout + GRACE)) == ["c1"]
    assert ids(calls.overdue(UNKNOWN.timeout + GRACE)) == ["c1", "c2", "c3"]
    for call_id in ("c1", "c2", "c3"):
        calls.answer(call_id, GIVEN_UP, "timeout", 20.0)
    assert calls.deadline() is None


def test_the_call_beyond_the_limit_is_the_first_one_too_many() -> None:
    calls = ledger(limit=2)
    for number in range(3):
        assert not calls.exhausted
        request(calls, f"c{number}", "read")
    assert calls.exhausted


def test_only_calls_that_were_begun_were_made_whatever_became_of_them() -> None:
    calls = ledger(limit=3)
    for number, name in enumerate(("read", "write", "read")):
        request(calls, f"c{number}", name, response=f"r{number}")
    calls.due(1.0)
    calls.answer("c1", DROPPED, "cancelled", 1.0)
    calls.answer("c2", "{}", "ok", 2.0)
    assert ids(calls.made) == ["c0", "c2"]


def test_what_we_answer_in_a_tools_stead_is_json_that_says_what_became_of_it() -> None:
    assert json.loads(DROPPED)["status"] == "cancelled"
    assert set(json.loads(REFUSED)) == set(json.loads(GIVEN_UP)) == {"error"}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["request", "due", "done", "answer", "take up"]),
            st.sampled_from(["c1", "c2", "c3"]),
            st.sampled_from(["read", "write"]),
        ),
        max_size=40,
    )
)
def test_each_call_runs_and_is_answered_at_most_once(script: list[tuple[str, str, str]]) -> None:
    calls = ledger()
    ran: list[str] = []
    answered: list[str] = []
    for what, call_id, name in script:
        match what:
            case "request":
                request(calls, call_id, name)
            case "due":
                ran += ids(calls.due(0.0))
            case "done":
                ran += ids(calls.due(0.0, "r1"))
            case "answer":
                answered += [call_id] if calls.answer(call_id, "", "ok", 0.0) else []
            case "take up":
                calls.taken_up()
        assert set(ids(calls.running)) <= set(ids(calls.open))
    assert len(ran) == len(set(ran))
    assert len(answered) == len(set(answered))
    assert {use.call_id for use in calls.uses} == set(answered) | set(ids(calls.open))
