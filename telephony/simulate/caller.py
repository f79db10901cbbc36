"""A phone call from a simulated Twilio: the signed webhook, its TwiML carried out verb by verb, the media stream, the
callbacks, the end. Over real sockets and in real time; the caller at the other end is `sim.caller`.

    async with TwilioRest(account_sid, auth_token) as rest:
        outcome = await place_call("http://127.0.0.1:8080/twilio/voice", script, account_sid=…, auth_token=…, rest=rest)
    assert outcome.ok, outcome.complaints

Any number of calls can be placed at once. Every wait is bounded; no task outlives the call.
"""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import Callable, Mapping
from typing import Literal

import aiohttp
import msgspec
import numpy as np

from telephony.audio.g711 import mulaw_to_pcm
from telephony.sim.caller import Observation, SimulatedCaller
from telephony.sim.caller_faults import CallerFaults
from telephony.sim.caller_inbox import TwilioWarning
from telephony.sim.caller_script import CallerScript
from telephony.simulate.live import CallState, LiveCall, new_sid
from telephony.simulate.requests import Courier, Exchange
from telephony.simulate.rest import TwilioRest
from telephony.simulate.route import Route
from telephony.simulate.switch import Switch
from telephony.simulate.voice import Voice

TIME_LIMIT = 14_400.0
"""Seconds that a call may last: Twilio's default of four hours."""


class CallOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a call."""

    call_sid: str
    stream_sids: tuple[str, ...]
    status: CallState
    """As Twilio would report it: `completed`, `busy`, `failed`."""
    ended_by: Literal["caller", "agent", "server", "carrier"]
    """`agent`: by the REST API or by TwiML. `server`: the media socket was closed and nothing followed. `carrier`: an
    error, or the time limit."""
    warnings: tuple[TwilioWarning, ...]
    """What would stand in Twilio's debugger."""
    unmet: tuple[str, ...]
    """Steps of the script that did not come about."""
    observations: tuple[Observation, ...]
    exchanges: tuple[Exchange, ...]
    """Twilio's HTTP requests and their answers, in the order of the answers."""
    dialled: tuple[str, ...]
    """Targets of `<Dial>`."""
    said: bytes
    """The caller's audio, mu-law at 8000 Hz, from when the media stream began."""
    heard: bytes
    """What the caller heard, aligned with it: the media stream only, not what Twilio says by itself."""
    duration: float
    """Seconds from the first request to the end."""

    @property
    def complaints(self) -> list[str]:
        """Everything that should not be, one sentence each."""
        return [f"Twilio {warning.code}: {warning.message}" for warning in self.warnings] + list(self.unmet)

    @property
    def ok(self) -> bool:
        """The script was followed to its end and Twilio had nothing to complain about."""
        return not self.complaints

    def stereo_wav(self) -> bytes:
        """A WAV file of the call: caller left, agent as heard right."""
        length = max(len(self.said), len(self.heard))
        sides = [np.frombuffer(mulaw_to_pcm(side.ljust(length, b"\xff")), "<i2") for side in (self.said, self.heard)]
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setparams((2, 2, 8000, 0, "NONE", ""))
            file.writeframes(np.stack(sides, axis=1).tobytes())
        return buffer.getvalue()


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
        rest: The REST API in which the call shall be found, so that the program can hang it up.
        voice: Turns words into mu-law at 8000 Hz.
        sounds: The recordings that the script plays, by name.
        observe: Told everything as it happens.
        dial_status: What comes of every `<Dial>`: `completed`, `busy`, `no-answer`, `failed`.
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
        switch = Switch(session, courier, caller, live, dial_status)
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
