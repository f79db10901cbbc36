"""Connections that are begun while the phone rings: who gets them, and what becomes of those that nobody gets.

Time is the loop's own clock, put forward by hand; the connections are links in memory, and one test uses real sockets.
"""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from ringers import CALL, Clock, Provider, cycles, nothing_runs_on
from telephony.bridge.ringing import MOST, PATIENCE, Ringing
from telephony.errors import UpstreamLost, UpstreamRefused
from telephony.links.link import Link
from telephony.settings import LiteLLMParams, ModelEntry
from telephony.sim.model_script import decode_script
from telephony.simulate.model import start_model
from telephony.simulate.voice import Voice
from telephony.upstream import Upstream, resolve
from telephony.upstream.session import Session


@pytest.fixture
def provider() -> Provider:
    return Provider()


# -- the plain ways --------------------------------------------------------------------------------------------------


async def test_what_was_opened_while_it_rang_is_there_when_the_stream_comes(provider: Provider) -> None:
    ringing = Ringing(provider.close)
    assert ringing.expect(CALL, provider.connect())
    provider.accept()
    await cycles()
    with nothing_runs_on():
        link = await ringing.claim(CALL)
    assert link in provider.opened
    await ringing.close()
    assert provider.closed == []
    assert provider.leases == 1


async def test_a_stream_that_comes_sooner_waits_for_the_connection(provider: Provider) -> None:
    ringing = Ringing(provider.close)
    ringing.expect(CALL, provider.connect())
    async with asyncio.TaskGroup() as group:
        claimed = group.create_task(ringing.claim(CALL), name="claim")
        await cycles()
        assert not claimed.done()
        provider.accept()
    assert claimed.result() in provider.opened


async def test_whether_it_comes_about_can_be_waited_for_and_not_for_long(provider: Provider) -> None:
    ringing = Ringing(provider.close)
    await ringing.settled(CALL, 60)  # nothing was begun
    ringing.expect(CALL, provider.connect())
    await ringing.settled(CALL, 0.001)
    async with asyncio.TaskGroup() as group:
        waits = group.create_task(ringing.settled(CALL, 60), name="waits")
        await cycles()
        assert not waits.done()
        provider.accept()
    assert await ringing.claim(CALL) in provider.opened, "it is as it was"


async def test_it_is_claimed_once(provider: Provider) -> None:
    ringing = Ringing(provider.close)
    ringing.expect(CALL, provider.connect())
    provider.accept()
    assert await ringing.claim(CALL) is not None
    assert await ringing.claim(CALL) is None


async def test_where_nothing_was_begun_there_is_nothing_to_claim(provider: Provider) -> None:
    assert await Ringing(provider.close).claim(CALL) is None


@pytest.mark.parametrize("why", [UpstreamRefused("no quota", 429), UpstreamLost("gone"), ZeroDivisionError()])
async def test_whoever_claims_it_hears_why_there_is_none(provider: Provider, why: Exception) -> None:
    ringing = Ringing(provider.close)
    ringing.expect(CALL, provider.connect())
    provider.refuse(why=why)
    with pytest.raises(type(why)):
        await ringing.claim(CALL)
    assert await ringing.claim(CALL) is None
    assert provider.leases == 0
    await ringing.close()


async def test_a_webhook_that_is_posted_twice_begins_one_connection(provider: Provider) -> None:
    ringing = Ringing(provider.close)
    assert ringing.expect(CALL, provider.connect())
    assert ringing.expect(CALL, provider.connect())
    provider.accept()
    assert await ringing.claim(CALL) is not None
    assert provider.asked == [CALL]


async def test_tasks_say_whose_they_are(provider: Provider) -> None:
    ringing = Ringing(provider.close)
    ringing.expect(CALL, provider.connect())
    assert f"{CALL} model while ringing" in {task.get_name() for task in asyncio.all_tasks()}
    await ringing.close()


# -- nobody comes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers", [True, False])
async def test_a_connection_nobody_comes_for_is_closed_in_time(provider: Provider, answers: bool) -> None:
    clock = Clock()
    ringing = Ringing(provider.close)
    with nothing_runs_on(), capture_logs() as logs:
        ringing.expect(CALL, provider.connect())
        if answers:
            provider.accept()
        await clock.forward(PATIENCE - 1)
        assert ringing.count == 1
        await clock.forward(1.1)
        await cycles()
        assert ringing.count == 0
        assert provider.leases == 0
        assert len(provider.closed) == int(answers)
    assert await ringing.claim(CALL) is None
    assert [line["call_id"] for line in logs if "no media stream came" in line["event"]] == [CALL]


async def test_time_does_not_run_out_for_a_call_that_has_come(provider: Provider) -> None:
    clock = Clock()
    ringing = Ringing(provider.close)
    ringing.expect(CALL, provider.connect())
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            claimed = group.create_task(ringing.claim(CALL), name="claim")
            await cycles()
            await clock.forward(2 * PATIENCE)
            provider.accept()
    assert claimed.result() in provider.opened
    assert provider.closed == []
    assert logs == []


@pytest.mark.parametrize("answers", [True, False])
async def test_a_call_that_is_over_needs_no_connection(provider: Provider, answers: bool) -> None:
    ringing = Ringing(provider.close)
    with nothing_runs_on():
        ringing.expect(CALL, provider.connect())
        await cycles()
        if answers:
            provider.accept()
            await cycles()
        ringing.forget(CALL)
        ringing.forget(CALL)
        await cycles()
        assert provider.leases == 0
    assert await ringing.claim(CALL) is None


async def test_a_call_that_has_claimed_is_not_robbed(provider: Provider) -> None:
    ringing = Ringing(provider.close)
    ringing.expect(CALL, provider.connect())
    async with asyncio.TaskGroup() as group:
        claimed = group.create_task(ringing.claim(CALL), name="claim")
        await cycles()
        ringing.forget(CALL)
        provider.accept()
    assert claimed.result() in provider.opened
    assert provider.closed == []


async def test_a_call_that_ends_while_it_waits_leaves_nothing_open(provider: Provider) -> None:
    ringing = Ringing(provider.close)
    for cancelled_after in range(6):
        call = f"CA{cancelled_after}"
        ringing.expect(call, provider.connect(call))
        claimed = asyncio.get_running_loop().create_task(ringing.claim(call), name="claim")
        await asyncio.sleep(0)
        provider.accept(call)
        await cycles(cancelled_after)
        claimed.cancel()
        await asyncio.wait([claimed])
        await cycles()
        if not claimed.cancelled():
            await provider.close(claimed.result() or pytest.fail("nothing was claimed"))
        assert provider.leases == 0, cancelled_after
    assert sorted(map(id, provider.closed)) == sorted(map(id, provider.opened))


async def test_a_failure_nobody_asked_about_is_told_in_the_log(provider: Provider) -> None:
    ringing = Ringing(provider.close)
    with capture_logs() as logs:
        for call, why in (("CA1", UpstreamRefused("no quota", 429)), ("CA2", ZeroDivisionError("a bug"))):
            ringing.expect(call, provider.connect(call))
            provider.refuse(call, why)
        await cycles()
        await ringing.close()
    told = {line["call_id"]: line for line in logs if line["event"].startswith("no model was reached")}
    assert told["CA1"]["error"] == "no quota"
    assert told["CA1"]["exc_info"] is None
    assert isinstance(told["CA2"]["exc_info"], ZeroDivisionError)


# -- limits and the end ----------------------------------------------------------------------------------------------


async def test_beyond_the_limit_calls_are_connected_when_their_stream_comes(provider: Provider) -> None:
    ringing = Ringing(provider.close)
    calls = [f"CA{number}" for number in range(MOST + 1)]
    assert [ringing.expect(call, provider.connect(call)) for call in calls] == [*[True] * MOST, False]
    assert await ringing.claim(calls[-1]) is None
    provider.accept(calls[0])
    await ringing.claim(calls[0])
    assert ringing.expect(calls[-1], provider.connect(calls[-1]))
    await ringing.close()
    assert provider.leases == 1


async def test_what_is_still_being_closed_counts(provider: Provider) -> None:
    ringing = Ringing(provider.close, most=1)
    ringing.expect("CA1", provider.connect("CA1"))
    await cycles()
    ringing.forget("CA1")
    assert not ringing.expect("CA2", provider.connect("CA2"))
    await cycles()
    assert ringing.expect("CA2", provider.connect("CA2"))
    await ringing.close()


async def test_closing_ends_all_and_begins_nothing_more(provider: Provider) -> None:
    ringing = Ringing(provider.close)
    with nothing_runs_on():
        for call in ("open", "connecting", "claimed", "just begun"):
            if call == "just begun":
                await cycles()
            ringing.expect(call, provider.connect(call))
        provider.accept("open")
        claimed = asyncio.get_running_loop().create_task(ringing.claim("claimed"), name="claim")
        await cycles(3)
        await ringing.close()
        with pytest.raises(UpstreamLost, match="stopping"):
            await claimed
        assert provider.leases == 0
        assert not ringing.expect("late", provider.connect("late"))
        await ringing.close()
    assert "late" not in provider.asked


async def test_a_connection_that_does_not_close_is_left_in_the_end(provider: Provider) -> None:
    never = asyncio.Event()

    async def stuck(link: Link) -> None:
        await never.wait()

    clock = Clock()
    ringing = Ringing(stuck)
    with nothing_runs_on(), capture_logs() as logs:
        ringing.expect(CALL, provider.connect())
        provider.accept()
        await cycles()
        closing = asyncio.get_running_loop().create_task(ringing.close(), name="close")
        await cycles()
        assert not closing.done()
        await clock.forward(10)
        await closing
        await cycles()
    assert [line["connections"] for line in logs if line["log_level"] == "error"] == [1]


async def test_a_connection_that_fails_to_close_is_reported(provider: Provider) -> None:
    async def broken(link: Link) -> None:
        raise ZeroDivisionError

    ringing = Ringing(broken)
    with capture_logs() as logs:
        ringing.expect(CALL, provider.connect())
        provider.accept()
        await cycles()
        await ringing.close()
    assert [line["event"] for line in logs] == ["a connection to the model could not be closed"]


# -- over real sockets -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize("when", ["at once", "1 cycle", "3 cycles", "10 cycles", "opened", "claimed"])
async def test_no_lease_and_no_socket_outlives_a_call_that_did_not_come(when: str) -> None:
    async with await start_model(decode_script({"replies": []}), voice=Voice("agent", synthesis=False)) as model:
        entry = ModelEntry(model_name="sim", litellm_params=LiteLLMParams(model="xai/grok", api_base=model.url))
        deployment = resolve(entry, {})
        upstream = Upstream([deployment])
        opened = asyncio.Event()

        async def connect() -> Session:
            session = await upstream.connect("sim", budget=5)
            opened.set()
            return session

        ringing: Ringing[Session] = Ringing(Session.close)
        assert ringing.expect(CALL, connect)
        match when.split():
            case ["claimed"]:
                session = await ringing.claim(CALL)
                assert session is not None
                assert upstream.balancer.sessions(deployment) == 1
                await session.close()
            case ["opened"]:
                await opened.wait()
                ringing.forget(CALL)
            case [count, *_]:
                await cycles(int(count) if count.isdigit() else 0)
                ringing.forget(CALL)
        await ringing.close()
        assert upstream.balancer.sessions(deployment) == 0
