"""The numbers at a simulated Twilio: whose they are, where they lead, and where they lead after `--fix`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from offices import ACCOUNT, TOKEN, settings_for
from telephony.doctor.finding import Finding
from telephony.doctor.numbers import Numbers
from telephony.settings import TwilioSettings
from telephony.simulate.board import PhoneNumber
from telephony.simulate.rest import TwilioRest

pytestmark = [pytest.mark.timeout(30), pytest.mark.usefixtures("nothing_left_behind")]

URL = "https://voice.example.com"
VOICE, STATUS = f"{URL}/twilio/voice", f"{URL}/twilio/status"
MAIN, OTHER = "+15550100", "+15550111"


@pytest.fixture
async def rest() -> AsyncIterator[TwilioRest]:
    async with TwilioRest(ACCOUNT, TOKEN) as server:
        yield server


def own(rest: TwilioRest, number: str = MAIN, **values: Any) -> PhoneNumber:
    """A number of the account's that leads here, but for *values*."""
    one = PhoneNumber(number)
    ours = {"voice_url": VOICE, "status_callback": STATUS}
    for name, value in {**ours, **values}.items():
        assert hasattr(one, name)
        setattr(one, name, value)
    rest.board.phone_numbers[one.sid] = one
    return one


async def look(folder: Path, rest: TwilioRest, *numbers: str, fix: bool = False, **changes: Any) -> list[Finding]:
    wanted = {number: {"agent": "desk"} for number in numbers or (MAIN,)}
    settings = settings_for(folder, rest=rest.base_url, public_url=URL, numbers=wanted)
    settings = settings.model_copy(update=changes)
    async with aiohttp.ClientSession() as session:
        account, *found = await Numbers(settings, session, fix=fix).look()
    assert account.name == "twilio account"
    return found if account.state == "green" else [account]


async def test_a_number_that_leads_here_is_green(tmp_path: Path, rest: TwilioRest) -> None:
    own(rest)
    (found,) = await look(tmp_path, rest)
    assert (found.name, found.state, found.what) == (f"number {MAIN}", "green", f"leads to {VOICE}")
    assert rest.requests == [], "nothing is changed without --fix"


WRONG = {
    "demo": ({"voice_url": "https://demo.twilio.com/welcome/voice/"}, "it still leads to Twilio's demo"),
    "nothing": ({"voice_url": ""}, "it has no webhook"),
    "old tunnel": ({"voice_url": "https://old.example.net/twilio/voice"}, "it leads to another address: https://old"),
    "path": ({"voice_url": f"{URL}/voice"}, f"it leads to another path: {URL}/voice"),
    "http": ({"voice_url": VOICE.replace("https", "http")}, "it leads to http and not https"),
    "get": ({"voice_method": "GET"}, "its webhook is asked by GET and not POST"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_webhook_that_leads_elsewhere_is_told_by_its_cause_and_set_by_fix(
    tmp_path: Path, rest: TwilioRest, name: str
) -> None:
    values, cause = WRONG[name]
    number = own(rest, **values)
    (found,) = await look(tmp_path, rest)
    assert found.state == "red"
    assert cause in found.what
    assert "telephony doctor --fix" in found.remedy
    (found,) = await look(tmp_path, rest, fix=True)
    assert found.state == "green"
    assert f"leads to {VOICE} now" in found.what
    assert (number.voice_url, number.voice_method, number.status_callback) == (VOICE, "POST", STATUS)
    (found,) = await look(tmp_path, rest)
    assert found.what == f"leads to {VOICE}"


async def test_a_status_callback_that_is_missing_is_amber_and_set_by_fix(tmp_path: Path, rest: TwilioRest) -> None:
    number = own(rest, status_callback="")
    (found,) = await look(tmp_path, rest)
    assert (found.state, "its status callback is not set" in found.what) == ("amber", True)
    await look(tmp_path, rest, fix=True)
    assert number.status_callback == STATUS


async def test_a_number_of_another_account_s_is_told_as_such(tmp_path: Path, rest: TwilioRest) -> None:
    own(rest, MAIN + "9")  # of which the wanted one is a part
    (found,) = await look(tmp_path, rest, fix=True)
    assert (found.state, "does not belong to the account AC0000…0000" in found.what) == ("red", True)
    assert rest.requests == []


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"trunk_sid": "TK" + "1" * 32}, "its calls go to the SIP trunk TK1111…1111"),
        ({"voice_application_sid": "AP" + "1" * 32}, "its calls go to the TwiML application AP1111…1111"),
        ({"takes_calls": False}, "it cannot do voice"),
    ],
)
async def test_what_no_webhook_would_mend_is_left_alone(
    tmp_path: Path, rest: TwilioRest, values: dict[str, Any], cause: str
) -> None:
    own(rest, **values)
    (found,) = await look(tmp_path, rest, fix=True)
    assert (found.state, found.what) == ("red", cause)
    assert rest.requests == []


async def test_every_number_that_is_named_has_its_line(tmp_path: Path, rest: TwilioRest) -> None:
    own(rest, MAIN)
    own(rest, OTHER, voice_url="")
    found = await look(tmp_path, rest, "+1 (555) 010-0", OTHER, "*")
    assert [(one.name, one.state) for one in found] == [(f"number {MAIN}", "green"), (f"number {OTHER}", "red")]


# -- any number ------------------------------------------------------------------------------------------------------


async def test_where_any_number_is_answered_those_that_lead_here_are_told(tmp_path: Path, rest: TwilioRest) -> None:
    own(rest, MAIN)
    own(rest, OTHER, voice_url="https://other.example.net/")
    (found,) = await look(tmp_path, rest, "*", fix=True)
    assert (found.name, found.state) == (f"number {MAIN}", "green")
    assert rest.requests == [], "the other one belongs to something else"


async def test_the_only_number_is_set_by_fix_while_it_is_unused(tmp_path: Path, rest: TwilioRest) -> None:
    number = own(rest, voice_url="https://demo.twilio.com/welcome/voice/")
    (found,) = await look(tmp_path, rest, "*", fix=True)
    assert (found.state, number.voice_url) == ("green", VOICE)


async def test_the_only_number_is_left_alone_while_it_serves_something_else(tmp_path: Path, rest: TwilioRest) -> None:
    own(rest, voice_url="https://other.example.net/")
    (found,) = await look(tmp_path, rest, "*", fix=True)
    assert (found.state, "left alone" in found.what, "under `numbers`" in found.remedy) == ("red", True, True)
    assert rest.requests == []


@pytest.mark.parametrize("count", [0, 2])
async def test_where_none_leads_here_that_is_red(tmp_path: Path, rest: TwilioRest, count: int) -> None:
    for number in (MAIN, OTHER)[:count]:
        own(rest, number, voice_url="")
    (found,) = await look(tmp_path, rest, "*", fix=True)
    assert found.state == "red"
    assert ("has none" if count == 0 else "none of the account's 2 leads") in found.what
    assert rest.requests == []


# -- an account that does not answer, or may not --------------------------------------------------------------------


async def test_a_wrong_auth_token_is_told_as_such(tmp_path: Path, rest: TwilioRest) -> None:
    twilio = TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr("another's"), api_base=rest.base_url)
    (found,) = await look(tmp_path, rest, twilio=twilio)
    assert (found.state, found.what) == (
        "red",
        "Twilio does not accept TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN (401)",
    )
    assert "another's" not in found.remedy


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [("active", "Trial", "is active, and a trial account"), ("suspended", "Full", "is suspended")],
)
async def test_an_account_that_may_not_carry_calls_is_red(
    tmp_path: Path, rest: TwilioRest, status: str, kind: str, told: str
) -> None:
    own(rest)
    rest.board.account_status, rest.board.account_type = status, kind
    (found,) = await look(tmp_path, rest)
    assert (found.state, found.what) == ("red", f"AC0000…0000 {told}")


async def test_an_api_that_cannot_be_reached_is_red(tmp_path: Path, rest: TwilioRest) -> None:
    twilio = TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), api_base="http://127.0.0.1:9")
    (found,) = await look(tmp_path, rest, twilio=twilio)
    assert (found.state, "cannot be reached" in found.what) == ("red", True)


async def test_without_an_account_or_an_address_nobody_is_asked(tmp_path: Path, rest: TwilioRest) -> None:
    for changes in ({"twilio": TwilioSettings(api_base=rest.base_url)}, {"public_url": ""}):
        (found,) = await look(tmp_path, rest, **changes)
        assert found.state == "skipped"
    assert rest.received == []


async def test_no_number_is_pointed_at_an_address_that_twilio_cannot_call(tmp_path: Path, rest: TwilioRest) -> None:
    own(rest, voice_url="")
    (found,) = await look(tmp_path, rest, fix=True, public_url="http://127.0.0.1:8080")
    assert (found.state, "left so" in found.what) == ("red", True)
    assert rest.requests == []
