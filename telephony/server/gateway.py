"""`/v1/realtime` for other programs: any client of the OpenAI realtime protocol, to any model of `model_list`.

The model's session is opened before the client is answered. So whatever can be refused is refused as HTTP, with a
status and a JSON body that say why, and a client that is let in has a session: its first event is already under way.

No origin is checked: a browser sends us neither cookies nor anything else on its own, so a strange page can open no
session without a key, and with a key it needs no browser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

import msgspec
import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from telephony.bridge.relay import Ending, Relay
from telephony.errors import UpstreamError, UpstreamRefused
from telephony.links.dialed import MAX_MESSAGE
from telephony.links.served import accept
from telephony.realtime.usage import Usage
from telephony.server.keys import Client, KeyExhausted, Keyring, presented, protocols
from telephony.server.sharing import Alone, Sharing
from telephony.upstream.pool import Upstream
from telephony.upstream.session import Session

BUDGET = 8.0
"""Seconds to find a session. Most clients wait ten for the handshake (`websockets`, and with it OpenAI's)."""
CLOSE_PATIENCE = 5.0
"""Seconds a client has for the last events and the goodbye."""
REALTIME = ("/v1/realtime", "/realtime", "/openai/v1/realtime")
"""OpenAI's path, LiteLLM's short one, and Azure's."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.gateway")


class SessionReport(msgspec.Struct, frozen=True):
    """One session that is over."""

    client: str
    """Whose key it was."""
    model: str
    deployment: str
    """Provider and model that served it."""
    seconds: float
    usage: Usage
    ending: Ending


class Refusal(Exception):
    """A request that is answered with an error instead of a session."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> web.Response:
        """As OpenAI words its errors."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        error = {"message": str(self), "type": kind, "param": None, "code": self.code}
        response = web.json_response({"error": error}, status=self.status, headers=self.headers)
        response.force_close()  # a WebSocket client has no second request for it, and Node waits for its end
        return response


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gateway:
    """The routes and the running sessions."""

    def __init__(
        self, upstream: Upstream, keyring: Keyring, *, budget: float = BUDGET, sharing: Sharing | None = None
    ) -> None:
        self.draining = False
        self.on_session: Callable[[SessionReport], None] | None = None
        """Told of every session that is over."""
        self._upstream = upstream
        self._keyring = keyring
        self._sharing = sharing or Alone()
        self._budget = budget
        self._relays: set[Relay] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def routes(self) -> list[web.RouteDef]:
        return [
            *(web.get(path, _answering(self._realtime)) for path in REALTIME),
            *(web.get(path, _answering(self._models)) for path in ("/v1/models", "/models")),
            web.get("/health", self._health),
        ]

    @property
    def models(self) -> list[str]:
        """What is offered, by name."""
        return list(self._upstream.balancer.names)

    @property
    def sessions(self) -> int:
        """How many are running."""
        return len(self._relays)

    async def drain(self, patience: float) -> None:
        """Take no more sessions, give the running ones *patience* seconds to end by themselves, and end the rest."""
        self.draining = True
        try:
            async with asyncio.timeout(patience):
                await self._idle.wait()
        except TimeoutError:
            for relay in self._relays:
                relay.stop()
            await self._idle.wait()  # every closing is bounded

    # -- sessions ----------------------------------------------------------------------------------------------------

    async def _realtime(self, request: web.Request) -> web.StreamResponse:
        client = self._client(request)
        model = self._model(request.query.get("model", ""), client)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            message = "This is a WebSocket endpoint: connect with ws:// or wss://."
            raise Refusal(426, "websocket_required", message, Upgrade="websocket")
        if self.draining:
            raise Refusal(503, "gateway_stopping", "The gateway is stopping. Connect again.", Retry_After="1")
        if client.is_limited and await self._sharing.handed_to_owner(request, f"key {client.name}"):
            return web.Response(status=499)  # its sessions are counted, and held, by one process
        with _stay(client) as allowance:
            async with await self._session(model, request.query) as session:
                return await self._serve(request, client, model, session, allowance)

    async def _session(self, model: str, query: Mapping[str, str]) -> Session:
        try:
            return await self._upstream.connect(model, budget=self._budget, relayed=query)
        except UpstreamError as error:
            # The reasons name addresses and accounts of ours; the client learns only which kind it was.
            _log.warning("no session to be had", model=model, error=str(error))
            if isinstance(error, UpstreamRefused) and error.status == 429:
                after = str(max(1, round(error.retry_after)))
                message = f"Every deployment of {model} is busy. Try again later."
                raise Refusal(429, "rate_limit_exceeded", message, Retry_After=after) from None
            message = f"No deployment of {model} could be reached. This is the gateway's problem, not yours; try again."
            raise Refusal(503, "upstream_unavailable", message, Retry_After="1") from None

    async def _serve(
        self, request: web.Request, client: Client, model: str, session: Session, allowance: Callable[[], float]
    ) -> web.StreamResponse:
        if request.transport is None or request.transport.is_closing():
            return web.Response(status=499)  # as nginx logs it: the client is gone, and nobody reads this
        link, response = await accept(
            request,
            name="client",
            protocols=_agreed(request),
            max_size=MAX_MESSAGE,
            close_patience=CLOSE_PATIENCE,
        )
        deployment = session.deployment
        relay = Relay(link, session, binary=deployment.takes_binary)
        now = asyncio.get_running_loop().time
        began = now()
        self._relays.add(relay)
        self._idle.clear()
        try:
            await relay.run(allowance)
        finally:
            self._relays.remove(relay)
            if not self._relays:
                self._idle.set()
            if relay.ending:
                served_by, seconds = f"{deployment.provider}/{deployment.model}", now() - began
                usage = relay.meter.usage
                self._report(SessionReport(client.name, model, served_by, seconds, usage, relay.ending))
        return response

    def _report(self, report: SessionReport) -> None:
        usage, ending = report.usage, report.ending
        _log.info(
            "gateway session",
            client=report.client,
            model=report.model,
            deployment=report.deployment,
            seconds=round(report.seconds, 3),
            responses=usage.responses,
            tokens=usage.total_tokens,
            text_items=usage.text_items,
            by=ending.by,
            code=ending.code,
            reason=ending.reason,
        )
        if self.on_session:
            self.on_session(report)

    # -- who may what ------------------------------------------------------------------------------------------------

    def _client(self, request: web.Request) -> Client:
        key = presented(request.headers)
        client = self._keyring.client(key)
        if client is None:
            message = "This key is not known here." if key else "There is no key. Send Authorization: Bearer YOUR_KEY."
            raise Refusal(401, "invalid_api_key", message, WWW_Authenticate="Bearer")
        return client

    def _model(self, name: str, client: Client) -> str:
        """The model asked for, or the only one that the client may use."""
        known = self._names(client)
        if not name and len(known) == 1:
            return known[0]
        if not name:
            names = ", ".join(known) or "none at all"
            raise Refusal(400, "model_required", f"Say which model: /v1/realtime?model=NAME. You may use {names}.")
        if not client.may_use(name):
            raise Refusal(403, "model_not_allowed", f"Your key may not use {name}. It may use {', '.join(known)}.")
        if name not in known:
            raise Refusal(404, "model_not_found", f"There is no model {name}. You may use {', '.join(known)}.")
        return name

    def _names(self, client: Client) -> list[str]:
        return [name for name in self._upstream.balancer.names if client.may_use(name)]

    # -- the rest ----------------------------------------------------------------------------------------------------

    async def _models(self, request: web.Request) -> web.StreamResponse:
        """The models that the client may use, in OpenAI's words."""
        client = self._client(request)
        data = [
            {"id": name, "object": "model", "created": 0, "owned_by": self._upstream.for_model(name)[0].provider}
            for name in self._names(client)
        ]
        return web.json_response({"object": "list", "data": data})

    async def _health(self, request: web.Request) -> web.Response:
        """Whether sessions are taken; asks for no key, says nothing of anybody's, and costs no provider's session."""
        if self.draining:
            return web.json_response({"status": "draining"}, status=503)
        return web.json_response({"status": "ok"})


def _answering(handle: Handler) -> Handler:
    """Word refusals as answers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handle(request)
        except Refusal as refusal:
            _log.info("refused", path=request.path, status=refusal.status, code=refusal.code, peer=request.remote)
            return refusal.response()

    return answer


@contextmanager
def _stay(client: Client) -> Iterator[Callable[[], float]]:
    """A session of the client's, counted from here; yields what it is still allowed, in seconds."""
    now = asyncio.get_running_loop().time
    try:
        stay = client.enter(now())
    except KeyExhausted as exhausted:
        raise Refusal(429, exhausted.code, str(exhausted)) from None
    try:
        yield lambda: client.allowance(now())
    finally:
        client.leave(stay, now())


def _agreed(request: web.Request) -> list[str]:
    """The subprotocol to agree to: `realtime` where it is offered, else the first one, for browsers and Node's `ws`
    give up on a server that takes none of those they offered."""
    offered = list(protocols(request.headers))
    return ["realtime"] if "realtime" in offered else offered[:1]
