"""Whoever reaches the port and is nobody: every proof that fails gets one answer, no connection is kept for long."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from front_door import CALL, FORM, FrontDoor, front_door, media, start
from telephony.server import gate
from telephony.server.reception import Patience
from telephony.server.tokens import Tokens
from telephony.settings.connections import ConnectionSettings

pytestmark = [pytest.mark.usefixtures("nothing_left_behind"), pytest.mark.timeout(60)]

OTHER = "CA" + "9" * 32
SOON = 10.0
"""Seconds within which whatever a test waits for has happened, on a busy machine."""


async def answer(socket: aiohttp.ClientWebSocketResponse) -> list[tuple[object, object, object]]:
    """Everything that comes until the socket is closed."""
    found = []
    async with asyncio.timeout(SOON):
        while not socket.closed:
            message = await socket.receive()
            found.append((message.type, message.data, message.extra))
    return found


async def test_every_proof_that_fails_gets_the_same_answer_and_reaches_no_model(tmp_path: Path) -> None:
    async with front_door(tmp_path) as door:
        used = door.token()
        door.reception.tokens.redeem(used, CALL, door.reception.now)
        genuine = door.token()
        openings = {
            "no token": start(None),
            "an empty one": start(""),
            "nonsense": start("nonsense"),
            "half of one": start(genuine[:-8]),
            "another secret's": start(Tokens(b"other").issue(CALL, "frontdesk", "", "", door.reception.now)),
            "an old one": start(door.token(age=61)),
            "one that was used": start(used),
            "another call's": start(door.token(OTHER)),
            "one for another call": start(genuine, call=OTHER),
            "media instead": media(),
            "the end instead": '{"event":"stop"}',
            "another format": start(genuine).replace("audio/x-mulaw", "audio/opus"),
            "no call": start(genuine).replace(CALL, ""),
        }
        answers = {}
        for what, opening in openings.items():
            socket = await door.stream()
            await socket.send_str(opening)
            answers[what] = await answer(socket)
        assert {str(found) for found in answers.values()} == {str(answers["no token"])}, answers
        assert answers["no token"][0] == (aiohttp.WSMsgType.CLOSE, 1008, "refused")
        assert door.upstream.connections == 0
        assert door.records == []


async def test_a_stream_is_its_tokens_agents_whatever_else_it_says(tmp_path: Path) -> None:
    async with front_door(tmp_path) as door:
        opening = json.loads(start(door.token()))
        opening["start"]["customParameters"]["agent"] = "boss"
        socket = await door.stream()
        await socket.send_str(json.dumps(opening))
        async with asyncio.timeout(SOON):
            await door.upstream.reached.wait()
        await socket.close()
        async with asyncio.timeout(SOON):
            await door.reception.calls.idle()
        assert [record.agent for record in door.records] == ["frontdesk"]


@contextlib.asynccontextmanager
async def connected(door: FrontDoor, source: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.server.port, local_addr=(source, 0))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_sockets_that_do_not_start_count_against_their_address_until_they_are_closed(tmp_path: Path) -> None:
    limits = ConnectionSettings(per_address=3, per_second=1000, proxies=[])
    async with front_door(tmp_path, patience=Patience(start=1.5), connections=limits) as door:
        sockets = [await door.stream() for _ in range(3)]
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await door.stream()
        assert door.server.refused >= 1
        async with connected(door, "127.0.0.2") as (reader, writer):  # others have places of their own
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(SOON):
                assert b"200 OK" in await reader.readline()
        assert {str(await answer(socket)) for socket in sockets} == {str([(aiohttp.WSMsgType.CLOSE, 1008, "refused")])}
        async with asyncio.timeout(SOON):
            while True:
                with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                    await (await door.stream()).close()
                    return
                await asyncio.sleep(gate.RECOUNT / 5)


async def test_whoever_asks_and_does_not_read_the_answers_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "UNREAD", 1.0)
    async with front_door(tmp_path) as door, connected(door, "127.0.0.1") as (reader, writer):
        reader._transport.pause_reading()
        asking = b"GET /healthz HTTP/1.1\r\nHost: voice.example.com\r\n\r\n" * 1000
        async with asyncio.timeout(SOON + SOON):
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(asking)
                    await writer.drain()
        assert (await door.post("/twilio/voice", FORM))[0] == 200
