"""Calls that go on in another process: in the next version, at their next turn, and in any that is left when theirs has
died."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telephony.sim.caller_script import CallerScript
from telephony.simulate.outcome import CallOutcome
from versions import STORY, Line, ended, versions, workers_of

pytestmark = pytest.mark.timeout(170)

CALLS = 20
NAME, HELLO = "My name is Ann.", "Hello Ann, how can I help?"
STEPS = [{"wait": "agent"}, {"say": NAME}, {"wait": "agent"}, {"pause": 15}, {"say": NAME}, {"wait": "agent"}]
TALKS = CallerScript.parse({"patience": 60, "steps": [*STEPS, "hang_up"]})
CARD = "4539148803436467"
GAP = 2.0
"""Seconds without a stream that are far more than our part takes, of which most is the opening of the next stream."""


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with versions(tmp_path, {"on": "speech", "hears": NAME, "say": HELLO}) as made:
        made.configure(can_move=True, drain=100)
        yield made


def gaps(outcome: CallOutcome) -> list[float]:
    """Seconds between two streams of a call."""
    at = [seen.at for seen in outcome.observations if seen.kind in ("stream opened", "stream closed")]
    return [opened - closed for closed, opened in zip(at[1::2], at[2::2], strict=False)]


def known(line: Line, since: int) -> list[str]:
    """What the model was told in its sessions from that number on, one text for each."""
    sessions = [session for session in line.model.sessions if session.number >= since]
    return [str(session.core.items) for session in sessions]


def written_in(folder: Path) -> bytes:
    """Everything that the servers have left on the disk."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def until_answered(line: Line, count: int) -> None:
    """Wait until so many callers have been answered for the first time."""
    async with asyncio.timeout(60):
        while sum(HELLO in told for told in known(line, 0)) < count:  # noqa: ASYNC110  it is a simulation that says so
            await asyncio.sleep(0.1)


async def test_calls_go_on_in_the_next_version_and_nobody_has_to_say_anything_twice(line: Line) -> None:
    old = await line.serve()
    calls = [line.call(TALKS) for _ in range(CALLS)]
    await line.until_heard(old, CALLS)
    new = await line.serve()
    await until_answered(line, CALLS)
    old.send(signal.SIGTERM)
    assert await ended(old, 90) == 0, old.story
    assert not any(call.done() for call in calls), "the old version has ended before its calls"
    outcomes = await asyncio.gather(*calls)
    new.send(signal.SIGTERM)
    assert await ended(new) == 0, new.story
    assert [outcome.unmet for outcome in outcomes if outcome.unmet] == [], new.story
    assert [len(outcome.stream_sids) for outcome in outcomes] == [2] * CALLS
    assert {outcome.ended_by for outcome in outcomes} == {"caller"}
    assert max(gap for outcome in outcomes for gap in gaps(outcome)) < GAP
    restored = known(line, CALLS)
    assert len(restored) == CALLS
    assert all(told.count(HELLO) == 2 and STORY in told for told in restored)
    records = line.terminations()
    assert sorted(records) == sorted(outcome.call_sid for outcome in outcomes)
    assert {result for [(_, result, _)] in records.values()} == {"completed"}


async def test_calls_of_a_process_that_died_go_on_in_another_with_an_apology(line: Line) -> None:
    server = await line.serve()
    calls = [line.call(TALKS) for _ in range(CALLS // 4)]
    await until_answered(line, len(calls))
    await asyncio.sleep(6)  # until what was said has been kept
    os.kill(workers_of(server)[0], signal.SIGKILL)
    outcomes = await asyncio.gather(*calls)
    server.send(signal.SIGTERM)
    assert await ended(server) == 0, server.story
    lost = [outcome for outcome in outcomes if len(outcome.stream_sids) > 1]
    assert 0 < len(lost) < len(calls)
    assert [outcome.unmet for outcome in outcomes if outcome.unmet] == [], server.story
    assert {outcome.ended_by for outcome in outcomes} == {"caller"}
    assert all(HELLO in told and "interrupted this call" in told for told in known(line, len(calls)))
    assert {result for [(_, result, _)] in line.terminations().values()} == {"completed"}


async def test_a_call_with_a_secret_stays_to_its_end_and_leaves_it_nowhere(tmp_path: Path) -> None:
    asks = {"name": "collect_secret_digits", "arguments": {"prompt": "Your card?", "length": 16}}
    replies = [{"on": "speech", "hears": NAME, "call": asks}, {"on": "tool", "say": HELLO}]
    steps = [{"wait": "agent"}, {"say": NAME}, {"wait": "agent"}, {"press": CARD}, {"wait": "agent"}, {"pause": 12}]
    async with versions(tmp_path, *replies) as line:
        line.configure(can_move=True, drain=100, tools="builtin:collect_secret_digits")
        old = await line.serve()
        call = line.call(CallerScript.parse({"patience": 60, "steps": [*steps, "hang_up"]}))
        await line.until_heard(old, 1)
        new = await line.serve()
        await until_answered(line, 1)
        await asyncio.sleep(2)  # nobody says anything any more
        old.send(signal.SIGTERM)
        outcome = await call
        assert await ended(old, 60) == 0, old.story
        new.send(signal.SIGTERM)
        assert await ended(new) == 0, new.story
        assert (outcome.unmet, len(outcome.stream_sids), outcome.ended_by) == ((), 1, "caller")
        assert '"the call stays in this process"' in old.errors
        assert CARD.encode() not in written_in(tmp_path) + old.errors.encode() + new.errors.encode()
