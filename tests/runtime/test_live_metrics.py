"""What is measured while a process runs, over a real application and real records."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bridged import BridgedCall
from telephony.bridge.calls import Calls
from telephony.bridge.lag import EVERY, LoopLag
from telephony.commands import HangUp
from telephony.errors import UpstreamLost, UpstreamRefused
from telephony.records import CallRecord, Moment
from telephony.runtime.live_metrics import Now, Running
from telephony.server.app import Server
from telephony.settings import LiteLLMParams, ModelEntry
from telephony.store.keeper import RecordKeeper
from telephony.store.memory import MemoryStore
from telephony.upstream.deployment import deployments
from telephony.upstream.failures import Failure
from telephony.upstream.pool import Upstream

SID = "CA42"


def samples(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


def hold_up(seconds: float) -> None:
    """What a tool does that forgets that it is in an event loop."""
    time.sleep(seconds)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def running(registry: CollectorRegistry) -> Running:
    return Running(registry)


@pytest.fixture
def upstream() -> Upstream:
    grok = LiteLLMParams(model="xai/grok", api_base="ws://127.0.0.1:9")
    return Upstream(deployments([ModelEntry(model_name="voice", litellm_params=grok)], {}))


async def test_a_loop_that_is_held_up_is_measured(running: Running, registry: CollectorRegistry) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(LoopLag(running.late).run(), name="lag")
        await asyncio.sleep(0)  # it has begun to wait
        hold_up(3 * EVERY)
        await asyncio.sleep(2 * EVERY)
        task.cancel()
    found = samples(registry)
    assert found["telephony_event_loop_lag_seconds_sum",] >= EVERY
    assert (
        found["telephony_event_loop_lag_seconds_bucket", "le=0.05"] < found["telephony_event_loop_lag_seconds_count",]
    )


def test_sessions_with_models_are_counted_by_how_they_begin_and_fail(
    running: Running, registry: CollectorRegistry, upstream: Upstream
) -> None:
    (grok,) = upstream.balancer.deployments
    running.asked(grok, 0.3, None)
    running.asked(grok, 0.1, UpstreamRefused("no", 401))
    running.asked(grok, 4.0, UpstreamLost("nobody is there"))
    running.failed(grok, Failure("fatal", "the key sk-secret is wrong"))
    running.failed_over(grok)
    running.moments([Moment(1.0, "took over", "first"), Moment(2.0, "lost", "why"), Moment(3.0, "took over", "lost")])
    found = samples(registry)
    connects = [
        found["telephony_upstream_connect_seconds_count", "model=xai/grok", f"outcome={outcome}"]
        for outcome in ("ok", "refused", "lost")
    ]
    assert connects == [1, 1, 1]
    assert found["telephony_upstream_errors_total", "kind=fatal", "model=xai/grok"] == 1
    assert found["telephony_upstream_failovers_total", "model=xai/grok"] == 1
    assert found["telephony_sessions_replaced_total", "why=lost"] == 1


async def test_requests_are_counted_by_route_and_never_by_what_a_stranger_wrote(
    running: Running, registry: CollectorRegistry
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="yes")

    async def refuse(request: web.Request) -> web.Response:
        raise web.HTTPForbidden

    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close(code=1008)
        running.refused()
        return socket

    app = web.Application()
    app.router.add_get("/calls/{id}", answer)
    app.router.add_post("/twilio/voice", refuse)
    app.router.add_get("/twilio/media", stream)
    running.count_requests_of(app)
    server = Server(app, "127.0.0.1", 0)
    await server.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        for path in ("/calls/1", "/calls/2", "/+15550142", "/.env"):
            await session.get(path)
        await session.post("/twilio/voice")
        async with session.ws_connect("/twilio/media") as socket:
            await socket.receive()
    await server.stop()
    found = {key: value for key, value in samples(registry).items() if key[0] == "telephony_requests_total"}
    assert found == {
        ("telephony_requests_total", "code=200", "route=/calls/{id}"): 2,
        ("telephony_requests_total", "code=404", "route=other"): 2,
        ("telephony_requests_total", "code=403", "route=/twilio/voice"): 1,
        ("telephony_requests_total", "code=closed", "route=/twilio/media"): 1,
    }
    assert samples(registry)["telephony_streams_refused_total",] == 1
    assert samples(registry)["telephony_request_seconds_count", "route=/calls/{id}"] == 2


async def test_what_there_is_now_is_read_off_at_each_scrape(
    registry: CollectorRegistry, upstream: Upstream, tmp_path: Path
) -> None:
    async def hang_up(command: HangUp) -> None:
        raise AssertionError

    blocked = tmp_path / "a file where the folder should be"
    blocked.touch()
    store = MemoryStore()
    keeper = RecordKeeper(store, blocked, retries=())
    calls = Calls(keeper, tmp_path, hang_up)
    registry.register(Now(calls, upstream, keeper, lambda: not calls.draining, limit=30))
    before = samples(registry)
    assert before["telephony_ready",] == 1
    assert before["telephony_calls_limit",] == 30
    assert before["telephony_calls_active", "direction=inbound"] == 0
    assert before["telephony_sessions_active", "model=xai/grok"] == 0

    call = BridgedCall()
    call.context.direction = "outbound"
    calls.live[SID] = call.bridge
    calls.draining = True
    lease = upstream.balancer.take("voice", 0.0)
    assert lease is not None
    upstream.balancer.failed(lease, Failure("fatal", "no"), asyncio.get_running_loop().time())
    await keeper.close()
    await keeper.finish(CallRecord("1", "twilio", SID, "desk", from_number="+15550142"))
    found = samples(registry)
    assert found["telephony_ready",] == 0
    assert found["telephony_draining",] == 1
    assert found["telephony_calls_active", "direction=outbound"] == 1
    assert found["telephony_sessions_active", "model=xai/grok"] == 1
    assert found["telephony_upstream_resting",] == 1
    assert found["telephony_writes_waiting",] == 0
    assert found["telephony_unsent_bytes", "to=carrier"] == 0
    assert found["telephony_records_lost_total",] == 0
    assert found["telephony_tasks",] >= 1
    assert not [key for key in found if SID in str(key) or "+1555" in str(key)]
    calls.close()
