"""Who answers at the port: a `telephony` that runs, or, while the port is free, a stand-in of ours.

The stand-in asks the account's own code whether a request is genuine, as the server does, and writes down how each
request of ours arrived: what a proxy has done to it shows there and nowhere else.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import AsyncIterator, Mapping
from typing import Literal
from urllib.parse import parse_qsl

import aiohttp
import msgspec
from aiohttp import web

from telephony.carriers.twilio_account import TwilioAccount
from telephony.doctor.finding import Finding, amber, green, red
from telephony.errors import ConfigurationError
from telephony.links.served import accept
from telephony.runtime.ordering import server_of
from telephony.server.app import MAX_BODY, Server
from telephony.server.reception import MEDIA
from telephony.server.webhooks import STATUS
from telephony.settings import Settings

NONCE = "X-Telephony-Doctor"
"""Header by which a request of ours is known when it arrives, whatever has become of its path."""
ASKING = 5.0
"""Seconds that whoever is at the port has for an answer."""


class Arrival(msgspec.Struct, frozen=True):
    """A request of ours, as it came in."""

    method: str
    path: str
    """Raw, with the query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    form: tuple[tuple[str, str], ...] = ()
    genuine: bool = False


class Here(msgspec.Struct):
    """Who answers at the port of the settings."""

    who: Literal["stand-in", "telephony", "nobody"]
    """`nobody`: the port is somebody else's, or cannot be had."""
    address: str
    """Where that is, for somebody on this machine."""
    finding: Finding
    arrivals: dict[str, Arrival | None] = {}
    """By nonce, for those that are waited for: how they came to the stand-in."""


@contextlib.asynccontextmanager
async def at_the_port(settings: Settings, session: aiohttp.ClientSession) -> AsyncIterator[Here]:
    """Find out who answers at the port, and answer there if nobody does, until the block is left."""
    here = Here("stand-in", server_of(settings), green("port", ""))
    server = Server(_application(settings, here), settings.host, settings.port)
    try:
        await server.start()
    except ConfigurationError as error:
        here.who, here.finding = await _somebody_else(settings, session, error)
        yield here
        return
    here.address = server_of(settings.model_copy(update={"port": server.port}))
    told = f"{settings.host}:{settings.port} is free"
    here.finding = green("port", told)
    if settings.port == 0:
        remedy = "Set PORT to the one that your proxy or tunnel passes calls to."
        here.finding = amber("port", "0 takes another one at each start, which no proxy can know", remedy)
    try:
        yield here
    finally:
        await server.stop()


async def _somebody_else(
    settings: Settings, session: aiohttp.ClientSession, error: ConfigurationError
) -> tuple[Literal["telephony", "nobody"], Finding]:
    """Why the port cannot be had."""
    cause = error.__cause__
    if not isinstance(cause, OSError) or cause.errno != errno.EADDRINUSE:
        remedy = "Name an address of this machine (HOST=127.0.0.1 behind a proxy here) and a port above 1023."
        return "nobody", red("port", error.problem, remedy)
    address = server_of(settings)
    try:
        async with session.get(f"{address}/healthz", timeout=aiohttp.ClientTimeout(total=ASKING)) as response:
            body = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        body = None
    if isinstance(body, dict) and body.get("status") == "ok" and "calls" in body:
        return "telephony", green("port", f"a telephony runs at {address} and is asked below")
    remedy = f"Stop it (`ss -ltnp 'sport = :{settings.port}'` shows whose it is), or set PORT to another one."
    return "nobody", red("port", f"{settings.port} is taken by another program", remedy)


def _application(settings: Settings, here: Here) -> web.Application:
    """The two routes that matter, and an ear for everything else."""
    account = TwilioAccount(settings.public_url, settings.twilio) if settings.public_url else None

    async def anything(request: web.Request) -> web.StreamResponse:
        url, headers = request.rel_url, {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        form: list[tuple[str, str]] = []
        if request.content_type == "application/x-www-form-urlencoded":
            with contextlib.suppress(ValueError):
                form = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20)
        upgrade = request.method == "GET" and url.raw_path == MEDIA
        webhook = request.method == "POST" and url.raw_path == STATUS
        genuine = account is not None and (
            (upgrade and account.genuine_media(url.raw_path, request.headers))
            or (webhook and account.genuine_webhook(url.raw_path, url.raw_query_string, request.headers, form, body))
        )
        nonce = headers.get(NONCE.lower(), "")
        if nonce in here.arrivals:
            here.arrivals[nonce] = Arrival(request.method, request.raw_path, headers, tuple(form), genuine)
        if not (upgrade or webhook):
            return web.Response(status=404, text="Not found\n")
        if not genuine:
            return web.Response(status=403, text="Forbidden\n")
        return await _echo(request) if upgrade else web.Response(status=204)

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_route("*", "/{path:.*}", anything)
    return app


async def _echo(request: web.Request) -> web.StreamResponse:
    """One message back, and goodbye: what goes through a socket goes both ways."""
    link, response = await accept(request)
    try:
        async for message in link:
            link.write(message)
            await link.flush()
            break
    finally:
        await link.close()
    return response
