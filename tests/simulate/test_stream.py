"""One media stream on a socket: how it opens, how it copes with a bad server, how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.client import ClientWebSocketResponse

from telephony.sim.caller import SimulatedCaller
from telephony.sim.caller_line import StreamIds
from telephony.sim.caller_script import CallerScript
from telephony.simulate.live import LiveCall, Source
from telephony.simulate.route import Route
from telephony.simulate.stream import MediaStream, StreamRefusedError, open_socket
from telephony.simulate.twiml import StreamNoun

NOUN = StreamNoun("wss://voice.example.com/twilio/media", {"session": "token"})


class Line:
    """A stream to the test's server, to be run."""

    def __init__(self, session: aiohttp.ClientSession, url: str, *steps: object) -> None:
        self.caller = SimulatedCaller(CallerScript.parse({"steps": list(steps)}), lambda text: b"")
        self.live = LiveCall("CA1", "AC1", "", "", 60)
        self.route = Route(url, "https://voice.example.com")
        self.session = session

    async def open(self, noun: StreamNoun = NOUN) -> ClientWebSocketResponse:
        return await open_socket(self.session, self.route, noun, "12345")

    async def run(self) -> str:
        loop = asyncio.get_running_loop()
        stream = MediaStream(await self.open(), self.caller, self.live, loop.time)
        return await stream.run(StreamIds(), NOUN.parameters, loop.time())

    @property
    def codes(self) -> list[int]:
        return [warning.code for warning in self.caller.warnings]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_an_upgrade_that_is_refused_has_twilios_number(server: Any, session: aiohttp.ClientSession) -> None:
    with pytest.raises(StreamRefusedError, match="answered the upgrade with 204") as refused:
        await Line(session, server.url, "hang_up").open(StreamNoun("wss://voice.example.com/nowhere", {}))
    assert refused.value.code == 31920


async def test_a_server_that_is_not_there_is_a_timeout(session: aiohttp.ClientSession) -> None:
    with pytest.raises(StreamRefusedError, match="cannot be reached") as refused:
        await Line(session, "http://127.0.0.1:1", "hang_up").open()
    assert refused.value.code == 31901


async def test_a_server_that_does_not_answer_the_upgrade_is_a_timeout(
    server: Any, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telephony.simulate.stream.OPEN_TIMEOUT", 0.05)
    with pytest.raises(StreamRefusedError, match="did not answer the upgrade") as refused:
        await Line(session, server.url, "hang_up").open(StreamNoun("wss://voice.example.com/slow", {}))
    assert refused.value.code == 31901


async def test_a_redirect_says_stop_and_leaves_the_caller_on_the_line(
    server: Any, session: aiohttp.ClientSession
) -> None:
    line = Line(session, server.url, {"pause": 60})
    async with asyncio.TaskGroup() as group:
        running = group.create_task(line.run(), name="stream")
        await server.hears.wait()
        line.live.tell(Source(twiml="<Response/>"))
    assert running.result() == "told otherwise"
    assert server.received[-1]["event"] == "stop"
    assert not line.caller.ended
    assert not line.caller.streaming


async def test_a_server_that_closes_is_reported_and_leaves_the_caller_on_the_line(
    server: Any, session: aiohttp.ClientSession
) -> None:
    async def media(own: Any, socket: web.WebSocketResponse) -> None:
        await own.until(socket, "media")
        await socket.close(code=1008)

    server.media = media
    line = Line(session, server.url, {"pause": 60})
    assert await line.run() == "server closed"
    assert line.codes == [31921]
    assert "code 1008" in line.caller.warnings[0].message
    assert not line.caller.ended


async def test_a_server_that_breaks_the_websocket_protocol(server: Any, session: aiohttp.ClientSession) -> None:
    async def media(own: Any, socket: web.WebSocketResponse) -> None:
        await own.until(socket, "media")
        transport = own.transport(socket)
        transport.write(b"\xff\xff\xff\xff")
        await own.until(socket, "stop")

    server.media = media
    line = Line(session, server.url, {"pause": 60})
    assert await line.run() == "server closed"
    assert line.codes == [31924, 31921]


async def test_audio_is_discarded_for_a_server_that_reads_too_slowly(
    server: Any, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telephony.simulate.stream.MOST_WAITING", 5)
    monkeypatch.setattr("telephony.simulate.stream.CLOSE_TIMEOUT", 0.1)
    stuck = asyncio.Event()

    async def never(self: ClientWebSocketResponse, *_: Any) -> None:
        await stuck.wait()

    monkeypatch.setattr(ClientWebSocketResponse, "send_str", never)
    line = Line(session, server.url, {"pause": 0.1}, {"press": "1"}, {"pause": 0.1})
    assert await line.run() == "caller hung up"
    assert line.codes == [31930]


async def test_the_time_limit_can_be_shortened_meanwhile(server: Any, session: aiohttp.ClientSession) -> None:
    line = Line(session, server.url, {"pause": 60})
    async with asyncio.TaskGroup() as group:
        running = group.create_task(line.run(), name="stream")
        await server.hears.wait()
        line.live.time_limit = 0.0
        line.live.attention.set()
    assert running.result() == "time limit"
    assert line.caller.ended_by == "carrier"
