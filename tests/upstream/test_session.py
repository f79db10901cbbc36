"""A session tells the balancer how it goes, gives its place back once, and is a link to everybody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from telephony.errors import UpstreamLost, UpstreamRefused
from telephony.links.memory import memory_links
from telephony.links.wire import WireLink
from telephony.settings import RouterSettings
from telephony.upstream import Balancer, Deployment, Failure, Session

PLACE = Deployment("voice", "xai", "m", "xai", "ws://m.example.com", max_sessions=1)
CREATED = json.dumps({"type": "session.created"})
PING = json.dumps({"type": "ping"})
REFUSAL = json.dumps({"type": "error", "error": {"code": "invalid_api_key", "message": "Wrong key."}})


class Ends:
    """A session and the server's end of its link. Time stands still."""

    def __init__(self, pumped: asyncio.TaskGroup) -> None:
        self.balancer = Balancer([PLACE], RouterSettings())
        lease = self.balancer.take("voice", 0)
        assert lease is not None
        self.server: WireLink
        self.server, ours = memory_links()
        self.session = Session(ours, lease, self.balancer, lambda: 0.0)
        self._pumps = [pumped.create_task(end.pump(), name="pump") for end in (self.server, self.session)]

    @property
    def taken(self) -> int:
        return self.balancer.sessions(PLACE)

    @property
    def resting(self) -> list[str]:
        return list(self.balancer.resting(0).values())

    async def stop(self) -> None:
        await self.session.close()
        await self.server.close()
        for pump in self._pumps:
            pump.cancel()


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    async with asyncio.TaskGroup() as group:
        both = Ends(group)
        yield both
        await both.stop()


async def test_the_opening_is_read_and_kept(ends: Ends) -> None:
    for message in (PING, CREATED, "more"):
        ends.server.write(message)
    await ends.session.settle(5)
    assert ends.session.established
    assert [await anext(ends.session) for _ in range(3)] == [PING, CREATED, "more"]
    assert ends.resting == []


async def test_a_silent_server_counts_as_willing_until_it_says_no(ends: Ends) -> None:
    await ends.session.settle(0)
    assert not ends.session.established
    ends.server.write(REFUSAL)
    assert await anext(ends.session) == REFUSAL
    assert ends.resting == ["invalid_api_key: Wrong key."]


async def test_an_error_in_place_of_a_session_is_a_refusal(ends: Ends) -> None:
    ends.server.write(PING)
    ends.server.write(REFUSAL)
    with pytest.raises(UpstreamRefused, match=r"refused it: invalid_api_key: Wrong key\."):
        await ends.session.settle(5)
    assert ends.session.failure is not None
    assert ends.session.failure.kind == "fatal"


async def test_a_server_that_closes_in_place_of_a_session_is_lost(ends: Ends) -> None:
    await ends.server.close(1000, "no")
    with pytest.raises(UpstreamLost, match="it closed with 1000: no") as loss:
        await ends.session.settle(5)
    assert loss.value.code == 1000
    assert ends.resting == ["it closed with 1000: no"]
    assert ends.taken == 0


@pytest.mark.parametrize(("code", "resting"), [(1001, []), (1011, ["it closed with 1011: boom"])])
async def test_how_the_server_ends_a_session_is_told_and_the_place_is_free(
    ends: Ends, code: int, resting: list[str]
) -> None:
    ends.server.write(CREATED)
    await ends.session.settle(5)
    await ends.server.close(code, "boom")
    assert [message async for message in ends.session] == [CREATED]
    assert ends.session.closed == (code, "boom")
    assert (ends.taken, ends.resting) == (0, resting)
    await ends.session.close()
    assert ends.taken == 0


async def test_closing_it_ourselves_is_no_failure(ends: Ends) -> None:
    await ends.session.close(1011, "our own trouble")
    assert [message async for message in ends.session] == []
    assert (ends.taken, ends.resting) == (0, [])


async def test_leaving_its_context_closes_it(ends: Ends) -> None:
    async def work() -> None:
        async with ends.session as session:
            assert session is ends.session
            raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        await work()
    assert [message async for message in ends.server] == []
    assert (ends.server.closed[0], ends.taken) == (1001, 0)


async def test_what_its_owner_finds_out_counts_once(ends: Ends) -> None:
    ends.session.failed(Failure("benign", "it is over"))
    assert ends.resting == []
    ends.session.failed(Failure("elsewhere", "it fell silent"))
    ends.session.failed(Failure("fatal", "and then"))
    assert ends.resting == ["it fell silent"]


@pytest.mark.parametrize("message", ["[]", "not JSON", b"\xff\x00", '{"type": 3}', PING])
async def test_what_is_no_event_shows_no_session(ends: Ends, message: str | bytes) -> None:
    for _ in range(20):
        ends.server.write(message)  # type: ignore[arg-type]
    await ends.session.settle(5)
    assert not ends.session.established
    assert await anext(ends.session) == message
