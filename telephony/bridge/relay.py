"""One gateway session: a client's link and a model's, and every message from the one to the other as it is.

Nothing is translated, dropped, or understood on its way: text frames go on byte for byte, unknown events included, so
that whatever a provider offers tomorrow passes today. A meter reads along after a message is queued and delays nothing.

Memory is bounded in both directions. A client that sends faster than the model reads is made to wait, as TCP would; a
client that reads too slowly is closed, for a model that is made to wait goes on billing.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable
from typing import Any, Literal

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from telephony.links.link import Link
from telephony.realtime.usage import UsageMeter

UNSENT_TO_MODEL = 4 * 1024 * 1024
"""Bytes that may wait for the model before no more is read from the client."""
UNREAD_BY_CLIENT = 8 * 1024 * 1024
"""Bytes that may wait for the client, beside one message: two minutes of PCM at 24 kHz in base64, which a model speaks
in seconds."""
SHORTEST_LOOK = 0.5
"""Seconds between looks at an allowance that runs out."""

NORMAL, GOING_AWAY, POLICY, INTERNAL, TRY_LATER = 1000, 1001, 1008, 1011, 1013
_PASSED_ON = frozenset({NORMAL, GOING_AWAY, POLICY, INTERNAL, TRY_LATER})
"""Close codes with a meaning for whoever is behind a gateway; the others speak of one connection (RFC 6455, 7.4.1)."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.gateway")


class Ending(msgspec.Struct, frozen=True):
    """Why a session ended."""

    by: Literal["client", "model", "server"]
    code: int | None
    """The close code they gave, or the one that we give; None if they vanished."""
    reason: str
    error: str = ""
    """The code of the error event that tells the client; empty if there is nothing to tell."""


Allowance = Callable[[], float]
"""Seconds that the client may still go on, as of now."""


class Relay:
    """Joins *client* and *model* until one of them is gone.

    *binary* says whether the model takes binary frames; where it does not, the client is told so by an error event and
    the session goes on.
    """

    def __init__(self, client: Link, model: Link, *, binary: bool = False) -> None:
        self.meter = UsageMeter()
        self.ending: Ending | None = None
        self._client = client
        self._model = model
        self._binary = binary
        self._stopped = asyncio.Event()

    async def run(self, allowance: Allowance | None = None) -> Ending:
        """Relay to the end; both links are closed then, also if we are cancelled. Returns why it ended."""
        try:
            async with asyncio.TaskGroup() as group:
                pumps = [
                    group.create_task(self._client.pump(), name="client pump"),
                    group.create_task(self._model.pump(), name="model pump"),
                ]
                talk: list[asyncio.Task[Any]] = [
                    group.create_task(self._to_model(), name="client to model"),
                    group.create_task(self._to_client(), name="model to client"),
                    group.create_task(self._stopped.wait(), name="stop"),
                ]
                await self._until_over(talk, allowance)
                for task in talk:
                    task.cancel()
                await self._part()  # before the pumps are stopped, so that none is in the middle of a message
                for task in pumps:
                    task.cancel()
        except* Exception as failures:  # noqa: BLE001  the boundary of a session: a bug of ours ends this one and no other
            _log.error("the session failed", exc_info=failures)
            self._end(Ending("server", INTERNAL, "internal error of the gateway", "gateway_error"))
        finally:
            self._end(Ending("server", GOING_AWAY, "the gateway stops", "gateway_stopping"))
            await self._part()
        assert self.ending is not None  # noqa: S101  set above, whatever happened
        return self.ending

    def stop(self, reason: str = "the gateway stops") -> None:
        """End the session from outside, with 1001."""
        self._end(Ending("server", GOING_AWAY, reason, "gateway_stopping"))
        self._stopped.set()

    # -- the two directions ------------------------------------------------------------------------------------------

    async def _to_model(self) -> None:
        async for message in self._client:
            if isinstance(message, bytes) and not self._binary:
                self._client.write(_error_event("binary_frame_not_supported", _NO_BINARY, "invalid_request_error"))
                continue
            self._model.write(message)
            self.meter.from_client(message)
            await self._model.room(UNSENT_TO_MODEL)
        code, reason = self._client.closed
        self._end(Ending("client", code, reason))

    async def _to_client(self) -> None:
        async for message in self._model:
            if self._client.waiting > UNREAD_BY_CLIENT:
                self._end(Ending("server", TRY_LATER, "you read too slowly", "slow_reader"))
                return
            self._pass_on(message)
        code, reason = self._model.closed
        self._end(Ending("model", code, reason, "" if code == NORMAL else "upstream_closed"))

    def _pass_on(self, message: str | bytes) -> None:
        self._client.write(message)
        self.meter.from_model(message)

    async def _until_over(self, talk: list[asyncio.Task[Any]], allowance: Allowance | None) -> None:
        while True:
            left = math.inf if allowance is None else allowance()
            if left <= 0:
                self._end(Ending("server", POLICY, "the minutes of your key are used up", "minutes_exhausted"))
                return
            timeout = None if math.isinf(left) else max(left, SHORTEST_LOOK)
            done, _ = await asyncio.wait(talk, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if done:
                return

    # -- the end -----------------------------------------------------------------------------------------------------

    def _end(self, ending: Ending) -> None:
        self.ending = self.ending or ending

    async def _part(self) -> None:
        """Both at once: the model bills by the second, and its goodbye must not wait for the client's."""
        ending = self.ending
        assert ending is not None  # noqa: S101  `run` has set it
        if ending.error and ending.error != "slow_reader":
            self._client.write(_error_event(ending.error, _told(ending), "server_error"))
        code = code_for_client(ending.code)
        unread = ending.error == "slow_reader"
        await asyncio.gather(
            self._model.close(NORMAL, f"the {ending.by} ended the session", flush=False),
            self._client.close(code, ending.reason, flush=not unread),
        )


_NO_BINARY = "This model takes no binary frames. Send every event as JSON in a text frame. The frame was not passed on."


def code_for_client(code: int | None) -> int:
    """The close code for the client of a session that its model closed with *code*."""
    if code is None:
        return INTERNAL
    return code if code in _PASSED_ON or 3000 <= code <= 4999 else INTERNAL


def _told(ending: Ending) -> str:
    if ending.by == "server":
        return f"The session is over: {ending.reason}."
    how = f"with code {ending.code}" if ending.code is not None else "without a close frame"
    said = f" ({ending.reason})" if ending.reason else ""
    return f"The model's server ended the session {how}{said}. The session is over; open a new one."


def _error_event(code: str, message: str, kind: str) -> str:
    error = {"type": kind, "code": code, "message": message, "param": None, "event_id": None}
    event = {"type": "error", "event_id": f"event_gateway_{secrets.token_hex(8)}", "error": error}
    return msgspec.json.encode(event).decode()
