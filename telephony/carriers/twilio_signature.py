"""Whether a request is Twilio's: the signatures of webhooks and of WebSocket upgrades.

Both are an HMAC over the URL as Twilio knows it, which is never the URL our process sees behind a proxy that ends TLS.
So they are checked against the configured public URL and no header says otherwise (`Host`, `X-Forwarded-*`).

Webhooks go through the `twilio` package. It does not know WebSockets (it takes `wss` for plain HTTP and appends port
80), so the upgrade's signature is computed here: the same HMAC, without parameters, over every spelling of our own
media URL that Twilio is known to sign.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import SplitResult, parse_qs, urlsplit

import msgspec
from twilio.request_validator import RequestValidator

from telephony.errors import ConfigurationError
from telephony.settings import TwilioSettings

SIGNATURE = "X-Twilio-Signature"
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"
"""Present on requests signed with a shared key: `key=<id>,algorithm=HMAC_SHA256`."""

_HASHES = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}
_DEFAULT_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
_WEBSOCKET = {"https": ("wss", "https"), "http": ("ws", "http")}


class PublicUrl(msgspec.Struct, frozen=True):
    """Where Twilio reaches us, taken apart once."""

    scheme: str
    host: str
    """As written, without port or credentials: Twilio drops those from what it signs."""
    port: int | None
    prefix: str
    """Path before our own paths, without a slash at its end; mostly empty."""

    @classmethod
    def parse(cls, text: str) -> PublicUrl:
        """Read `public_url`; raise `ConfigurationError` if no signature could ever match it."""
        remedy = "Set PUBLIC_URL to the address Twilio calls, such as https://voice.example.com."
        try:
            parts: SplitResult = urlsplit(text.strip())
            port = parts.port
        except ValueError as problem:
            raise ConfigurationError("public_url", f"it is no URL ({problem})", remedy) from None
        host = parts.netloc.rpartition("@")[2]
        if port is not None:
            host = host.rpartition(":")[0]
        if parts.scheme not in _WEBSOCKET or not parts.hostname:
            raise ConfigurationError("public_url", f"{text!r} is no http(s) address", remedy)
        if parts.query or parts.fragment:
            raise ConfigurationError("public_url", "it has a query or a fragment, which Twilio would not sign", remedy)
        return cls(parts.scheme, host.rstrip(":"), port, parts.path.rstrip("/"))

    def webhook(self, path: str, query: str) -> str:
        """The URL of a webhook as Twilio signs it."""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{self.host}{port}{self.prefix}{path}" + (f"?{query}" if query else "")

    def media(self, path: str) -> list[str]:
        """Every spelling of a media URL that Twilio may have signed; all of them are ours.

        Twilio: "if you have trouble verifying a WSS handshake, try appending a trailing slash to the URL".
        """
        path = self.prefix + path
        paths = dict.fromkeys((path, path.rstrip("/") + "/", path.rstrip("/")))
        ports = dict.fromkeys((f":{self.port or _DEFAULT_PORTS[self.scheme]}", ""))
        places = [f"{scheme}://{self.host}{port}" for scheme in _WEBSOCKET[self.scheme] for port in ports]
        return [place + spelling for place in places for spelling in paths]


class Signatures:
    """Checks signatures with the secrets of one account: the auth token, its successor, and shared keys."""

    def __init__(self, urls: Iterable[PublicUrl], settings: TwilioSettings) -> None:
        """*urls*: wherever Twilio reaches us."""
        self._urls = tuple(urls)
        tokens = (settings.auth_token.get_secret_value(), settings.auth_token_secondary.get_secret_value())
        # An empty token is no token: anyone can sign with an empty key.
        self._tokens = tuple(token for token in tokens if token)
        shared = {key: secret.get_secret_value() for key, secret in settings.shared_keys.items()}
        self._shared_keys = {key: secret for key, secret in shared.items() if secret}

    def genuine_webhook(
        self, path: str, query: str, headers: Mapping[str, str], form: Sequence[tuple[str, str]], body: bytes
    ) -> bool:
        """Whether Twilio signed a webhook request.

        *path* and *query* are raw, as they stood in the request line. *form* holds every posted pair, blank ones too
        (`keep_blank_values`), or nothing if *body* is not a form; then the URL's `bodySHA256` must vouch for *body*.
        """
        if not form and body and not _body_vouched_for(query, body):
            return False
        signature, secrets, algorithm = self._claim(headers)
        urls = [url.webhook(path, query) for url in self._urls]
        parameters = _Parameters(form)
        try:
            results = [
                RequestValidator(secret).validate(url, parameters, signature, algorithm)
                for secret in secrets
                for url in urls
            ]
        except UnicodeEncodeError:  # half a surrogate pair has no UTF-8, so nobody can have signed it
            return False
        return bool(signature) and any(results)

    def genuine_media(self, path: str, headers: Mapping[str, str]) -> bool:
        """Whether Twilio signed a WebSocket upgrade request. *path* is raw and without a query: Twilio strips it."""
        signature, secrets, algorithm = self._claim(headers)
        given = signature.encode("utf-8", "surrogatepass")
        results = [
            hmac.compare_digest(_mac(secret, url, algorithm), given)
            for secret in secrets
            for ours in self._urls
            for url in ours.media(path.partition("?")[0])
        ]
        return bool(signature) and any(results)

    def _claim(self, headers: Mapping[str, str]) -> tuple[str, Iterable[str], str]:
        """The signature a request brings, the secrets that may have made it, and the algorithm."""
        lower = {name.lower(): value for name, value in headers.items()}
        signature = lower.get(SIGNATURE.lower(), "").strip()
        pairs = (pair.partition("=") for pair in lower.get(SETTINGS.lower(), "").split(","))
        told = {name.strip(): value.strip() for name, _, value in pairs}
        algorithm = (told.get("algorithm") or "HMAC_SHA1").upper()
        if algorithm not in _HASHES:
            return signature, (), algorithm
        if key := told.get("key"):
            secret = self._shared_keys.get(key)
            return signature, (secret,) if secret else (), algorithm
        return signature, self._tokens if algorithm == "HMAC_SHA1" else (), algorithm


class _Parameters(dict[str, list[str]]):
    """A form in the shape in which `RequestValidator` reads repeated names."""

    def __init__(self, form: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        for name, value in form:
            self.setdefault(name, []).append(value)

    def getall(self, name: str) -> list[str]:
        return self[name]


def _mac(secret: str, url: str, algorithm: str) -> bytes:
    return base64.b64encode(
        hmac.new(secret.encode(), url.encode("utf-8", "surrogatepass"), _HASHES[algorithm]).digest()
    )


def _body_vouched_for(query: str, body: bytes) -> bool:
    """Whether the URL, which is signed, holds the hash of *body* (Twilio's way of signing JSON)."""
    told = parse_qs(query).get("bodySHA256", [""])[0]
    return hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), told.encode("utf-8", "surrogatepass"))
