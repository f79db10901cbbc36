"""The way from Twilio to us: name, connection, certificate, a signed webhook and a WebSocket through whatever is there.

Requests are signed as Twilio signs them, by the code of the simulated Twilio, and sent to the public URL. Whoever
answers at the port judges them by the code that judges calls. What goes wrong is told by its cause, as far as it shows:
in the answer, in how the request arrived, and in what the same request comes to when it is made without the way.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import SplitResult, urlencode, urlsplit

import aiohttp
import msgspec

from telephony.doctor.certificate import certificate
from telephony.doctor.finding import Finding, amber, green, reason, red, skipped
from telephony.doctor.standin import NONCE, Arrival, Here
from telephony.server.reception import MEDIA
from telephony.server.webhooks import STATUS
from telephony.settings import Settings
from telephony.simulate.signature import HEADER, sign_upgrade, sign_webhook

PUBLIC, CERTIFICATE, SIGNATURE, WEBSOCKET = "public url", "certificate", "signature", "websocket"
PATIENCE = 8.0
"""Seconds for each request, connection and TLS included."""
FORM_TYPE = "application/x-www-form-urlencoded"
REDIRECTS = (301, 302, 303, 307, 308)
GATEWAY_ERRORS = (502, 503, 504, 521, 522, 523, 530)
"""What a proxy says whose server is not there; those above 520 are Cloudflare's."""


class Answer(msgspec.Struct, frozen=True):
    """What came of a request."""

    status: int = 0
    """HTTP status; 101 for a socket that was opened, 0 if there was no answer."""
    problem: str = ""
    """Why there was none, or why the socket was of no use."""
    location: str = ""
    server: str = ""
    """The answering program's own name for itself."""
    arrival: Arrival | None = None
    """How the request came to the stand-in."""


class Way:
    """The way to *here* through the public URL of the settings. *tls* trusts whom this machine trusts."""

    def __init__(self, settings: Settings, here: Here, session: aiohttp.ClientSession, tls: ssl.SSLContext) -> None:
        self._url = settings.public_url
        self._token = settings.twilio.auth_token.get_secret_value()
        self._account = settings.twilio.account_sid
        self._here = here
        self._session = session
        self._tls = tls

    async def look(self) -> Sequence[Finding]:
        """Each step leaves those out that stand on it: one cause, one red line."""
        if not self._url:
            return [skipped(PUBLIC, "PUBLIC_URL is not set"), *_stopped(PUBLIC, CERTIFICATE, SIGNATURE, WEBSOCKET)]
        url = urlsplit(self._url)
        reached = await _reached(url)
        if reached.state == "red":
            return [reached, *_stopped(PUBLIC, CERTIFICATE, SIGNATURE, WEBSOCKET)]
        shown = await self._certificate(url)
        found = [reached, shown]
        if shown.state == "red":
            return [*found, *_stopped(CERTIFICATE, SIGNATURE, WEBSOCKET)]
        if not self._token:
            return [*found, *_stopped("TWILIO_AUTH_TOKEN", SIGNATURE, WEBSOCKET)]
        if self._here.who == "nobody":
            return [*found, *_stopped("port", SIGNATURE, WEBSOCKET)]
        signature = await self._signature()
        if signature.state == "red":
            return [*found, signature, *_stopped(SIGNATURE, WEBSOCKET)]
        return [*found, signature, await self._websocket()]

    async def _certificate(self, url: SplitResult) -> Finding:
        if url.scheme != "https":
            return skipped(CERTIFICATE, "http has none")
        try:
            return await certificate(str(url.hostname), url.port or 443, self._tls)
        except (OSError, TimeoutError) as error:
            remedy = "Ask again; if it stays so, look at the proxy's log."
            return red(CERTIFICATE, f"{url.netloc} does not finish the TLS handshake: {reason(error)}", remedy)

    # -- a webhook -----------------------------------------------------------------------------------------------------

    async def _signature(self) -> Finding:
        signed = await self._post(self._url)
        if signed.status != 204:
            return self._blame(SIGNATURE, signed, await self._directly(self._post), "POST", STATUS)
        unsigned = await self._post(self._url, signed=False)
        if unsigned.status != 403:
            remedy = "Only this program may answer at PUBLIC_URL: whoever finds another one could start calls there."
            return red(SIGNATURE, f"an unsigned webhook was answered {unsigned.status} and not 403", remedy)
        if self._here.who == "stand-in" and signed.arrival is None:
            remedy = (
                f"Fine if telephony runs on another machine or in another container. If not: pass to {self._address}."
            )
            return amber(SIGNATURE, "a telephony answers at PUBLIC_URL, but not the one at this port", remedy)
        return green(SIGNATURE, "a signed webhook is taken and an unsigned one refused")

    async def _post(self, base: str, *, signed: bool = True) -> Answer:
        """The end of a call that nobody knows, as Twilio would tell of it; signed for the public URL."""
        form = [
            ("AccountSid", self._account),
            ("CallSid", "CA" + secrets.token_hex(16)),
            ("CallStatus", "completed"),
            ("CallDuration", "0"),
            ("From", ""),
        ]
        headers = {"Content-Type": FORM_TYPE}
        if signed:
            headers[HEADER] = sign_webhook(self._token, self._url + STATUS, form)
        nonce = self._announced(headers)
        try:
            async with self._session.post(
                base + STATUS,
                data=urlencode(form),
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=PATIENCE),
                ssl=self._tls,
            ) as response:
                return self._answer(response.status, response.headers, nonce)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(problem=reason(error), arrival=self._here.arrivals.pop(nonce, None))

    # -- a WebSocket ---------------------------------------------------------------------------------------------------

    async def _websocket(self) -> Finding:
        signed = await self._upgrade(self._url)
        if signed.status != 101 or signed.problem:
            return self._blame(WEBSOCKET, signed, await self._directly(self._upgrade), "GET", MEDIA)
        unsigned = await self._upgrade(self._url, signed=False)
        if unsigned.status == 101:
            remedy = "Only this program may answer at PUBLIC_URL: anybody could connect to what is there."
            return red(WEBSOCKET, "an unsigned upgrade was accepted", remedy)
        return green(
            WEBSOCKET, "a signed upgrade is accepted, carries messages both ways, and an unsigned one is refused"
        )

    async def _upgrade(self, base: str, *, signed: bool = True) -> Answer:
        """Open a media socket and say something that is answered: the stand-in sends it back, and a server closes the
        socket of a stream that stops before it began."""
        headers: dict[str, str] = {}
        if signed:
            headers[HEADER] = sign_upgrade(self._token, "ws" + self._url.removeprefix("http") + MEDIA)
        nonce, answer = self._announced(headers), Answer()
        try:
            async with (
                asyncio.timeout(PATIENCE),
                self._session.ws_connect(
                    base + MEDIA, headers=headers, ssl=self._tls, timeout=aiohttp.ClientWSTimeout(ws_close=2.0)
                ) as link,
            ):
                answer = self._answer(101, {}, nonce)
                await link.send_json({"event": "stop", "sequenceNumber": "1"})
                reply = await link.receive()
                if reply.type is aiohttp.WSMsgType.TEXT or link.close_code == 1008:
                    return answer
                return msgspec.structs.replace(answer, problem=f"closed with {link.close_code}")
        except aiohttp.WSServerHandshakeError as refusal:
            return self._answer(refusal.status, refusal.headers or {}, nonce, str(refusal.message))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            arrival = answer.arrival or self._here.arrivals.pop(nonce, None)
            return msgspec.structs.replace(answer, problem=reason(error), arrival=arrival)

    # -- whose fault it is ---------------------------------------------------------------------------------------------

    def _announced(self, headers: dict[str, str]) -> str:
        nonce = headers[NONCE] = secrets.token_hex(8)
        self._here.arrivals[nonce] = None
        return nonce

    def _answer(self, status: int, headers: Mapping[str, str], nonce: str, problem: str = "") -> Answer:
        arrival = self._here.arrivals.pop(nonce, None)
        location, server = headers.get("Location", ""), headers.get("Server", "")
        return Answer(status, problem, location[:200], server[:60], arrival)

    async def _directly(self, ask: Callable[[str], Awaitable[Answer]]) -> Answer | None:
        """The same request without the way, where a running server is what answers."""
        return await ask(self._here.address) if self._here.who == "telephony" else None

    @property
    def _address(self) -> str:
        return self._here.address

    def _blame(self, name: str, answer: Answer, direct: Answer | None, method: str, path: str) -> Finding:
        """Why a request that we signed was not taken, in the order in which causes rule each other out."""
        if answer.status in REDIRECTS:
            remedy = "Write the address it leads to into PUBLIC_URL, without a path: signatures hold for one address."
            return red(name, f"{self._url} redirects to {answer.location or 'somewhere else'}", remedy)
        if direct is not None and direct.status == 403:
            remedy = "Restart it with these settings, or ask with its own: same folder, same environment."
            told = (
                "the running server does not take what these settings sign: its PUBLIC_URL or TWILIO_AUTH_TOKEN differs"
            )
            return red(name, told, remedy)
        if answer.arrival is not None:
            return _changed(name, answer, answer.arrival, method, path)
        told = f"answers {answer.status}" if answer.status else f"gives no answer ({answer.problem})"
        told += f" ({answer.server})" if answer.server else ""
        if answer.status in GATEWAY_ERRORS or not answer.status:
            remedy = f"Let it pass requests to {self._address}. In a container, 127.0.0.1 is the container itself."
            return red(name, f"what is at {self._url} {told}: it does not get through to this program", remedy)
        if direct is not None and answer.status == 403:
            remedy = f"Let it pass the path as it is, and every header, {HEADER} among them."
            told = "the server takes it directly and refuses it by PUBLIC_URL: something on the way changes it"
            return red(name, told, remedy)
        if direct is not None and name == WEBSOCKET and answer.status in (400, 426):
            return red(name, "something on the way swallows the upgrade to a WebSocket", _UPGRADING)
        remedy = (
            f"Is PUBLIC_URL the address of your proxy or tunnel as it is now? Let it pass {path} to {self._address}."
        )
        return red(name, f"PUBLIC_URL leads elsewhere: what is at {self._url} {told}", remedy)


_UPGRADING = (
    "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; "
    "Cloudflare: Network, WebSockets on."
)


def _changed(name: str, answer: Answer, arrival: Arrival, method: str, path: str) -> Finding:
    """What has become of a request on its way to the stand-in."""
    came, _, query = arrival.path.partition("?")
    if came != path or query:
        remedy = (
            "Let the proxy pass the path as it is (nginx: proxy_pass without a path; Caddy: handle, not handle_path)."
        )
        return red(name, f"the proxy changes the path: {path} arrives as {arrival.path[:100]}", remedy)
    if arrival.method != method:
        return red(name, f"the proxy makes {arrival.method} of {method}", "Let it pass the method as it is.")
    if HEADER.lower() not in arrival.headers:
        return red(name, f"the proxy drops the header {HEADER}", "Let it pass every header on.")
    if name == WEBSOCKET and arrival.headers.get("upgrade", "").lower() != "websocket":
        return red(name, "the proxy drops the header Upgrade, without which there is no WebSocket", _UPGRADING)
    if not arrival.genuine:
        remedy = "Let it pass the body and every header as they are; no firewall or rewriting rule may touch them."
        return red(name, "the request was changed on its way, so that its signature does not hold", remedy)
    if answer.status == 101:
        remedy = "Turn buffering off for this path, and allow sockets to live: nginx: proxy_read_timeout 3700s."
        return red(name, f"the socket opens and no message comes through it ({answer.problem})", remedy)
    told = f"it arrives as it should, and yet what is on the way answers {answer.status or answer.problem}"
    return red(name, told, "Look at the log of the proxy or the tunnel.")


def _stopped(because: str, *names: str) -> list[Finding]:
    return [skipped(name, f"see {because}") for name in names if name != because]


async def _reached(url: SplitResult) -> Finding:
    """Whether the name leads to somebody who takes connections."""
    host, port = str(url.hostname), url.port or (443 if url.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(PATIENCE):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        remedy = "Add its A record, or correct PUBLIC_URL. A tunnel that was started anew may have another name now."
        return red(PUBLIC, f"the name {host} does not resolve", remedy)
    except TimeoutError:
        return red(PUBLIC, f"the name {host} does not resolve in time", "Look at this machine's name server.")
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        remedy = f"Open port {port} in the firewall and the cloud's security group; a router may also not lead back in."
        return red(PUBLIC, f"{host}:{port} ({', '.join(addresses)}) does not answer", remedy)
    except OSError as error:
        remedy = "Start the proxy or the tunnel, or correct PUBLIC_URL."
        return red(PUBLIC, f"nobody listens at {host}:{port} ({reason(error)})", remedy)
    writer.close()
    return judge_address(url, addresses)


def judge_address(url: SplitResult, addresses: Sequence[str]) -> Finding:
    """What Twilio would make of an address that answers here."""
    told = f"{url.scheme}://{url.netloc} is at {', '.join(addresses)}"
    known = [ipaddress.ip_address(address.partition("%")[0]) for address in addresses]
    if known and all(address.is_loopback for address in known):
        remedy = "Enough for simulated callers. For a real number, set PUBLIC_URL to an address on the internet."
        return amber(PUBLIC, f"{told}, this machine's own", remedy)
    if known and not any(address.is_global for address in known):
        remedy = "Fine if the name leads elsewhere on the internet. If not, take a public address or a tunnel."
        return amber(PUBLIC, f"{told}, where only this network comes to", remedy)
    if url.port not in (None, 443):
        remedy = "Listen on 443: Twilio documents no other port for media streams."
        return amber(PUBLIC, told, remedy)
    return green(PUBLIC, told)
