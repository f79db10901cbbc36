"""Who may use the gateway: the master key, and clients' own keys with what each of them is allowed.

A key is kept as its SHA-256 and nothing else, so that a configuration file or a core dump holds nothing to steal. No
salt and no slow hash: those protect words that people think up, while our keys are 256 random bits, which nobody finds
by trying; and a slow hash would let strangers keep us busy.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from telephony.settings import GatewayKey

T = TypeVar("T")

PREFIX = "sk-"
"""As OpenAI's and LiteLLM's keys begin; some clients refuse others."""
DAY = 86_400.0
"""Seconds over which minutes are counted."""


class KeyExhausted(Exception):
    """A key is good, and all that it allows is in use."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """As OpenAI names it: `rate_limit_exceeded` passes by itself, `insufficient_quota` takes longer."""


class Client:
    """Whoever holds one key. Times are seconds of one monotonic clock; the count begins anew with the process."""

    def __init__(self, name: str, allowed: GatewayKey | None = None) -> None:
        """Without *allowed* there is no limit: the holder of the master key."""
        allowed = allowed or GatewayKey()
        self.name = name
        self._models = frozenset(allowed.models)
        self._max_sessions = allowed.max_sessions
        self._day = math.inf if allowed.minutes_per_day is None else allowed.minutes_per_day * 60
        self._running: dict[object, float] = {}
        self._over: deque[tuple[float, float]] = deque()

    @property
    def is_limited(self) -> bool:
        """Whether sessions of the key are counted."""
        return self._max_sessions is not None or self._day < math.inf

    def may_use(self, model: str) -> bool:
        """Whether *model* is on the key's list; a key without a list may use all."""
        return not self._models or model in self._models

    @property
    def sessions(self) -> int:
        """How many are running."""
        return len(self._running)

    def left(self, now: float) -> float:
        """Seconds of session that are left of the last 24 hours' allowance; infinite without one."""
        while self._over and self._over[0][0] < now - DAY:
            self._over.popleft()
        spent = sum(seconds for _, seconds in self._over)
        spent += sum(min(now - began, DAY) for began in self._running.values())
        return self._day - spent

    def allowance(self, now: float) -> float:
        """Seconds that each running session may go on before `left` must be looked at again."""
        return self.left(now) / max(self.sessions, 1)

    def enter(self, now: float) -> object:
        """Begin a session; give what is returned to `leave`. Raises `KeyExhausted` if the key allows no more."""
        if self._max_sessions is not None and self.sessions >= self._max_sessions:
            message = f"This key may have {self._max_sessions} sessions at once, and has them. Close one first."
            raise KeyExhausted("rate_limit_exceeded", message)
        if self.left(now) <= 0:
            message = f"This key may use {self._day / 60:g} minutes in 24 hours, and has used them."
            raise KeyExhausted("insufficient_quota", message)
        stay = object()
        self._running[stay] = now
        return stay

    def leave(self, stay: object, now: float) -> None:
        """End a session."""
        began = self._running.pop(stay)
        if not math.isinf(self._day):
            self._over.append((now, min(now - began, DAY)))


class Keyring:
    """All keys of a gateway. Without any it is open to everybody who can reach it."""

    def __init__(self, master: str = "", keys: Mapping[str, GatewayKey] | None = None) -> None:
        self._clients: list[tuple[bytes, Client]] = []
        if master:
            self._clients.append((digest(master), Client("master")))
        for name, allowed in (keys or {}).items():
            self._clients.append((_stored(allowed), Client(name, allowed)))
        self._everybody = Client("anybody")

    @property
    def open(self) -> bool:
        """Whether no key is asked for."""
        return not self._clients

    def client(self, key: str) -> Client | None:
        """Whose *key* it is; None if it is nobody's. Takes the same time whichever it is."""
        if self.open:
            return self._everybody
        return holder_of(key, self._clients)


def holder_of(key: str, holders: Iterable[tuple[bytes, T]]) -> T | None:
    """Whose *key* it is, by the SHA-256 of each one's; None if it is nobody's. Takes the same time whichever it is."""
    given, found = digest(key), None
    for stored, holder in holders:
        if hmac.compare_digest(stored, given):
            found = holder
    return found


def new_key() -> str:
    """A fresh key: 256 bits by chance."""
    return PREFIX + secrets.token_urlsafe(32)


def hashed(key: str) -> str:
    """What a configuration may hold instead of *key*: its SHA-256 in hexadecimal."""
    return digest(key).hex()


def presented(headers: Mapping[str, str]) -> str:
    """The key that a request brings, in the order in which OpenAI and LiteLLM look: `Authorization: Bearer`, `api-key`,
    then the subprotocol with which browsers make do. Empty if there is none."""
    scheme, _, token = headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    if key := headers.get("api-key", "").strip():
        return key
    return next((p.removeprefix(_IN_PROTOCOL) for p in protocols(headers) if p.startswith(_IN_PROTOCOL)), "")


def protocols(headers: Mapping[str, str]) -> Iterator[str]:
    """The subprotocols that a request offers."""
    return (name.strip() for name in headers.get("Sec-WebSocket-Protocol", "").split(",") if name.strip())


_IN_PROTOCOL = "openai-insecure-api-key."


def _stored(allowed: GatewayKey) -> bytes:
    return bytes.fromhex(allowed.sha256) if allowed.sha256 else digest(allowed.key.get_secret_value())


def digest(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()
