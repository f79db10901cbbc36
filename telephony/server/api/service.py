"""The API as an application: who is let through, and what is said to those who are not.

Everything is decided by the route table: a request gets as far as a handler only with a key that is for its scope. A
key that is missing, misspelt, unknown or revoked gets one and the same 401.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import msgspec
import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.errors import StoreError
from telephony.server.api.document import describe
from telephony.server.api.keys import ApiKeys, Holder
from telephony.server.api.problem import CONTENT_TYPE, Problem, of_http
from telephony.server.api.requests import Answers
from telephony.server.api.route import BASE, JSON, Route
from telephony.server.keys import presented

DOCUMENT = "/openapi.json"

UNANSWERED = "The database does not answer. Ask again; a call that is asked for with the same key is placed once."

_log: FilteringBoundLogger = structlog.get_logger("telephony.api")

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """All routes behind their keys. *on_stop* is called when the server stops, to end what has no end of its own."""

    def __init__(
        self, routes: Iterable[Route], keys: ApiKeys, answers: Answers, on_stop: Callable[[], None] = lambda: None
    ) -> None:
        own = Route("GET", DOCUMENT, None, self._describe, "This description, as OpenAPI 3.1.", {200: {JSON: None}})
        self.routes = (*routes, own)
        self._keys = keys
        self._answers = answers
        self._on_stop = on_stop
        self._document = msgspec.json.encode(describe(self.routes))

    def mount(self, app: web.Application) -> None:
        """Serve the routes below `BASE`."""

        @web.middleware
        async def problems(request: web.Request, handler: Handle) -> web.StreamResponse:
            return await self._told(request, handler)

        api = web.Application(middlewares=[problems])
        for route in self.routes:
            handle = self._guarded(route)
            if route.method == "GET":
                api.router.add_get(route.path, handle, allow_head=not route.streams)
            else:
                api.router.add_route(route.method, route.path, handle)

        async def stop(_: web.Application) -> None:
            self._on_stop()

        app.add_subapp(BASE, api)
        app.on_shutdown.append(stop)

    def _guarded(self, route: Route) -> Handle:
        async def handle(request: web.Request) -> web.StreamResponse:
            holder = self._keys.holder(presented(request.headers))
            if holder is None:
                detail = "Send Authorization: Bearer and a key of this API."
                raise Problem(401, detail, WWW_Authenticate="Bearer")
            if route.scope is not None and route.scope not in holder.scopes:
                raise Problem(403, f"The key is not for this; it takes one with the scope {route.scope}.")
            return await route.handler(request, holder)

        return handle

    async def _told(self, request: web.Request, handler: Handle) -> web.StreamResponse:
        """Whatever goes wrong is said in one form."""
        try:
            return await handler(request)
        except Problem as problem:
            return self._response(problem)
        except web.HTTPException as error:
            return self._response(of_http(error))
        except StoreError as error:
            _log.warning("the database does not answer", error=str(error))
            return self._response(Problem(503, UNANSWERED, Retry_After="5"))
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001  the boundary of a request
            _log.exception("request failed", path=request.path)
            return self._response(Problem(500, "Something went wrong on our side."))

    def _response(self, problem: Problem) -> web.Response:
        text = self._answers.text(problem.details())
        return web.Response(text=text, status=problem.status, headers=problem.headers, content_type=CONTENT_TYPE)

    async def _describe(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        return web.Response(body=self._document, content_type=JSON)
