"""One media stream over a real socket and in real time: the signed upgrade, frames on an exact grid, the end.

Frames are due at times counted from the stream's beginning, so that nothing adds up; after a stall all that were missed
go out at once, as they do from a network that catches up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Literal

import aiohttp
from yarl import URL

from telephony.sim.caller import SimulatedCaller
from telephony.sim.caller_inbox import PROTOCOL_ERROR
from telephony.sim.caller_line import StreamIds
from telephony.simulate.live import LiveCall
from telephony.simulate.route import Route
from telephony.simulate.signature import HEADER, sign_upgrade
from telephony.simulate.twiml import StreamNoun

USER_AGENT = "Twilio.TmeWs/1.0"
OPEN_TIMEOUT = 10.0
"""Seconds that the upgrade may take."""
CLOSE_TIMEOUT = 2.0
"""Seconds for the last messages to leave, and again for the closing handshake."""
MOST_WAITING = 250
"""Media messages that wait for a server which reads too slowly: 5 s. Then the oldest are discarded, warning 31930."""

MOST_BYTES = 16 * 2**20
"""Of one message: ten minutes of audio and their base64 fit in."""

CONNECTION_TIMEOUT = 31901
REFUSED_UPGRADE = 31920
SERVER_CLOSED = 31921
DISCARDED = 31930

End = Literal["caller hung up", "told otherwise", "server closed", "time limit"]
Clock = Callable[[], float]


class StreamRefusedError(Exception):
    """The media socket did not open."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


async def open_socket(
    session: aiohttp.ClientSession, route: Route, noun: StreamNoun, auth_token: str
) -> aiohttp.ClientWebSocketResponse:
    """The upgrade as Twilio does it: signed over the public URL, without origin, subprotocol or extension.

    Raises:
        StreamRefusedError: with Twilio's number for it.
    """
    headers = {
        "Host": route.host(noun.url),
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "gzip",
        HEADER.lower(): sign_upgrade(auth_token, route.signed(noun.url)),
    }
    try:
        async with asyncio.timeout(OPEN_TIMEOUT):
            return await session.ws_connect(
                URL(route.dialled(noun.url), encoded=True), headers=headers, compress=0, max_msg_size=MOST_BYTES
            )
    except aiohttp.WSServerHandshakeError as error:
        raise StreamRefusedError(REFUSED_UPGRADE, f"{noun.url} answered the upgrade with {error.status}") from error
    except TimeoutError as error:
        message = f"{noun.url} did not answer the upgrade within {OPEN_TIMEOUT:g} s"
        raise StreamRefusedError(CONNECTION_TIMEOUT, message) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise StreamRefusedError(CONNECTION_TIMEOUT, f"{noun.url} cannot be reached: {error}") from error


class MediaStream:
    """Drives *caller* over an open *socket* until the caller, the server, the REST API or the clock ends it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, caller: SimulatedCaller, live: LiveCall, clock: Clock):
        self._socket = socket
        self._caller = caller
        self._live = live
        self._clock = clock
        self._outgoing: deque[str] = deque()
        self._sendable = asyncio.Event()
        self._sent_all = asyncio.Event()
        self._sent_all.set()
        self._closed = False

    async def run(self, ids: StreamIds, parameters: dict[str, str], began: float) -> End:
        """Until the time limit of the call, which began at *began*. Leaves the socket closed and no task behind."""
        try:
            self._send(self._caller.open(self._clock(), parameters, ids))
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(self._read(), name=f"{ids.stream} read")
                writer = group.create_task(self._write(), name=f"{ids.stream} write")
                end = await self._drive(began)
                self._take_leave(end)
                await self._flush()
                writer.cancel()
                reader.cancel()
        finally:
            await self._close()
        return end

    # -- the loop --------------------------------------------------------------------------------------------------

    async def _drive(self, began: float) -> End:
        while True:
            now = self._clock()
            self._send(self._caller.tick(now))
            if self._caller.ended:
                return "caller hung up"
            if self._live.told is not None:
                return "told otherwise"
            if self._closed:
                return "server closed"
            until = began + self._live.time_limit
            if now >= until:
                return "time limit"
            deadline = self._caller.deadline()
            await self._wait(until if deadline is None else min(deadline, until))

    async def _wait(self, deadline: float) -> None:
        """Until *deadline* or until something happens."""
        self._live.attention.clear()
        if self._live.told is not None or self._closed:
            return
        try:
            async with asyncio.timeout(max(0.0, deadline - self._clock())):
                await self._live.attention.wait()
        except TimeoutError:
            return

    def _take_leave(self, end: End) -> None:
        now = self._clock()
        if end == "told otherwise" and self._live.told == "hang up":
            self._send(self._caller.hang_up(now, "agent"))
        elif end == "told otherwise":
            self._send(self._caller.leave(now))
        elif end == "time limit":
            self._send(self._caller.hang_up(now, "carrier"))
        elif end == "server closed":
            code = self._socket.close_code
            self._caller.warn(SERVER_CLOSED, f"the server closed the media stream (code {code})", now)
            self._caller.detach(now)

    # -- the socket ------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                self._send(self._caller.receive(message.data, self._clock()))
                self._live.attention.set()
            elif message.type is aiohttp.WSMsgType.ERROR:
                self._caller.warn(PROTOCOL_ERROR, f"WebSocket protocol error: {message.data}", self._clock())
                break
        self._closed = True
        self._live.attention.set()

    def _send(self, messages: list[str]) -> None:
        for message in messages:
            self._outgoing.append(message)
        if len(self._outgoing) > MOST_WAITING:
            self._discard()
        if self._outgoing:
            self._sent_all.clear()
            self._sendable.set()

    def _discard(self) -> None:
        """Drop the oldest media; everything else is kept."""
        surplus = len(self._outgoing) - MOST_WAITING
        kept = deque[str]()
        for message in self._outgoing:
            if surplus > 0 and message.startswith('{"event":"media"'):
                surplus -= 1
            else:
                kept.append(message)
        self._outgoing = kept
        self._caller.warn(DISCARDED, "the server reads too slowly: call audio was discarded", self._clock())

    async def _write(self) -> None:
        while True:
            await self._sendable.wait()
            self._sendable.clear()
            while self._outgoing and not self._closed:
                try:
                    await self._socket.send_str(self._outgoing.popleft())
                except ConnectionError:
                    self._closed = True
                    self._live.attention.set()
            self._sent_all.set()

    async def _flush(self) -> None:
        if self._closed:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._sent_all.wait()
        except TimeoutError:
            return

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._socket.close()
        except TimeoutError:
            return
