"""Who may use `/api/v1`, and for what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from telephony.settings.base import Group

Scope = Literal[
    "calls:read",  # what was said, how it went
    "calls:audio",  # recordings and cassettes
    "calls:write",  # ask for calls to be placed, and see what became of these
    "live:read",  # watch what is being said
    "live:write",  # hang up, say something, put the caller through
    "agents:read",
    "deployments:read",
]
"""What a key may be for."""


class ApiKey(Group):
    """What the holder of one key may do."""

    sha256: str
    """SHA-256 of the key, in hexadecimal; `telephony api-key NAME` makes a key and shows it."""
    scopes: Annotated[list[Scope], Field(min_length=1)]
    """What it is for: `calls:read`, `calls:audio`, `calls:write`, `live:read`, `live:write`, `agents:read`,
    `deployments:read`."""


class ApiSettings(Group):
    """The API for other programs, `/api/v1`."""

    keys: dict[str, ApiKey] = {}
    """The keys, by the name of whoever holds one; without any there is no API."""
