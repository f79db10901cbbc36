"""The bound on one message, kept by a single timer."""

from __future__ import annotations

import asyncio

import pytest

from telephony.links.patience import Patience

SECONDS = 0.05


async def send_three(*, stuck: bool) -> None:
    """Two messages that leave at once, with a pause behind each, and a third that does or is *stuck*."""
    async with asyncio.timeout(None) as bound:
        patience = Patience(SECONDS, bound)
        for _ in range(2):
            patience.begin()
            patience.done()
            await asyncio.sleep(SECONDS * 0.7)
        patience.begin()
        if stuck:
            await asyncio.Event().wait()
        patience.done()
        patience.end()
        await asyncio.sleep(SECONDS * 1.5)


async def test_message_that_never_leaves_lets_the_bound_expire_and_not_sooner() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(TimeoutError):
        await send_three(stuck=True)
    assert loop.time() - began >= SECONDS * 2.3


async def test_nothing_expires_while_messages_leave_or_none_is_sent() -> None:
    await send_three(stuck=False)
