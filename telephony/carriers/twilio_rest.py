"""Twilio's REST API as values: where its resources are, how their forms are written, what its errors mean.

Each subject has a file of its own (`twilio_calls`, `twilio_conferences`, `twilio_messages`, `twilio_recordings`) with
functions that take a `RestApi` and return the request. Forms are written parameter for parameter, and in the order, as
Twilio's own client writes them (a test compares the two, byte for byte).

What is repeated after a failure, by `links.http`: whatever may be done twice (`HttpRequest.idempotent`). Nothing that
creates something is: Twilio has no key by which it would recognise a second request for the same call or message. A
connection that was never made and the answer 429, "too many requests", leave no doubt that nothing was done, so that
those alone are tried again for everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import SecretStr

from telephony.commands import HttpRequest
from telephony.errors import (
    AccountRefused,
    CallStateRefused,
    CarrierBusy,
    CarrierError,
    CarrierGone,
    CarrierRefused,
    ConfigurationError,
    NumberRefused,
)
from telephony.settings import TwilioSettings

PHONE = re.compile(r"\+[1-9][0-9]{1,14}")
"""A number that can be dialled from anywhere (ITU-T E.164)."""
TWIML_LIMIT = 4000
"""Characters of TwiML that a REST request may carry."""

REFUSALS: dict[int, type[CarrierRefused]] = {
    **dict.fromkeys((10001, 10002, 10003, 20003, 20005, 20006, 20008), AccountRefused),
    **dict.fromkeys((20404,), CarrierGone),
    **dict.fromkeys((10004, 20429), CarrierBusy),
    **dict.fromkeys((21220,), CallStateRefused),
    **dict.fromkeys((13223, 13224, 13225, 13226, 13227), NumberRefused),
    **dict.fromkeys((21202, 21203, *range(21210, 21218), 21219), NumberRefused),
    **dict.fromkeys((21408, 21606, 21608, 21610, 21612, 21614), NumberRefused),
}
"""What some of Twilio's error codes mean (Twilio docs, "Error and warning dictionary"); others go by HTTP status."""

Pairs = tuple[tuple[str, str], ...]
Values = Mapping[str, str | int | tuple[str, ...] | None]


class RestApi:
    """An account's part of the API. Its requests carry the login: make them when they are needed and keep none."""

    def __init__(self, settings: TwilioSettings) -> None:
        self.account_sid = settings.account_sid
        self._token: SecretStr = settings.auth_token
        self._base = settings.api_base.rstrip("/")

    def post(
        self, path: str, form: Pairs, purpose: str, *, idempotent: bool = False, gone_is_success: bool = False
    ) -> HttpRequest:
        """Create or change something."""
        return self._request("POST", path, purpose, form=form, idempotent=idempotent, gone_is_success=gone_is_success)

    def get(self, path: str, query: Pairs, purpose: str) -> HttpRequest:
        """Look at something; with an empty *path* at the account itself."""
        return self._request("GET", path, purpose, query=query, idempotent=True)

    def download(self, path: str, kind: str, purpose: str) -> HttpRequest:
        """Fetch what a resource describes, as a file of a *kind* such as `wav`."""
        return self._request("GET", path, purpose, idempotent=True, suffix=kind)

    def delete(self, path: str, purpose: str) -> HttpRequest:
        """Remove something; that it is not there is as good."""
        return self._request("DELETE", path, purpose, idempotent=True, gone_is_success=True)

    def _request(
        self,
        method: str,
        path: str,
        purpose: str,
        *,
        form: Pairs = (),
        query: Pairs = (),
        idempotent: bool = False,
        gone_is_success: bool = False,
        suffix: str = "json",
    ) -> HttpRequest:
        if not self.account_sid:
            raise ConfigurationError("twilio.account_sid", "it is not set", "Set TWILIO_ACCOUNT_SID.")
        account = quote(self.account_sid, safe="")
        where = f"{self._base}/2010-04-01/Accounts/{account}{path and f'/{path}'}.{suffix}"
        return HttpRequest(
            method=method,
            url=f"{where}?{urlencode(query)}" if query else where,
            form=form,
            auth=(self.account_sid, self._token.get_secret_value()),
            gone_is_success=gone_is_success,
            idempotent=idempotent,
            purpose=purpose,
            refusals=REFUSALS,
        )


def form_of(values: Values) -> Pairs:
    """The pairs of a form: None and empty words are left out, and a tuple repeats its name in its order."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif isinstance(value, tuple):
            pairs += [(name, each) for each in value]
        elif value is not None and value != "":
            pairs.append((name, str(value)))
    return tuple(pairs)


def checked_sid(prefix: str, sid: str, what: str) -> str:
    """*sid*, which goes into a path; raise `CarrierError` unless it has Twilio's form."""
    if not re.fullmatch(prefix + "[0-9a-fA-F]{32}", sid):
        raise CarrierError(f"{sid[:60]!a} is no Twilio {what} id ({prefix} and 32 hexadecimal digits)")
    return sid


def checked_number(key: str, number: str) -> str:
    """*number* if it can be dialled from anywhere; raise `ConfigurationError` that names *key*."""
    if not PHONE.fullmatch(number):
        remedy = "Write a plus, the country code and the number: 2 to 15 digits."
        raise ConfigurationError(key, f"{number[:60]!a} is no phone number", remedy)
    return number


def within(key: str, value: int | None, least: int, most: int) -> int | None:
    """*value* if Twilio would take it; raise `ConfigurationError` that names *key*."""
    if value is not None and not least <= value <= most:
        raise ConfigurationError(key, f"{value} is not between {least} and {most}", "Choose one that is.")
    return value


def words(body: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """Fields of a resource as text, empty where they are absent or null."""
    return tuple(str(body[name]) if body.get(name) is not None else "" for name in names)
