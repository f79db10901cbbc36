"""Connections to the model that are begun while the phone still rings, and wait there for the call's media stream.

From the webhook to the stream's first message pass a few hundred milliseconds, about what a model's handshake takes:
begun at the webhook, it costs the caller nothing. But not every webhook is followed by a stream, so whatever is begun
here has an end of its own: it is claimed by its call, once, or it is closed; when the call is forgotten, when nobody
came for it in time, or when the process ends. At no moment do two sides own a connection, nor does none.

The connections are tasks of `Ringing` itself and not of a TaskGroup: one that ends would interrupt those that are just
being closed, and what becomes of one call's connection is no business of another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog
from structlog.typing import FilteringBoundLogger

from telephony.errors import UpstreamError, UpstreamLost

T = TypeVar("T")

PATIENCE = 15.0
"""Seconds a connection waits for its stream: as long as Twilio waits for a webhook's answer. Streams come sooner."""
MOST = 64
"""Connections that may be here at once. Whoever calls beyond that is connected when the stream comes."""
CLOSING = 3.0
"""Seconds that closing may take when the process ends; a link takes about one."""

_log: FilteringBoundLogger = structlog.get_logger("telephony.ringing")


class _Expected(Generic[T]):
    """One call that rings."""

    def __init__(self, task: asyncio.Task[T], timer: asyncio.TimerHandle) -> None:
        self.task = task
        """Connects; what it opened is its result."""
        self.timer = timer


class Ringing(Generic[T]):
    """Connections by call. *close* closes what was opened and not claimed; it is bounded and does not raise.

    Everything happens on one event loop, and only `claim` and `close` wait for anything.
    """

    def __init__(self, close: Callable[[T], Awaitable[None]], *, most: int = MOST, patience: float = PATIENCE) -> None:
        self._close = close
        self._most = most
        self._patience = patience
        self._expected: dict[str, _Expected[T]] = {}
        """Nobody has claimed them yet."""
        self._claimed: set[asyncio.Task[T]] = set()
        """Somebody waits for them to be open."""
        self._ending: set[asyncio.Task[None]] = set()
        """They are being closed."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    @property
    def count(self) -> int:
        """Connections that nobody has taken over yet, those that are being closed included."""
        return len(self._expected) + len(self._claimed) + len(self._ending)

    def expect(self, call_id: str, connect: Callable[[], Awaitable[T]]) -> bool:
        """Begin to connect for a call whose stream is to come. *connect* is bounded, raises `UpstreamError`, and leaves
        nothing open when it is cancelled.

        Returns whether something waits for the call now. A webhook that is posted twice begins nothing twice; nothing
        is begun beyond the limit, nor once `close` was called.
        """
        if call_id in self._expected:
            return True
        if self._closed or self.count >= self._most:
            _log.debug("the model is reached when the stream comes", call_id=call_id, connections=self.count)
            return False
        loop = asyncio.get_running_loop()
        task = loop.create_task(_awaited(connect), name=f"{call_id} model while ringing")
        timer = loop.call_later(self._patience, self._give_up, call_id)
        self._expected[call_id] = _Expected(task, timer)
        self._idle.clear()
        return True

    async def claim(self, call_id: str) -> T | None:
        """What was opened for a call, as soon as it is; None if nothing was begun, or it was claimed or given up
        before. It is the claimant's from then on.

        Raises what connecting raised: `UpstreamError`. Bounded by the `connect` that was given. If the claimant is
        cancelled meanwhile, the connection is closed.
        """
        expected = self._expected.pop(call_id, None)
        if expected is None:
            return None
        expected.timer.cancel()
        task = expected.task
        self._claimed.add(task)
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            self._end(call_id, task)
            raise
        finally:
            self._claimed.discard(task)
            self._look_around()
        # No await between here and the caller: what is taken here cannot be lost on the way.
        if task.cancelled():
            raise UpstreamLost("the connection was given up: the server is stopping")
        return task.result()

    async def settled(self, call_id: str, seconds: float) -> None:
        """Wait until it is known whether the connection of a call comes about, for so many *seconds* at most. Whoever
        claims it finds it as it is."""
        if expected := self._expected.get(call_id):
            await asyncio.wait([expected.task], timeout=seconds)

    def forget(self, call_id: str) -> None:
        """The call will not come for its connection: it is over, or was never told to connect. A call that has claimed
        it already sees to it itself."""
        if expected := self._expected.pop(call_id, None):
            expected.timer.cancel()
            self._end(call_id, expected.task)

    async def close(self) -> None:
        """End everything; nothing is begun any more. Whoever still waits in `claim` gets `UpstreamLost`. Bounded."""
        self._closed = True
        for call_id in list(self._expected):
            self.forget(call_id)
        for task in self._claimed:
            task.cancel()
        try:
            async with asyncio.timeout(CLOSING):
                await self._idle.wait()
        except TimeoutError:
            _log.error("connections to the model could not be closed in time", connections=len(self._ending))
            for ending in self._ending:
                ending.cancel()
            await asyncio.sleep(0)  # so that they get to know of it

    def _give_up(self, call_id: str) -> None:
        _log.info("no media stream came; the connection to the model is closed", call_id=call_id)
        self.forget(call_id)

    def _end(self, call_id: str, task: asyncio.Task[T]) -> None:
        """Have *task* cancelled, or what it opened closed."""
        task.cancel()
        ending = asyncio.get_running_loop().create_task(self._ended(call_id, task), name=f"{call_id} model is let go")
        self._ending.add(ending)
        ending.add_done_callback(self._let_go)

    async def _ended(self, call_id: str, task: asyncio.Task[T]) -> None:
        await asyncio.wait([task])
        if task.cancelled():
            return
        if failure := task.exception():
            unforeseen = None if isinstance(failure, UpstreamError) else failure
            _log.warning(
                "no model was reached while the phone rang", call_id=call_id, error=str(failure), exc_info=unforeseen
            )
            return
        await self._close(task.result())

    def _let_go(self, ending: asyncio.Task[None]) -> None:
        self._ending.discard(ending)
        self._look_around()
        if not ending.cancelled() and (failure := ending.exception()):
            _log.error("a connection to the model could not be closed", exc_info=failure)

    def _look_around(self) -> None:
        if not self.count:
            self._idle.set()


async def _awaited(connect: Callable[[], Awaitable[T]]) -> T:
    return await connect()
