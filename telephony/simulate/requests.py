"""The requests that Twilio makes during a call: for instructions, and to tell how things stand. All of them are signed.

Header for header and field for field they are what a real webhook brings, blank fields included.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlencode

import aiohttp
import msgspec
from yarl import URL

from telephony.simulate.live import LiveCall
from telephony.simulate.route import Route
from telephony.simulate.signature import HEADER, sign_webhook

TIMEOUT = 15.0
"""Seconds that Twilio waits for any answer (Twilio docs, "Webhooks: connection overrides")."""
USER_AGENT = "TwilioProxy/1.1"
RETRIEVAL_FAILURE = 11200
"""Twilio: the address could not be reached or did not answer with success."""
CONTENT_TYPE = 12300
"""Twilio: the answer's content type is not one it takes for TwiML."""
XML = ("text/xml", "application/xml", "text/html")
"""Content types in which Twilio looks for TwiML."""

Fields = list[tuple[str, str]]


class Exchange(msgspec.Struct, frozen=True):
    """A request and what came of it."""

    purpose: str
    """`voice`, `action`, `redirect`, `stream-started`, `stream-stopped`, `stream-error`, `completed`."""
    url: str
    """As signed."""
    status: int = 0
    """HTTP status; 0 if there was no answer."""
    body: str = ""
    problem: str = ""
    """Why it cannot be used; empty if it can."""
    code: int = 0
    """Twilio's number for the problem."""
    refused: bool = False
    """Whether nothing listens at the address."""
    seconds: float = 0.0
    """How long the answer took."""


class Courier:
    """Makes one call's requests over *session*."""

    def __init__(self, session: aiohttp.ClientSession, route: Route, live: LiveCall, auth_token: str) -> None:
        self._session = session
        self.route = route
        self._live = live
        self.auth_token = auth_token
        self.made: list[Exchange] = []
        """Every request so far."""

    async def instructions(self, purpose: str, url: str, method: str = "POST", extra: Fields | None = None) -> Exchange:
        """Ask for TwiML. The answer's problem is set unless it is a success in XML."""
        answer, content_type = await self._request(purpose, method, url, [*call_fields(self._live), *(extra or [])])
        if not answer.problem and content_type not in XML:
            problem = f"{purpose}: {url} answered with content type {content_type!r}; TwiML is text/xml"
            answer = msgspec.structs.replace(answer, problem=problem, code=CONTENT_TYPE)
        self.made.append(answer)
        return answer

    async def tell(self, purpose: str, url: str, method: str, fields: Fields) -> Exchange:
        """Tell how things stand; the answer's content does not matter."""
        answer, _ = await self._request(purpose, method, url, fields)
        self.made.append(answer)
        return answer

    async def _request(self, purpose: str, method: str, url: str, fields: Fields) -> tuple[Exchange, str]:
        signed = self.route.signed(url)
        target = self.route.dialled(url)
        if method == "GET":
            query = ("&" if "?" in signed else "?") + urlencode(fields)
            signed, target = signed + query, target + query
        signature = sign_webhook(self.auth_token, signed, fields if method == "POST" else ())
        headers = {
            "Host": self.route.host(url),
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "gzip",
            "x-home-region": "us1",
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
            HEADER: signature,
        }
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        body = urlencode(fields).encode() if method == "POST" else None
        began = asyncio.get_running_loop().time()
        exchange, content_type = await self._send(Exchange(purpose, signed), method, target, headers, body)
        seconds = asyncio.get_running_loop().time() - began
        return msgspec.structs.replace(exchange, seconds=seconds), content_type

    async def _send(
        self, exchange: Exchange, method: str, target: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[Exchange, str]:
        """One request, and one more if no connection came about (Twilio's default retry policy is `ct`, once)."""
        try:
            async with asyncio.timeout(TIMEOUT):
                for last in (False, True):
                    try:
                        return await self._attempt(exchange, method, target, headers, body)
                    except aiohttp.ClientConnectorError:
                        if last:
                            raise
        except aiohttp.ClientConnectorError as error:
            exchange = msgspec.structs.replace(exchange, refused=isinstance(error.os_error, ConnectionRefusedError))
            problem = f"{exchange.purpose}: {exchange.url} cannot be used ({error})"
        except TimeoutError:
            problem = f"{exchange.purpose}: {exchange.url} did not answer within {TIMEOUT:g} s"
        except (aiohttp.ClientError, UnicodeDecodeError) as error:
            problem = f"{exchange.purpose}: {exchange.url} cannot be used ({error})"
        return msgspec.structs.replace(exchange, problem=problem, code=RETRIEVAL_FAILURE), ""

    async def _attempt(
        self, exchange: Exchange, method: str, target: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[Exchange, str]:
        address = URL(target, encoded=True)  # as it was signed, not as a library would rather write it
        async with self._session.request(
            method, address, data=body, headers=headers, allow_redirects=False
        ) as response:
            text = await response.text()
            problem = "" if response.status in range(200, 300) else f"answered {response.status}"
            if problem:
                problem = f"{exchange.purpose}: {exchange.url} {problem}"
            answered = msgspec.structs.replace(
                exchange, status=response.status, body=text, problem=problem, code=RETRIEVAL_FAILURE if problem else 0
            )
            return answered, response.content_type


# -- the fields ----------------------------------------------------------------------------------------------------


def call_fields(live: LiveCall) -> Fields:
    """What every request for instructions says of the call. Twilio looks the places up; a simulated caller is from Los
    Angeles and the number called has none."""
    caller, called = live.from_number, live.to_number
    place = {"City": "LOS ANGELES", "State": "CA", "Zip": "91604", "Country": "US"}
    nowhere = {"City": "", "State": "CA", "Zip": "", "Country": "US"}
    return [
        ("AccountSid", live.account_sid),
        ("ApiVersion", "2010-04-01"),
        ("CallSid", live.sid),
        ("CallStatus", live.status),
        ("CallToken", '{"parentCallInfoToken":"simulated","identityHeaderTokens":[]}'),
        ("Direction", live.direction),
        *([("StirVerstat", "TN-Validation-Passed-A")] if live.direction == "inbound" else []),
        *([("ParentCallSid", live.parent_sid)] if live.parent_sid else []),
        *([("AnsweredBy", live.answered_by)] if live.answered_by else []),
        *[(side, caller) for side in ("From", "Caller")],
        *[(side, called) for side in ("To", "Called")],
        *[(f"{side}{what}", value) for side in ("From", "Caller") for what, value in place.items()],
        *[(f"{side}{what}", value) for side in ("To", "Called") for what, value in nowhere.items()],
    ]


def stream_fields(live: LiveCall, stream_sid: str, name: str, event: str, error: str = "") -> Fields:
    """What `<Stream statusCallback>` is told. *event* is `stream-started`, `stream-stopped` or `stream-error`."""
    fields = [
        ("AccountSid", live.account_sid),
        ("CallSid", live.sid),
        ("StreamSid", stream_sid),
        ("StreamName", name or stream_sid),
        ("StreamEvent", event),
        ("Timestamp", datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")),
    ]
    return [*fields, ("StreamError", error)] if error else fields


def completed_fields(live: LiveCall) -> Fields:
    """What the number's status callback is told when the call is over. `Duration` is in minutes, rounded up."""
    return [
        *call_fields(live),
        ("CallDuration", str(live.duration)),
        ("Duration", str(-(-live.duration // 60))),
        ("CallbackSource", "call-progress-events"),
        ("SequenceNumber", "0"),
        ("Timestamp", format_datetime(datetime.now(UTC))),
    ]
