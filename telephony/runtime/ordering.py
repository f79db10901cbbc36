"""Asking a running server for a call, as `telephony call` does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from telephony.errors import ConfigurationError, TelephonyError
from telephony.server.api.orders import CALLS, ORDERS
from telephony.settings import Settings

TIMEOUT = 30.0
"""Seconds that the server has for an answer: a call may wait for its turn, and the carrier needs a moment."""
LOOK = 1.0
"""Seconds between looks at how a call goes."""
OVER = ("completed", "busy", "no-answer", "canceled", "failed")


class NotPlaced(TelephonyError):
    """The server would not place a call."""


def server_of(settings: Settings) -> str:
    """Where the server of these settings listens, for somebody on its machine."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104  compared, not bound
    return f"http://{host}:{settings.port}"


async def order_call(
    settings: Settings,
    server: str,
    key: str,
    *,
    to: str,
    agent: str,
    from_number: str = "",
    metadata: Mapping[str, str] | None = None,
    wait: float = 0.0,
) -> dict[str, Any]:
    """Ask *server* for a call and return what it says of it; with *wait*, once the call is over or so many seconds have
    passed. *key* is the `Idempotency-Key`: asking again with it asks for no other call. *metadata* is for the tools.

    Raises `NotPlaced` in the server's words, or `ConfigurationError` if it cannot be asked.
    """
    api_key = settings.outbound.api_key.get_secret_value()
    if not api_key:
        remedy = "Set TELEPHONY_OUTBOUND__API_KEY to what the server has there."
        raise ConfigurationError("outbound.api_key", "it is not set, and without it no call is placed", remedy)
    more = {"from": from_number, "metadata": dict(metadata or {})}
    wanted = {"to": to, "agent": agent} | {name: value for name, value in more.items() if value}
    headers = {"Authorization": f"Bearer {api_key}"}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    async with aiohttp.ClientSession(server, headers=headers, timeout=timeout) as session:
        try:
            async with session.post(CALLS, json=wanted, headers={"Idempotency-Key": key}) as response:
                call = await _read(response)
            return await _follow(session, call, wait)
        except (aiohttp.ClientError, TimeoutError) as error:
            problem = f"{server} does not answer ({type(error).__name__})"
            remedy = f"Start `telephony serve`, or name it with --server; --key {key} asks for this very call again."
            raise ConfigurationError("--server", problem, remedy) from None


async def _follow(session: aiohttp.ClientSession, call: dict[str, Any], wait: float) -> dict[str, Any]:
    until = time.monotonic() + wait
    while call.get("state") not in OVER and time.monotonic() < until:
        await asyncio.sleep(LOOK)
        async with session.get(f"{ORDERS}/{call['id']}") as response:
            call = await _read(response)
    return call


async def _read(response: aiohttp.ClientResponse) -> dict[str, Any]:
    try:
        body = await response.json(content_type=None)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise NotPlaced(f"{response.url.origin()} answered {response.status}: is it this program's server?")
    if response.status >= 400:
        raise NotPlaced(str(body.get("detail", f"the server answered {response.status}")))
    return body
