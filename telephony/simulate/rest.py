"""Twilio's REST API for calls that go on in a simulation: look one up, hang it up, give it new instructions.

It is as strict as the real one and answers as the real one does, so that a mistake in a request shows here first:
`{"code": 20404, "message": …, "more_info": …, "status": 404}`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from email.utils import format_datetime
from typing import Any, Self

from aiohttp import web

from telephony.simulate.live import LiveCall, Source

log = logging.getLogger(__name__)

MOST_CALLS = 1000
"""Calls that are remembered; beyond it the oldest that is over is forgotten."""
LONGEST_TWIML = 4000
"""Characters (Twilio docs, "Update a call resource")."""
FORM = "application/x-www-form-urlencoded"

UNAUTHORISED, NOT_FOUND, NOT_ALLOWED = 20003, 20404, 20004
UNKNOWN_PARAMETER, INVALID_PARAMETER = 20001, 20001
NOT_IN_PROGRESS = 21220
UNSUPPORTED = 20415
TWIML_INVALID = 12100

UPDATE = (
    "Status",
    "Url",
    "Method",
    "Twiml",
    "FallbackUrl",
    "FallbackMethod",
    "StatusCallback",
    "StatusCallbackMethod",
    "TimeLimit",
)
"""Parameters of an update (Twilio's OpenAPI description, `UpdateCall`)."""


class TwilioRest:
    """A REST server on loopback for one account. Use it as `async with TwilioRest(…) as rest`, or `start` and `close`
    it; *base_url* then goes where `https://api.twilio.com` would."""

    def __init__(self, account_sid: str, auth_token: str, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.account_sid = account_sid
        self.base_url = ""
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and form of every request that was taken, for tests to look at."""
        self._auth_token = auth_token
        self._address = (host, port)
        self._calls: dict[str, LiveCall] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        app = web.Application(middlewares=[self._errors], client_max_size=64 * 1024)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, keepalive_timeout=15)
        await self._runner.setup()
        host, port = self._address
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self.base_url = f"http://{host}:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def add(self, live: LiveCall) -> None:
        """Make a call known. Its outcome stays readable when it is over."""
        if len(self._calls) >= MOST_CALLS:
            over = next((sid for sid, call in self._calls.items() if call.over), None)
            self._calls.pop(over or next(iter(self._calls)))
        self._calls[live.sid] = live

    # -- answering -------------------------------------------------------------------------------------------------

    @web.middleware
    async def _errors(self, request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            answer: web.StreamResponse = await handler(request)
        except _RefusedError as refused:
            return refused.response()
        return answer

    async def _answer(self, request: web.Request) -> web.Response:
        self._authorise(request)
        match request.path.strip("/").split("/"):
            case ["2010-04-01", "Accounts", account, "Calls", file] if account == self.account_sid:
                live = self._calls.get(file.removesuffix(".json"))
            case _:
                live = None
        if live is None or not request.path.endswith(".json"):
            raise _RefusedError(404, NOT_FOUND, f"The requested resource {request.path} was not found")
        if request.method == "GET":
            return web.json_response(_resource(live))
        if request.method != "POST":
            raise _RefusedError(405, NOT_ALLOWED, f"{request.method} is not allowed on this resource")
        form = await self._form(request)
        self.requests.append((request.method, request.path, form))
        self._update(live, form)
        return web.json_response(_resource(live))

    def _authorise(self, request: web.Request) -> None:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
        except binascii.Error:
            given = b""
        if not hmac.compare_digest(given, f"{self.account_sid}:{self._auth_token}".encode()):
            raise _RefusedError(401, UNAUTHORISED, "Authenticate")

    async def _form(self, request: web.Request) -> dict[str, str]:
        if request.content_type != FORM:
            raise _RefusedError(415, UNSUPPORTED, f"Content type {request.content_type} is not supported; send {FORM}")
        form: dict[str, str] = {}
        for name, value in (await request.post()).items():
            if name not in UPDATE:
                raise _RefusedError(400, UNKNOWN_PARAMETER, f"Parameter '{name}' is not known for this resource")
            if name in form or not isinstance(value, str):
                raise _RefusedError(400, INVALID_PARAMETER, f"Parameter '{name}' was given twice")
            form[name] = value
        return form

    def _update(self, live: LiveCall, form: dict[str, str]) -> None:
        _check(form)
        if form.get("Status") in ("completed", "canceled"):
            # Twilio no longer finds a call that is over; clients take that for success.
            if live.over:
                raise _RefusedError(404, NOT_FOUND, f"The requested resource {live.sid} was not found")
            if form["Status"] == "canceled" and live.status != "ringing":
                raise _RefusedError(400, NOT_IN_PROGRESS, "Call is not queued or ringing. Cannot cancel.")
            live.tell("hang up")
        elif "Twiml" in form or "Url" in form:
            if live.over or live.status != "in-progress":
                raise _RefusedError(400, NOT_IN_PROGRESS, "Call is not in-progress. Cannot redirect.")
            live.tell(Source(form.get("Url", ""), form.get("Method", "POST"), form.get("Twiml", "")))
        if "TimeLimit" in form:
            live.time_limit = float(form["TimeLimit"])
            live.attention.set()


def _check(form: dict[str, str]) -> None:
    """Raise for values that Twilio would not take."""
    if form.get("Status", "completed") not in ("completed", "canceled"):
        raise _RefusedError(400, INVALID_PARAMETER, f"Status '{form['Status']}' is neither completed nor canceled")
    if sum(name in form for name in ("Status", "Url", "Twiml")) > 1:
        raise _RefusedError(400, INVALID_PARAMETER, "Status, Url and Twiml exclude one another")
    for name in ("Method", "FallbackMethod", "StatusCallbackMethod"):
        if form.get(name, "POST") not in ("GET", "POST"):
            raise _RefusedError(400, INVALID_PARAMETER, f"{name} '{form[name]}' is neither GET nor POST")
    for name in ("Url", "FallbackUrl", "StatusCallback"):
        if name in form and not form[name].startswith(("http://", "https://")):
            raise _RefusedError(400, INVALID_PARAMETER, f"{name} '{form[name]}' is not an http(s) address")
    if len(form.get("Twiml", "")) > LONGEST_TWIML:
        raise _RefusedError(400, INVALID_PARAMETER, f"Twiml exceeds {LONGEST_TWIML} characters")
    limit = form.get("TimeLimit", "1")
    if not (limit.isascii() and limit.isdigit() and 0 < int(limit) <= 86_400):
        raise _RefusedError(400, INVALID_PARAMETER, f"TimeLimit '{limit}' is not a number of seconds")


def _resource(live: LiveCall) -> dict[str, Any]:
    """A call resource: Twilio's fields, as far as a simulated call has them."""
    ended = live.ended
    return {
        "sid": live.sid,
        "account_sid": live.account_sid,
        "api_version": "2010-04-01",
        "from": live.from_number,
        "to": live.to_number,
        "status": live.status,
        "direction": "inbound",
        "start_time": format_datetime(live.began),
        "end_time": format_datetime(ended) if ended else None,
        "duration": str(live.duration) if ended else None,
        "price": None,
        "price_unit": "USD",
        "parent_call_sid": None,
        "answered_by": None,
        "uri": f"/2010-04-01/Accounts/{live.account_sid}/Calls/{live.sid}.json",
    }


class _RefusedError(Exception):
    """An answer with Twilio's error body."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self._body = {
            "code": code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }

    def response(self) -> web.Response:
        log.debug("REST request refused: %s", self)
        return web.json_response(self._body, status=int(str(self._body["status"])))
