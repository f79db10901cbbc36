"""Webhooks that come again: one request of the carrier's gets one answer, however often it is posted.

Twilio numbers its requests (`I-Twilio-Idempotency-Token`) and keeps the number when it tries again after a connection
that failed or an answer that came too late. The second try gets what the first one got, also while that is still being
worked out, and nothing is done twice. Another process of ours does not know of it: what webhooks do must be harmless
when it is done again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

HEADER = "I-Twilio-Idempotency-Token"
LIFETIME = 60.0
"""Seconds that an answer is kept. Twilio gives up on a request, all tries together, after 15."""
MOST = 10_000
"""Answers that are kept; then the oldest is forgotten."""
PATIENCE = 15.0
"""Seconds that a further try waits for the first one's answer."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.webhooks")

Key = tuple[str, str, str]


class Given(msgspec.Struct, frozen=True):
    """An answer, to be given again. A response of aiohttp's can be sent once only."""

    status: int
    text: str | None
    content_type: str

    @classmethod
    def of(cls, response: web.Response) -> Given:
        return cls(response.status, response.text, response.content_type)

    def response(self) -> web.Response:
        if self.text is None:
            return web.Response(status=self.status)
        return web.Response(status=self.status, text=self.text, content_type=self.content_type)


class Repeats:
    """The answers that were given lately. Times are seconds of any one monotonic clock."""

    def __init__(self, most: int = MOST, lifetime: float = LIFETIME) -> None:
        self._most = most
        self._lifetime = lifetime
        self._answers: OrderedDict[Key, tuple[float, asyncio.Future[Given]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    async def once(self, key: Key, answer: Callable[[], Awaitable[web.Response]]) -> web.Response:
        """What *answer* gives, which is asked once for each *key*; a try that failed or broke off does not count."""
        now = asyncio.get_running_loop().time()
        self._forget(now)
        known = self._answers.get(key)
        if known is not None:
            _log.info("a webhook came again; it gets the same answer", path=key[0])
            return await self._same(known[1])
        future: asyncio.Future[Given] = asyncio.get_running_loop().create_future()
        self._answers[key] = (now, future)
        try:
            response = await answer()
        except BaseException:
            self._answers.pop(key, None)
            future.cancel()
            raise
        future.set_result(Given.of(response))
        return response

    async def _same(self, future: asyncio.Future[Given]) -> web.Response:
        try:
            async with asyncio.timeout(PATIENCE):
                return (await asyncio.shield(future)).response()
        except TimeoutError:
            return web.Response(status=503, text="The first try has no answer yet.\n")
        except asyncio.CancelledError:
            if not future.cancelled():
                raise
            return web.Response(status=503, text="The first try failed. Try again.\n")

    def _forget(self, now: float) -> None:
        while self._answers:
            since, _ = next(iter(self._answers.values()))
            if since >= now - self._lifetime and len(self._answers) < self._most:
                return
            self._answers.popitem(last=False)
