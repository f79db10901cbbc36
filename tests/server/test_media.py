"""The media socket: whatever cannot prove which call it carries is refused, and no model is ever dialled for it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from front_door import CALL, PUBLIC, STREAM, TOKEN, FrontDoor, front_door, media, start
from telephony.carriers.twilio import TwilioStream
from telephony.errors import ConfigurationError
from telephony.events import Event
from telephony.server.media import REFUSED as WORD
from telephony.server.reception import Patience
from telephony.server.tokens import Tokens
from telephony.simulate.signature import sign_upgrade

MEDIA = "/twilio/media"
WSS = "wss://voice.example.com"
OTHER = "CA" + "9" * 32
CONNECTED = '{"event":"connected","protocol":"Call","version":"1.0.0"}'
REFUSED = (1008, WORD)
SOON = 5.0
"""Seconds in which everything here has long happened."""


async def ended(socket: aiohttp.ClientWebSocketResponse) -> tuple[int | None, str]:
    """How the server ends *socket*: code and reason."""
    async with asyncio.timeout(SOON):
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.CLOSE:
                await socket.close()
                return message.data, message.extra or ""
            if message.type is not aiohttp.WSMsgType.TEXT:
                return None, str(message.type)


async def refused(door: FrontDoor, *messages: str | bytes, code: int = 1008) -> None:
    """Send *messages*: the socket must be closed with *code* and the one word, the refusal counted, and nothing done on
    its behalf."""
    counted: list[bool] = []
    door.reception.on_refused = lambda: counted.append(True)
    socket = await door.stream()
    for message in messages:
        await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
    assert await ended(socket) == (code, WORD)
    assert counted == [True]
    await unharmed(door)


async def unharmed(door: FrontDoor, *, live: int = 0) -> None:
    """Nobody dialled a model, no call runs and none was recorded."""
    assert door.upstream.connections == 0
    assert len(door.reception.calls.live) == live
    assert door.records == []


# -- before the upgrade --------------------------------------------------------------------------------------------

GENUINE = sign_upgrade(TOKEN, WSS + MEDIA)
FORGERIES: dict[str, dict[str, Any]] = {
    "missing": {"signature": ""},
    "truncated": {"signature": GENUINE[:-5]},
    "one letter off": {"signature": ("B" if GENUINE[0] == "A" else "A") + GENUINE[1:]},
    "not ASCII": {"signature": "é" * 28},
    "another token": {"signature": sign_upgrade("other", WSS + MEDIA)},
    "an empty token": {"signature": sign_upgrade("", WSS + MEDIA)},
    "another host": {"signature": sign_upgrade(TOKEN, "wss://evil.example.com" + MEDIA)},
    "another path": {"signature": sign_upgrade(TOKEN, WSS + "/twilio/voice")},
    "plain ws": {"signature": sign_upgrade(TOKEN, "ws://voice.example.com" + MEDIA)},
    "a host in a header": {
        "signature": sign_upgrade(TOKEN, "wss://evil.example.com" + MEDIA),
        "headers": {"X-Forwarded-Host": "evil.example.com"},
    },
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_upgrade_gets_403(door: FrontDoor, forgery: dict[str, Any]) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await door.stream(**forgery)
    assert refusal.value.status == 403
    await unharmed(door)


@pytest.mark.parametrize(
    "signed",
    [WSS + MEDIA, WSS + MEDIA + "/", PUBLIC + MEDIA, WSS + ":443" + MEDIA, PUBLIC + ":443" + MEDIA + "/"],
)
async def test_every_spelling_that_twilio_signs_is_genuine(door: FrontDoor, signed: str) -> None:

    signature = base64.b64encode(hmac.new(TOKEN.encode(), signed.encode(), hashlib.sha1).digest()).decode()
    socket = await door.stream(signature=signature)
    await socket.close()


async def test_a_query_does_not_count_for_twilio_strips_it(door: FrontDoor) -> None:
    socket = await door.stream(path=MEDIA + "?x=1", signature=GENUINE)
    await socket.close()


async def test_a_signed_request_that_is_no_upgrade_is_a_bad_request(door: FrontDoor) -> None:
    async with door.session.get(door.address + MEDIA, headers={"X-Twilio-Signature": GENUINE}) as response:
        assert response.status == 400
    await unharmed(door)


# -- after it ------------------------------------------------------------------------------------------------------


async def test_a_stream_with_its_token_reaches_the_model(door: FrontDoor) -> None:
    socket = await door.stream()
    await socket.send_str(CONNECTED)
    await socket.send_str(start(door.token()))
    async with asyncio.timeout(SOON):
        await door.upstream.reached.wait()
    assert list(door.reception.calls.live) == [CALL]
    await socket.send_str(f'{{"event":"stop","streamSid":"{STREAM}"}}')
    assert (await ended(socket))[0] == 1000
    async with asyncio.timeout(SOON):
        await door.reception.calls.idle()
    assert [record.carrier_call_id for record in door.records] == [CALL]


@pytest.mark.parametrize("token", [None, "", "forged", "a.b"])
async def test_a_stream_without_a_token_of_ours_is_refused(door: FrontDoor, token: str | None) -> None:
    await refused(door, CONNECTED, start(token))


async def test_a_token_of_another_secret_is_refused(door: FrontDoor) -> None:
    other = Tokens(b"another process")
    await refused(door, start(other.issue(CALL, "frontdesk", "", "", door.reception.now)))


async def test_an_expired_token_is_refused(door: FrontDoor) -> None:
    await refused(door, start(door.token(age=61.0)))


async def test_a_token_for_another_call_is_refused(door: FrontDoor) -> None:
    await refused(door, start(door.token(OTHER)))
    await refused(door, start(door.token(), call=OTHER))


async def test_a_token_that_was_used_is_refused(door: FrontDoor) -> None:
    token = door.token()
    door.reception.tokens.redeem(token, CALL, door.reception.now)
    await refused(door, start(token))


async def test_a_second_stream_for_a_live_call_is_refused_and_the_first_goes_on(door: FrontDoor) -> None:
    first = await door.stream()
    await first.send_str(start(door.token()))
    async with asyncio.timeout(SOON):
        await door.upstream.reached.wait()
    second = await door.stream()
    await second.send_str(start(door.token(), stream="MZ" + "7" * 32))
    assert await ended(second) == REFUSED
    assert door.upstream.connections == 1
    assert list(door.reception.calls.live) == [CALL]
    assert not first.closed
    await first.close()
    async with asyncio.timeout(SOON):
        await door.reception.calls.idle()
    assert len(door.records) == 1


async def test_a_webhook_of_a_live_call_that_comes_again_changes_nothing(door: FrontDoor) -> None:
    """Without Twilio's token for its tries, so that it looks like a request of its own."""
    first = await door.stream()
    await first.send_str(start(token_in((await door.post())[1])))
    async with asyncio.timeout(SOON):
        await door.upstream.reached.wait()
    status, again = await door.post()
    assert status == 200
    second = await door.stream()
    await second.send_str(start(token_in(again), stream="MZ" + "7" * 32))
    assert await ended(second) == REFUSED
    assert list(door.reception.calls.live) == [CALL]
    assert not first.closed
    await first.close()
    async with asyncio.timeout(SOON):
        await door.reception.calls.idle()
    assert len(door.records) == 1
    assert "Connect" not in (await door.post())[1]


def token_in(twiml: str) -> str:
    """What the webhook's answer gave to the media stream."""
    found = re.search(r'name="token" value="([^"]+)"', twiml)
    assert found, twiml
    return found[1]


async def test_media_before_start_is_refused(door: FrontDoor) -> None:
    await refused(door, CONNECTED, media(), start(door.token()))


async def test_a_binary_frame_is_refused(door: FrontDoor) -> None:
    await refused(door, start(door.token()).encode(), code=1003)


async def test_a_stream_that_only_talks_nonsense_is_refused(door: FrontDoor) -> None:
    await refused(door, *["{"] * 30)


async def test_a_stream_that_stops_before_it_starts_is_refused(door: FrontDoor) -> None:
    await refused(door, CONNECTED, f'{{"event":"stop","streamSid":"{STREAM}"}}', start(door.token()))


async def test_a_start_in_another_format_is_refused(door: FrontDoor) -> None:
    await refused(door, start(door.token()).replace("audio/x-mulaw", "audio/opus"))


async def test_a_message_that_is_too_long_closes_the_socket(door: FrontDoor) -> None:
    socket = await door.stream()
    await socket.send_str("x" * 70_000)
    assert (await ended(socket))[0] == 1009
    await unharmed(door)


@pytest.mark.parametrize("messages", [(), (CONNECTED,)], ids=["nothing", "connected"])
async def test_a_stream_that_does_not_start_is_refused_in_time(
    nothing_left_behind: None, tmp_path: Path, messages: tuple[str, ...]
) -> None:
    async with front_door(tmp_path, patience=Patience(start=0.2)) as door:
        await refused(door, *messages)


async def test_a_stream_that_chatters_on_without_starting_is_refused_in_time(
    nothing_left_behind: None, tmp_path: Path
) -> None:
    async with front_door(tmp_path, patience=Patience(start=0.2)) as door:
        socket = await door.stream()

        async def chatter() -> None:
            while not socket.closed:
                await socket.send_str(CONNECTED)
                await asyncio.sleep(0.02)

        async with asyncio.TaskGroup() as group:
            chattering = group.create_task(chatter(), name="chatter")
            assert await ended(socket) == REFUSED
            chattering.cancel()
        await unharmed(door)


async def test_a_peer_that_leaves_before_its_start_leaves_nothing(door: FrontDoor) -> None:
    socket = await door.stream()
    await socket.close()
    await unharmed(door)


async def test_a_refusal_is_logged_with_its_reason(door: FrontDoor) -> None:
    with capture_logs() as logs:
        await refused(door, start("forged"))
    (line,) = [line for line in logs if line["event"] == "media stream refused"]
    assert line["reason"] == "media token is not ours"


async def test_an_agent_that_cannot_take_calls_costs_this_call_only(door: FrontDoor) -> None:
    working = door.reception.plan_for

    def broken(name: str) -> Any:
        raise ConfigurationError("agents", f"{name} is broken", "Mend it.")

    door.reception.plan_for = broken
    socket = await door.stream()
    await socket.send_str(start(door.token()))
    assert await ended(socket) == (1011, "agent not available")
    await unharmed(door)
    door.reception.plan_for = working
    assert (await door.post())[0] == 200


class Broken(TwilioStream):
    """A codec with a bug."""

    def decode(self, message: str | bytes) -> list[Event]:
        raise ZeroDivisionError(message)


async def test_a_bug_of_ours_closes_the_socket_and_the_next_one_is_served(door: FrontDoor) -> None:
    door.reception.new_carrier = Broken
    socket = await door.stream()
    await socket.send_str(CONNECTED)
    assert await ended(socket) == (1011, "internal error")
    await unharmed(door)
    door.reception.new_carrier = TwilioStream
    await test_a_stream_with_its_token_reaches_the_model(door)
