"""The HTTP server: routes, one refusal for every forgery, and a life that ends only when ours does.

aiohttp is not allowed to handle signals or to shut down by itself: its graceful shutdown stops reading live WebSockets,
so that the agent would go on talking to a caller it no longer hears.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.errors import ConfigurationError, ForgedRequest
from telephony.server.api.service import Api
from telephony.server.consulting import ConsultingWebhooks
from telephony.server.crowd import ANYBODY, Crowd
from telephony.server.gate import GatedSite
from telephony.server.gateway import Gateway
from telephony.server.media import Media
from telephony.server.outbound import Outbound, OutboundWebhooks
from telephony.server.reception import Reception
from telephony.server.webhooks import Webhooks

MAX_BODY = 64 * 1024
"""Bytes of a webhook's body; Twilio's have two thousand."""
KEEPALIVE = 15.0
"""Seconds an idle or dawdling connection is kept; aiohttp's own default here is an hour."""
LINGER = 2.0
"""Seconds in which a body that nobody wants is read and thrown away, so that its sender sees the answer."""
BACKLOG = 1024
"""Connections that may wait to be accepted."""
REMEDY = "Set PORT (or --port) to a free one, or stop what uses it."
LAST_REQUESTS = 1.0
"""Seconds that requests under way have when the server stops; aiohttp's own default is a minute, and takes it twice."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.server")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(
    reception: Reception,
    gateway: Gateway | None = None,
    outbound: Outbound | None = None,
    consulting: ConsultingWebhooks | None = None,
    api: Api | None = None,
) -> web.Application:
    """The public routes of one reception, and beside them those of a gateway, of the calls that it places, of the
    colleagues whom it asks and of the API for other programs."""
    app = web.Application(middlewares=[refusals], client_max_size=MAX_BODY)
    webhooks = Webhooks(reception)
    app.add_routes(webhooks.routes())
    app.add_routes(Media(reception, webhooks.front).routes())
    if consulting is not None:
        app.add_routes(consulting.routes(webhooks.genuine))
    if outbound is not None:
        app.add_routes(OutboundWebhooks(reception, webhooks, outbound).routes())
    if gateway is not None:
        app.add_routes(gateway.routes())
    if api is not None:
        api.mount(app)

    async def healthz(request: web.Request) -> web.Response:
        """The process is alive; asks nothing of anything else."""
        return web.json_response({"status": "ok", "calls": len(reception.calls.live)})

    async def last_on_its_connection(request: web.Request, response: web.StreamResponse) -> None:
        """Let no proxy keep a connection to a process that goes: the next request on it may come just too late."""
        if (reception.calls.draining or reception.sharing.parting) and "Upgrade" not in response.headers:
            response.force_close()
            response.headers["Connection"] = "close"  # aiohttp has decided by now what it says of that

    app.on_response_prepare.append(last_on_its_connection)
    app.router.add_get("/healthz", healthz)
    return app


def gateway_application(gateway: Gateway) -> web.Application:
    """The routes of a gateway alone."""
    app = web.Application(middlewares=[refusals], client_max_size=MAX_BODY)
    app.add_routes(gateway.routes())
    return app


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A forged request gets 403 and no reason; a bug of ours gets 500 and no traceback."""
    try:
        return await handler(request)
    except ForgedRequest as reason:
        _log.warning("request refused", path=request.path, reason=str(reason), peer=request.remote)
        return web.Response(status=403, text="Forbidden\n")
    except (web.HTTPException, asyncio.CancelledError):
        raise
    except Exception:  # noqa: BLE001  the boundary of a request
        _log.exception("request failed", path=request.path)
        return web.Response(status=500, text="Something went wrong on our side.\n")


class Server:
    """A listening server. `port` is known once it has started."""

    def __init__(
        self,
        app: web.Application,
        host: str,
        port: int,
        *,
        keepalive: float = KEEPALIVE,
        setting: str = "port",
        remedy: str = REMEDY,
        listener: socket.socket | None = None,
        crowd: Crowd | None = None,
    ) -> None:
        """*setting* is where *port* comes from, and *remedy* what to do if it cannot be had. *listener* is listened on
        in place of host and port; it stays the caller's. *crowd* says who may connect; None: anybody."""
        self.host = host
        self.port = port
        self._setting = setting
        self._remedy = remedy
        self._keepalive = keepalive
        self._listener = listener
        self._crowd = crowd or Crowd(ANYBODY)
        self._site: web.BaseSite | None = None
        self._runner = web.AppRunner(
            app,
            handle_signals=False,
            keepalive_timeout=keepalive,
            lingering_time=LINGER,
            shutdown_timeout=LAST_REQUESTS,
            access_log=None,
        )

    async def start(self) -> None:
        """Listen. Raises `ConfigurationError` if the address cannot be had."""
        await self._runner.setup()
        try:
            await self.listen()
        except OSError as error:
            await self._runner.cleanup()
            raise unavailable(self.host, self.port, error, self._setting, self._remedy) from error
        if self._site:
            self.port = self._runner.addresses[0][1]

    async def listen(self) -> None:
        """Accept connections. Doing it twice is fine, and so is doing it after the end."""
        if self._site or self._runner.server is None:
            return
        listener = self._listener and self._listener.dup()
        self._site = GatedSite(
            self._runner, self._crowd, host=self.host, port=self.port, listener=listener, backlog=BACKLOG
        )
        await self._site.start()

    @property
    def refused(self) -> int:
        """Connections that there was no room for."""
        return self._crowd.refused

    async def pause(self) -> None:
        """Accept no more connections, for a while; those that are open are served."""
        site, self._site = self._site, None
        if site:
            await site.stop()

    async def unused(self) -> None:
        """Wait until no connection is open; those that nobody uses are closed as soon as their keep-alive is over."""
        end = asyncio.get_running_loop().time() + self._keepalive + LAST_REQUESTS
        while self._runner.server and self._runner.server.connections and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110  nothing announces it
            await asyncio.sleep(0.1)

    async def listen_at(self, path: Path) -> None:
        """Take requests on a Unix socket as well."""
        await web.UnixSite(self._runner, path, backlog=BACKLOG).start()

    async def take_over(self, connection: socket.socket, head: bytes) -> None:
        """Serve a *connection* that another process accepted, which has read *head* from it and answered nothing."""
        if self._runner.server is None:
            connection.close()
            return
        connection.setblocking(False)
        _, protocol = await asyncio.get_running_loop().connect_accepted_socket(self._runner.server, connection)
        protocol.data_received(head)

    async def stop(self) -> None:
        """Stop listening and cancel what is open. Bounded; whoever wants calls to end well has drained them before."""
        await self._runner.cleanup()


def unavailable(
    host: str, port: int, error: OSError, setting: str = "port", remedy: str = REMEDY
) -> ConfigurationError:
    """What is to be said of an address that cannot be had."""
    return ConfigurationError(setting, f"{host}:{port} cannot be listened on ({error.strerror or error})", remedy)
