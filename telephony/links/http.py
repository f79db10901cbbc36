"""Makes the requests that carriers return as values, and says plainly what came of them.

One request gets a few seconds in all, further tries included, because a call waits for it. What may safely be done
twice is tried again; the rest only if nothing can have happened: a connection that was never made, or the answer "not
now" (429). Where something may have happened, that is what is said (`OutcomeUnknown`): whoever asked for a call or a
message must find out whether there is one before asking again.
"""

from __future__ import annotations

import asyncio
import base64
import random
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec
from yarl import URL

from telephony.commands import HttpRequest
from telephony.errors import (
    AccountRefused,
    CarrierBusy,
    CarrierError,
    CarrierGone,
    CarrierRefused,
    OutcomeUnknown,
)

BUDGET = 6.0
"""Seconds for a request, waiting and further tries included."""
TRIES = 4
FIRST_WAIT = 0.2
"""Seconds before the second try; doubled for each further one, and up to half as much again by chance."""
LONGEST_ANSWER = 1024 * 1024
"""Bytes of an answer that are read."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""Idempotent by definition (RFC 9110, 9.2.2)."""
_BY_STATUS = {401: AccountRefused, 403: AccountRefused, 404: CarrierGone, 429: CarrierBusy}


class HttpAnswer(msgspec.Struct, frozen=True):
    """What the carrier answered to a request that succeeded."""

    status: int
    body: dict[str, Any] = {}
    """The JSON object of the answer; empty if it was none."""

    @property
    def gone(self) -> bool:
        """Whether what the request was about was no longer there."""
        return self.status == 404


class _NotDone(Exception):
    """One try failed in a way that another may not."""

    def __init__(self, error: CarrierError, *, untouched: bool = False, after: float = 0.0) -> None:
        super().__init__(str(error))
        self.error = error
        self.untouched = untouched
        """Whether it is certain that the carrier did nothing."""
        self.after = after
        """Seconds the carrier asked us to wait."""


async def perform(session: aiohttp.ClientSession, request: HttpRequest, timeout: float = BUDGET) -> HttpAnswer:
    """Make *request* within *timeout* seconds.

    Raises `CarrierRefused`, or what `HttpRequest.refusals` knows it as, with the HTTP status and the carrier's own
    error code; `OutcomeUnknown` if no answer came to a request that may not be repeated; else `CarrierError`.
    """
    now = asyncio.get_running_loop().time
    deadline = now() + timeout
    repeatable = request.idempotent or request.method.upper() in _SAFE_METHODS
    patience = timeout / 2 if repeatable else timeout
    wait = FIRST_WAIT
    for attempt in range(1, TRIES + 1):
        try:
            async with asyncio.timeout(min(patience, deadline - now())):
                return await _once(session, request)
        except TimeoutError:
            failure = _NotDone(CarrierError(f"{_who(request)} gave no answer within {timeout:g} s"))
        except _NotDone as not_done:
            failure = not_done
        pause = max(wait * random.uniform(1.0, 1.5), failure.after)  # noqa: S311  jitter guards nothing
        if attempt == TRIES or not (repeatable or failure.untouched) or now() + pause >= deadline:
            break
        await asyncio.sleep(pause)
        wait *= 2
    if isinstance(failure.error, CarrierRefused) or repeatable or failure.untouched:
        raise failure.error
    raise OutcomeUnknown(f"{failure.error}; it may have been done all the same")


async def _once(session: aiohttp.ClientSession, request: HttpRequest) -> HttpAnswer:
    headers = {"Accept": "application/json"}
    if request.auth:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(request.auth).encode()).decode()
    if request.form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        async with session.request(
            request.method,
            URL(request.url, encoded=True),  # as the carrier's code wrote it
            data=urlencode(request.form) if request.form else None,
            headers=headers,
            allow_redirects=False,
        ) as response:
            body = await _json_object(response)
            return _judge(request, response, body)
    except aiohttp.ClientConnectorError as problem:
        error = CarrierError(f"{_who(request)} cannot be reached: {problem.strerror or type(problem).__name__}")
        raise _NotDone(error, untouched=True) from None
    except (aiohttp.ClientError, OSError) as problem:
        raise _NotDone(CarrierError(f"{_who(request)} broke off: {type(problem).__name__}")) from None


def _judge(request: HttpRequest, response: aiohttp.ClientResponse, body: dict[str, Any]) -> HttpAnswer:
    """The answer, or the refusal it stands for."""
    status = response.status
    if 200 <= status < 300 or (status == 404 and request.gone_is_success):
        return HttpAnswer(status, body)
    code = body.get("code")
    told = f": {ascii(body['message'][:200])[1:-1]}" if isinstance(body.get("message"), str) else ""
    number = code if isinstance(code, int) else 0
    kind = request.refusals.get(number) or _BY_STATUS.get(status, CarrierRefused)
    refusal = kind(
        f"{_who(request)} answered HTTP {status}" + (f", error {number}" if number else "") + told, status, number
    )
    if status == 429 or status >= 500:
        raise _NotDone(refusal, untouched=status == 429, after=_retry_after(response))
    raise refusal


async def _json_object(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """The JSON object in an answer, or an empty one: an error page of a proxy is no reason to fail differently."""
    raw = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        raw += chunk
        if len(raw) > LONGEST_ANSWER:
            return {}
    try:
        body = msgspec.json.decode(bytes(raw))
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after(response: aiohttp.ClientResponse) -> float:
    """Seconds of a `Retry-After` header; its other form, a date, is ignored."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() and len(text) < 6 else 0.0


def _who(request: HttpRequest) -> str:
    """Whom we asked for what, without anything secret."""
    host = urlsplit(request.url).netloc.rpartition("@")[2]
    return f"{request.purpose or request.method}: {host}"
