"""Callers who are put through to somebody who was asked first, and callers by SIP who are referred elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from offices import ShortVoice, World, world
from telephony.agents.agent import Agent
from telephony.cassette.replay import replay
from telephony.records import CallRecord, Termination
from telephony.runtime.cassettes import new_carrier, open_cassette
from telephony.settings import DiallingSettings
from telephony.simulate.callee import Callee

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

MARY = "+14155552671"
DESK = "sip:desk@pbx.example.com"
BRIEFING = "Ann calls about her bill."
WARM = DiallingSettings.model_validate({"directory": {"mary": {"number": MARY, "mode": "warm", "language": "en-GB"}}})
REFERRED = DiallingSettings.model_validate({"directory": {"desk": {"sip": DESK, "mode": "refer"}}})
AGENT = Agent("frontdesk", greeting="Hello.", tools=["builtin:transfer"])
THROUGH = "I put you through now."
SORRY = "Sorry, Mary is not there."
LONG = ShortVoice("agent", 5)
LAST_WORDS = {"wait": {"agent_ms": 7500}}
"""Until the middle of what the agent says when somebody is there; it says so as soon as it has asked for a moment."""


def asks(says: str, *more: dict[str, Any], target: str = "mary") -> dict[str, Any]:
    """A model that puts the caller through, and *says* something to what comes of it."""
    call = {"name": "transfer", "arguments": {"target": target, "briefing": BRIEFING}}
    wants = {"on": "speech", "hears": "Mary, please.", "say": "One moment.", "call": call}
    return {"replies": [wants, *more, {"on": "tool", "say": says}]}


def heard(record: CallRecord) -> list[str]:
    return [turn.heard for turn in record.turns if turn.speaker == "agent"]


def leg(made: World) -> Any:
    """The call to the colleague, of which there was one."""
    (live,) = (live for live in made.outside.rest.board.calls.values() if live.direction == "outbound-api")
    return live


async def over(made: World) -> Any:
    """What became of it, when it is over."""
    async with asyncio.timeout(10):
        return await made.outside.rest.board.over(leg(made).sid)


async def asking(made: World, callee: Callee, *steps: Any, **more: Any) -> Any:
    """A caller who wants to speak with Mary, who does as *callee*."""
    board = made.outside.rest.board
    board.callees[MARY], board.ring = callee, 0.3
    return await made.call({"wait": "agent"}, {"say": "Mary, please."}, *steps, **{"from": "+14155550142", **more})


async def test_who_is_asked_first_hears_what_it_is_about_and_then_the_caller(tmp_path: Path) -> None:
    async with world(tmp_path, asks(THROUGH), AGENT, dialling=WARM) as made:
        outcome = await asking(made, Callee(stays=2.5), {"wait": "end"})
        record, mary = await made.record(outcome), await over(made)
    assert outcome.complaints == []
    assert mary.complaints == []
    assert [seen.text for seen in mary.observations if seen.kind == "carrier says"] == [BRIEFING]
    (room,) = outcome.dialled
    assert mary.dialled == (room,)
    assert room.startswith(outcome.call_sid)
    assert leg(made).from_number == "+15550100", "the number that was called"
    assert len(outcome.stream_sids) == 1
    assert heard(record) == ["Hello.", "One moment.", THROUGH]
    assert record.termination == Termination("completed", "agent", "transferred to mary")
    assert [use.outcome for use in record.tools] == ["ok"]
    (conference,) = made.outside.rest.board.conferences.all.values()
    assert conference.status == "completed"
    assert replay(open_cassette(Path(record.cassette)), new_carrier).divergence is None


@pytest.mark.parametrize(
    ("callee", "why"),
    [
        (Callee(does="busy"), "The line is busy."),
        (Callee(does="unreachable"), "They could not be called."),
        (Callee(hangs_up_after=0.5), "They hung up before the caller was put through."),
    ],
    ids=["busy", "unreachable", "hangs up during the briefing"],
)
async def test_a_caller_whom_nobody_takes_never_leaves_the_agent(tmp_path: Path, callee: Callee, why: str) -> None:
    async with world(tmp_path, asks(SORRY), AGENT, dialling=WARM) as made:
        outcome = await asking(made, callee, {"wait": {"quiet": 3}}, "hang_up")
        record = await made.record(outcome)
        await over(made)
    assert outcome.complaints == []
    assert (outcome.dialled, len(outcome.stream_sids)) == ((), 1)
    assert heard(record) == ["Hello.", "One moment.", SORRY]
    (use,) = record.tools
    assert use.outcome == "error"
    assert why in use.output
    assert record.termination == Termination("completed", "caller", "caller hung up")


async def test_nobody_answers_in_time_and_the_caller_is_asked_for_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telephony.tools.context.PATIENCE", 1.5)
    dialling = DiallingSettings.model_validate({"directory": {"mary": {"number": MARY, "mode": "warm", "timeout": 5}}})
    model = asks(SORRY, {"on": "prompt", "say": "A moment longer."}, {"on": "prompt", "say": "And longer."})
    async with world(tmp_path, model, AGENT, dialling=dialling) as made:
        outcome = await asking(made, Callee(does="no answer"), {"wait": {"quiet": 4}}, "hang_up")
        record = await made.record(outcome)
        mary = await over(made)
    assert mary.status == "no-answer"
    assert "Nobody answers there." in record.tools[0].output
    told = [line.message for line in open_cassette(Path(record.cassette)).lines if line.dir == "out"]
    assert any("wait a little longer" in str(message) for message in told)
    assert heard(record)[-1] == SORRY


async def test_a_caller_who_hangs_up_while_it_rings_leaves_nobody_ringing(tmp_path: Path) -> None:
    async with world(tmp_path, asks(SORRY), AGENT, dialling=WARM) as made:
        outcome = await asking(made, Callee(rings=30), {"wait": {"quiet": 1.5}}, "hang_up")
        record, mary = await made.record(outcome), await over(made)
    assert mary.status == "canceled"
    assert [use.outcome for use in record.tools] == ["cancelled"]


async def test_a_caller_who_hangs_up_before_they_are_put_through_leaves_nobody_waiting(tmp_path: Path) -> None:
    async with world(tmp_path, asks(THROUGH), AGENT, dialling=WARM, voice=LONG) as made:
        outcome = await asking(made, Callee(), LAST_WORDS, "hang_up")
        await made.record(outcome)
        mary = await over(made)
    assert outcome.dialled == ()
    assert mary.status == "completed"


async def test_a_caller_who_speaks_before_they_are_put_through_is_put_through_all_the_same(tmp_path: Path) -> None:
    async with world(tmp_path, asks(THROUGH), AGENT, dialling=WARM, voice=LONG) as made:
        outcome = await asking(made, Callee(stays=14), LAST_WORDS, {"say": "Thank you."}, {"wait": "end"})
        record = await made.record(outcome)
        await over(made)
    assert len(outcome.dialled) == 1
    assert record.termination == Termination("completed", "agent", "transferred to mary")


async def test_a_colleague_who_hangs_up_before_the_caller_comes_leaves_them_with_the_agent(tmp_path: Path) -> None:
    model = asks(THROUGH)
    model["replies"].append({"on": "prompt", "say": SORRY})
    async with world(tmp_path, model, AGENT, dialling=WARM, voice=LONG) as made:
        outcome = await asking(made, Callee(hangs_up_after=4), LAST_WORDS, {"wait": {"quiet": 3}}, "hang_up")
        record = await made.record(outcome)
        await over(made)
    assert (outcome.dialled, len(outcome.stream_sids)) == ((), 1)
    assert any("mary has hung up" in note for note in record.notes)
    assert record.termination == Termination("completed", "caller", "caller hung up")


async def test_a_caller_by_sip_is_referred_and_one_by_telephone_is_sent_there(tmp_path: Path) -> None:
    for number, (caller, kind) in enumerate({"sip:ann@pbx.example.com": "refers", "+14155550142": "dials"}.items()):
        (folder := tmp_path / str(number)).mkdir()
        async with world(folder, asks(SORRY, target="desk"), AGENT, dialling=REFERRED) as made:
            made.outside.rest.board.callees[DESK] = Callee(stays=0.5)
            outcome = await made.call({"wait": "agent"}, {"say": "Mary, please."}, {"wait": "end"}, **{"from": caller})
            record = await made.record(outcome)
        assert outcome.complaints == []
        assert [seen.text for seen in outcome.observations if seen.kind == f"carrier {kind}"] == [DESK]
        assert record.termination == Termination("completed", "agent", "transferred to desk")


async def test_a_caller_whose_telephone_reaches_nobody_is_back_with_the_agent(tmp_path: Path) -> None:
    model = asks(SORRY, target="desk")
    model["replies"].append({"on": "greeting", "say": SORRY})
    async with world(tmp_path, model, AGENT, dialling=REFERRED) as made:
        made.outside.rest.board.callees[DESK] = Callee(does="busy")
        steps = [{"wait": "agent"}, {"say": "Mary, please."}, {"wait": {"quiet": 3}}, "hang_up"]
        outcome = await made.call(*steps, **{"from": "sip:ann@pbx.example.com"})
        record = await made.record(outcome)
    assert len(outcome.stream_sids) == 2
    assert record.termination == Termination("completed", "caller", "caller hung up")
