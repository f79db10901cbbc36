"""Messages in the simulated REST API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from asked import ACCOUNT, PUBLIC, THEM, TOKEN, US, ask
from telephony.simulate.rest import TwilioRest

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
async def rest() -> AsyncIterator[TwilioRest]:
    async with TwilioRest(ACCOUNT, TOKEN) as server:
        yield server


async def test_a_message_is_kept_and_can_be_looked_up(rest: TwilioRest) -> None:
    status, body = await ask(rest, "POST", "Messages.json", {"To": THEM, "From": US, "Body": "Grüße"})
    assert (status, body["status"], body["body"], body["num_segments"]) == (201, "queued", "Grüße", "1")
    (kept,) = rest.board.messages.values()
    assert (kept.to_number, kept.from_number, kept.body) == (THEM, US, "Grüße")
    assert (await ask(rest, "GET", f"Messages/{body['sid']}.json"))[1] == body
    assert (await ask(rest, "GET", f"Messages/SM{'9' * 32}.json"))[0] == 404


async def test_its_delivery_is_told(server: Any, rest: TwilioRest) -> None:
    rest.reach(server.url, PUBLIC)
    form = {"To": THEM, "From": US, "Body": "Hi", "StatusCallback": f"{PUBLIC}/sms"}
    _, body = await ask(rest, "POST", "Messages.json", form)
    await rest.board.until(lambda: len(server.told("/sms")) == 2)
    assert [(one["MessageSid"], one["MessageStatus"]) for one in server.told("/sms")] == [
        (body["sid"], "sent"),
        (body["sid"], "delivered"),
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"To": "5550177"}, 21211),
        ({"From": "+15550999"}, 21606),
        ({"To": "+15550666"}, 21610),
        ({"StatusCallback": "nowhere"}, 21609),
        ({"Text": "Hi"}, 20001),
    ],
)
async def test_what_twilio_would_not_send_is_refused_with_its_code(
    rest: TwilioRest, change: dict[str, str], code: int
) -> None:
    rest.board.numbers, rest.board.unsubscribed = {US}, {"+15550666"}
    status, body = await ask(rest, "POST", "Messages.json", {"To": THEM, "From": US, "Body": "Hi", **change})
    assert (status, body["code"]) == (400, code)
    assert rest.board.messages == {}


async def test_the_oldest_are_forgotten_first(rest: TwilioRest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.simulate.rest_messages.MOST_CALLS", 2)
    for body in "abc":
        await ask(rest, "POST", "Messages.json", {"To": THEM, "From": US, "Body": body})
    assert [message.body for message in rest.board.messages.values()] == ["b", "c"]
