"""`realtime`: a session with a realtime model from a program of your own, without a telephone.

The model's prefix decides where it is and what the handshake carries, as everywhere in this program. Messages are text,
as they come and go on the wire, so that a program written for another client of this protocol needs a new import and
nothing else; `events` and `send` have them as dictionaries.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import msgspec

from telephony.errors import ConfigurationError, UpstreamLost
from telephony.settings import LiteLLMParams, ModelEntry, RouterSettings
from telephony.upstream import Session, Upstream, resolve

TIMEOUT = 10.0
"""Seconds to open a session in."""
_FINE = (1000, 1001)
"""Close codes that end an iteration like any other; with 1001 providers end a session whose time is over."""


async def realtime(
    model: str, api_key: str | None = None, api_base: str | None = None, *, timeout: float = TIMEOUT
) -> Connection:
    """Open a session with *model*, such as `xai/grok-voice-latest`, within *timeout* seconds.

        ws = await realtime(model="xai/grok-voice-latest")
        await ws.send({"type": "response.create"})
        async for message in ws:
            print(json.loads(message)["type"])

    *api_key* is the key itself; left out, it is the provider's own variable (`XAI_API_KEY`, `OPENAI_API_KEY`, …).
    *api_base* points elsewhere: a proxy, a gateway, a simulated model, any server compatible with OpenAI.

    It returns when the server has said that there is a session, so that a wrong key is told here whichever way the
    provider tells it, and what the server said is the first thing to be read: `session.created` or
    `conversation.created`, depending on the provider.

    Raises `ConfigurationError` for a model, key or address that cannot be used, `UpstreamRefused` if the server says
    no, and `UpstreamLost` if it cannot be reached.
    """
    params: dict[str, Any] = {"model": model, "api_base": api_base}
    if api_key:
        params["api_key"] = api_key
    entry = ModelEntry(model_name=model, litellm_params=LiteLLMParams.model_validate(params))
    try:
        deployment = resolve(entry, os.environ)
    except ConfigurationError as error:  # in the words of a configuration file, which there is none of
        raise _ours(error) from None
    upstream = Upstream([deployment], RouterSettings(timeout=timeout))
    return Connection(await upstream.connect(model, budget=timeout, relayed={}))


class Connection:
    """An open session. Iterate over it for its messages; `close` it, or use it as a context."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sending = asyncio.Lock()

    # -- out ---------------------------------------------------------------------------------------------------------

    async def send_text(self, text: str) -> None:
        """Send a message as it is. Raises `UpstreamLost` when the session is over, or if the server does not read."""
        async with self._sending:
            self._session.write(text)
            if not await self._session.flush():
                raise self._lost()

    async def send(self, event: Mapping[str, Any]) -> None:
        """Send an event."""
        await self.send_text(json.dumps(event))

    # -- in ----------------------------------------------------------------------------------------------------------

    async def recv(self) -> str | bytes:
        """The next message: JSON text, or bytes where binary audio was agreed on. Raises `UpstreamLost` at the end."""
        try:
            return await anext(self._session)
        except StopAsyncIteration:
            raise self._lost() from None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        """The iteration ends when the session is over, and raises `UpstreamLost` if it should not have been."""
        try:
            return await anext(self._session)
        except StopAsyncIteration:
            if self._session.closed[0] in _FINE:
                raise
            raise self._lost() from None

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """The messages as dictionaries; what is no JSON object is passed over."""
        async for message in self:
            try:
                event = msgspec.json.decode(message)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            if isinstance(event, dict):
                yield event

    # -- the end -----------------------------------------------------------------------------------------------------

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close, within about a second. Doing it twice is fine."""
        await self._session.close(code, reason)

    @property
    def closed(self) -> tuple[int | None, str]:
        """Close code and reason once it is over; (None, "") before."""
        return self._session.closed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _lost(self) -> UpstreamLost:
        code, reason = self._session.closed
        how = "" if code is None else f" with code {code}"
        return UpstreamLost(f"{self._session.deployment}: the session is closed{how}{reason and f' ({reason})'}", code)


def _ours(error: ConfigurationError) -> ConfigurationError:
    remedy = error.remedy.replace("litellm_params.", "").replace("in the environment or in .env", "in the environment")
    return ConfigurationError(error.key.removeprefix("litellm_params."), error.problem, remedy, "realtime()")
