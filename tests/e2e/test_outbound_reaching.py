"""Messages from a call that we placed: it is they who are texted, from the number of ours that they saw."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from e2e.test_outbound import KEY, US, called
from offices import world
from telephony.agents.agent import Agent
from telephony.settings import DiallingSettings, OutboundSettings
from telephony.sim.caller_script import HangUp, Say, WaitForAgent
from telephony.simulate.callee import Callee

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

THEM = "+14155552671"


async def test_whom_we_called_is_sent_the_message_from_the_number_that_they_see(tmp_path: Path) -> None:
    calls = {"name": "send_sms", "arguments": {"body": "Your code is at the desk."}}
    model = {"replies": [{"on": "speech", "call": calls}, {"on": "tool", "say": "Done."}]}
    agent = Agent("frontdesk", greeting="Good day.", tools=["builtin:send_sms"])
    outbound = OutboundSettings(api_key=SecretStr(KEY), from_number=US, hours="00:00-24:00", calls_per_second=50)
    listed = DiallingSettings.model_validate({"directory": {"clerk": THEM}})
    async with world(tmp_path, model, agent, outbound=outbound, dialling=listed) as made:
        rest = made.outside.rest
        rest.board.ring, rest.board.voice = 0.05, made.outside.voice
        rest.callees[THEM] = Callee(steps=(WaitForAgent(), Say("Text me."), WaitForAgent(), HangUp()), patience=10)
        record = await made.record(await called(made, to=THEM))
        messages = [form for _, path, form in rest.requests if path.endswith("/Messages.json")]
    assert [(use.name, use.outcome) for use in record.tools] == [("send_sms", "ok")]
    assert [(form["From"], form["To"]) for form in messages] == [(US, THEM)]
