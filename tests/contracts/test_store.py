"""What every store of call records promises. A new store joins by one line in `shelf` (conftest)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telephony.errors import ConfigurationError
from telephony.records import CallRecord, Finding, Termination, ToolUse, Turn
from telephony.store.base import PROCESS_DIED, CallFilter, CallStore, CallSummary, Position
from telephony.store.owner import Owner

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
HUNG_UP = Termination("completed", "caller", "caller hung up")
ELSEWHERE = Owner("there", "another host", 4711, "99")

SILENT = Finding(3.1, 2.6, "pause", "response_slow", "silent 2.6 s: the model took 2.1 s to begin an answer")

Open = Callable[..., Awaitable[CallStore]]


def a_call(call: str = "call-1", **changes: Any) -> CallRecord:
    """A running call with a bit of everything."""
    record = CallRecord(
        id=call,
        carrier="twilio",
        carrier_call_id=f"CA-{call}",
        agent="frontdesk",
        from_number="+15550123",
        to_number="+15550100",
        started_at=NOW,
        model="xai/grok-voice-latest",
        recording=f"recordings/{call}.wav",
        turns=[
            Turn("agent", heard="Thanks for calling.", started_at=0.4, ended_at=1.6, sent_at=0.3),
            Turn("caller", heard="Where is my order?", started_at=2.0, ended_at=3.1, item_id="item_1"),
            Turn("agent", heard="It is", unheard="on its way.", interrupted=True, speech_stopped_at=3.1),
        ],
        tools=[ToolUse("fc_1", "lookup_order", '{"order_id": "A-1042"}', '{"state": "shipped"}', "ok", 3.3, 3.9)],
        usage={"total_tokens": 812, "output_token_details.audio_tokens": 204},
        cost=0.25,
        currency="USD",
        notes=["A mark was lost."],
        findings=[SILENT],
    )
    return msgspec.structs.replace(record, **changes)


def ended(record: CallRecord, end: Termination = HUNG_UP) -> CallRecord:
    return msgspec.structs.replace(record, termination=end, duration=12.5)


# -- a call's life -------------------------------------------------------------------------------------------------


async def test_a_call_is_listed_from_its_first_moment(store: CallStore) -> None:
    await store.begin(a_call())
    assert [call.id for call in await store.list()] == ["call-1"]
    record = await store.get("call-1")
    assert record is not None
    assert record.termination is None


async def test_what_was_finished_is_read_back_whole(store: CallStore) -> None:
    await store.begin(a_call(turns=[], tools=[]))
    assert await store.finish(ended(a_call()))
    assert await store.get("call-1") == ended(a_call())


async def test_finish_needs_no_begin(store: CallStore) -> None:
    assert await store.finish(ended(a_call()))
    assert await store.get("call-1") == ended(a_call())


async def test_the_first_end_wins(store: CallStore) -> None:
    assert await store.finish(ended(a_call()))
    assert not await store.finish(ended(a_call(turns=[]), Termination("failed", "model", "lost")))
    assert await store.get("call-1") == ended(a_call())


async def test_of_many_ends_at_once_one_wins(shelf: Open) -> None:
    stores = [await shelf() for _ in range(4)]
    ends = [ended(a_call(), Termination("failed", "model", f"end {n}")) for n in range(12)]
    won = await asyncio.gather(*(stores[n % 4].finish(end) for n, end in enumerate(ends)))
    assert won.count(True) == 1
    assert await stores[0].get("call-1") == ends[won.index(True)]


async def test_finish_without_a_termination_is_a_mistake_of_the_caller(store: CallStore) -> None:
    with pytest.raises(ValueError, match="no termination"):
        await store.finish(a_call())


async def test_words_are_kept_while_the_call_runs(store: CallStore) -> None:
    await store.begin(a_call(turns=[], tools=[]))
    assert await store.save(a_call())
    assert await store.get("call-1") == a_call()


async def test_saving_looks_at_no_termination(store: CallStore) -> None:
    await store.save(ended(a_call()))
    record = await store.get("call-1")
    assert record is not None
    assert record.termination is None


async def test_saving_after_the_end_changes_nothing(store: CallStore) -> None:
    await store.finish(ended(a_call()))
    assert not await store.save(a_call(turns=[]))
    await store.begin(a_call(turns=[]))
    assert await store.get("call-1") == ended(a_call())


async def test_a_record_is_a_copy(store: CallStore) -> None:
    mine = a_call()
    await store.begin(mine)
    mine.turns.clear()
    theirs = await store.get("call-1")
    assert theirs is not None
    theirs.turns.clear()
    assert await store.get("call-1") == a_call()


async def test_a_character_that_is_no_text_does_not_cost_the_record(store: CallStore) -> None:
    await store.finish(ended(a_call(turns=[Turn("caller", heard="half a \ud83d pair and a \0")])))
    record = await store.get("call-1")
    assert record is not None
    assert record.turns[0].heard == "half a ? pair and a \N{REPLACEMENT CHARACTER}"


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
SECONDS = st.floats(0, 4000, allow_nan=False)
MAYBE = st.none() | SECONDS
TURNS = st.builds(
    Turn,
    speaker=st.sampled_from(["caller", "agent", "keypad"]),
    heard=TEXT,
    unheard=TEXT,
    interrupted=st.booleans(),
    started_at=SECONDS,
    ended_at=MAYBE,
    item_id=TEXT,
    final=st.booleans(),
    speech_stopped_at=MAYBE,
    response_at=MAYBE,
    first_audio_at=MAYBE,
    sent_at=MAYBE,
    vad_at=MAYBE,
    confirmed_at=MAYBE,
)
TOOLS = st.builds(
    ToolUse,
    call_id=TEXT,
    name=TEXT,
    arguments=TEXT,
    output=TEXT,
    outcome=st.sampled_from(["ok", "error", "timeout", "cancelled", "invalid", "running"]),
    started_at=SECONDS,
    finished_at=MAYBE,
)
RECORDS = st.builds(
    CallRecord,
    id=st.just(""),
    carrier=st.just("twilio"),
    carrier_call_id=TEXT,
    agent=TEXT,
    from_number=TEXT,
    to_number=TEXT,
    direction=st.sampled_from(["inbound", "outbound"]),
    started_at=st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    duration=SECONDS,
    model=TEXT,
    termination=st.builds(
        Termination, st.sampled_from(["completed", "failed"]), st.sampled_from(["caller", "agent", "limit"]), TEXT
    ),
    turns=st.lists(TURNS, max_size=3),
    tools=st.lists(TOOLS, max_size=2),
    usage=st.dictionaries(TEXT, st.integers(-(2**53), 2**53) | SECONDS | TEXT, max_size=3),
    cost=SECONDS,
    currency=st.text("ABCUSDE\N{EURO SIGN}", max_size=16),
    recording=TEXT,
    cassette=TEXT,
    notes=st.lists(TEXT, max_size=2),
    findings=st.lists(st.builds(Finding, SECONDS, SECONDS, st.just("pause"), st.just("unexplained"), TEXT), max_size=2),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=RECORDS)
async def test_any_record_is_read_back_as_it_was(store: CallStore, record: CallRecord) -> None:
    record.id = str(uuid.uuid4())  # one store serves all examples, and a call ends once
    assert await store.finish(record)
    assert await store.get(record.id) == record


# -- finding -------------------------------------------------------------------------------------------------------


async def test_a_call_is_found_by_its_id_its_beginning_its_end_and_the_carriers_id(store: CallStore) -> None:
    await store.begin(a_call("20261122-4f2a9c"))
    for wanted in ("20261122-4f2a9c", "2026", "4f2a9c", "CA-20261122-4f2a9c"):
        record = await store.get(wanted)
        assert record is not None
        assert record.id == "20261122-4f2a9c"


@pytest.mark.parametrize("wanted", ["", "nothing", "%", "f2a", "_f2a9c", "4F2A9C-and-more"])
async def test_what_is_not_there_is_none(store: CallStore, wanted: str) -> None:
    await store.begin(a_call("4f2a9c"))
    assert await store.get(wanted) is None


async def test_a_beginning_of_several_ids_is_refused_with_the_remedy(store: CallStore) -> None:
    for call in ("4f2a", "4f2b", "4f"):
        await store.begin(a_call(call))
    exact = await store.get("4f")
    assert exact is not None
    assert exact.id == "4f"
    with pytest.raises(ConfigurationError, match=r"4f2 could be 4f2. or 4f2.\. Type more of the id"):
        await store.get("4f2")


async def test_calls_are_listed_newest_first_and_page_by_page(store: CallStore) -> None:
    # Three calls of the same moment straddle a page: the cursor is an id, not a time.
    minutes = {"a": 0, "b": 1, "c": 1, "d": 1, "e": 2}
    for call, minute in minutes.items():
        await store.begin(a_call(call, started_at=NOW + timedelta(minutes=minute)))
    seen: list[CallSummary] = []
    while page := await store.list(2, before=seen[-1].position if seen else None):
        seen += page
    assert [call.id for call in seen] == ["e", "d", "c", "b", "a"]


async def test_a_page_goes_on_behind_a_call_that_is_gone(store: CallStore) -> None:
    for minute, call in enumerate(("a", "b", "d")):
        await store.begin(a_call(call, started_at=NOW + timedelta(minutes=minute)))
    gone = Position(NOW + timedelta(minutes=1), "c")
    assert [call.id for call in await store.list(before=gone)] == ["b", "a"]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (CallFilter(), {"in", "out", "old"}),
        (CallFilter(agent="billing"), {"out"}),
        (CallFilter(agent="nobody"), set()),
        (CallFilter(number="+15550177"), {"out"}),
        (CallFilter(number="+15550100"), {"in", "out", "old"}),
        (CallFilter(direction="outbound"), {"out"}),
        (CallFilter(state="running"), {"in"}),
        (CallFilter(state="completed"), {"out"}),
        (CallFilter(state="failed"), {"old"}),
        (CallFilter(state="failed", agent="billing"), set()),
        (CallFilter(since=NOW), {"in", "out"}),
        (CallFilter(until=NOW), {"old"}),
        (CallFilter(since=NOW, until=NOW), set()),
        (CallFilter(problems=True), {"in", "old"}),
        (CallFilter(problems=True, direction="outbound"), set()),
    ],
)
async def test_a_list_can_be_of_some_calls(store: CallStore, where: CallFilter, found: set[str]) -> None:
    await store.begin(a_call("in"))
    out = {"agent": "billing", "direction": "outbound", "from_number": "+15550100", "to_number": "+15550177"}
    await store.finish(ended(a_call("out", findings=[], **out)))
    old = a_call("old", started_at=NOW - timedelta(days=1))
    await store.finish(ended(old, Termination("failed", "model", "dead air")))
    assert {call.id for call in await store.list(where=where)} == found


async def test_a_line_of_the_list_is_the_record_without_its_contents(store: CallStore) -> None:
    await store.finish(ended(a_call()))
    assert await store.list() == [CallSummary.of(ended(a_call()))]
    assert (await store.list())[0].turns == 3
    assert (await store.list())[0].findings == 1


async def test_a_list_can_be_of_calls_with_problems(store: CallStore) -> None:
    failed = Termination("failed", "model", "dead air")
    await store.begin(a_call("running", findings=[]))
    await store.finish(ended(a_call("well", findings=[])))
    await store.finish(ended(a_call("broken", findings=[]), failed))
    await store.finish(ended(a_call("silent")))
    assert {call.id for call in await store.list(where=CallFilter(problems=True))} == {"broken", "silent"}


# -- after a crash -------------------------------------------------------------------------------------------------


def a_dead_process() -> Owner:
    """One that ran on this machine and has ended."""
    reports = "import msgspec, telephony.store.owner as o; print(msgspec.json.encode(o.Owner.current()).decode())"
    output = subprocess.run([sys.executable, "-c", reports], check=True, capture_output=True).stdout  # noqa: S603
    return msgspec.json.decode(output, type=Owner)


async def test_calls_of_a_dead_process_are_closed_with_what_is_known(shelf: Open) -> None:
    dead = await shelf(a_dead_process())
    await dead.begin(a_call("lost", started_at=NOW))
    await dead.save(a_call("lost", started_at=NOW, duration=5.0))
    await dead.renew(NOW + timedelta(seconds=20))
    await dead.finish(ended(a_call("done")))

    survivor = await shelf()
    recovered = await survivor.recover(NOW + timedelta(minutes=1))
    assert [(call.id, call.termination, call.duration) for call in recovered] == [("lost", PROCESS_DIED, 20.0)]
    record = await survivor.get("lost")
    assert record is not None
    assert record.turns == a_call().turns
    assert "process died" in record.notes[-1]
    assert await survivor.recover(NOW + timedelta(minutes=2)) == []


async def test_calls_of_this_process_and_of_a_live_neighbour_are_left_alone(shelf: Open) -> None:
    ours, neighbour = await shelf(), await shelf(Owner.current())
    await ours.begin(a_call("ours"))
    await neighbour.begin(a_call("theirs"))
    # No lease is asked on one host: even a clock that jumps by hours ends nobody's call.
    assert await ours.recover(datetime.now(UTC) + timedelta(hours=10)) == []


async def test_a_process_that_got_a_dead_ones_number_does_not_pass_for_it(shelf: Open) -> None:
    dead = await shelf(Owner("dead", Owner.current().host, os.getpid(), "born long ago"))
    await dead.begin(a_call("lost"))
    assert [call.id for call in await (await shelf()).recover(NOW)] == ["lost"]


async def test_a_process_on_another_host_lives_as_long_as_its_lease(shelf: Open) -> None:
    there, here = await shelf(ELSEWHERE), await shelf()
    await there.begin(a_call("far"))
    await there.renew(NOW)
    assert await here.recover(NOW + timedelta(seconds=29)) == []
    await there.renew(NOW + timedelta(seconds=25))
    assert await here.recover(NOW + timedelta(seconds=50)) == []
    assert [call.id for call in await here.recover(NOW + timedelta(seconds=56))] == ["far"]


async def test_two_survivors_close_a_call_once(shelf: Open) -> None:
    await (await shelf(a_dead_process())).begin(a_call("lost"))
    one, other = await shelf(), await shelf(Owner.current())
    recovered = await asyncio.gather(one.recover(NOW), other.recover(NOW))
    assert sorted(len(calls) for calls in recovered) == [0, 1]


async def test_a_process_that_was_taken_for_dead_can_still_tell_the_real_end(shelf: Open) -> None:
    there, here = await shelf(ELSEWHERE), await shelf()
    await there.begin(a_call())
    assert len(await here.recover(NOW + timedelta(days=365))) == 1
    assert await there.finish(ended(a_call()))
    assert await here.get("call-1") == ended(a_call())
    assert not await here.finish(ended(a_call(), Termination("failed", "model", "lost")))
