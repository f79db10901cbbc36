"""Twilio's webhooks: what it posts, and the instructions it gets for an answer.

Every request must carry a signature made with our auth token for our public URL; what does not is answered 403 and
nothing else, the reason is for our log. Webhooks are posted again when Twilio is in doubt: a try that Twilio says is
another of the same request gets the same answer (`repeats`), and all of them are idempotent besides.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.errors import CarrierError, ForgedRequest
from telephony.server.connecting import STREAM_ENDED, STREAM_STATUS, reconnect
from telephony.server.front_desk import CONSENT, FORWARDED, MESSAGE, MESSAGE_STATUS, FrontDesk
from telephony.server.reception import BROKEN_OFF, NOBODY_THERE, Reception
from telephony.server.repeats import HEADER, Repeats
from telephony.server.tokens import LIFETIME

VOICE = "/twilio/voice"
STATUS = "/twilio/status"
DIAL_ENDED = "/twilio/dial-ended"
MAX_FIELDS = 200
"""Form fields of one webhook; Twilio sends about forty."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.webhooks")

Form = dict[str, str]
Answer = Callable[[Form], Awaitable[web.Response]]
Handler = Callable[[web.Request], Awaitable[web.Response]]


class Webhooks:
    """The routes of one reception."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._repeats = Repeats()
        self.front = FrontDesk(reception)
        """Who admits callers."""

    def routes(self) -> list[web.RouteDef]:
        front = self.front
        return [
            web.post(VOICE, self._genuine(self._voice)),
            web.post(STATUS, self._genuine(self._status)),
            web.post(STREAM_STATUS, self._genuine(self._stream_status)),
            web.post(STREAM_ENDED, self._genuine(self._stream_ended)),
            web.post(DIAL_ENDED, self._genuine(self._dial_ended)),
            web.post(CONSENT, self._told(front.consent)),
            web.post(FORWARDED, self._told(front.forwarded)),
            web.post(MESSAGE, self._told(front.message)),
            web.post(MESSAGE_STATUS, self._told(front.message)),
        ]

    def _told(self, answer: Callable[[Form, Mapping[str, str]], str]) -> Handler:
        async def respond(form: Form, query: Mapping[str, str]) -> web.Response:
            return instructions(answer(form, query))

        return self.genuine(respond)

    def _genuine(self, answer: Answer) -> Handler:
        return self.genuine(lambda form, query: answer(form))

    def genuine(self, answer: Callable[[Form, Mapping[str, str]], Awaitable[web.Response]]) -> Handler:
        """Let only signed requests through to *answer*, which gets form and query, and each of them once."""

        async def understood(request: web.Request, form: Form) -> web.Response:
            try:
                return await answer(form, request.query)
            except CarrierError as error:
                _log.warning("webhook not understood", path=request.path, error=str(error))
                return web.Response(status=400, text="This is no request that we understand.\n")

        async def handle(request: web.Request) -> web.Response:
            form = await self._signed_form(request)
            # Before repeats are looked for: they are remembered by whoever answered the first time.
            if answer := await self._reception.sharing.elsewhere(request, _concerned(form, request.query)):
                return answer
            if not (token := request.headers.get(HEADER, "")):
                return await understood(request, form)
            # What was signed is part of the key, for the token is not.
            key = (request.raw_path, hashlib.sha256(await request.read()).hexdigest(), token)
            return await self._repeats.once(key, lambda: understood(request, form))

        return handle

    async def _signed_form(self, request: web.Request) -> Form:
        body = await self._body(request)
        pairs: list[tuple[str, str]] = []
        if request.content_type == "application/x-www-form-urlencoded":
            try:
                pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
            except ValueError:
                raise web.HTTPBadRequest(text="The form cannot be read.\n") from None
        account = self._reception.account
        url = request.rel_url
        if not account.genuine_webhook(url.raw_path, url.raw_query_string, request.headers, pairs, body):
            raise ForgedRequest(self._reception.doubt(self._reception.url(request.path)))
        return dict(pairs)

    async def _body(self, request: web.Request) -> bytes:
        """The whole body. The server's own patience ends with the headers, and anyone may send as slowly as they like
        before a signature has been looked at."""
        try:
            async with asyncio.timeout(self._reception.patience.body):
                return await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="The body did not come in time.\n") from None
        except ConnectionError:
            raise web.HTTPBadRequest(text="The body did not come whole.\n") from None

    async def _voice(self, form: Form) -> web.Response:
        """A call comes in."""
        desk = self._reception
        call = desk.account.incoming(form)
        if call.call_id in desk.calls.past:
            _log.warning("the webhook of a call that is over came again; it gets a hang-up", call_id=call.call_id)
            return instructions(desk.account.finish())
        return instructions(await self.front.admit(call))

    async def _status(self, form: Form) -> web.Response:
        """The call's own state: the end of a call whose stream said nothing."""
        calls, status = self._reception.calls, self._reception.account.status(form)
        if status.terminal:
            await calls.left(status.call_id)
        calls.update(status)
        return web.Response(status=204)

    async def _stream_status(self, form: Form) -> web.Response:
        event, problem = form.get("StreamEvent", ""), form.get("StreamError", "")
        log = _log.bind(call_id=form.get("CallSid", ""))
        if problem:
            log.warning("the carrier reports a stream error", event_=event, error=problem)
        else:
            log.debug("stream", event_=event)
        return web.Response(status=204)

    async def _stream_ended(self, form: Form) -> web.Response:
        """What the caller gets after the stream: the conversation is over, so is the call. One that another process has
        left, or died with, goes on here if it may. Whoever was cut off without a word, by a bug, a lost connection or
        the death of a process, is told so first."""
        desk, call_id = self._reception, form.get("CallSid", "")
        if desk.calls.took_leave(call_id):
            return instructions(desk.account.finish())
        if absent := await desk.calls.moves.take_over(call_id, LIFETIME):
            _log.info("a call goes on here", call_id=call_id, agent=absent.agent, how=absent.back)
            return instructions(reconnect(desk, call_id, absent))
        return instructions(desk.account.apologise(BROKEN_OFF))

    async def _dial_ended(self, form: Form) -> web.Response:
        """What a caller gets who was sent on to a number: nothing more after a conversation. If there was none, whoever
        was sent by the agent goes back to it, and others get an apology."""
        desk, account = self._reception, self._reception.account
        status, call_id = account.dialled(form), form.get("CallSid", "")
        await desk.calls.stream_over(call_id)
        log = _log.bind(call_id=call_id, status=status)
        if status == "completed" or account.status(form).terminal:
            log.info("the transferred call is over")
            if status == "completed":
                desk.calls.away.over(call_id)
            return instructions(account.finish())
        absent = None if desk.calls.draining else desk.calls.expect_back(call_id, status, LIFETIME)
        # The process that sent them on may have died meanwhile.
        if absent := absent or await desk.calls.moves.take_over(call_id, LIFETIME):
            log.warning("nobody took the transferred call; the caller goes back to the agent", agent=absent.agent)
            return instructions(reconnect(desk, call_id, absent))
        log.warning("nobody took the transferred call")
        return instructions(account.apologise(NOBODY_THERE))


def _concerned(form: Form, query: Mapping[str, str]) -> str:
    """The carrier's id of the call that a request is about: for the call to a colleague that is the caller's, who is to
    be put through to them; the room where the two are to meet is named after it."""
    return query.get("room", "").rpartition("-")[0] or form.get("CallSid", "")


def instructions(document: str) -> web.Response:
    """An answer in the carrier's own words."""
    return web.Response(text=document, content_type="text/xml")
