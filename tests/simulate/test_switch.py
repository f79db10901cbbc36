"""How instructions are followed, and that whatever the REST API says comes first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from telephony.sim.caller import SimulatedCaller
from telephony.sim.caller_script import CallerScript
from telephony.simulate.live import LiveCall, Source
from telephony.simulate.requests import Courier
from telephony.simulate.route import Route
from telephony.simulate.switch import Switch


class Telephone:
    """A call to the test's server, to be run."""

    def __init__(self, session: aiohttp.ClientSession, url: str, dial_status: str = "completed") -> None:
        script = CallerScript.parse({"steps": [{"wait": "end"}]})
        self.url = url
        self.caller = SimulatedCaller(script, lambda text: b"", observe=self._observe)
        self.live = LiveCall("CA" + "1" * 32, "AC" + "1" * 32, "+15550142", "+15550100", 60)
        self.courier = Courier(session, Route(url, "https://voice.example.com"), self.live, "12345")
        self.switch = Switch(session, self.courier, self.caller, self.live, dial_status)
        self.happened = asyncio.Event()

    def _observe(self, observation: Any) -> None:
        self.happened.set()

    async def run(self) -> None:
        await self.switch.run("https://voice.example.com/twilio/voice")


@pytest.fixture
async def phone(server: Any) -> AsyncIterator[Telephone]:
    async with aiohttp.ClientSession() as session:
        yield Telephone(session, server.url)


async def test_a_hang_up_ends_a_long_sentence(server: Any, phone: Telephone) -> None:
    server.twiml = f"<Response><Say>{'word ' * 1000}</Say></Response>"
    async with asyncio.TaskGroup() as group:
        group.create_task(phone.run(), name="call")
        await phone.happened.wait()
        phone.live.tell("hang up")
    assert phone.caller.ended_by == "agent"
    assert phone.caller.unmet == []


async def test_a_redirect_ends_a_long_sentence_and_goes_elsewhere(server: Any, phone: Telephone) -> None:
    server.twiml = f"<Response><Say>{'word ' * 1000}</Say></Response>"
    server.answers["/else"] = web.Response(text="<Response><Hangup/></Response>", content_type="application/xml")
    async with asyncio.TaskGroup() as group:
        group.create_task(phone.run(), name="call")
        await phone.happened.wait()
        phone.live.tell(Source(url="https://voice.example.com/else"))
    assert [exchange.purpose for exchange in phone.courier.made] == ["voice", "redirect"]
    assert phone.live.status == "completed"


async def test_a_call_that_was_hung_up_while_it_rang_does_nothing(server: Any, phone: Telephone) -> None:
    phone.live.tell("hang up")
    await phone.run()
    assert server.upgrades == []
    assert phone.caller.ended_by == "agent"


async def test_reject_after_the_call_was_answered_is_passed_over(server: Any, phone: Telephone) -> None:
    server.twiml = "<Response><Pause length='0'/><Reject/><Hangup/></Response>"
    await phone.run()
    assert phone.live.status == "completed"


@pytest.mark.parametrize(("status", "bridged"), [("completed", "true"), ("no-answer", None)])
async def test_a_dial_tells_its_action_how_it_went(server: Any, status: str, bridged: str | None) -> None:
    server.twiml = "<Response><Dial action='/done'>+15550111</Dial></Response>"
    server.answers["/done"] = web.Response(text="<Response/>", content_type="text/xml")
    async with aiohttp.ClientSession() as session:
        phone = Telephone(session, server.url, status)
        await phone.run()
    (told,) = server.told("/done")
    assert told["DialCallStatus"] == status
    assert told.get("DialBridged") == bridged
    assert phone.switch.dialled == ["+15550111"]
    seen = [(seen.kind, seen.text) for seen in phone.caller.observations if seen.kind.startswith("carrier")]
    assert seen == [("carrier dials", "+15550111"), ("carrier dialled", f"+15550111: {status}")]


async def test_a_dial_without_action_goes_on_with_the_next_verb(server: Any, phone: Telephone) -> None:
    server.twiml = "<Response><Dial>+15550111</Dial><Redirect method='GET'>/next</Redirect></Response>"
    server.answers["/next"] = web.Response(text="<Response/>", content_type="text/xml")
    await phone.run()
    assert len(server.told("/next")) == 1
    assert server.told("/next")[0]["CallStatus"] == "in-progress"


async def test_a_callback_that_fails_is_reported_at_the_end(server: Any, phone: Telephone) -> None:
    server.answers["/twilio/status"] = web.Response(status=500)
    server.twiml = "<Response><Hangup/></Response>"
    await phone.switch.run("https://voice.example.com/twilio/voice", "/twilio/status")
    assert [warning.code for warning in phone.caller.warnings] == [11200]
