"""In whatever order webhooks, streams, hang-ups and models come: every connection is claimed once or closed once."""

from __future__ import annotations

import asyncio
import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ringers import Clock, Provider, cycles
from telephony.bridge.ringing import PATIENCE, Ringing
from telephony.errors import UpstreamError
from telephony.links.link import Link

CALLS = ("a", "b")
DEEDS = ["expect", "claim", "accept", "leave", "forget", "refuse", "wait"]
STEPS = st.tuples(
    st.sampled_from([*DEEDS, *DEEDS[:4], *DEEDS[:3]]), st.sampled_from(CALLS), st.sampled_from([0, 1, 2, 3, 8])
)
"""What happens, to which call, and how often the loop goes round before the next thing happens."""


class Schedule:
    """Two calls, at most two connections at once, and people who claim, leave and forget."""

    def __init__(self) -> None:
        self.provider = Provider()
        self.ringing = Ringing(self.provider.close, most=2)
        self.clock = Clock()
        self.claims: list[asyncio.Task[Link | None]] = []

    async def step(self, deed: str, call: str, rounds: int) -> None:
        match deed:
            case "expect":
                self.ringing.expect(call, self.provider.connect(call))
            case "claim":
                self.claims.append(asyncio.get_running_loop().create_task(self.ringing.claim(call), name=call))
            case "leave":
                for claim in self.claims:
                    if claim.get_name() == call:
                        claim.cancel()
            case "forget":
                self.ringing.forget(call)
            case "accept":
                self.provider.accept(call)
            case "refuse":
                self.provider.refuse(call)
            case "wait":
                await self.clock.forward(PATIENCE * 0.6)
        assert self.ringing.count <= 2
        await cycles(rounds)

    async def run(self, steps: list[tuple[str, str, int]]) -> None:
        before = asyncio.all_tasks()
        for step in steps:
            await self.step(*step)
        await self.ringing.close()
        if self.claims:
            await asyncio.wait(self.claims, timeout=5)
        await cycles()
        assert asyncio.all_tasks() == before
        handed = [link for claim in self.claims if (link := outcome(claim)) is not None]
        given = [*handed, *self.provider.closed]
        assert sorted(map(id, given)) == sorted(map(id, self.provider.opened)), "claimed once or closed once"
        assert self.provider.leases == len(handed)
        for link in self.provider.closed:
            assert [message async for message in self.provider.opened[link]] == []


def outcome(claim: asyncio.Task[Link | None]) -> Link | None:
    """What a claimant got; there is nothing it may get but a link, nothing, or a reason."""
    if claim.cancelled():
        return None
    with contextlib.suppress(UpstreamError):
        return claim.result()
    return None


@settings(max_examples=200)
@given(st.lists(STEPS, min_size=4, max_size=30))
def test_in_whatever_order_things_happen_every_connection_has_one_owner(steps: list[tuple[str, str, int]]) -> None:
    async def scheduled() -> None:
        await Schedule().run(steps)

    with capture_logs():
        asyncio.run(scheduled())
