"""Webhooks that nobody of Twilio's would send, or that come twice, late and out of order: against the whole process."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from offices import ACCOUNT, TOKEN, World, stored_records, world
from raw_lines import form_of, new_call, post, raw_line
from telephony.agents.agent import Agent
from telephony.records import Termination
from telephony.simulate.signature import HEADER, sign_webhook

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

QUIET = Agent("frontdesk", speaks_first=False, audio="pcmu")
FORM = b"CallSid=CA1&AccountSid=" + ACCOUNT.encode()
POST = b"POST /twilio/voice HTTP/1.1\r\nHost: voice.example.com\r\nConnection: close\r\n"
TYPED = POST + b"Content-Type: application/x-www-form-urlencoded\r\n"


def request(body: bytes, head: bytes = TYPED, length: int | None = None) -> bytes:
    return head + f"Content-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body


RAW: dict[str, tuple[bytes, int]] = {
    "a body of ten megabytes": (request(FORM + b"a" * 70_000, length=10 * 2**20), 413),
    "chunks without end": (
        TYPED
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"8000\r\n"
        + b"a" * 0x8000
        + b"\r\n"
        + b"ffffff\r\n"
        + b"a" * 0x9000,
        413,
    ),
    "ten thousand fields": (request(b"&".join(b"f%d=" % n for n in range(9000))), 400),
    "no text": (request(b"CallSid=%ff%fe&To=\xff"), 400),
    "no body": (request(b""), 403),
    "another type": (request(FORM, POST + b"Content-Type: text/xml\r\n"), 403),
    "parts": (request(b"--x--\r\n", POST + b"Content-Type: multipart/form-data; boundary=x\r\n"), 403),
    "no signature": (request(FORM), 403),
    "two lengths": (request(FORM, TYPED + b"Content-Length: 7\r\n"), 400),
    "a length and chunks": (request(FORM, TYPED + b"Transfer-Encoding: chunked\r\n"), 400),
    "a length that is none": (TYPED + b"Content-Length: many\r\n\r\n", 400),
    "a way up": (request(FORM).replace(b"/twilio/voice", b"/twilio/../../etc/passwd"), 404),
    "a way up in disguise": (request(FORM).replace(b"/twilio/voice", b"/twilio/%2e%2e/%2e%2e/etc/passwd"), 404),
    "a line break in the path": (request(FORM).replace(b"/twilio/voice", b"/twilio/voice%0d%0aX-Evil:%201"), 404),
    "a line break in a header": (request(FORM, TYPED + b"X-Name: a\r\n b\r\n"), 400),
    "a character that no header has": (request(FORM, TYPED + b"X-Name: a\x00b\r\n"), 400),
    "another method": (request(FORM).replace(b"POST", b"PUT"), 405),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
}


async def status_of(made: World, sent: bytes) -> tuple[int, bytes]:
    """What a connection is answered that sends just this: status and the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", made.office.server.port)
    answer = b""
    try:
        writer.write(sent)
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                answer = await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.transport.abort()
    return int(answer.split()[1]), answer


async def test_requests_that_are_none_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with world(tmp_path, {}, QUIET) as made:
            for what, (sent, expected) in RAW.items():
                status, answer = await status_of(made, sent)
                assert status == expected, what
                assert b"X-Evil" not in answer, what
            assert list(made.outside.model.sessions) == []
            async with raw_line(made) as line:  # who calls in earnest is answered
                await line.send(line.stop)
                await line.record()
        assert len(await stored_records(made.office.settings)) == 1
    assert "request failed" not in {line["event"] for line in logs}


async def test_a_signed_body_of_another_type_is_not_understood(tmp_path: Path) -> None:
    """Whose request is genuine may know what is wrong with it."""
    async with world(tmp_path, {}, QUIET) as made, aiohttp.ClientSession() as session:
        url = f"{made.office.settings.public_url}/twilio/voice"
        headers = {HEADER: sign_webhook(TOKEN, url), "Content-Type": "text/plain"}
        async with session.post(url, data=b"", headers=headers) as response:
            assert response.status == 400
            assert "no request that we understand" in await response.text()


async def test_status_callbacks_may_come_twice_late_out_of_order_and_for_nobody(tmp_path: Path) -> None:
    stranger = new_call()
    async with world(tmp_path, {}, QUIET) as made, aiohttp.ClientSession() as session:
        settings = made.office.settings

        async def told(call_id: str, *statuses: str) -> None:
            for status in statuses:
                form = form_of(call_id, status, SequenceNumber="0")
                assert await post(session, settings, "/twilio/status", form) == (204, "")

        async with raw_line(made) as line:
            await told(line.call_id, "in-progress", "ringing", "initiated", "in-progress", "of-tomorrow")
            await told(stranger, "ringing", "completed", "completed")
            assert list(made.office.calls.live) == [line.call_id]
            await told(line.call_id, "completed", "completed", "failed")
            assert await line.closed() == 1000
            record = await line.record()
            await told(line.call_id, "ringing", "in-progress", "busy")
            status, twiml = await post(session, settings, "/twilio/voice", form_of(line.call_id))
            assert (status, "Connect" in twiml) == (200, False), "a call that is over stays over"
    assert record.termination == Termination("completed", "caller", "caller hung up")
    stored = [(each.carrier_call_id, each.termination) for each in await stored_records(settings)]
    assert stored == [(line.call_id, record.termination)]
    assert made.records == [record]
