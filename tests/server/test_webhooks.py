"""Webhooks over a real socket: what is genuine gets instructions, what is not gets 403 and no reason."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from front_door import ACCOUNT, CALL, FORM, NUMBER, PUBLIC, STREAM, TOKEN, FrontDoor, front_door, media, start
from telephony.bridge.away import Absent
from telephony.bridge.calls import Calls
from telephony.carriers.base import StatusUpdate
from telephony.carriers.twilio import TwilioStream
from telephony.commands import Sending
from telephony.events import Event
from telephony.records import CallRecord, Termination
from telephony.server.reception import CLOSED, NOT_IN_SERVICE
from telephony.simulate.signature import HEADER, sign_webhook

VOICE = "/twilio/voice"
PATHS = [VOICE, "/twilio/status", "/twilio/stream-status", "/twilio/stream-ended", "/twilio/dial-ended"]


def verbs(document: str) -> list[str]:
    return [verb.tag for verb in ET.fromstring(document)]  # noqa: S314  our own answer


# -- the answer to a call ------------------------------------------------------------------------------------------


async def test_a_call_is_connected_to_the_media_socket(door: FrontDoor) -> None:
    status, text = await door.post()
    assert status == 200
    connect = ET.fromstring(text)[0]  # noqa: S314  our own answer
    assert (connect.tag, connect.get("action")) == ("Connect", f"{PUBLIC}/twilio/stream-ended")
    stream = connect[0]
    assert stream.get("url") == "wss://voice.example.com/twilio/media"
    assert stream.get("statusCallback") == f"{PUBLIC}/twilio/stream-status"
    parameters = {parameter.get("name"): parameter.get("value") for parameter in stream}
    assert parameters.keys() == {"token", "agent"}
    desk = door.reception
    ticket = desk.tokens.redeem(str(parameters["token"]), CALL, desk.now)
    assert (ticket.agent, ticket.from_number, ticket.to_number) == ("frontdesk", "+15550142", NUMBER)


async def test_the_answer_is_xml(door: FrontDoor) -> None:
    headers = {HEADER: sign_webhook(TOKEN, PUBLIC + VOICE, FORM)}
    async with door.session.post(door.address + VOICE, data=dict(FORM), headers=headers) as response:
        assert response.content_type == "text/xml"


async def test_a_webhook_that_is_posted_again_is_answered_again(door: FrontDoor) -> None:
    first, second = await door.post(), await door.post()
    assert first[0] == second[0] == 200
    assert verbs(first[1]) == verbs(second[1]) == ["Connect"]


TRIES = {"I-Twilio-Idempotency-Token": "3f2c"}


async def test_another_try_of_one_request_gets_the_same_token_for_the_media_stream(door: FrontDoor) -> None:
    first, second = await door.post(headers=TRIES), await door.post(headers=TRIES)
    assert first == second
    third = await door.post(headers={"I-Twilio-Idempotency-Token": "another"})
    assert (third[0], third[1] != first[1]) == (200, True)


async def test_a_request_that_is_not_genuine_learns_nothing_by_naming_another_ones_token(door: FrontDoor) -> None:
    await door.post(headers=TRIES)
    assert (await door.post(headers=TRIES, signature="forged"))[0] == 403
    other = [(name, "CA" + "9" * 32 if name == "CallSid" else value) for name, value in FORM]
    assert (await door.post(form=other, headers=TRIES))[1] != (await door.post(headers=TRIES))[1]


async def test_a_status_that_is_told_twice_ends_a_call_once(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[StatusUpdate] = []
    monkeypatch.setattr(door.reception.calls, "update", told.append)
    for _ in range(2):
        status, _ = await door.post("/twilio/status", [*FORM[:4], ("CallStatus", "completed")], headers=TRIES)
        assert status == 204
    assert [update.status for update in told] == ["completed"]


async def test_a_number_that_nobody_answers_is_not_in_service(door: FrontDoor) -> None:
    form = [(name, "+15559999" if name == "To" else value) for name, value in FORM]
    status, text = await door.post(form=form)
    assert status == 200
    assert verbs(text) == ["Say", "Hangup"]
    assert NOT_IN_SERVICE in text


async def test_a_server_that_is_stopping_takes_no_call(door: FrontDoor) -> None:
    door.reception.calls.draining = True
    status, text = await door.post()
    assert status == 200
    assert verbs(text) == ["Say", "Hangup"]
    assert CLOSED in text


async def test_a_caller_of_any_name_is_connected(door: FrontDoor) -> None:
    """The caller by SIP chooses it."""
    form = [(name, "sip:" + "ü\U0001f4de" * 100 if name == "From" else value) for name, value in FORM]
    status, text = await door.post(form=form)
    assert status == 200
    assert verbs(text) == ["Connect"]


async def test_a_genuine_form_that_names_no_call_is_not_understood(door: FrontDoor) -> None:
    for path in PATHS[:2]:
        assert (await door.post(path, FORM[1:]))[0] == 400


# -- what is genuine -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    ["a=1", "greeting=hello%20world", "greeting=hello+world", "name=J%C3%BCrgen%26Co&b=", "x=%2f", "x=%2F", "a=~%7E"],
)
async def test_a_query_is_part_of_what_is_signed_exactly_as_it_was_sent(door: FrontDoor, query: str) -> None:
    assert (await door.post(f"{VOICE}?{query}"))[0] == 200
    assert (await door.post(f"{VOICE}?{query}", url=PUBLIC + VOICE))[0] == 403


@pytest.mark.parametrize(
    "extra",
    [
        [("ForwardedFrom", "")],
        [("CallerName", "Jürgen & Söhne <a+b>"), ("Blank", " ")],
        [("Twice", "b"), ("Twice", "a"), ("Twice", "b")],
        [("SpeechResult", "日本語 \U0001f4de")],
    ],
    ids=["blank", "signs", "repeated", "other scripts"],
)
async def test_any_field_may_be_in_a_genuine_form(door: FrontDoor, extra: list[tuple[str, str]]) -> None:
    assert (await door.post(form=[*FORM, *extra]))[0] == 200


@pytest.mark.parametrize(
    ("public", "signed"),
    [
        ("https://voice.example.com", "https://voice.example.com"),
        ("https://voice.example.com:8443", "https://voice.example.com"),
        ("https://voice.example.com:8443", "https://voice.example.com:8443"),
        ("https://voice.example.com", "https://voice.example.com:443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
async def test_twilio_may_sign_with_the_port_or_without(tmp_path: Path, public: str, signed: str) -> None:
    async with front_door(tmp_path, public_url=public) as door:
        text = signed + VOICE + "".join(name + value for name, value in sorted(FORM))
        signature = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()
        assert (await door.post(signature=signature))[0] == 200


async def test_both_tokens_are_good_while_they_are_rotated_and_no_third(tmp_path: Path) -> None:
    async with front_door(tmp_path, twilio={"auth_token_secondary": SecretStr("next")}) as door:
        for token, expected in ((TOKEN, 200), ("next", 200), ("last", 403), ("", 403)):
            assert (await door.post(signature=sign_webhook(token, PUBLIC + VOICE, FORM)))[0] == expected


async def test_a_shared_key_signs_with_sha_256(tmp_path: Path) -> None:
    text = PUBLIC + VOICE + "".join(name + value for name, value in sorted(FORM))
    signature = base64.b64encode(hmac.new(b"shared", text.encode(), hashlib.sha256).digest()).decode()
    async with front_door(tmp_path, twilio={"shared_keys": {"key1": SecretStr("shared")}}) as door:
        for key, expected in (("key1", 200), ("key2", 403)):
            headers = {"X-Twilio-Webhooks-Signature-Settings": f"key={key},algorithm=HMAC_SHA256"}
            assert (await door.post(signature=signature, headers=headers))[0] == expected


async def test_headers_of_a_proxy_change_nothing(door: FrontDoor) -> None:
    told = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com", "X-Forwarded-Proto": "http"}
    assert (await door.post(headers=told))[0] == 200
    assert (await door.post(headers=told, url="http://evil.example.com" + VOICE))[0] == 403


# -- what is not ---------------------------------------------------------------------------------------------------

GENUINE = sign_webhook(TOKEN, PUBLIC + VOICE, FORM)


def altered(name: str, value: str) -> list[tuple[str, str]]:
    return [(key, value if key == name else old) for key, old in FORM]


FORGERIES: dict[str, dict[str, Any]] = {
    "missing": {"signature": ""},
    "truncated": {"signature": GENUINE[:-5]},
    "one letter off": {"signature": ("B" if GENUINE[0] == "A" else "A") + GENUINE[1:]},
    "longer": {"signature": GENUINE + "="},
    "not base64": {"signature": "%%%"},
    "not ASCII": {"signature": "é" * 28},
    "twice": {"signature": f"{GENUINE},{GENUINE}"},
    "another token": {"signature": sign_webhook("other", PUBLIC + VOICE, FORM)},
    "an empty token": {"signature": sign_webhook("", PUBLIC + VOICE, FORM)},
    "another host": {"url": "https://evil.example.com" + VOICE},
    "another scheme": {"url": "http://voice.example.com" + VOICE},
    "another path": {"url": PUBLIC + "/twilio/status"},
    "another port": {"url": "http://voice.example.com:8080" + VOICE},
    "a slash more": {"url": PUBLIC + VOICE + "/"},
    "a query that was not sent": {"url": PUBLIC + VOICE + "?a=1"},
    "a field changed": {"signature": GENUINE, "form": altered("To", "+15550199")},
    "a field's letters changed": {"signature": GENUINE, "form": altered("CallStatus", "Ringing")},
    "a field more": {"signature": GENUINE, "form": [*FORM, ("Digits", "1")]},
    "a field less": {"signature": GENUINE, "form": FORM[:-1]},
    "a field twice": {"signature": GENUINE, "form": [*FORM, ("To", "+15550199")]},
    "no form": {"signature": GENUINE, "body": b""},
    "signed for no form": {"signature": sign_webhook(TOKEN, PUBLIC + VOICE)},
    "a form that says it is none": {
        "signature": sign_webhook(TOKEN, PUBLIC + VOICE),
        "headers": {"Content-Type": "text/plain"},
    },
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_webhook_gets_403_and_no_reason(door: FrontDoor, forgery: dict[str, Any]) -> None:
    asked: list[str] = []
    door.reception.line_for = lambda number: asked.append(number)
    assert await door.post(**forgery) == (403, "Forbidden\n")
    assert asked == []


@pytest.mark.parametrize("path", PATHS)
async def test_every_webhook_asks_for_the_signature(door: FrontDoor, path: str) -> None:
    assert (await door.post(path))[0] in (200, 204)
    assert await door.post(path, signature="") == (403, "Forbidden\n")
    assert await door.post(path, signature=sign_webhook("other", PUBLIC + path, FORM)) == (403, "Forbidden\n")


async def test_a_refused_request_is_logged_with_its_reason(door: FrontDoor) -> None:
    with capture_logs() as logs:
        await door.post(signature="")
    (line,) = [line for line in logs if line["event"] == "request refused"]
    assert line["log_level"] == "warning"
    assert line["path"] == VOICE
    assert "signature" in line["reason"]


@pytest.mark.parametrize("body", [b"CallSid=\xff\xfe", b"&".join(b"a%d=" % i for i in range(300))])
async def test_a_form_that_cannot_be_read_is_a_bad_request(door: FrontDoor, body: bytes) -> None:
    assert (await door.post(body=body))[0] == 400


# -- status --------------------------------------------------------------------------------------------------------


class Noting(Calls):
    """Calls that note what they are told."""

    told: list[StatusUpdate]

    def update(self, status: StatusUpdate) -> None:
        self.told.append(status)
        super().update(status)


@pytest.mark.parametrize(
    ("status", "terminal"), [("completed", True), ("no-answer", True), ("in-progress", False), ("invented", False)]
)
async def test_a_status_callback_is_passed_on_and_an_unknown_call_is_nobodys_trouble(
    door: FrontDoor, status: str, terminal: bool
) -> None:
    door.reception.calls.__class__ = Noting
    calls: Any = door.reception.calls
    calls.told = []
    form = [("CallSid", CALL), ("CallStatus", status), ("AccountSid", ACCOUNT)]
    assert (await door.post("/twilio/status", form))[0] == 204
    assert [(update.call_id, update.terminal) for update in calls.told] == [(CALL, terminal)]


async def test_a_stream_error_is_logged_with_what_twilio_says(door: FrontDoor) -> None:
    form = [("CallSid", CALL), ("StreamEvent", "stream-error"), ("StreamError", "31920")]
    with capture_logs() as logs:
        assert (await door.post("/twilio/stream-status", form))[0] == 204
    (line,) = [line for line in logs if line["event"] == "the carrier reports a stream error"]
    assert (line["call_id"], line["error"], line["log_level"]) == (CALL, "31920", "warning")


async def carried(door: FrontDoor, *messages: str, codec: type[TwilioStream] = TwilioStream) -> None:
    """A call whose stream brought *messages* after its start and is over."""
    door.reception.new_carrier = codec
    socket = await door.stream()
    await socket.send_str(start(door.token()))
    for message in messages:
        await socket.send_str(message)
    await socket.close()
    async with asyncio.timeout(5):
        while not door.records:  # noqa: ASYNC110  a record is told of by a call, not by an event
            await asyncio.sleep(0.01)


class Broken(TwilioStream):
    """A codec with a bug that shows during the call."""

    def decode(self, message: str | bytes) -> list[Event]:
        if "payload" in str(message):
            raise ZeroDivisionError
        return super().decode(message)


async def ended(door: FrontDoor) -> list[str]:
    """What the caller gets when the stream has ended."""
    status, text = await door.post("/twilio/stream-ended")
    assert status == 200
    return verbs(text)


async def test_a_call_that_was_taken_leave_of_ends_with_its_stream(door: FrontDoor) -> None:
    await carried(door, f'{{"event":"stop","streamSid":"{STREAM}"}}')
    assert await ended(door) == ["Hangup"]
    assert await ended(door) == ["Hangup"]


async def test_a_replayed_webhook_of_a_call_that_is_over_is_answered_with_a_hang_up(door: FrontDoor) -> None:
    await carried(door, f'{{"event":"stop","streamSid":"{STREAM}"}}')
    status, text = await door.post("/twilio/voice")
    assert (status, verbs(text)) == (200, ["Hangup"])


@pytest.mark.parametrize("how", ["no stream came", "the connection was lost", "a bug of ours"])
async def test_a_caller_who_was_cut_off_is_told_so(door: FrontDoor, how: str) -> None:
    if how == "the connection was lost":
        await carried(door)
    elif how == "a bug of ours":
        await carried(door, media(), codec=Broken)
    assert await ended(door) == ["Say", "Hangup"]


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        ("completed", ["Hangup"]),
        ("answered", ["Hangup"]),
        ("busy", ["Say", "Hangup"]),
        ("no-answer", ["Say", "Hangup"]),
        ("failed", ["Say", "Hangup"]),
        ("invented", ["Say", "Hangup"]),
        (None, ["Say", "Hangup"]),
    ],
)
async def test_a_caller_who_was_sent_on_is_told_if_nobody_was_there(
    door: FrontDoor, told: str | None, answer: list[str]
) -> None:
    form = [*FORM, ("DialCallStatus", told)] if told else FORM
    status, text = await door.post("/twilio/dial-ended", form)
    assert (status, verbs(text)) == (200, answer)
    assert ("nobody can take your call" in text) == (answer[0] == "Say")


async def test_a_caller_whose_way_back_leads_nowhere_is_told_so(door: FrontDoor) -> None:
    """The conversation before has ended well, and so nothing more would be said."""
    call_id, calls = dict(FORM)["CallSid"], door.reception.calls
    calls.past[call_id] = True
    record = CallRecord("1", "twilio", call_id, "frontdesk", termination=Termination("completed", "agent", "sent"))
    calls.away.hold(call_id, Absent(record, "frontdesk", Sending("mary"), "+15550142", "+15550100"))
    _, text = await door.post("/twilio/dial-ended", [*FORM, ("DialCallStatus", "busy")])
    assert verbs(text)[0] == "Connect"
    _, text = await door.post("/twilio/stream-ended", FORM)
    assert "something went wrong" in text
    await calls.away.close()


def test_paths_hold_nothing_that_a_signature_would_spell_differently() -> None:
    spell: Callable[[str], str] = quote
    assert [path for path in PATHS if spell(path) != path] == []
