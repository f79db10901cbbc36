"""The account's phone numbers in the simulated REST API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from asked import ACCOUNT, THEM, TOKEN, US, ask
from telephony.simulate.board import PhoneNumber
from telephony.simulate.rest import TwilioRest

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
async def rest() -> AsyncIterator[TwilioRest]:
    async with TwilioRest(ACCOUNT, TOKEN) as server:
        for number in (PhoneNumber(US), PhoneNumber(THEM)):
            server.board.phone_numbers[number.sid] = number
        yield server


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [THEM, US]),
        ("?PhoneNumber=%2B15550100", [US]),
        ("?PhoneNumber=0177", [THEM]),
        ("?PhoneNumber=55501**", [THEM, US]),
        ("?PhoneNumber=%2B15550100000", []),
    ],
)
async def test_numbers_are_found_by_a_part_of_them(rest: TwilioRest, query: str, found: list[str]) -> None:
    status, body = await ask(rest, "GET", f"IncomingPhoneNumbers.json{query}")
    assert status == 200
    assert [one["phone_number"] for one in body["incoming_phone_numbers"]] == found


async def test_a_new_number_leads_to_the_demo_until_it_is_told_otherwise(rest: TwilioRest) -> None:
    (first, *_) = rest.board.phone_numbers
    _, before = await ask(rest, "GET", f"IncomingPhoneNumbers/{first}.json")
    assert before["voice_url"].startswith("https://demo.twilio.com/")
    form = {"VoiceUrl": "https://voice.example.com/twilio/voice", "VoiceMethod": "POST"}
    status, body = await ask(rest, "POST", f"IncomingPhoneNumbers/{first}.json", form)
    assert (status, body["voice_url"]) == (200, "https://voice.example.com/twilio/voice")
    assert (await ask(rest, "GET", f"IncomingPhoneNumbers/{first}.json"))[1] == body


async def test_a_trunk_takes_a_number_from_its_application_and_back(rest: TwilioRest) -> None:
    (first, *_) = rest.board.phone_numbers
    path = f"IncomingPhoneNumbers/{first}.json"
    trunk, application = "TK" + "1" * 32, "AP" + "1" * 32
    for form in ({"VoiceApplicationSid": application}, {"TrunkSid": trunk}):
        _, body = await ask(rest, "POST", path, form)
    assert (body["trunk_sid"], body["voice_application_sid"]) == (trunk, None)
    _, body = await ask(rest, "POST", path, {"VoiceApplicationSid": application})
    assert (body["trunk_sid"], body["voice_application_sid"]) == (None, application)


async def test_what_is_not_the_account_s_is_not_found(rest: TwilioRest) -> None:
    assert (await ask(rest, "GET", f"IncomingPhoneNumbers/PN{'9' * 32}.json"))[0] == 404
