"""The simulated model on a real socket: one strict core per WebSocket connection, any number of them at once.

The core decides everything, refusals of a session included; this shell gives it a clock and a socket. A connection is
one task, aiohttp's own handler: it waits for a message no longer than until the core's next deadline.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, Self

import msgspec
from aiohttp import WSMsgType, web

from telephony.sim.model import SimulatedModel
from telephony.sim.model_mouth import Voice
from telephony.sim.model_script import ModelScript
from telephony.sim.model_trouble import ABNORMAL

_LARGEST_MESSAGE = 20 * 1024 * 1024
"""Bytes; above the 15 MiB that OpenAI takes, so that the core and not the socket says no."""
_SEND_TIMEOUT = 10.0
"""Seconds a client may leave its socket unread; then it is taken for dead and closed."""
_LONGEST_WAIT = 30.0
"""Seconds between looks at the clock when the core has no deadline."""
_REMEMBERED_SESSIONS = 1000

Direction = Literal["in", "out"]


class ModelSession:
    """One connection: its core (`faults`, `unmet`, `received`) and its end."""

    def __init__(self, number: int, core: SimulatedModel, socket: web.WebSocketResponse, model: str) -> None:
        self.number = number
        """Counts from 0 in the order of connections, refused ones included."""
        self.core = core
        self.model = model
        """What the URL asked for."""
        self.ended = asyncio.Event()
        """Set when the connection is over, or frozen, which is over for all but the socket; `unmet` is final then."""
        self._socket = socket

    async def close(self, code: int, reason: str) -> None:
        """Close the socket from our side."""
        await self._socket.close(code=code, message=reason.encode())


OnEvent = Callable[[ModelSession, Direction, "str | bytes"], None]
"""Sees every message of every session."""


class RunningModel:
    """A listening simulated model; `async with` closes it."""

    def __init__(
        self, script: ModelScript, voice: Voice, seed: int, api_key: str | None, on_event: OnEvent | None
    ) -> None:
        self.url = ""
        """`ws://127.0.0.1:PORT`, as for `api_base`."""
        self.sessions: deque[ModelSession] = deque(maxlen=_REMEMBERED_SESSIONS)
        """Connections in order, the finished ones too; the oldest are forgotten beyond a thousand."""
        self._script = script
        self._voice = voice
        self._seed = seed
        self._api_key = api_key
        self._on_event = on_event
        self._newest: SimulatedModel | None = None
        self._open = 0
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self, host: str, port: int) -> None:
        """Listen. Scripted sentences are synthesised first, since a voice that remembers is quick the second time."""
        scripts = [self._script, *(self._script.for_connection(n) for n in range(len(self._script.connections)))]
        for text in dict.fromkeys(reply.say for script in scripts for reply in script.replies if reply.say):
            await asyncio.to_thread(self._voice, text)
        app = web.Application()
        app.router.add_get("/v1/realtime", self._serve)
        app.router.add_get("/realtime", self._serve)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=2.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        self.url = f"ws://{f'[{host}]' if ':' in host else host}:{bound[1]}"

    async def close(self) -> None:
        """Close every connection with 1001, drop those that are frozen, and stop listening. Doing it twice is fine."""
        self._stopping.set()
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        open_ones = [session for session in self.sessions if not session.ended.is_set()]
        await asyncio.gather(*(session.close(1001, "the simulated model stops") for session in open_ones))
        await runner.cleanup()

    # -- a connection -----------------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        script = self._script
        if self._api_key is not None and not _authorised(request, self._api_key):
            if script.profile == "xai":
                return _refusal(401)
            # OpenAI opens the socket whatever the key, and then says so.
            script = msgspec.structs.replace(script, open_error="invalid_api_key")
        if script.profile == "openai" and "OpenAI-Beta" in request.headers and not script.beta_names:
            script = msgspec.structs.replace(script, open_error="beta_api_shape_disabled")
        model = request.query.get("model", "")
        if script.most_sessions and self._open >= script.most_sessions:
            return _refusal(429)
        core = self._core(script, model, request.query.get("conversation_id", ""))
        if core.refusal:
            return _refusal(core.refusal)
        socket = web.WebSocketResponse(compress=False, max_msg_size=_LARGEST_MESSAGE)
        await socket.prepare(request)
        session = ModelSession(core.number, core, socket, model)
        self.sessions.append(session)
        self._open += 1
        try:
            await self._converse(session, socket)
            session.ended.set()
            await self._end(session, request.transport)
        finally:
            self._open -= 1
            session.ended.set()
        return socket

    def _core(self, script: ModelScript, model: str, conversation_id: str) -> SimulatedModel:
        self._newest = SimulatedModel(
            script,
            self._voice,
            self._seed,
            model=model,
            epoch=datetime.now(UTC).timestamp() - asyncio.get_running_loop().time(),
            after=self._newest,
            conversation_id=conversation_id,
        )
        return self._newest

    async def _end(self, session: ModelSession, transport: asyncio.Transport | None) -> None:
        """End a connection the way its core wants it ended, if it does. *transport* is None once the client is gone."""
        core = session.core
        if core.frozen and transport:
            transport.pause_reading()
            await self._stopping.wait()  # whoever listens to a frozen session is the one that has to give up
        if transport and (core.frozen or (core.close_request and core.close_request[0] == ABNORMAL)):
            transport.abort()
        elif core.close_request:
            await session.close(*core.close_request)

    async def _converse(self, session: ModelSession, socket: web.WebSocketResponse) -> None:
        now = asyncio.get_running_loop().time
        core = session.core
        alive = await self._send(session, socket, core.open(now()))
        while alive and core.close_request is None and not core.frozen:
            due = core.deadline()
            wait = _LONGEST_WAIT if due is None else min(_LONGEST_WAIT, due - now())
            message = await _next(socket, wait) if wait > 0 else None
            if message is None:
                alive = await self._send(session, socket, core.tick(now()))
            elif isinstance(message, str | bytes):
                self._show(session, "in", message)
                alive = await self._send(session, socket, core.receive(message, now()))
            else:
                alive = False

    async def _send(self, session: ModelSession, socket: web.WebSocketResponse, messages: list[str]) -> bool:
        """Whether the client still takes messages."""
        try:
            async with asyncio.timeout(_SEND_TIMEOUT):
                for message in messages:
                    self._show(session, "out", message)
                    await socket.send_str(message)
        except (ConnectionError, TimeoutError):
            return False
        return True

    def _show(self, session: ModelSession, direction: Direction, message: str | bytes) -> None:
        if self._on_event:
            self._on_event(session, direction, message)


async def start_model(
    script: ModelScript,
    *,
    voice: Voice,
    host: str = "127.0.0.1",
    port: int = 0,
    seed: int = 0,
    api_key: str | None = None,
    on_event: OnEvent | None = None,
) -> RunningModel:
    """Serve *script* at `/v1/realtime` (and `/realtime`); every connection begins it anew, or goes on with it where the
    one before stopped, as its `sessions` says.

    *voice* gives mu-law speech at 8 kHz for a text. *port* 0 takes a free one. With *api_key*, clients must send it as
    `Authorization: Bearer`; without, everybody may come in.

    Raises:
        OSError: the address cannot be bound.
    """
    running = RunningModel(script, voice, seed, api_key, on_event)
    try:
        await running.start(host, port)
    except OSError:
        await running.close()
        raise
    return running


class _Closed:
    """The client is gone."""


async def _next(socket: web.WebSocketResponse, wait: float) -> str | bytes | _Closed | None:
    """The next message; None if none came within *wait* seconds."""
    try:
        message = await socket.receive(timeout=wait)
    except TimeoutError:
        return None
    if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
        data: str | bytes = message.data
        return data
    return _Closed()


def _authorised(request: web.Request, api_key: str) -> bool:
    return request.headers.get("Authorization", "") == f"Bearer {api_key}"


def _refusal(status: int) -> web.Response:
    error = {"message": "The simulated model refuses the connection, as its script says.", "code": status}
    return web.json_response({"error": error}, status=status)
