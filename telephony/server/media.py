"""The media socket: a stranger until its first message proves which call it carries.

Three things must hold before anything is dialled on its behalf: the upgrade request is signed by the carrier, `start`
comes within seconds, and it brings a token that we issued for this very call and nobody has used. Whatever fails, the
socket is closed with 1008 and the same word; with 1003 if it does not even speak text.
"""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.bridge.scribe import Caller
from telephony.carriers.base import NORMAL, POLICY_VIOLATION, Carrier, IncomingCall
from telephony.errors import CarrierError, ConfigurationError, ForgedRequest
from telephony.events import CallStarted, CarrierFault, CarrierStopped
from telephony.links.link import Link
from telephony.links.served import accept
from telephony.server.front_desk import FrontDesk
from telephony.server.reception import MEDIA, Reception
from telephony.server.tokens import Ticket
from telephony.tools.hidden import hiding

REFUSED = "refused"
SETTLING = 0.5
"""Seconds that a stream waits for the word whether its model can be reached, where there is another way for its caller.
The agent could say nothing before, and what the caller says meanwhile is kept by the socket."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.media")


class Media:
    """The route of one reception's media streams."""

    def __init__(self, reception: Reception, front: FrontDesk) -> None:
        self._reception = reception
        self._front = front

    def routes(self) -> list[web.RouteDef]:
        return [web.get(MEDIA, self._stream), web.get(MEDIA + "/{worker}", self._stream)]

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        desk = self._reception
        if not desk.account.genuine_media(request.rel_url.raw_path, request.headers):
            raise ForgedRequest(desk.doubt(desk.media_url(desk.media_path)))
        if await desk.sharing.handed_on(request, request.match_info.get("worker", "")):
            return web.Response(status=499)  # nobody reads this: the connection is another's
        link, response = await accept(request)
        try:
            await self._serve(link, request.remote)
        finally:
            # Whatever a bug leaves open is closed here: an answer of HTTP's would be garbage on an upgraded connection.
            await link.close(1011, "internal error")
        return response

    async def _serve(self, link: Link, peer: str | None) -> None:
        carrier = self._reception.new_carrier()
        try:
            started, opening = await self._started(link, carrier)
            ticket = self._redeem(started)
        except ForgedRequest as reason:
            _log.warning("media stream refused", reason=str(reason), peer=peer)
            self._reception.on_refused()
            code = POLICY_VIOLATION if carrier.close_code == NORMAL else carrier.close_code
            await link.close(code, REFUSED)
            return
        await self._carry(ticket, started, opening, carrier, link)

    async def _carry(
        self, ticket: Ticket, started: CallStarted, opening: list[str | bytes], carrier: Carrier, link: Link
    ) -> None:
        desk = self._reception
        token = started.parameters.get("token", "")
        opening = [message.replace(token, "") if isinstance(message, str) else message for message in opening]
        try:
            plan = desk.plan(ticket.call_id, ticket.agent)
            if ticket.unrecorded or ticket.call_id in desk.unrecorded:
                plan = plan.unrecorded()
        except ConfigurationError as error:
            _log.error("the agent cannot take calls", agent=ticket.agent, error=str(error))
            await link.close(1011, "agent not available")
            return
        if ticket.direction == "inbound" and await self._sent_elsewhere(ticket, link):
            return
        metadata = {name: value for name, value in started.parameters.items() if name != "token"} | plan.metadata
        caller = Caller(ticket.call_id, ticket.agent, ticket.from_number, ticket.to_number, metadata, ticket.direction)
        line = desk.line_for(ticket.to_number) if ticket.direction == "inbound" else None
        desk.sharing.hold(ticket.call_id, desk.caps(ticket.agent, line))
        with structlog.contextvars.bound_contextvars(call_id=ticket.call_id), hiding():
            await desk.calls.carry(caller, plan, started, carrier, link, opening)

    async def _sent_elsewhere(self, ticket: Ticket, link: Link) -> bool:
        """Whether the caller was sent where the number sends callers during an outage, since the model could not be
        reached while the phone rang. Others are carried: a model that is slow may still come."""
        desk, call_id = self._reception, ticket.call_id
        line = desk.line_for(ticket.to_number)
        if line is None or line.settings.outage is None or desk.redirect is None or call_id in desk.calls.away:
            return False
        await desk.calls.reached(call_id, SETTLING)
        call = IncomingCall(call_id, ticket.from_number, ticket.to_number)
        if not (instructions := self._front.stranded(call, ticket.agent)):
            return False
        try:
            await desk.redirect(call_id, instructions)
        except (
            CarrierError,
            ConfigurationError,
        ) as error:  # what comes after the stream is an apology then
            _log.error("a caller could not be sent elsewhere", call_id=call_id, error=str(error))
        await link.close(1000, "sent elsewhere")
        return True

    async def _started(self, link: Link, carrier: Carrier) -> tuple[CallStarted, list[str | bytes]]:
        """The stream's `start`, and all messages up to it. Raises `ForgedRequest` if anything else comes first, or
        nothing does."""
        patience = self._reception.patience.start
        opening: list[str | bytes] = []
        try:
            async with asyncio.timeout(patience):
                async for message in link:
                    opening.append(message)
                    for event in carrier.decode(message):
                        if isinstance(event, CallStarted):
                            return event, opening
                        if isinstance(event, CarrierFault) and event.fatal:
                            raise ForgedRequest(event.reason)
                        if isinstance(event, CarrierStopped):
                            raise ForgedRequest("stopped before start")
        except TimeoutError:
            raise ForgedRequest(f"no start within {patience:g} s") from None
        raise ForgedRequest("closed before start")

    def _redeem(self, started: CallStarted) -> Ticket:
        desk = self._reception
        ticket = desk.tokens.redeem(started.parameters.get("token", ""), started.call_id, desk.now)
        if ticket.call_id in desk.calls.live:
            raise ForgedRequest("this call has a stream already")
        if ticket.call_id in desk.calls.past and ticket.call_id not in desk.calls.away:
            raise ForgedRequest("this call is over")
        return ticket
