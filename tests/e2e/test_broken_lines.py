"""Media streams that fail a caller in mid-call: the connection breaks, the carrier falls silent, marks go astray."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from offices import ShortVoice, silences, world
from raw_lines import Overheard, raw_line
from telephony.agents.agent import Agent
from telephony.records import Termination
from telephony.sim.caller_faults import CallerFaults

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

QUIET: dict[str, Any] = {"speaks_first": False, "audio": "pcmu"}
FRAME = b"\x40" * 160


async def test_a_connection_that_breaks_without_a_word_ends_the_call_and_the_models_session(tmp_path: Path) -> None:
    overheard = Overheard()
    async with world(tmp_path, {}, Agent("frontdesk", **QUIET), on_event=overheard) as made:
        async with raw_line(made) as line:
            await line.send(line.media(FRAME))
            await overheard.until(line.session, FRAME)
            line.vanish()
            record = await line.record()
            async with asyncio.timeout(10):
                await made.outside.model.sessions[line.session].ended.wait()
        assert made.office.calls.live == {}
        assert len(made.records) == 1
    assert record.termination is not None
    assert (record.termination.result, record.termination.by) == ("failed", "carrier")
    assert record.termination.reason.startswith("media stream lost")
    assert (tmp_path / "recordings" / f"{record.id}.wav").is_file()


async def test_a_carrier_that_falls_silent_is_given_up_and_its_silence_is_nobodys_speech(tmp_path: Path) -> None:
    overheard = Overheard()
    agent = Agent("frontdesk", **QUIET, limits={"stream_silence": 1})
    async with world(tmp_path, {}, agent, on_event=overheard) as made:
        async with raw_line(made) as line:
            await line.send(line.media(FRAME))
            await overheard.until(line.session, FRAME)
            assert await line.closed() == 1000
            record = await line.record()
        assert overheard.spoken(line.session) == FRAME
        assert len(overheard.audio[line.session]) > len(FRAME), "a model measures silence in what it hears"
        assert made.outside.faults() == []
    assert record.termination == Termination("failed", "carrier", "the carrier sent nothing any more")
    assert record.turns == []


LINES = {
    "never come back": CallerFaults(marks_lost=1.0),
    "come late and overtake each other": CallerFaults(seed=1, marks_late_ms=800, marks_doubled=0.5),
    "were never sent": CallerFaults(marks_unknown=1.0),
}


async def test_whatever_becomes_of_marks_it_is_known_what_the_caller_heard(tmp_path: Path) -> None:
    """The agent is cut off once and heard to the end once, by the clock if not by the marks."""
    story = "Once upon a time there was a king who had three sons and a daughter."
    replies = [{"on": "speech", "hears": "Stop.", "say": "As you like."}]
    steps = [{"wait": {"agent_ms": 500}}, {"say": "Stop."}, {"wait": "agent"}, "hang_up"]
    agent, voice = Agent("frontdesk", greeting=story), ShortVoice("agent", 1.5)
    async with world(tmp_path, {"replies": replies}, agent, voice=voice) as made:
        async with asyncio.TaskGroup() as group:
            calls = {how: group.create_task(made.call(*steps, faults=line), name=how) for how, line in LINES.items()}
        for how, call in calls.items():
            record = await made.record(call.result())
            assert record.termination == Termination("completed", "caller", "caller hung up"), how
            said = [turn for turn in record.turns if turn.speaker == "agent"]
            assert [turn.interrupted for turn in said] == [True, False], how
            assert said[-1].heard == "As you like.", how
            assert silences(call.result()) < 10, how
        assert made.outside.faults() == made.outside.unmet() == []
