"""A phone call from a simulated Twilio: the signed webhook, its TwiML carried out verb by verb, the media stream, the
callbacks, the end. Over real sockets and in real time; the caller at the other end is `sim.caller`.

    async with TwilioRest(account_sid, auth_token) as rest:
        outcome = await place_call("http://127.0.0.1:8080/twilio/voice", script, account_sid=…, auth_token=…, rest=rest)
    assert outcome.ok, outcome.complaints

Any number of calls can be placed at once. Every wait is bounded; no task outlives the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import aiohttp

from telephony.sim.caller import Observation, SimulatedCaller
from telephony.sim.caller_faults import CallerFaults
from telephony.sim.caller_script import CallerScript
from telephony.simulate.live import LiveCall, new_sid
from telephony.simulate.outcome import CallOutcome
from telephony.simulate.requests import Courier
from telephony.simulate.rest import TwilioRest
from telephony.simulate.route import Route
from telephony.simulate.switch import Switch
from telephony.simulate.voice import Voice

TIME_LIMIT = 14_400.0
"""Seconds that a call may last: Twilio's default of four hours."""


async def place_call(
    webhook_url: str,
    script: CallerScript,
    *,
    account_sid: str,
    auth_token: str,
    public_url: str | None = None,
    connect_to: str | None = None,
    status_callback: str | None = None,
    rest: TwilioRest | None = None,
    voice: Callable[[str], bytes] | None = None,
    sounds: Mapping[str, bytes] | None = None,
    faults: CallerFaults | None = None,
    observe: Callable[[Observation], None] | None = None,
    dial_status: str = "completed",
    time_limit: float = TIME_LIMIT,
) -> CallOutcome:
    """Call the number whose webhook is *webhook_url* and follow *script*.

    Args:
        webhook_url: Where the program answers, such as `http://127.0.0.1:8080/twilio/voice`.
        public_url: What the program believes its public address to be; requests are signed for it. Unless given, the
            webhook's own.
        connect_to: Base address to really connect to, if it is neither of these.
        status_callback: What the number's "call status changes" is set to; told at the end.
        rest: The REST API that knows the call, so that the program can hang it up, and its callees and conferences.
        voice: Turns words into mu-law at 8000 Hz.
        sounds: The recordings that the script plays, by name.
        observe: Told everything as it happens.
        dial_status: What comes of a `<Dial>` to whom no callee is: `completed`, `busy`, `no-answer`, `failed`.
        time_limit: Seconds, after which Twilio hangs up.

    Raises:
        ScriptError: the script cannot be performed. ConfigurationError: an address is none.
    """
    route = Route(webhook_url, public_url, connect_to)
    caller = SimulatedCaller(script, voice or Voice("caller"), sounds=sounds, faults=faults, observe=observe)
    live = LiveCall(new_sid("CA"), account_sid, script.from_number, script.to_number, time_limit)
    if rest is not None:
        rest.add(live)
    clock = asyncio.get_running_loop().time
    began = clock()
    async with aiohttp.ClientSession(skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent")) as session:
        courier = Courier(session, route, live, auth_token)
        switch = Switch(session, courier, caller, live, dial_status, rest.board if rest else None)
        await switch.run(route.signed(webhook_url), status_callback)
    return CallOutcome(
        call_sid=live.sid,
        stream_sids=tuple(switch.streams),
        status=live.status,
        ended_by=caller.ended_by or "carrier",
        warnings=tuple(caller.warnings),
        unmet=tuple(caller.unmet),
        observations=tuple(caller.observations),
        exchanges=tuple(courier.made),
        dialled=tuple(switch.dialled),
        said=caller.said,
        heard=caller.heard(clock()),
        duration=clock() - began,
    )
