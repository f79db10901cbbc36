"""`/api/v1`: other programs' way to have calls placed.

Errors are `application/problem+json` (RFC 9457). A call is asked for with an `Idempotency-Key`: asking again with the
same key gives the same call, so that whoever got no answer may simply ask again.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.agents.numbers import is_e164, normal
from telephony.bridge.dialler import CallRefused, Dialler
from telephony.errors import StoreError
from telephony.server.keys import presented
from telephony.store.intents import Intent

CALLS = "/api/v1/calls"
KEY = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
PATIENCE = 10.0
"""Seconds that a body may take."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.api")


class CallOrder(msgspec.Struct, forbid_unknown_fields=True):
    """What a request for a call says."""

    to: str
    """The number to call, in any spelling that says its country."""
    agent: str
    from_number: str = msgspec.field(default="", name="from")
    """The number that is shown; unset takes `outbound.from_number`."""


class Problem(Exception):
    """An answer that says what is wrong, as RFC 9457 has it."""

    def __init__(self, status: int, title: str, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> web.Response:
        body = {"type": "about:blank", "title": self.title, "status": self.status, "detail": str(self)}
        return web.Response(
            body=msgspec.json.encode(body),
            status=self.status,
            headers=self.headers,
            content_type="application/problem+json",
        )


Answer = Callable[[web.Request], Awaitable[web.Response]]


class CallsApi:
    """The routes. Without a *key* nobody may use them. *agents* are those who call; *from_number* is shown unless the
    request says otherwise."""

    def __init__(
        self, dialler: Dialler, key: str, agents: Callable[[str], bool], from_number: str, draining: Callable[[], bool]
    ) -> None:
        self._dialler = dialler
        self._key = key.encode()
        self._agents = agents
        self._from_number = from_number
        self._draining = draining

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(CALLS, self._allowed(self._place)),
            web.get(CALLS + "/{intent}", self._allowed(self._show)),
        ]

    def _allowed(self, answer: Answer) -> Answer:
        """Let only holders of the key through to *answer*, and tell what is wrong."""

        async def handle(request: web.Request) -> web.Response:
            try:
                given = presented(request.headers).encode(errors="surrogateescape")
                if not self._key or not hmac.compare_digest(given, self._key):
                    detail = "Send Authorization: Bearer and the key that outbound.api_key is set to."
                    raise Problem(401, "Unauthorized", detail, WWW_Authenticate="Bearer")
                return await answer(request)
            except Problem as problem:
                return problem.response()
            except StoreError as error:
                _log.warning("the database does not answer", error=str(error))
                detail = "The database does not answer. Ask again with the same key: no call is placed twice."
                return Problem(503, "Service Unavailable", detail, Retry_After="5").response()

        return handle

    async def _place(self, request: web.Request) -> web.Response:
        intent = await self._order(request)
        if self._draining():
            detail = "The server is stopping. Ask again with the same key."
            raise Problem(503, "Service Unavailable", detail, Retry_After="5")
        try:
            placed = await self._dialler.place(intent)
        except CallRefused as refused:
            raise _refusal(refused) from None
        if placed.state == "failed" and not placed.carrier_call_id:
            raise Problem(502, "Bad Gateway", f"The call was not placed: {placed.reason}")
        status = 202 if placed.state == "placing" else 201
        headers = {"Location": f"{CALLS}/{placed.id}"}
        return web.json_response(shown(placed), status=status, headers=headers)

    async def _show(self, request: web.Request) -> web.Response:
        intent = await self._dialler.get(request.match_info["intent"])
        if intent is None:
            raise Problem(404, "Not Found", "No call was asked for with this key.")
        return web.json_response(shown(intent))

    async def _order(self, request: web.Request) -> Intent:
        """What is asked for; whatever is wrong with it is said at once."""
        key = request.headers.get("Idempotency-Key", "").strip().strip('"')
        if not KEY.fullmatch(key):
            detail = "Send an Idempotency-Key of your own: up to 64 letters, digits and _ . : -"
            raise Problem(400, "Bad Request", detail)
        order = await self._read(request)
        to, from_number = normal(order.to), normal(order.from_number or self._from_number)
        if not is_e164(to):
            raise Problem(422, "Unprocessable Content", f"to: {order.to[:40]!r} is no number that can be dialled.")
        if not is_e164(from_number):
            detail = f"from: {from_number[:40]!r} is no number. Send one, or set outbound.from_number."
            raise Problem(422, "Unprocessable Content", detail)
        if not self._agents(order.agent):
            raise Problem(422, "Unprocessable Content", f"agent: there is no {order.agent[:40]!r}.")
        return Intent(key, to, from_number, order.agent, created_at=datetime.now(UTC))

    async def _read(self, request: web.Request) -> CallOrder:
        if request.content_type != "application/json":
            raise Problem(415, "Unsupported Media Type", "Send application/json.")
        try:
            async with asyncio.timeout(PATIENCE):
                body = await request.read()
        except TimeoutError:
            raise Problem(408, "Request Timeout", "The body did not come in time.") from None
        try:
            return msgspec.json.decode(body, type=CallOrder)
        except msgspec.DecodeError as error:
            raise Problem(400, "Bad Request", f"The body is no such request: {error}") from None


def shown(intent: Intent) -> dict[str, Any]:
    """A call that was asked for, as JSON."""
    return {
        "id": intent.id,
        "to": intent.to_number,
        "from": intent.from_number,
        "agent": intent.agent,
        "state": intent.state,
        "call_id": intent.carrier_call_id or None,
        "answered_by": intent.answered_by or None,
        "reason": intent.reason or None,
        "created_at": intent.created_at.isoformat(timespec="seconds") if intent.created_at else None,
    }


def _refusal(refused: CallRefused) -> Problem:
    if refused.kind == "busy":
        after = str(max(1, round(refused.retry_after)))
        return Problem(429, "Too Many Requests", str(refused), Retry_After=after)
    if refused.kind == "conflict":
        return Problem(409, "Conflict", str(refused))
    return Problem(403, "Forbidden", str(refused))
