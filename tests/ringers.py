"""What rings in tests: a provider that counts its leases, and a clock that is put forward by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

from telephony.errors import UpstreamRefused
from telephony.links.link import Link
from telephony.links.memory import memory_links

CALL = "CA1"


class Provider:
    """Where the models are: every connection to it costs a lease until it is closed."""

    def __init__(self) -> None:
        self.leases = 0
        self.asked: list[str] = []
        self.opened: dict[Link, Link] = {}
        """Our end and the model's."""
        self.closed: list[Link] = []
        self._answers: dict[str, asyncio.Future[None]] = {}

    def connect(self, call: str = CALL) -> Callable[[], Awaitable[Link]]:
        async def connecting() -> Link:
            self.asked.append(call)
            self.leases += 1
            try:
                await asyncio.shield(self.answer(call))
                await asyncio.sleep(0)
            except BaseException:
                try:
                    await asyncio.sleep(0)  # saying goodbye takes a moment
                finally:
                    self.leases -= 1
                raise
            near, far = memory_links()
            self.opened[near] = far
            return near

        return connecting

    def answer(self, call: str = CALL) -> asyncio.Future[None]:
        """Done when the model answers, or refuses."""
        if call not in self._answers:
            self._answers[call] = asyncio.get_running_loop().create_future()
        return self._answers[call]

    def accept(self, call: str = CALL) -> None:
        if not self.answer(call).done():
            self.answer(call).set_result(None)

    def refuse(self, call: str = CALL, why: Exception | None = None) -> None:
        if not self.answer(call).done():
            self.answer(call).set_exception(why or UpstreamRefused("no quota", 429))
            self.answer(call).exception()  # nobody may ever ask

    async def close(self, link: Link) -> None:
        self.closed.append(link)
        await link.close()
        self.leases -= 1


class Clock:
    """The running loop's clock, which can be put forward."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        real = loop.time
        self.ahead = 0.0
        loop.time = lambda: real() + self.ahead  # type: ignore[method-assign]

    async def forward(self, seconds: float) -> None:
        self.ahead += seconds
        await cycles(3)


async def cycles(count: int = 8) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


@contextlib.contextmanager
def nothing_runs_on() -> Iterator[None]:
    """No task is left when the block is."""
    before = asyncio.all_tasks()
    yield
    assert asyncio.all_tasks() == before
