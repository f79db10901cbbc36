"""Twilio's signatures, from Twilio's side. Written from the documentation and not shared with the code that checks
them: a mistake made once would otherwise agree with itself.

(Twilio docs, "Webhooks security": HMAC-SHA1 with the auth token over the URL and every name and value of a form.)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

HEADER = "X-Twilio-Signature"


def sign_webhook(auth_token: str, url: str, form: Sequence[tuple[str, str]] = ()) -> str:
    """The signature of a request for *url* with a posted *form*: the URL as configured but without fragment and user,
    and without port if it is https, then each field's name and value, sorted by name; a name that occurs several times
    brings its different values, sorted."""
    text = _signed_url(url)
    for name, value in sorted(set(form)):
        text += name + value
    return _hmac(auth_token, text)


def sign_upgrade(auth_token: str, url: str) -> str:
    """The signature of a WebSocket upgrade for *url* as the TwiML has it (`wss://…`); there are no fields."""
    return _hmac(auth_token, _signed_url(url))


def _signed_url(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "https" and parts.port is not None:
        host = host.rpartition(":")[0]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))


def _hmac(auth_token: str, text: str) -> str:
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()
