"""A server on loopback with everything behind its door real but the model, of which only a listening port is there.

Signatures are made by the simulated Twilio's own code, which shares nothing with the code that checks them.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from pydantic import SecretStr
from yarl import URL

from telephony.agents.agent import Agent
from telephony.agents.directory import Directory
from telephony.bridge.bridge import ModelSession
from telephony.bridge.calls import Calls
from telephony.bridge.plan import Plan
from telephony.carriers.twilio import TwilioStream
from telephony.carriers.twilio_account import TwilioAccount
from telephony.commands import HangUp
from telephony.links.dialed import dial
from telephony.realtime import dialect
from telephony.records import CallRecord
from telephony.server.app import Server, application
from telephony.server.consulting import ConsultingWebhooks
from telephony.server.crowd import crowd_of
from telephony.server.outbound import Outbound
from telephony.server.reception import Patience, Reception
from telephony.settings import CallSettings, NumberSettings, SessionConfig, TwilioSettings
from telephony.settings.connections import ConnectionSettings
from telephony.simulate.signature import HEADER, sign_upgrade, sign_webhook
from telephony.store.keeper import RecordKeeper
from telephony.store.memory import MemoryStore
from telephony.tools.toolbox import Toolbox

TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = "AC" + "1" * 32
CALL = "CA" + "2" * 32
STREAM = "MZ" + "3" * 32
PUBLIC = "https://voice.example.com"
NUMBER = "+15550100"
FORM = [("CallSid", CALL), ("AccountSid", ACCOUNT), ("From", "+15550142"), ("To", NUMBER), ("CallStatus", "ringing")]

Pairs = Sequence[tuple[str, str]]


class Upstream:
    """A port where a model should be: it counts who comes and sends everybody away."""

    def __init__(self) -> None:
        self.connections = 0
        self.url = ""
        self.reached = asyncio.Event()

    async def _sent_away(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.reached.set()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Upstream]:
        server = await asyncio.start_server(self._sent_away, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/realtime"
        async with server:
            yield self


class FrontDoor:
    """The server, what stands behind it, and a Twilio that speaks to it by hand."""

    def __init__(
        self, reception: Reception, server: Server, upstream: Upstream, session: aiohttp.ClientSession
    ) -> None:
        self.reception = reception
        self.server = server
        self.upstream = upstream
        self.records: list[CallRecord] = []
        self.session = session
        reception.calls.on_record = self.records.append

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    # -- webhooks ----------------------------------------------------------------------------------------------------

    async def post(
        self,
        path: str = "/twilio/voice",
        form: Pairs = FORM,
        *,
        url: str = "",
        signature: str | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> tuple[int, str]:
        """Post *form* to *path*, signed for *url* or with a *signature* of the test's choice (empty: none at all)."""
        signature = sign_webhook(TOKEN, url or PUBLIC + path, form) if signature is None else signature
        sent = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", **(headers or {})}
        if signature:
            sent[HEADER] = signature
        data = urlencode(form).encode() if body is None else body
        where = URL(self.address + path, encoded=True)
        async with self.session.post(where, data=data, headers=sent) as response:
            return response.status, await response.text()

    # -- media -------------------------------------------------------------------------------------------------------

    def token(self, call: str = CALL, *, age: float = 0.0, agent: str = "frontdesk") -> str:
        """A token as a webhook would have issued it *age* seconds ago."""
        desk = self.reception
        return desk.tokens.issue(call, agent, "+15550142", NUMBER, desk.now - age)

    async def stream(
        self, *, signature: str | None = None, path: str = "/twilio/media", headers: dict[str, str] | None = None
    ) -> aiohttp.ClientWebSocketResponse:
        """Open a media socket; raises `WSServerHandshakeError` if the door stays shut."""
        address = PUBLIC.replace("https", "wss") + path
        sent = {HEADER: sign_upgrade(TOKEN, address) if signature is None else signature, **(headers or {})}
        return await self.session.ws_connect(self.address + path, headers=sent, compress=0)


def start(token: str | None, *, call: str = CALL, stream: str = STREAM) -> str:
    """A `start` message that brings *token*."""
    parameters = {} if token is None else {"token": token}
    opening: dict[str, Any] = {
        "streamSid": stream,
        "callSid": call,
        "accountSid": ACCOUNT,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": parameters,
    }
    return json.dumps({"event": "start", "sequenceNumber": "1", "start": opening, "streamSid": stream})


def media(stream: str = STREAM) -> str:
    """20 ms of silence."""
    payload = base64.b64encode(b"\xff" * 160).decode()
    sent = {"track": "inbound", "chunk": "1", "timestamp": "0", "payload": payload}
    return json.dumps({"event": "media", "sequenceNumber": "2", "media": sent, "streamSid": stream})


@contextlib.asynccontextmanager
async def front_door(
    folder: Path,
    *,
    public_url: str = PUBLIC,
    patience: Patience | None = None,
    keepalive: float = 15.0,
    twilio: dict[str, Any] | None = None,
    outbound: Callable[[TwilioAccount], Outbound] | None = None,
    consulting: Callable[[Reception], ConsultingWebhooks] | None = None,
    numbers: dict[str, NumberSettings | str] | None = None,
    connections: ConnectionSettings | None = None,
) -> AsyncIterator[FrontDoor]:
    """Open it; recordings go nowhere and records to memory."""
    account = TwilioAccount(
        public_url, TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), **(twilio or {}))
    )
    session_config = SessionConfig()
    async with Upstream().listening() as upstream, aiohttp.ClientSession() as session:

        async def connect_model(before: ModelSession | None = None, resume: str = "") -> ModelSession:
            link = await dial(upstream.url, {}, open_timeout=5)
            return ModelSession(dialect("xai", session_config), "xai/test", link)

        async def hang_up(command: HangUp) -> None:
            """The test itself is the carrier and sees to it."""

        keeper = RecordKeeper(MemoryStore(), folder / "unsaved")
        plan = Plan(CallSettings("frontdesk", session_config), Toolbox([]), connect_model, record=False)
        reception = Reception(
            account,
            public_url,
            Calls(keeper, folder, hang_up),
            Directory([Agent("frontdesk")], numbers or {NUMBER: "frontdesk"}).line_for,
            {"frontdesk": plan}.__getitem__,
            TwilioStream,
            patience=patience or Patience(),
            agents=["frontdesk"],
        )
        calling, asking = outbound and outbound(account), consulting and consulting(reception)
        crowd = crowd_of(connections) if connections else None
        server = Server(application(reception, None, calling, asking), "127.0.0.1", 0, keepalive=keepalive, crowd=crowd)
        await server.start()
        try:
            yield FrontDoor(reception, server, upstream, session)
        finally:
            await session.close()
            await server.stop()
