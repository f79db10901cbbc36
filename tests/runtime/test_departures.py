"""How callers leave, asked of the simulated Twilio's REST API over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from xml.etree import ElementTree as ET

import aiohttp
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from telephony.bridge.consultations import Consultations
from telephony.carriers.twilio_account import TwilioAccount
from telephony.commands import HangUp, Sending
from telephony.errors import CarrierError, CarrierRefused
from telephony.links.http import perform
from telephony.runtime.departures import Departures
from telephony.settings import Fallback, TwilioSettings
from telephony.simulate.live import LiveCall, Source
from telephony.simulate.rest import TwilioRest

ACCOUNT, TOKEN, CALL = "AC" + "7" * 32, "secret", "CA" + "8" * 32
ENDED = "https://voice.example.com/twilio/dial-ended"
FALLBACK = Fallback(caller_id="+1 555 0100", timeout=40)


class Desk:
    """A Twilio, a call in it, and somebody who lets the caller go."""

    def __init__(self, rest: TwilioRest, session: aiohttp.ClientSession, fallback: Fallback = FALLBACK) -> None:
        self.rest = rest
        self.live = LiveCall(CALL, ACCOUNT, "+15550142", "+15550100", 60)
        rest.add(self.live)
        self.live.answer()
        self.departures = departures(rest.base_url, session, fallback)

    @property
    def asked(self) -> list[dict[str, str]]:
        return [form for _, _, form in self.rest.requests]


def departures(api_base: str, session: aiohttp.ClientSession, fallback: Fallback = FALLBACK) -> Departures:
    settings = TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), api_base=api_base)
    account = TwilioAccount("https://voice.example.com", settings)
    consultations = Consultations(partial(perform, session), account, "https://voice.example.com")
    return Departures(session, account, ENDED, {CALL: fallback}.__getitem__, consultations)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def desk(session: aiohttp.ClientSession) -> AsyncIterator[Desk]:
    async with TwilioRest(ACCOUNT, TOKEN) as rest:
        yield Desk(rest, session)


async def test_a_call_is_hung_up(desk: Desk) -> None:
    await desk.departures.hang_up(HangUp(CALL, "agent hung up"))
    assert desk.asked == [{"Status": "completed"}]
    assert desk.live.take_told() == "hang up"


async def test_a_caller_is_sent_on_as_the_agents_fallback_says(desk: Desk) -> None:
    await desk.departures.hang_up(HangUp(CALL, "no model answers", "+15550177"))
    told = desk.live.take_told()
    assert isinstance(told, Source)
    (dial,) = ET.fromstring(told.twiml)  # noqa: S314  our own words
    assert (dial[0].text, dial.get("action"), dial.get("timeout")) == ("+15550177", ENDED, "40")
    assert dial.get("callerId") == "+15550100"
    assert len(desk.asked) == 1


@pytest.mark.parametrize("to", ["+15550177", "911"])
async def test_a_transfer_that_is_refused_becomes_a_hang_up(desk: Desk, to: str) -> None:
    desk.live.status = "ringing"  # Twilio: 21220, the call is not in progress
    with capture_logs() as logs:
        await desk.departures.hang_up(HangUp(CALL, "no model answers", to))
    assert desk.asked[-1] == {"Status": "completed"}
    assert desk.live.take_told() == "hang up"
    (line,) = [line for line in logs if line["event"].startswith("transfer refused")]
    assert (line["log_level"], line["call_id"]) == ("warning", CALL)


async def test_a_caller_who_has_gone_need_not_be_sent_on(desk: Desk) -> None:
    desk.live.finish("completed")
    await desk.departures.hang_up(HangUp(CALL, "no model answers", "+15550177"))
    assert [list(form) for form in desk.asked] == [["Twiml"], ["Status"]]


async def test_a_refusal_of_both_is_told(session: aiohttp.ClientSession) -> None:
    async with TwilioRest(ACCOUNT, "another token") as rest:
        desk = Desk(rest, session)
        with pytest.raises(CarrierRefused) as caught:
            await desk.departures.hang_up(HangUp(CALL, "no model answers", "+15550177"))
    assert caught.value.status == 401


async def test_a_transfer_that_may_have_happened_is_neither_repeated_nor_cut_off(
    session: aiohttp.ClientSession,
) -> None:
    asked: list[bytes] = []

    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with await asyncio.start_server(dies, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        departing = departures(f"http://127.0.0.1:{port}", session)
        with pytest.raises(CarrierError, match=r"transfer: .* broke off"):
            await departing.hang_up(HangUp(CALL, "no model answers", "+15550177"))
    assert len(asked) == 1


async def test_a_caller_is_not_sent_into_a_room_where_nobody_waits_any_more(desk: Desk) -> None:
    with pytest.raises(CarrierRefused, match="mary has hung up"):
        await desk.departures.hang_up(HangUp(CALL, "transferred", "+15550177", Sending("mary", room="room-1")))
    assert desk.asked == []
