"""The floor of `bench relay`: a relay over the same libraries that moves prepared bytes and understands nothing.

For every message of the carrier's it sends the model one of the size that transcoded audio would have, and for every
long message of the model's a media message and a mark. So the same number of messages of the same size crosses the same
sockets (aiohttp's server, the `websockets` client, with the options of `links`), and what is above this floor is ours.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import WSMsgType, web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from telephony.audio.format import MULAW_8K, AudioFormat
from telephony.bench import messages, plain

LONG = 1000
"""Characters: what is longer is audio of the model's."""
SESSION = '{"type":"session.update","session":{}}'
INTERRUPTED = '{"type":"input_audio_buffer.speech_started"'
CLEAR = f'{{"event":"clear","streamSid":"{messages.STREAM_ID}"}}'
MARK = f'{{"event":"mark","streamSid":"{messages.STREAM_ID}","mark":{{"name":"m1"}}}}'


class Floor:
    """The relay's two routes."""

    def __init__(self, model_url: str, speech: AudioFormat) -> None:
        self.port = 0
        self._model_url = model_url
        self._append = plain.append(messages.noise(speech, messages.FRAME_MS)).replace(" ", "")
        media = plain.media(messages.STREAM_ID, messages.noise(MULAW_8K, messages.DELTA_MS))
        self._media = media.replace(" ", "")

    async def voice(self, request: web.Request) -> web.Response:
        """Every call is connected to the media socket."""
        await request.read()
        stream = f'<Connect><Stream url="ws://127.0.0.1:{self.port}/media"/></Connect>'
        return web.Response(text=f"<Response>{stream}</Response>", content_type="text/xml")

    async def media(self, request: web.Request) -> web.WebSocketResponse:
        """One call, until either side goes."""
        carrier = web.WebSocketResponse(compress=False, heartbeat=20)
        await carrier.prepare(request)
        url = f"{self._model_url}/v1/realtime"
        opened = connect(url, compression=None, proxy=None, ping_interval=5, ping_timeout=5, max_queue=64)
        async with opened as model, asyncio.TaskGroup() as group:
            await model.send(SESSION)
            back = group.create_task(self._back(model, carrier), name="floor back")
            await self._there(carrier, model)
            back.cancel()
        return carrier

    async def _there(self, carrier: web.WebSocketResponse, model: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in carrier:
                if message.type is not WSMsgType.TEXT or '"stop"' in message.data:
                    break
                if '"media"' in message.data:
                    await model.send(self._append)
        await carrier.close()

    async def _back(self, model: ClientConnection, carrier: web.WebSocketResponse) -> None:
        async for message in model:
            if len(message) > LONG:
                await carrier.send_str(self._media)
                await carrier.send_str(MARK)
            elif isinstance(message, str) and message.startswith(INTERRUPTED):
                await carrier.send_str(CLEAR)


@contextlib.asynccontextmanager
async def open_floor(model_url: str, speech: AudioFormat) -> AsyncIterator[str]:
    """Listen on loopback; gives the webhook's URL."""
    floor = Floor(model_url, speech)
    app = web.Application()
    app.add_routes([web.post("/voice", floor.voice), web.get("/media", floor.media)])
    runner = web.AppRunner(app, handle_signals=False, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        floor.port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{floor.port}/voice"
    finally:
        await runner.cleanup()
