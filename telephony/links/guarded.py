"""HTTP requests to addresses that somebody else had a say in: only public ones are reached, however they are spelt.

The address is judged where the socket is made, after every name and every spelling has become one (`0x7f.1`, a DNS name
that leads to 127.0.0.1, a second lookup that answers otherwise), and it is that very socket that connects. Redirects
are followed here, one by one, so that each passes the same judgement.
"""

from __future__ import annotations

import codecs
import errno
import ipaddress
import socket
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from telephony.errors import TelephonyError

REDIRECTS = 3
"""Redirects that are followed, of requests that change nothing."""
_MOVED = frozenset({301, 302, 303, 307, 308})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
_UNICAST = ipaddress.ip_network("2000::/3")
"""RFC 4291: what has been given out of IPv6 so far."""
_METADATA = frozenset({ipaddress.ip_address("168.63.129.16"), ipaddress.ip_address("192.0.0.192")})
"""Azure's platform address: public by its number, and answered by the machine we run on. And Oracle's older one, which
only newer Pythons know for private."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unreachable(TelephonyError):
    """No answer came. The message is for the log: it may name addresses."""

    def __init__(self, message: str, *, untouched: bool = False) -> None:
        super().__init__(message)
        self.untouched = untouched
        """Whether it is certain that nothing was done."""


class GuardedRequest(msgspec.Struct, frozen=True):
    """One request. Whoever makes it bounds its time."""

    method: str
    url: str
    """Percent-encoded already; it is sent as it is."""
    headers: dict[str, str] = {}
    """For the host of `url` alone."""
    body: bytes | None = None
    limit: int = 8000
    """Bytes of the answer that are read."""
    allow_private: bool = False


class GuardedAnswer(msgspec.Struct, frozen=True):
    """What came back, whatever its status."""

    status: int
    content_type: str
    """Without parameters, in small letters, such as `application/json`."""
    text: str
    """Up to the limit; empty if the answer is none, such as an image."""
    cut: bool
    """Whether there was more."""


def why_not_public(text: str) -> str:
    """What is wrong with an IP address that must be public, such as `loopback`; empty if nothing is.

    An IPv4 address inside an IPv6 one (mapped, or behind NAT64) is judged like itself; the tunnels (6to4, Teredo) lead
    who knows where and are not public.
    """
    try:
        address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return "no IP address"
    if address.is_link_local or address in _METADATA:
        return "link-local or a cloud's metadata"
    for kind in ("loopback", "unspecified", "multicast", "private", "reserved"):
        if getattr(address, f"is_{kind}"):
            return kind
    unicast = address.version == 4 or (address in _UNICAST and not address.sixtofour and not address.teredo)
    return "" if unicast and address.is_global else "not public"


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def _socket(info: tuple[Any, ...]) -> socket.socket:
    """A socket for an address that may be reached; raise `OSError` for another."""
    family, kind, protocol, _, place = info
    if reason := why_not_public(str(place[0])):
        raise OSError(errno.EACCES, f"{place[0]} is {reason}, and allow_private is not set")
    return socket.socket(family=family, type=kind, proto=protocol)


class GuardedClient:
    """Makes such requests. Belongs to one event loop; `close` it there. Nothing is opened before the first request."""

    def __init__(self) -> None:
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def fetch(self, request: GuardedRequest) -> GuardedAnswer:
        """Make *request*, follow up to `REDIRECTS` redirects of a GET, and read the answer up to its limit.

        Raises `Unreachable`. Unbounded in time.
        """
        first = url = URL(request.url, encoded=True)
        session = self._session(request.allow_private)
        for _ in range(REDIRECTS + 1):
            own = request.headers if url.origin() == first.origin() else {}
            headers = {"Accept": "application/json, text/*;q=0.9", "Accept-Encoding": "identity", **own}
            try:
                async with session.request(
                    request.method, url, headers=headers, data=request.body, allow_redirects=False
                ) as response:
                    location = response.headers.get("Location", "")
                    if request.method != "GET" or response.status not in _MOVED or not location:
                        return await _read(response, request.limit)
            except aiohttp.ClientConnectorError as error:
                raise Unreachable(f"{url.host} cannot be reached: {error.os_error}", untouched=True) from None
            except aiohttp.InvalidURL:
                raise Unreachable(f"{url.host} is no host", untouched=True) from None
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise Unreachable(f"{url.host}: {type(error).__name__}") from None
            url = _next(url, location)
        raise Unreachable(f"{first.host} redirects more than {REDIRECTS} times")

    def _session(self, allow_private: bool) -> aiohttp.ClientSession:
        """One for each of the two rules: a connection that was allowed for one tool is not lent to another."""
        session = self._sessions.get(allow_private)
        if session is None:
            connector = aiohttp.TCPConnector(socket_factory=None if allow_private else _socket)
            session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),  # what one caller's request brought is not sent with another's
                timeout=aiohttp.ClientTimeout(total=None),
                skip_auto_headers=["User-Agent"],
            )
            self._sessions[allow_private] = session
        return session


def _next(here: URL, location: str) -> URL:
    """Where a redirect leads; raise `Unreachable` if one must not go there."""
    try:
        url = here.join(URL(location))
        origin = url.origin()
    except ValueError:
        raise Unreachable(f"{here.host} redirects to what is no URL") from None
    if origin.scheme not in ("http", "https") or (here.scheme == "https" and origin.scheme == "http"):
        raise Unreachable(f"{here.host} redirects to {origin.scheme}://, which is not followed")
    if url.user is not None or url.password is not None:
        raise Unreachable(f"{here.host} redirects to a URL with a user in it")
    return url


async def _read(response: aiohttp.ClientResponse, limit: int) -> GuardedAnswer:
    body, kind = bytearray(), response.content_type.lower()
    textual = kind.startswith("text/") or kind.endswith(("json", "xml")) or kind == "application/x-www-form-urlencoded"
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit or not textual:
            break
    text = bytes(body[:limit]).decode(_charset(response), errors="replace") if textual else ""
    return GuardedAnswer(response.status, kind if body else "", text, cut=len(body) > limit)


def _charset(response: aiohttp.ClientResponse) -> str:
    try:
        return codecs.lookup(response.charset or "utf-8").name
    except LookupError:
        return "utf-8"
