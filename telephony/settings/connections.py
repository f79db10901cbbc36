"""Who may connect to the public port, before anybody knows who they are."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, Field

from telephony.settings.base import Group


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; write 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32") from None
    return text


class ConnectionSettings(Group):
    """How many may connect to the public port. A connection beyond it is reset before anything is read from it."""

    most: Annotated[int, Field(ge=10)] = 4096
    """Connections that may be open at once, those of calls included; each worker counts its own."""
    per_address: Annotated[int, Field(ge=1)] = 512
    """Of them, from one address. A carrier has few addresses: leave room for all its calls."""
    per_second: Annotated[float, Field(gt=0)] = 100
    """New ones from one address in a second, on average; four times as many may come at once."""
    proxies: list[Annotated[str, AfterValidator(_network)]] = ["127.0.0.0/8", "::1"]
    """Networks of your own proxies, from which everybody seems to come: only `most` holds for them. What a proxy says
    of its clients in a header is not believed."""
