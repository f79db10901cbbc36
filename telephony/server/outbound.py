"""Calls that we place, seen from the carrier: somebody answered, it rings, a machine was found out.

Its requests bring the id of what was asked for (`?intent=…`, which is signed with the rest of the address), since they
may come before we know the carrier's own id of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.bridge.dialler import ANSWERED, MACHINE, STATUS, Dialler
from telephony.errors import ConfigurationError, StoreError
from telephony.events import HangUpWanted, SpeechWanted
from telephony.server.connecting import connect
from telephony.server.reception import Reception
from telephony.server.webhooks import Form, Webhooks, instructions
from telephony.store.intents import Intent

MACHINE_ANSWERED = "a machine answered"

_log: FilteringBoundLogger = structlog.get_logger("telephony.webhooks")


@dataclass(frozen=True, slots=True)
class Outbound:
    """What places calls."""

    dialler: Dialler
    message_of: Callable[[str], str]
    """What an agent says to a machine."""


class OutboundWebhooks:
    """The routes of one reception's outbound calls."""

    def __init__(self, reception: Reception, webhooks: Webhooks, outbound: Outbound) -> None:
        self._reception = reception
        self._webhooks = webhooks
        self._dialler = outbound.dialler
        self._message_of = outbound.message_of

    def routes(self) -> list[web.RouteDef]:
        genuine = self._webhooks.genuine
        return [
            web.post(ANSWERED, genuine(self._answered)),
            web.post(STATUS, genuine(self._status)),
            web.post(MACHINE, genuine(self._machine)),
        ]

    async def _answered(self, form: Form, query: Mapping[str, str]) -> web.Response:
        """Somebody answers: connect them as callers are connected. A database that does not answer is no reason to
        hang up on them, but without it nobody knows which agent wanted to speak with them."""
        desk = self._reception
        call = desk.account.incoming(form)
        log = _log.bind(call_id=call.call_id, to=call.to_number)
        try:
            intent = await self._dialler.answered(query.get("intent", ""), call.call_id)
        except StoreError as error:
            log.error("somebody answered, and the database does not say for whom", error=str(error))
            return instructions(desk.account.finish())
        if intent is None or intent.over or call.call_id in desk.calls.past:
            log.warning("a call was answered that nobody asked for, or that is over; it is hung up")
            return instructions(desk.account.finish())
        try:
            desk.plan_for(intent.agent)
        except (ConfigurationError, KeyError):
            log.error("a call was answered, and its agent is not there any more", agent=intent.agent)
            return instructions(desk.account.finish())
        log.info("somebody answers", agent=intent.agent)
        desk.expect(call.call_id, intent.agent, intent.metadata)
        document = connect(
            self._reception, call.call_id, intent.agent, call.from_number, call.to_number, direction="outbound"
        )
        return instructions(document)

    async def _status(self, form: Form, query: Mapping[str, str]) -> web.Response:
        """How the call goes. While it rings the model is reached, so that nobody has to wait for a greeting."""
        desk = self._reception
        update = desk.account.status(form)
        desk.calls.update(update)
        try:
            intent = await self._dialler.told(query.get("intent", ""), update)
        except StoreError as error:
            _log.warning("a status could not be noted", call_id=update.call_id, error=str(error))
            return web.Response(status=503)
        if intent and update.status == "ringing" and not intent.over:
            desk.expect(update.call_id, intent.agent, intent.metadata)
        return web.Response(status=204)

    async def _machine(self, form: Form, query: Mapping[str, str]) -> web.Response:
        """What answered, a few seconds into the call."""
        call_id, who = form.get("CallSid", ""), self._reception.account.answered_by(form)
        intent_id = query.get("intent", "")
        try:
            intent = await self._dialler.get(intent_id)
            wanted = await self._dialler.found_out(intent_id, call_id, who)
        except StoreError as error:
            _log.warning("what answered could not be noted", call_id=call_id, error=str(error))
            return web.Response(status=503)
        _log.info("answered by", call_id=call_id, who=who, wanted=wanted)
        if wanted != "talk" and intent is not None:
            await self._deal_with_machine(intent, call_id, leave_message=wanted == "message")
        return web.Response(status=204)

    async def _deal_with_machine(self, intent: Intent, call_id: str, *, leave_message: bool) -> None:
        bridge = self._reception.calls.live.get(call_id)
        if bridge is None:
            await self._dialler.hang_up(call_id)
            return
        if leave_message:
            bridge.feed(SpeechWanted(self._message_of(intent.agent), interruptible=False))
        bridge.feed(HangUpWanted(MACHINE_ANSWERED, final=True))
