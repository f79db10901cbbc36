"""Who may use the API, and for what. Of a key only the SHA-256 is known; see `server.keys` for why that is enough."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from telephony.server.keys import digest, holder_of
from telephony.settings import ApiKey, Scope


class Holder(msgspec.Struct, frozen=True):
    """Whoever holds a key."""

    name: str
    scopes: frozenset[Scope]


class ApiKeys:
    """All keys of the API."""

    def __init__(
        self, keys: Mapping[str, ApiKey], more: Mapping[str, tuple[str, Collection[Scope]]] | None = None
    ) -> None:
        """*more*: keys that are known themselves, by name, and what they are for."""
        self._holders = [(bytes.fromhex(key.sha256), Holder(name, frozenset(key.scopes))) for name, key in keys.items()]
        for name, (key, scopes) in (more or {}).items():
            self._holders.append((digest(key), Holder(name, frozenset(scopes))))

    def __bool__(self) -> bool:
        return bool(self._holders)

    def holder(self, key: str) -> Holder | None:
        """Whose *key* it is; None if it is nobody's. Takes the same time whichever it is."""
        return holder_of(key, self._holders)
