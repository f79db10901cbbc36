"""Who may connect, before anybody knows who they are: so many at once, and so many from one address.

A connection that is refused is reset before a byte of it is read. Addresses of proxies are not counted by address, for
everybody comes from there; the proxy counts better anyway. Pure: times are seconds of one monotonic clock.
"""

from __future__ import annotations

import ipaddress
import math
from collections import Counter, OrderedDict
from functools import lru_cache

import msgspec

from telephony.settings.connections import ConnectionSettings

IPV6_PREFIX = 64
"""Bits of an IPv6 address that one customer has for sure (RFC 6177); the others they choose as they like."""
KEPT_FILES = 0.25
"""Share of the file descriptors that strangers do not get."""
MOST_ADDRESSES = 10_000
"""Addresses whose pace is remembered, those that came last."""

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class CrowdLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many may connect."""

    most: int
    """Connections that may be open, all together."""
    per_address: int
    """Of them, from one address."""
    per_second: float
    """New ones from one address, on average; as many as in four seconds may come at once."""
    files: float = math.inf
    """File descriptors of the process that strangers may take: a connection that gets a higher one is refused, so that
    calls that go on still find some, and whoever asks how the process is."""
    trusted: tuple[str, ...] = ()
    """Networks of proxies, which are not counted by address."""


ANYBODY = CrowdLimits(most=1_000_000, per_address=1_000_000, per_second=1e9)


class _Bucket(msgspec.Struct):
    left: float
    at: float


class Crowd:
    """Counts those who are there."""

    def __init__(self, limits: CrowdLimits) -> None:
        self.refused = 0
        """Connections that were refused."""
        self._limits = limits
        self._trusted = [ipaddress.ip_network(network) for network in limits.trusted]
        self._here: Counter[str] = Counter()
        self._all = 0
        self._pace: OrderedDict[str, _Bucket] = OrderedDict()
        self._key = lru_cache(MOST_ADDRESSES)(self._key_of)

    def enter(self, address: str, now: float, file: int = 0) -> bool:
        """Whether a connection from *address* may come in, as *file* of the process; it is counted then."""
        key = self._key(address)
        fits = self._all < self._limits.most and file < self._limits.files
        if fits and key:
            fits = self._here[key] < self._limits.per_address and self._in_pace(key, now)
        if not fits:
            self.refused += 1
            return False
        self.count(address)
        return True

    def count(self, address: str) -> None:
        """A connection from *address* is there, whatever the limits say."""
        self._all += 1
        if key := self._key(address):
            self._here[key] += 1

    def leave(self, address: str) -> None:
        """A connection from *address* that was counted is gone."""
        self._all -= 1
        if key := self._key(address):
            self._here[key] -= 1
            if not self._here[key]:
                del self._here[key]

    def _key_of(self, address: str) -> str:
        """What *address* is counted as; empty for a proxy, and for what is no address (a Unix socket)."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return ""
        if isinstance(ip, ipaddress.IPv6Address):
            ip = ip.ipv4_mapped or ip
        if any(ip.version == network.version and ip in network for network in self._trusted):
            return ""
        if isinstance(ip, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((ip, IPV6_PREFIX), strict=False))
        return str(ip)

    def _in_pace(self, key: str, now: float) -> bool:
        burst = self._limits.per_second * 4
        bucket = self._pace.pop(key, None) or _Bucket(burst, now)
        bucket.left = min(burst, bucket.left + (now - bucket.at) * self._limits.per_second)
        bucket.at = now
        self._pace[key] = bucket
        while len(self._pace) > MOST_ADDRESSES:
            self._pace.popitem(last=False)
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True


def crowd_of(settings: ConnectionSettings, files: float = math.inf) -> Crowd:
    """Whoever may connect by these *settings* to a process that may open so many *files*."""
    limits = CrowdLimits(
        most=settings.most,
        per_address=settings.per_address,
        per_second=settings.per_second,
        files=files * (1 - KEPT_FILES),
        trusted=tuple(settings.proxies),
    )
    return Crowd(limits)
