"""Calls that are asked for: `POST /calls`, and what became of them.

A call is asked for with an `Idempotency-Key`: asking again with the same key gives the same call, so that whoever got
no answer may simply ask again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from telephony.agents.numbers import HOW_TO_WRITE, is_e164, normal
from telephony.bridge.dialler import CallRefused, Dialler
from telephony.dialling.spelling import normalised
from telephony.server.api.keys import Holder
from telephony.server.api.problem import Problem
from telephony.server.api.requests import Answers, read_body
from telephony.server.api.route import BASE, JSON, Route
from telephony.store.intents import Intent, IntentState

CALLS = f"{BASE}/calls"
ORDERS = f"{BASE}/orders"
KEY = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
ROOM_AGAIN = "15"
"""Seconds after which it is worth asking again whether there is room: calls last minutes, and several end in them."""
MOST_METADATA = 2000
"""Characters of all names and values together."""


class CallOrder(msgspec.Struct, forbid_unknown_fields=True):
    """What a request for a call says."""

    to: str
    """The number to call, in any spelling that says its country."""
    agent: str
    """Who speaks with them."""
    from_number: str = msgspec.field(default="", name="from")
    """The number that is shown; unset takes `outbound.from_number`."""
    metadata: dict[str, str] = {}
    """What the tools of the call find in `CallContext.metadata`; up to 2000 characters."""


class Order(msgspec.Struct, rename={"from_number": "from"}):
    """A call that was asked for."""

    id: str
    """The `Idempotency-Key` of the request."""
    to: str
    from_number: str
    agent: str
    state: IntentState
    """`placing` until the carrier has taken it; `completed`, `busy`, `no-answer`, `canceled` or `failed` in the end."""
    call_id: str | None
    """The carrier's id, by which `/calls/{call}` has its record once somebody has answered."""
    answered_by: str | None
    """What machine detection found out."""
    reason: str | None
    """Why it failed."""
    created_at: datetime | None
    metadata: dict[str, str]
    """What came with the request."""

    @classmethod
    def of(cls, intent: Intent) -> Order:
        return cls(
            intent.id,
            intent.to_number,
            intent.from_number,
            intent.agent,
            intent.state,
            intent.carrier_call_id or None,
            intent.answered_by or None,
            intent.reason or None,
            intent.created_at.replace(microsecond=0) if intent.created_at else None,
            intent.metadata,
        )


class OrdersApi:
    """The routes. *agents* are those who call; *from_number* is shown unless the request says otherwise; *full* says in
    words why an agent can carry no other call now, or nothing."""

    def __init__(
        self,
        dialler: Dialler,
        answers: Answers,
        agents: Callable[[str], bool],
        from_number: str,
        draining: Callable[[], bool],
        full: Callable[[str], Awaitable[str]],
    ) -> None:
        self._dialler = dialler
        self._answers = answers
        self._agents = agents
        self._from_number = from_number
        self._draining = draining
        self._full = full

    def routes(self) -> list[Route]:
        placed, key = (
            {JSON: Order},
            {"Idempotency-Key*": "Names the request: one key, one call, however often it comes."},
        )
        return [
            Route(
                "POST",
                "/calls",
                "calls:write",
                self._place,
                "Have an agent call somebody.",
                {201: placed, 202: placed},
                (400, 408, 409, 413, 415, 422, 429, 502),
                body=CallOrder,
                headers=key,
            ),
            Route(
                "GET",
                "/orders/{order}",
                "calls:write",
                self._show,
                "What became of a call that was asked for, by its Idempotency-Key.",
                {200: placed},
                (404,),
            ),
        ]

    async def _place(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        intent = await self._order(request)
        if self._draining():
            raise Problem(503, "The server is stopping. Ask again with the same key.", Retry_After="5")
        if (full := await self._full(intent.agent)) and not await self._dialler.get(intent.id):
            raise Problem(503, f"{full}. Ask again with the same key.", Retry_After=ROOM_AGAIN)
        try:
            placed = await self._dialler.place(intent)
        except CallRefused as refused:
            raise _refusal(refused) from None
        if placed.state == "failed" and not placed.carrier_call_id:
            raise Problem(502, f"The call was not placed: {placed.reason}")
        status = 202 if placed.state == "placing" else 201
        return await self._answers.json(Order.of(placed), status, {"Location": f"{ORDERS}/{placed.id}"})

    async def _show(self, request: web.Request, holder: Holder) -> web.StreamResponse:
        key = request.match_info["order"]
        intent = await self._dialler.get(key) if KEY.fullmatch(key) else None
        if intent is None:
            raise Problem(404, "No call was asked for with this key.")
        return await self._answers.json(Order.of(intent))

    async def _order(self, request: web.Request) -> Intent:
        """What is asked for; whatever is wrong with it is said at once."""
        key = request.headers.get("Idempotency-Key", "").strip().strip('"')
        if not KEY.fullmatch(key):
            raise Problem(400, "Send an Idempotency-Key of your own: up to 64 letters, digits and _ . : -")
        order = await read_body(request, CallOrder)
        to, from_number = normalised(order.to), normal(order.from_number or self._from_number)
        if not self._agents(order.agent):
            raise Problem(422, f"agent: there is no {order.agent[:40]!r}.")
        if not is_e164(from_number):
            raise Problem(422, f"from: {from_number[:40]!r} is no number. Send one, or set outbound.from_number.")
        if to is None:
            await self._dialler.refuse(Intent(key, order.to, from_number, order.agent))
            raise Problem(422, f"to: {order.to[:40]!r} is no number that can be dialled. {HOW_TO_WRITE}")
        size = sum(len(name) + len(value) for name, value in order.metadata.items())
        if size > MOST_METADATA:
            most = f"{MOST_METADATA} are taken. Send an id to look it up by."
            raise Problem(422, f"metadata: it has {size} characters, and {most}")
        if "" in order.metadata:
            raise Problem(422, "metadata: a name is empty.")
        now = datetime.now(UTC)
        return Intent(key, to, from_number, order.agent, created_at=now, metadata=order.metadata)


def _refusal(refused: CallRefused) -> Problem:
    if refused.kind == "busy":
        return Problem(429, str(refused), Retry_After=str(max(1, round(refused.retry_after))))
    return Problem(409 if refused.kind == "conflict" else 403, str(refused))
