"""A gateway session over real sockets: a client, the relay, and a provider whose every word a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from telephony.bridge.relay import Ending, Relay
from telephony.links.dialed import dial
from telephony.links.served import accept

Provider = Callable[[ServerConnection], Awaitable[None]]


class Session:
    """One client connected through a relay to one provider."""

    def __init__(self, client: ClientConnection, relay: asyncio.Future[Relay], over: asyncio.Future[Ending]) -> None:
        self.client = client
        self._relay = relay
        self._over = over

    async def relay(self) -> Relay:
        return await self._relay

    async def ending(self) -> Ending:
        async with asyncio.timeout(20):
            return await self._over


class Sessions:
    """Opens sessions; a test's end closes everything."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def open(
        self,
        provider: Provider,
        *,
        client: dict[str, Any] | None = None,
        model: dict[str, Any] | None = None,
        relay: dict[str, Any] | None = None,
        allowance: Callable[[], float] | None = None,
    ) -> Session:
        """Options for the client's link, the model's link and the relay."""
        loop = asyncio.get_running_loop()
        made: asyncio.Future[Relay] = loop.create_future()
        over: asyncio.Future[Ending] = loop.create_future()
        upstream = await self._stack.enter_async_context(
            serve(provider, "127.0.0.1", 0, compression=None, max_size=None, ping_interval=None, close_timeout=1)
        )
        address = f"ws://127.0.0.1:{upstream.sockets[0].getsockname()[1]}/"

        async def handler(request: web.Request) -> web.WebSocketResponse:
            there = await dial(address, {}, **(model or {}))
            here, response = await accept(request, name="client", max_size=2**24, **(client or {}))
            session = Relay(here, there, **(relay or {}))
            made.set_result(session)
            over.set_result(await session.run(allowance))
            return response

        app = web.Application()
        app.router.add_get("/", handler)
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
        connection = await connect(
            url, compression=None, max_size=None, proxy=None, ping_interval=None, close_timeout=1
        )
        self._stack.callback(connection.transport.abort)
        return Session(connection, made, over)
