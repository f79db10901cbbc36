"""Which address a simulated Twilio signs and which it really connects to. They differ where a tunnel would stand."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from telephony.errors import ConfigurationError

_WEBSOCKET = {"https": "wss", "http": "ws"}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Route:
    """*webhook_url* is where the program can be reached, *public_url* what it believes its address to be (unless given,
    the same), and *connect_to* the base of what is really connected to (unless given, the webhook's).

    Addresses of either host are signed as public and dialled at the base; any other is used as it is.

    Raises:
        ConfigurationError: one of them is no http(s) address.
    """

    def __init__(self, webhook_url: str, public_url: str | None = None, connect_to: str | None = None) -> None:
        self._public = _base(public_url or webhook_url, "public_url")
        self._base = _base(connect_to or webhook_url, "connect_to")
        self._ours = {self._public.netloc, self._base.netloc, urlsplit(webhook_url).netloc}

    def signed(self, url: str) -> str:
        """*url* as Twilio knows it."""
        parts = urlsplit(url)
        if parts.netloc not in self._ours:
            return url
        websocket = parts.scheme in ("ws", "wss")
        scheme = _WEBSOCKET[self._public.scheme] if websocket else self._public.scheme
        return urlunsplit((scheme, self._public.netloc, parts.path, parts.query, ""))

    def dialled(self, url: str) -> str:
        """*url* as it can be reached, without a fragment."""
        parts = urlsplit(url)
        if parts.netloc not in self._ours:
            return urlunsplit(parts._replace(fragment=""))
        websocket = parts.scheme in ("ws", "wss")
        scheme = _WEBSOCKET[self._base.scheme] if websocket else self._base.scheme
        return urlunsplit((scheme, self._base.netloc, parts.path, parts.query, ""))

    def host(self, url: str) -> str:
        """What the `Host` header says: the public name, as a tunnel passes it on."""
        return urlsplit(self.signed(url)).netloc.rpartition("@")[2]


def resolve(base: str, url: str) -> str:
    """An address in a TwiML document that was fetched from *base*, which it may be relative to."""
    return urljoin(base, url)


def loopback(url: str) -> bool:
    """Whether *url* is on this machine and thus beyond Twilio's reach."""
    return urlsplit(url).hostname in LOOPBACK


def _base(url: str, key: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in _WEBSOCKET or not parts.hostname:
        raise ConfigurationError(key, f"{url!r} is no http(s) address", "Give one such as http://127.0.0.1:8080.")
    return parts
