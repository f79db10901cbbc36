"""Twilio's own requests: their form, their signature, their patience."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from telephony.simulate.live import LiveCall, new_sid
from telephony.simulate.requests import Courier, call_fields, completed_fields, stream_fields
from telephony.simulate.route import Route

TOKEN = "12345"
PUBLIC = "https://voice.example.com"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def courier(session: aiohttp.ClientSession, url: str) -> Courier:
    live = LiveCall(new_sid("CA"), new_sid("AC"), "+15550142", "+15550100", 60)
    return Courier(session, Route(f"{url}/twilio/voice", PUBLIC), live, TOKEN)


async def test_a_post_is_signed_over_public_url_and_fields(server: Any, session: aiohttp.ClientSession) -> None:
    answer = await courier(session, server.url).instructions("voice", f"{server.url}/twilio/voice")
    _, headers, fields = server.posts[0]
    assert answer.problem == ""
    assert answer.url == f"{PUBLIC}/twilio/voice"
    assert "<Connect>" in answer.body
    assert RequestValidator(TOKEN).validate(answer.url, MultiDict(fields), headers["x-twilio-signature"])


async def test_a_get_carries_the_fields_in_its_signed_address(server: Any, session: aiohttp.ClientSession) -> None:
    fields = [("Plus", "+1 5"), ("Blank", ""), ("Umlaut", "ü&=")]
    await courier(session, server.url).tell("stream-started", f"{PUBLIC}/told?x=1", "GET", fields)
    path, headers, received = server.posts[0]
    assert path == "/told"
    assert received == {"x": "1", **dict(fields)}
    url = f"{PUBLIC}/told?x=1&{urlencode(fields)}"
    assert RequestValidator(TOKEN).validate(url, {}, headers["x-twilio-signature"])


async def test_an_answer_that_cannot_be_decoded_is_a_retrieval_failure(
    server: Any, session: aiohttp.ClientSession
) -> None:
    server.answers["/twilio/voice"] = web.Response(
        body=b"\xff\xfe\x00", headers={"Content-Type": "text/xml; charset=utf-8"}
    )
    answer = await courier(session, server.url).instructions("voice", f"{server.url}/twilio/voice")
    assert answer.code == 11200


async def test_a_server_that_does_not_answer_in_time_is_given_up(
    server: Any, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telephony.simulate.requests.TIMEOUT", 0.05)
    server.twiml = None
    answer = await courier(session, server.url).tell("completed", f"{server.url}/slow", "POST", [])
    assert answer.problem.endswith("did not answer within 0.05 s")


async def test_a_connection_that_fails_is_tried_once_more(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    class Refusing:
        def request(self, *arguments: Any, **options: Any) -> Any:
            tried.append(options["headers"]["I-Twilio-Idempotency-Token"])
            return session.request(*arguments, **options)

    target = courier(session, "http://127.0.0.1:1")
    monkeypatch.setattr(target, "_session", Refusing())
    answer = await target.tell("completed", "http://127.0.0.1:1/x", "POST", [])
    assert answer.code == 11200
    assert len(tried) == 2
    assert len(set(tried)) == 1


def test_the_fields_of_callbacks() -> None:
    live = LiveCall("CA1", "AC1", "+15550142", "+15550100", 60)
    fields = dict(call_fields(live))
    assert (fields["From"], fields["Caller"], fields["To"], fields["Called"]) == ("+15550142",) * 2 + ("+15550100",) * 2
    assert (fields["Direction"], fields["ApiVersion"], fields["ToCity"]) == ("inbound", "2010-04-01", "")
    stream = dict(stream_fields(live, "MZ1", "", "stream-error", "it broke"))
    assert (stream["StreamEvent"], stream["StreamName"], stream["StreamError"]) == ("stream-error", "MZ1", "it broke")
    assert stream["Timestamp"].endswith("Z")
    live.finish("busy")
    completed = dict(completed_fields(live))
    assert (completed["CallStatus"], completed["CallDuration"], completed["SequenceNumber"]) == ("busy", "0", "0")
