"""One call whose webhook comes again and for which a second stream is opened, over real sockets: it stays one call."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import aiohttp
import pytest

from offices import ACCOUNT, TOKEN, World, world
from telephony.agents.agent import Agent
from telephony.records import Termination
from telephony.sim.caller import Observation
from telephony.simulate.signature import HEADER, sign_upgrade, sign_webhook

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

GREETS = {"replies": [{"on": "greeting", "say": "Hello."}, {"on": "speech", "hears": "Still there?", "say": "Yes."}]}


async def called_again(made: World, session: aiohttp.ClientSession, call_id: str) -> str:
    """The webhook of a call that goes on, as a request of its own; the answer."""
    url = f"{made.office.settings.public_url}/twilio/voice"
    fields = {"CallSid": call_id, "AccountSid": ACCOUNT, "From": "+15550142", "To": "+15550100"}
    form = [*fields.items(), ("CallStatus", "ringing")]
    async with session.post(url, data=form, headers={HEADER: sign_webhook(TOKEN, url, form)}) as response:
        assert response.status == 200
        return await response.text()


async def streamed_again(made: World, session: aiohttp.ClientSession, call_id: str, token: str) -> int | None:
    """A second media stream that says it belongs to the call: the code with which it is closed."""
    url = f"{made.office.settings.public_url.replace('http', 'ws', 1)}/twilio/media"
    opening = {
        "streamSid": "MZ" + "7" * 32,
        "callSid": call_id,
        "accountSid": ACCOUNT,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": token},
    }
    message = {"event": "start", "sequenceNumber": "1", "start": opening, "streamSid": opening["streamSid"]}
    async with session.ws_connect(url, headers={HEADER: sign_upgrade(TOKEN, url)}) as socket:
        await socket.send_str(json.dumps(message))
        await socket.receive(timeout=10)
        return socket.close_code


async def test_a_webhook_and_a_stream_that_come_again_change_nothing_in_the_call(tmp_path: Path) -> None:
    greeted = asyncio.Event()

    def observe(seen: Observation) -> None:
        if seen.kind == "agent speaks":
            greeted.set()

    steps = ({"wait": "agent"}, {"pause": 1.5}, {"say": "Still there?"}, {"wait": "agent"}, "hang_up")
    async with world(tmp_path, GREETS, Agent("frontdesk", greeting="Hello.")) as made:
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            calling = group.create_task(made.call(*steps, observe=observe), name="call")
            await greeted.wait()
            (call_id,) = made.office.calls.live
            twiml = await called_again(made, session, call_id)
            token = re.search(r'name="token" value="([^"]+)"', twiml)
            assert token, twiml
            assert await streamed_again(made, session, call_id, token[1]) == 1008
            outcome = await calling
            record = await made.record(outcome)
            assert "Connect" not in await called_again(made, session, call_id), "a call that is over stays over"
        assert outcome.complaints == made.outside.faults() == made.outside.unmet() == []
        assert made.records == [record]
        assert [turn.heard for turn in record.turns] == ["Hello.", "Still there?", "Yes."]
        assert record.termination == Termination("completed", "caller", "caller hung up")
