"""`<Dial>` to people of the simulation: how they answer, what they hear first, and what the action is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from asked import ACCOUNT, PUBLIC, THEM, TOKEN, ask
from telephony.sim.caller_script import CallerScript
from telephony.simulate.callee import Callee
from telephony.simulate.caller import place_call
from telephony.simulate.live import LiveCall
from telephony.simulate.outcome import CallOutcome
from telephony.simulate.rest import TwilioRest

pytestmark = pytest.mark.timeout(30)

DESK = "sip:desk@pbx.example.com"


@pytest.fixture
async def rest() -> AsyncIterator[TwilioRest]:
    async with TwilioRest(ACCOUNT, TOKEN) as made:
        made.board.ring = 0.02
        yield made


async def dial(server: Any, rest: TwilioRest, twiml: str, caller: str = "+15550142") -> CallOutcome:
    """What becomes of a caller who is answered with *twiml*."""
    rest.reach(f"{server.url}/twilio/voice", PUBLIC)
    server.twiml = f"<Response>{twiml}</Response>"
    server.answers["/done"] = xml("<Response/>")
    script = CallerScript.parse({"from": caller, "steps": [{"wait": "end"}]})
    return await place_call(
        f"{server.url}/twilio/voice", script, account_sid=ACCOUNT, auth_token=TOKEN, public_url=PUBLIC, rest=rest
    )


def xml(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/xml")


NUMBER = f"<Dial action='/done' timeout='5' callerId='+15550100'><Number>{THEM}</Number></Dial>"


@pytest.mark.parametrize(
    ("callee", "status", "bridged"),
    [
        (Callee(stays=0.05), "completed", "true"),
        (Callee(does="busy"), "busy", None),
        (Callee(does="rejects"), "busy", None),
        (Callee(does="unreachable"), "failed", None),
        (Callee(rings=1000), "no-answer", None),
    ],
)
async def test_the_action_is_told_how_it_went(
    server: Any, rest: TwilioRest, callee: Callee, status: str, bridged: str | None
) -> None:
    rest.callees[THEM] = callee
    await dial(server, rest, NUMBER)
    (told,) = server.told("/done")
    assert (told["DialCallStatus"], told.get("DialBridged")) == (status, bridged)
    leg = rest.board.calls[told["DialCallSid"]]
    assert (leg.status, leg.direction, leg.parent_sid) == (status, "outbound-dial", told["CallSid"])
    assert (leg.from_number, leg.to_number) == ("+15550100", THEM)


async def test_the_progress_of_a_leg_is_told_to_its_own_callback(server: Any, rest: TwilioRest) -> None:
    rest.callees[THEM] = Callee(stays=0.01)
    noun = f"<Number statusCallback='/leg' statusCallbackEvent='initiated ringing answered completed'>{THEM}</Number>"
    await dial(server, rest, f"<Dial action='/done'>{noun}</Dial>")
    await rest.board.until(lambda: len(server.told("/leg")) == 4)
    told = server.told("/leg")
    assert [each["CallStatus"] for each in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert {each["CallSid"] for each in told} == {server.told("/done")[0]["DialCallSid"]}
    assert {each["ParentCallSid"] for each in told} == {server.told("/done")[0]["CallSid"]}


async def test_whoever_is_dialled_hears_the_whisper_before_they_are_put_through(server: Any, rest: TwilioRest) -> None:
    rest.callees[THEM] = Callee(stays=0.01)
    server.answers["/whisper"] = xml("<Response><Say>A caller</Say></Response>")
    await dial(server, rest, f"<Dial action='/done'><Number url='/whisper'>{THEM}</Number></Dial>")
    (whispered,), (told,) = server.told("/whisper"), server.told("/done")
    assert (whispered["CallSid"], whispered["ParentCallSid"]) == (told["DialCallSid"], told["CallSid"])
    assert (whispered["CallStatus"], whispered["Direction"]) == ("in-progress", "outbound-dial")
    assert told["DialBridged"] == "true"


async def test_a_whisper_that_hangs_up_puts_nobody_through(server: Any, rest: TwilioRest) -> None:
    rest.callees[THEM] = Callee()
    server.answers["/whisper"] = xml("<Response><Hangup/></Response>")
    await dial(server, rest, f"<Dial action='/done'><Number url='/whisper'>{THEM}</Number></Dial>")
    (told,) = server.told("/done")
    assert (told["DialCallStatus"], told["DialBridged"]) == ("completed", "false")


async def test_a_caller_who_is_hung_up_on_takes_the_ringing_with_them(server: Any, rest: TwilioRest) -> None:
    rest.callees[THEM] = Callee(rings=1000)
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(dial(server, rest, NUMBER.replace("'5'", "'600'")), name="call")
        await rest.board.until(lambda: leg(rest) is not None)
        ringing = leg(rest)
        assert ringing is not None
        assert (await ask(rest, "POST", f"Calls/{ringing.parent_sid}.json", {"Status": "completed"}))[0] == 200
    assert (calling.result().status, ringing.status) == ("completed", "canceled")
    assert server.told("/done") == []


def leg(rest: TwilioRest) -> LiveCall | None:
    """The call that a `<Dial>` placed."""
    return next((live for live in rest.board.calls.values() if live.direction == "outbound-dial"), None)


async def test_a_sip_address_is_dialled_like_a_number(server: Any, rest: TwilioRest) -> None:
    rest.callees[DESK] = Callee(stays=0.01)
    outcome = await dial(server, rest, f"<Dial action='/done'><Sip>{DESK}</Sip></Dial>")
    assert server.told("/done")[0]["DialCallStatus"] == "completed"
    assert outcome.dialled == (DESK,)


# -- referring -----------------------------------------------------------------------------------------------------

REFER = f"<Refer action='/done'><Sip>{DESK}</Sip></Refer>"


@pytest.mark.parametrize(("does", "status", "code"), [("answers", "completed", "200"), ("busy", "failed", "486")])
async def test_a_caller_by_sip_is_referred_elsewhere(
    server: Any, rest: TwilioRest, does: Any, status: str, code: str
) -> None:
    rest.callees[DESK] = Callee(does=does)
    outcome = await dial(server, rest, REFER, "sip:alice@example.com")
    (told,) = server.told("/done")
    assert (told["ReferCallStatus"], told["NotifySipResponseCode"]) == (status, code)
    assert outcome.warnings == ()


async def test_a_caller_by_telephone_cannot_be_referred(server: Any, rest: TwilioRest) -> None:
    rest.callees[DESK] = Callee()
    outcome = await dial(server, rest, REFER)
    assert server.told("/done")[0]["ReferCallStatus"] == "failed"
    assert ["by SIP only" in warning.message for warning in outcome.warnings] == [True]
