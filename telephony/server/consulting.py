"""Colleagues who are called before a caller is put through, seen from the carrier: how it goes, and who is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.bridge.consultations import COLLEAGUE, ROOM, Consultations
from telephony.server.connecting import reconnect
from telephony.server.reception import NOBODY_THERE, Reception
from telephony.server.tokens import LIFETIME

_log: FilteringBoundLogger = structlog.get_logger("telephony.webhooks")

Form = dict[str, str]
Genuine = Callable[
    [Callable[[Form, Mapping[str, str]], Awaitable[web.Response]]], Callable[[web.Request], Awaitable[web.Response]]
]


class ConsultingWebhooks:
    """The routes of one reception's consultations."""

    def __init__(self, reception: Reception, consultations: Consultations) -> None:
        self._reception = reception
        self._consultations = consultations

    def routes(self, genuine: Genuine) -> list[web.RouteDef]:
        """*genuine* lets only signed requests through."""
        return [web.post(COLLEAGUE, genuine(self._status)), web.post(ROOM, genuine(self._room))]

    async def _status(self, form: Form, query: Mapping[str, str]) -> web.Response:
        update = self._reception.account.status(form)
        if call_id := self._consultations.told(query.get("room", ""), update):
            await self._bring_back(call_id)
        return web.Response(status=204)

    async def _room(self, form: Form, query: Mapping[str, str]) -> web.Response:
        self._consultations.joined(query.get("room", ""), self._reception.account.in_room(form))
        return web.Response(status=204)

    async def _bring_back(self, call_id: str) -> None:
        """The colleague has gone before the caller came, who would wait in the room for ever. If they have not been
        sent there yet, nothing is to be done: they will not be."""
        desk, account = self._reception, self._reception.account
        await desk.calls.stream_over(call_id)
        absent = desk.calls.expect_back(call_id, "completed", LIFETIME)
        if absent is None:
            return
        if desk.calls.draining:
            desk.calls.away.over(call_id)
            document = account.apologise(NOBODY_THERE)
        else:
            document = reconnect(desk, call_id, absent)
        _log.warning("the colleague hung up; the caller goes back to the agent", call_id=call_id)
        await self._consultations.bring_back(call_id, document)
