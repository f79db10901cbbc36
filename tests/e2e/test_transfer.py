"""A caller who is sent on to a number, from the command to the last sentence, over real sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from offices import ACCOUNT, TOKEN, World, world
from telephony.agents.agent import Agent
from telephony.commands import HangUp
from telephony.server.reception import NOBODY_THERE
from telephony.settings import Fallback
from telephony.sim.caller import Observation
from telephony.sim.caller_script import CallerScript
from telephony.simulate.caller import CallOutcome, place_call

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

PERSON = "+15550177"
TALKATIVE = {"fallback": "Yes?", "replies": [{"on": "greeting", "say": "Hello, this is Acme."}]}
AGENT = Agent("frontdesk", greeting="Hello.", fallback=Fallback(transfer=PERSON, caller_id="+15550100", timeout=25))


async def sent_on(made: World, dial_status: str) -> CallOutcome:
    """A call whose caller is sent on while the agent greets."""
    greets = asyncio.Event()

    def observe(observation: Observation) -> None:
        if observation.kind == "agent speaks":
            greets.set()

    public = made.office.settings.public_url
    call = place_call(
        f"{public}/twilio/voice",
        CallerScript.parse({"patience": 15, "steps": [{"wait": "end"}]}),
        account_sid=ACCOUNT,
        auth_token=TOKEN,
        status_callback=f"{public}/twilio/status",
        rest=made.outside.rest,
        voice=made.outside.voice,
        observe=observe,
        dial_status=dial_status,
    )
    async with asyncio.TaskGroup() as group:
        placed = group.create_task(call, name="call")
        await greets.wait()
        calls = made.office.calls
        await calls._hang_up(HangUp(next(iter(calls.live)), "no model answers", PERSON))
    return placed.result()


@pytest.mark.parametrize(
    ("status", "hears"),
    [("completed", []), ("busy", [NOBODY_THERE]), ("no-answer", [NOBODY_THERE]), ("failed", [NOBODY_THERE])],
)
async def test_a_caller_speaks_with_a_person_or_is_told_that_nobody_is_there(
    tmp_path: Path, status: str, hears: list[str]
) -> None:
    async with world(tmp_path, TALKATIVE, AGENT) as made:
        outcome = await sent_on(made, status)
        record = await made.record(outcome)
    assert outcome.complaints == []
    assert outcome.dialled == (PERSON,)
    assert (outcome.status, outcome.ended_by) == ("completed", "agent")
    carrier = [(seen.kind, seen.text) for seen in outcome.observations if seen.kind.startswith("carrier")]
    said = [("carrier says", sentence) for sentence in hears]
    assert carrier == [("carrier dials", PERSON), ("carrier dialled", f"{PERSON}: {status}"), *said]
    assert [exchange.purpose for exchange in outcome.exchanges if exchange.purpose in ("action", "redirect")] == [
        "action"
    ]
    assert record.termination is not None


async def test_twilio_is_asked_for_what_the_agents_fallback_says(tmp_path: Path) -> None:
    async with world(tmp_path, TALKATIVE, AGENT) as made:
        await sent_on(made, "completed")
        ((_, _, form),) = made.outside.rest.requests
    for part in (f"<Number>{PERSON}</Number>", 'callerId="+15550100"', 'timeout="25"', "/twilio/dial-ended"):
        assert part in form["Twiml"]
