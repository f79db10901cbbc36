"""What only whoever runs the process may ask, on a port of its own that is never the public one.

`/healthz`: the event loop lives, and asks nothing of anything else. `/readyz`: whether calls may be sent here, and why
not. `/metrics`: what a scrape gets. `POST /drain`: as SIGTERM. `/debug/tasks`: what the process is doing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.server.app import MAX_BODY, refusals

STARTING = "starting"
"""Why nobody may call before everything is open."""
DRAINING = "draining"
"""Why nobody may call any more."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.internal")


class Readiness:
    """Whether calls may come: unless anything speaks against it. `begun` says that the start is over."""

    def __init__(self, *checks: Callable[[], str]) -> None:
        """Each of *checks* gives its objection, or an empty text."""
        self.begun = False
        self.checks = list(checks)

    @property
    def reasons(self) -> list[str]:
        """What speaks against it, one short phrase each; empty if nothing does."""
        found = [reason for check in self.checks if (reason := check())]
        return found if self.begun else [STARTING, *found]


class Watched(Protocol):
    """What the internal port is about: a process, or several that share a port."""

    async def reasons(self) -> list[str]:
        """What speaks against sending calls here, one short phrase each; empty if nothing does."""

    async def page(self) -> tuple[bytes, str]:
        """The body of a scrape and its content type."""

    async def tasks(self) -> list[dict[str, Any]]:
        """What it is doing."""

    def drain(self) -> None:
        """Let it end, as SIGTERM does. Called once, however often that is asked for."""


def internal_application(watched: Watched) -> web.Application:
    """The internal routes."""
    app = web.Application(middlewares=[refusals], client_max_size=MAX_BODY)
    told = False

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.Response:
        reasons = await watched.reasons()
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def scrape(request: web.Request) -> web.Response:
        body, content_type = await watched.page()
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def ask_to_drain(request: web.Request) -> web.Response:
        nonlocal told
        # A page in a browser on this machine could post here, too; programs send no such header (RFC 6454, 7).
        if "Origin" in request.headers:
            raise web.HTTPForbidden(text="Not from a web page.\n")
        if not told:
            told = True
            _log.info("asked to drain", peer=request.remote)
            watched.drain()
        return web.json_response({"status": DRAINING}, status=202)

    async def debug_tasks(request: web.Request) -> web.Response:
        return web.json_response({"tasks": await watched.tasks()})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", scrape)
    app.router.add_post("/drain", ask_to_drain)
    app.router.add_get("/debug/tasks", debug_tasks)
    return app
