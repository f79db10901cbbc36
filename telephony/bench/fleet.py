"""Many calls at once: placed one after the other through the webhook, as Twilio would, and each led to its model."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import msgspec

from telephony.audio.format import AudioFormat
from telephony.bench import messages
from telephony.bench.frames import Client, Server
from telephony.bench.load import CYCLE, CallLoad, Latencies
from telephony.errors import TelephonyError
from telephony.simulate.signature import HEADER, sign_upgrade, sign_webhook
from telephony.simulate.twiml import ConnectVerb, StreamNoun, parse

OPEN_TIME = 10.0
"""Seconds for each step of placing a call."""
CLOSE_TIME = 5.0
"""Seconds for all calls together to end."""
QUIET = 0.3
"""Seconds after the last message in which everything arrives."""


class BenchError(TelephonyError):
    """A call of the load could not be placed: the figures would be of something else."""


class Line(msgspec.Struct, frozen=True):
    """Where calls go and how their requests are signed."""

    webhook: str
    auth_token: str


class Fleet:
    """The load. Use it as `async with open_fleet(…)`: on leaving, every call has been hung up."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        models: asyncio.Queue[Server],
        speech: AudioFormat,
        delta_ms: int = messages.DELTA_MS,
    ) -> None:
        self.latencies = Latencies()
        self.calls: list[CallLoad] = []
        self._session = session
        self._models = models
        self._speech = speech
        self._delta_ms = delta_ms
        self._talking: list[asyncio.Task[None]] = []

    async def place(self, line: Line, count: int, group: asyncio.TaskGroup) -> None:
        """Place *count* calls and let them talk, spread over the model's cycle."""
        for number in range(count):
            call = await self._place(line, number)
            self.calls.append(call)
            talk = call.talk(number * CYCLE // count)
            self._talking.append(group.create_task(talk, name=f"load call {number}"))

    async def ask(self, line: Line, number: int) -> tuple[str, float]:
        """Post the voice webhook of one call: the TwiML, and the milliseconds it took."""
        form = [("AccountSid", messages.ACCOUNT), ("CallSid", _call_id(number)), ("CallStatus", "ringing")]
        form += [("Direction", "inbound"), ("From", "+15550111"), ("To", "+15550100"), ("ApiVersion", "2010-04-01")]
        headers = {HEADER: sign_webhook(line.auth_token, line.webhook, form)}
        clock = asyncio.get_running_loop().time
        began = clock()
        async with asyncio.timeout(OPEN_TIME), self._session.post(line.webhook, data=form, headers=headers) as answer:
            text = await answer.text()
            if answer.status != 200:
                raise BenchError(f"The webhook answered {answer.status}: {text[:200]}")
        return text, (clock() - began) * 1000

    async def hang_up(self) -> list[str]:
        """Let everything arrive, end every call, and return what went missing, one sentence each."""
        for task in self._talking:
            task.cancel()
        await asyncio.sleep(QUIET)
        for call in self.calls:
            call.hang_up()
        try:
            async with asyncio.timeout(CLOSE_TIME):
                for call in self.calls:
                    await call.carrier.gone.wait()
                    await call.model.gone.wait()
        except TimeoutError:
            return [*self._complaints(), f"Some calls did not end within {CLOSE_TIME:g} s."]
        return self._complaints()

    def close(self) -> None:
        for call in self.calls:
            call.carrier.close()
            call.model.close()

    def _complaints(self) -> list[str]:
        found = [f"Call {number}: {text}" for number, call in enumerate(self.calls) for text in call.complaints]
        return found[:5] + ([f"There are {len(found) - 5} more like these."] if len(found) > 5 else [])

    # -- one call ------------------------------------------------------------------------------------------------------

    async def _place(self, line: Line, number: int) -> CallLoad:
        document, _ = await self.ask(line, number)
        noun = _stream(document, line.webhook)
        stream_id = f"MZ{number:032x}"
        try:
            async with asyncio.timeout(OPEN_TIME):
                carrier = await _dial(noun.url, line.auth_token)
                carrier.send(b'{"event":"connected","protocol":"Call","version":"1.0.0"}')
                carrier.send(messages.start(stream_id, _call_id(number), noun.parameters).encode())
                model = await self._models.get()
        except TimeoutError:
            raise BenchError(f"Call {number} was not led to the model within {OPEN_TIME:g} s.") from None
        return CallLoad(carrier, model, stream_id, self._speech, self.latencies, self._delta_ms)


async def _dial(url: str, auth_token: str) -> Client:
    parts = urlsplit(url)
    client = Client(parts.netloc, parts.path, {HEADER: sign_upgrade(auth_token, url)})
    await asyncio.get_running_loop().create_connection(lambda: client, parts.hostname or "", parts.port or 80)
    await client.opened.wait()
    if client.refusal:
        raise BenchError(f"The media socket was refused: {client.refusal}")
    return client


@contextlib.asynccontextmanager
async def open_fleet(speech: AudioFormat, delta_ms: int = messages.DELTA_MS) -> AsyncIterator[tuple[Fleet, str]]:
    """The load without calls yet, and the URL of its models, which speak *speech*, *delta_ms* at a time."""
    models: asyncio.Queue[Server] = asyncio.Queue()
    listening = await asyncio.get_running_loop().create_server(lambda: _model(models), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, aiohttp.ClientSession() as session:
        fleet = Fleet(session, models, speech, delta_ms)
        try:
            yield fleet, f"ws://127.0.0.1:{port}"
        finally:
            fleet.close()


def _model(ready: asyncio.Queue[Server]) -> Server:
    """A model that accepts whatever session it is asked for, and is *ready* then."""
    server = Server()

    def accept(message: bytes) -> None:
        asked = json.loads(message)
        if asked.get("type") == "session.update":
            server.send(messages.session_updated(asked["session"]).encode())
            ready.put_nowait(server)

    server.on_text = accept
    return server


def _stream(document: str, base: str) -> StreamNoun:
    for verb in parse(document, base).verbs:
        if isinstance(verb, ConnectVerb):
            return verb.stream
    raise BenchError(f"The webhook did not connect the call: {document[:300]}")


def _call_id(number: int) -> str:
    return f"CA{number:032x}"
