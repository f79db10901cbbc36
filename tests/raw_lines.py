"""A telephone line in a test's own hands: a genuine call whose media stream says whatever the test wants to be said."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp

from offices import ACCOUNT, TOKEN, World
from telephony.records import CallRecord
from telephony.settings import Settings
from telephony.simulate.model import ModelSession
from telephony.simulate.signature import HEADER, sign_upgrade, sign_webhook

SOON = 10.0
"""Seconds within which whatever a test waits for has happened, on a busy machine."""
NUMBER = "+15550100"
CONNECTED = '{"event":"connected","protocol":"Call","version":"1.0.0"}'
_CALLS = itertools.count(1)


class Overheard:
    """What each session of a simulated model was sent of its caller, for agents whose `audio` is the telephone's."""

    def __init__(self) -> None:
        self.audio: defaultdict[int, bytes] = defaultdict(bytes)
        """By the number of the session."""
        self._came = asyncio.Event()

    def __call__(self, session: ModelSession, direction: str, message: str | bytes) -> None:
        if direction == "in" and (told := json.loads(message))["type"] == "input_audio_buffer.append":
            self.audio[session.number] += base64.b64decode(told["audio"])
            self._came.set()

    def spoken(self, session: int) -> bytes:
        """The same without silence, some of which is made up whenever a stream is held up."""
        return self.audio[session].replace(b"\xff", b"")

    async def until(self, session: int, audio: bytes) -> None:
        """Wait until *audio* was heard, silence left out."""
        async with asyncio.timeout(SOON):
            while audio not in self.spoken(session):
                self._came.clear()
                await self._came.wait()


class RawLine:
    """One call. Nothing is sent but what a test sends; marks are returned at once."""

    def __init__(self, made: World, call_id: str, token: str, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.call_id = call_id
        self.stream_id = "MZ" + call_id[2:]
        self.token = token
        self.socket = socket
        self.session = len(made.outside.model.sessions)
        """The number of the session with the model that is to be the call's, where no other call begins meanwhile."""
        self.heard: list[dict[str, Any]] = []
        self.returns_marks = True
        self._made = made
        self._came = asyncio.Event()
        self._sequence = itertools.count(1)

    # -- what it says ------------------------------------------------------------------------------------------------

    async def send(self, *messages: str | bytes) -> None:
        """Whatever, as text or as binary frames."""
        for message in messages:
            await (self.socket.send_str(message) if isinstance(message, str) else self.socket.send_bytes(message))

    def message(self, event: str, content: Any = None, **more: Any) -> str:
        """A message of this stream."""
        named = {} if content is None else {event: content}
        told = {"event": event, "sequenceNumber": str(next(self._sequence)), **named, "streamSid": self.stream_id}
        return json.dumps(told | more)

    def start(self, encoding: str = "audio/x-mulaw", **more: Any) -> str:
        """With the token of this call."""
        opening = {
            "streamSid": self.stream_id,
            "callSid": self.call_id,
            "accountSid": ACCOUNT,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": encoding, "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": self.token},
        }
        return self.message("start", opening | more)

    def media(self, payload: bytes, at_ms: int | None = None, track: str = "inbound") -> str:
        """A frame that says it begins at *at_ms*, or says nothing of that."""
        place = {} if at_ms is None else {"timestamp": str(at_ms)}
        return self.message("media", {"track": track, "payload": base64.b64encode(payload).decode(), **place})

    def key(self, digit: str) -> str:
        return self.message("dtmf", {"track": "inbound_track", "digit": digit})

    @property
    def stop(self) -> str:
        return self.message("stop", {"accountSid": ACCOUNT, "callSid": self.call_id})

    def vanish(self) -> None:
        """Break the connection without a word."""
        connection = self.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()

    # -- what it hears -----------------------------------------------------------------------------------------------

    async def listen(self) -> None:
        async for message in self.socket:
            told = json.loads(message.data)
            self.heard.append(told)
            if told["event"] == "mark" and self.returns_marks:
                with contextlib.suppress(ConnectionError):
                    await self.send(self.message("mark", told["mark"]))
            self._came.set()

    async def until(self, event: str) -> None:
        """Wait for the first message of a kind."""
        async with asyncio.timeout(SOON):
            while not any(told["event"] == event for told in self.heard):
                self._came.clear()
                await self._came.wait()

    async def closed(self) -> int | None:
        """Wait until the server has closed it: the code."""
        async with asyncio.timeout(SOON):
            while not self.socket.closed:  # noqa: ASYNC110  somebody else reads the socket
                await asyncio.sleep(0.01)
        return self.socket.close_code

    async def record(self) -> CallRecord:
        """The one terminal record of the call, in memory and in the database."""
        return await self._made.record_of(self.call_id)


async def post(
    session: aiohttp.ClientSession, settings: Settings, path: str, form: Sequence[tuple[str, str]]
) -> tuple[int, str]:
    """A webhook with a genuine signature: status and text of the answer."""
    url = settings.public_url + path
    async with session.post(url, data=form, headers={HEADER: sign_webhook(TOKEN, url, form)}) as response:
        return response.status, await response.text()


def form_of(call_id: str, status: str = "ringing", **more: str) -> list[tuple[str, str]]:
    """What Twilio posts of a call."""
    fields = {"CallSid": call_id, "AccountSid": ACCOUNT, "From": "+15550142", "To": NUMBER, "CallStatus": status}
    return list((fields | more).items())


def new_call() -> str:
    """An id that no other call has."""
    return f"CA{next(_CALLS):032x}"


def token_in(twiml: str) -> str:
    """What the voice webhook's answer gave to the media stream."""
    found = re.search(r'name="token" value="([^"]+)"', twiml)
    assert found, twiml
    return found[1]


@contextlib.asynccontextmanager
async def raw_line(made: World, *, call_id: str = "", started: bool = True) -> AsyncIterator[RawLine]:
    """A call that came in at the webhook, and its media stream, which has *started* or not."""
    settings, call_id = made.office.settings, call_id or new_call()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        status, twiml = await post(session, settings, "/twilio/voice", form_of(call_id))
        assert status == 200, twiml
        url = f"{settings.public_url.replace('http', 'ws', 1)}/twilio/media"
        signed = {HEADER: sign_upgrade(TOKEN, url)}
        async with session.ws_connect(url, headers=signed, compress=0, max_msg_size=2**20) as socket:
            line = RawLine(made, call_id, token_in(twiml), socket)
            listening = group.create_task(line.listen(), name=f"{call_id} listens")
            if started:
                await line.send(CONNECTED, line.start())
            yield line
        listening.cancel()
