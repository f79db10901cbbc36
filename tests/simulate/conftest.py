"""The program's half of a phone call, spoken by hand: a server whose every answer a test decides."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, web
from aiohttp.test_utils import TestServer

from telephony.sim.noise import white_noise
from telephony.simulate.rest import TwilioRest

SPEECH = white_noise(-20, 16_000)
PUBLIC = "https://voice.example.com"

Media = Callable[["HandMade", web.WebSocketResponse], Awaitable[None]]


class HandMade:
    """Answers `POST /twilio/voice` with *twiml*, other paths with what `answers` says, and hands every media socket to
    *media*, which is a test's own function."""

    def __init__(self) -> None:
        self.twiml = connect()
        self.answers: dict[str, web.Response] = {}
        self.posts: list[tuple[str, dict[str, str], dict[str, str]]] = []
        """Path, headers (lower-case names) and fields of every request."""
        self.upgrades: list[dict[str, str]] = []
        self.requests: list[web.Request] = []
        self.media: Media = listen
        self.started: list[dict[str, Any]] = []
        self.frames: list[bytes] = []
        self.received: list[dict[str, Any]] = []
        self.url = ""
        self.never = asyncio.Event()
        """Set when the test is over; `/slow` answers then."""
        self.hears = asyncio.Event()
        """Set when the first frame has arrived."""

    async def voice(self, request: web.Request) -> web.Response:
        fields = dict(request.query) if request.method == "GET" else dict(await request.post())
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.posts.append((request.path, headers, {name: str(value) for name, value in fields.items()}))
        if request.path == "/slow":
            await self.never.wait()
        if request.path in self.answers:
            return self.answers[request.path]
        if request.path == "/twilio/voice":
            return web.Response(text=self.twiml, content_type="text/xml")
        return web.Response(status=204)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.upgrades.append({name.lower(): value for name, value in request.headers.items()})
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        await self.media(self, socket)
        await socket.close()
        return socket

    def told(self, path: str) -> list[dict[str, str]]:
        return [fields for where, _, fields in self.posts if where == path]

    async def next(self, socket: web.WebSocketResponse) -> dict[str, Any] | None:
        """The next message, None once the socket is closed."""
        message = await socket.receive(timeout=10)
        if message.type is not WSMsgType.TEXT:
            return None
        content: dict[str, Any] = json.loads(message.data)
        self.received.append(content)
        if content["event"] == "start":
            self.started.append(content)
        if content["event"] == "media":
            self.hears.set()
            self.frames.append(base64.b64decode(content["media"]["payload"]))
        return content

    async def until(self, socket: web.WebSocketResponse, event: str) -> dict[str, Any] | None:
        while (message := await self.next(socket)) is not None and message["event"] != event:
            pass
        return message

    async def say(self, socket: web.WebSocketResponse, payload: bytes, mark: str = "") -> None:
        stream = self.started[-1]["streamSid"]
        encoded = base64.b64encode(payload).decode()
        await socket.send_json({"event": "media", "streamSid": stream, "media": {"payload": encoded}})
        if mark:
            await socket.send_json({"event": "mark", "streamSid": stream, "mark": {"name": mark}})

    def transport(self, socket: web.WebSocketResponse) -> asyncio.Transport:
        """What lies below *socket*, for a server that breaks its protocol."""
        transport = socket.get_extra_info("socket") and self.requests[-1].transport
        assert transport is not None
        return transport

    async def rest_post(self, rest: TwilioRest, sid: str, form: dict[str, str]) -> int:
        """Use the REST API as the program would."""
        url = f"{rest.base_url}/2010-04-01/Accounts/{rest.account_sid}/Calls/{sid}.json"
        login = base64.b64encode(f"{rest.account_sid}:12345".encode()).decode()
        headers = {"Authorization": f"Basic {login}"}
        async with ClientSession() as session, session.post(url, data=form, headers=headers) as response:
            return response.status


def connect(extra: str = "", after: str = "", parameters: str = '<Parameter name="session" value="token"/>') -> str:
    stream = f'<Stream url="wss://voice.example.com/twilio/media" statusCallback="{PUBLIC}/twilio/stream-status">'
    return f"<Response><Connect{extra}>{stream}{parameters}</Stream></Connect>{after}</Response>"


async def listen(server: HandMade, socket: web.WebSocketResponse) -> None:
    """The default: take everything in until the stream stops, say nothing."""
    await server.until(socket, "stop")


@pytest.fixture
async def server() -> AsyncIterator[HandMade]:
    made = HandMade()
    app = web.Application()
    app.router.add_get("/twilio/media", made.stream)
    app.router.add_route("*", "/{path:.*}", made.voice)
    running = TestServer(app)
    await running.start_server()
    made.url = f"http://127.0.0.1:{running.port}"
    before = asyncio.all_tasks()
    yield made
    await asyncio.sleep(0)
    made.never.set()
    leaked = {task.get_name() for task in asyncio.all_tasks() - before if task.get_name().startswith("MZ")}
    await running.close()
    assert not leaked
